// The jobs of a batch, checked as a whole before the first starts.
import { FlagstoneError } from '../errors.js'
import { statOf } from '../platform/regular-file.js'
import type { CommandLine, Commands, LineText } from './commands.js'
import type { BatchText, JobText, OptionTexts } from './options.js'
import { bad, type Draft, list, orderOf, refuseCircles } from './order.js'
import { ancestorsOf, Paths } from './paths.js'
import { absolute, expandJob, isUrl } from './patterns.js'

export interface PlannedJob {
  readonly name: string
  /** What the state file calls it: its output, so that another name does not make it another job. */
  readonly key: string
  readonly command: string
  /** Where it is written, for messages. */
  readonly place: string
  readonly line: CommandLine
  /** Indexes of the jobs that must end well before. */
  readonly needs: readonly number[]
  /** Absolute path of the file that it creates, or changes. */
  readonly output: string | undefined
  /** Inputs that do not exist, and that no other job creates. */
  readonly missing: readonly string[]
}

export interface Plan {
  /** The folder where relative paths start. */
  readonly base: string
  readonly jobs: readonly PlannedJob[]
}

export interface Planned extends BatchText {
  /** Options of all jobs, as words of a command line. */
  readonly words?: readonly string[]
  readonly base: string
  readonly placeOf: (job: number) => string
  readonly signal?: AbortSignal | undefined
}

/** Options by one spelling: those of the job replace the defaults, however they are spelled. */
const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function merged(defaults: OptionTexts | undefined, own: OptionTexts | undefined): OptionTexts {
  const all = [...Object.entries(defaults ?? {}), ...Object.entries(own ?? {})]
  return Object.fromEntries(all.map(([name, value]) => [dashed(name), value]))
}

/** @throws BAD_OPTION when the jobs cannot be run as they are written */
export async function planBatch(batch: Planned, commands: Commands): Promise<Plan> {
  const { base } = batch
  for (const command of Object.keys(batch.defaults ?? {})) await commands.shape(command)
  const drafts: Draft[] = []
  const made: string[] = []
  for (const [i, job] of batch.jobs.entries()) {
    const place = batch.placeOf(i)
    try {
      for (const draft of await draftsOf(job, batch, commands, made, place)) {
        drafts.push(draft)
        made.push(...list(draft.line.output), ...draft.line.alsoCreated)
      }
    } catch (error) {
      throw placed(error, place)
    }
  }
  refuseTwins(drafts)
  const paths = new Paths(base)
  const order = orderOf(drafts, paths)
  refuseCircles(drafts, order)
  const created = new Set(made.map((path) => paths.real(path)))
  const jobs = drafts.map(({ name, text, line, place }, i): PlannedJob => {
    const target = line.output ?? line.changes
    const missing = line.inputs.filter((path) => !isThere(path, paths, created))
    const output = target === undefined ? undefined : absolute(base, target)
    return {
      name,
      key: line.output ?? name,
      command: text.command,
      place,
      line,
      needs: [...order[i]!],
      output,
      missing,
    }
  })
  return { base, jobs }
}

async function draftsOf(
  job: JobText,
  { base, defaults, words = [], signal }: Planned,
  commands: Commands,
  made: readonly string[],
  place: string,
): Promise<Draft[]> {
  const options = merged(defaults?.[job.command], job.options)
  const input = list(job.input).map(String)
  const text: LineText = { command: job.command, input, output: job.output, options, words }
  const lines = await expandJob(text, await commands.shape(job.command), base, made, signal)
  const drafts: Draft[] = []
  for (const one of lines) {
    const line = await commands.line(one)
    const own = line.output ?? line.argv.join(' ')
    // the name of a pattern is that of all its jobs together
    const name = lines.length === 1 ? (job.name ?? own) : own
    drafts.push({ name, group: job.name, text: one, line, place, asked: list(job.needs) })
  }
  return drafts
}

function placed(error: unknown, place: string): unknown {
  if (!(error instanceof FlagstoneError) || error.code === 'INTERRUPTED') return error
  const { code, message, path } = error
  return new FlagstoneError(code, `${place}: ${message}`, { path, cause: error })
}

function isThere(path: string, paths: Paths, created: ReadonlySet<string>): boolean {
  if (isUrl(path)) return true
  const real = paths.real(path.replace(/^@/, ''))
  if (created.has(real) || statOf(real) !== undefined) return true
  // a file in a folder that another job creates
  return ancestorsOf(real).some((folder) => created.has(folder))
}

/** @throws BAD_OPTION when two jobs have one name */
function refuseTwins(drafts: readonly Draft[]): void {
  const seen = new Map<string, Draft>()
  for (const draft of drafts) {
    const other = seen.get(draft.name)
    if (other !== undefined) throw twins(draft, other)
    seen.set(draft.name, draft)
  }
  const groups = new Map<string, Draft>()
  for (const draft of drafts) {
    if (draft.group === undefined || draft.group === draft.name) continue
    const other = seen.get(draft.group) ?? groups.get(draft.group)
    if (other !== undefined && other.place !== draft.place) throw sameName(draft.group, draft, other)
    groups.set(draft.group, draft)
  }
}

function twins(draft: Draft, other: Draft): FlagstoneError {
  const { name, place, line, text } = draft
  if (line.output !== name || other.line.output !== name) return sameName(name, draft, other)
  return bad(
    `${place}: two jobs create ${name}, from ${other.text.input[0]} and from ${text.input[0]}; use {name}, {dir} and {ext} to tell their outputs apart.`,
  )
}

const sameName = (name: string, draft: Draft, other: Draft): FlagstoneError =>
  bad(`${draft.place}: there is another job '${name}', at ${other.place}; give one of them another name.`)
