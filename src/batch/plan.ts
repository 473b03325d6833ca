// The jobs of a batch and their order, checked as a whole before the first starts.
//
// Invariants: no two jobs create one file, none creates a file that it reads, and a job that reads what another creates
// or changes waits for it.
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { statOf } from '../platform/regular-file.js'
import { didYouMean } from '../store/nearest.js'
import type { CommandLine, Commands, LineText } from './commands.js'
import type { BatchText, JobText, OptionTexts } from './options.js'
import { absolute, expandJob, isUrl } from './patterns.js'

export interface PlannedJob {
  readonly name: string
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
}

interface Draft {
  readonly name: string
  readonly text: LineText
  readonly line: CommandLine
  readonly place: string
  readonly asked: readonly string[]
}

const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T]

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
    return { name, command: text.command, place, line, needs: [...order[i]!], output, missing }
  })
  return { base, jobs }
}

async function draftsOf(
  job: JobText,
  { base, defaults, words = [] }: Planned,
  commands: Commands,
  made: readonly string[],
  place: string,
): Promise<Draft[]> {
  const options = merged(defaults?.[job.command], job.options)
  const input = list(job.input).map(String)
  const text: LineText = { command: job.command, input, output: job.output, options, words }
  const lines = await expandJob(text, await commands.shape(job.command), base, made)
  if (job.name !== undefined && lines.length > 1)
    throw bad(
      `one name, '${job.name}', for ${lines.length} jobs; leave out name, they are called by their outputs.`,
    )
  const drafts: Draft[] = []
  for (const one of lines) {
    const line = await commands.line(one)
    const name = job.name ?? line.output ?? line.argv.join(' ')
    drafts.push({ name, text: one, line, place, asked: list(job.needs) })
  }
  return drafts
}

const bad = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

function placed(error: unknown, place: string): unknown {
  if (!(error instanceof FlagstoneError)) return error
  const { code, message, path } = error
  return new FlagstoneError(code, `${place}: ${message}`, { path, cause: error })
}

/** Real paths, each looked up once. */
class Paths {
  readonly #base: string
  readonly #folders = new Map<string, string>()
  readonly #known = new Map<string, string>()

  constructor(base: string) {
    this.#base = base
  }

  /** With links followed as far as the path exists. */
  real(path: string): string {
    const found = this.#known.get(path)
    if (found !== undefined) return found
    const whole = absolute(this.#base, path)
    const real = realOf(whole) ?? join(this.#folder(dirname(whole)), basename(whole))
    this.#known.set(path, real)
    return real
  }

  #folder(path: string): string {
    let found = this.#folders.get(path)
    if (found === undefined) {
      found =
        realOf(path) ?? (path === dirname(path) ? path : join(this.#folder(dirname(path)), basename(path)))
      this.#folders.set(path, found)
    }
    return found
  }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function isThere(path: string, paths: Paths, created: ReadonlySet<string>): boolean {
  if (isUrl(path)) return true
  const real = paths.real(path.replace(/^@/, ''))
  if (created.has(real) || statOf(real) !== undefined) return true
  // a file in a folder that another job creates
  return ancestorsOf(real).some((folder) => created.has(folder))
}

function ancestorsOf(path: string): string[] {
  const found: string[] = []
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) found.push(at)
  return found
}

/** @throws BAD_OPTION when two jobs have one name */
function refuseTwins(drafts: readonly Draft[]): void {
  const seen = new Map<string, Draft>()
  for (const draft of drafts) {
    const other = seen.get(draft.name)
    if (other !== undefined) {
      const isFile = draft.line.output === draft.name && other.line.output === draft.name
      throw bad(
        isFile
          ? `${draft.place}: two jobs create ${draft.name}, from ${other.text.input[0]} and from ${draft.text.input[0]}; use {name}, {dir} and {ext} to tell their outputs apart.`
          : `${draft.place}: there is another job '${draft.name}', at ${other.place}; give one of them another name.`,
      )
    }
    seen.set(draft.name, draft)
  }
}

/** For each job the jobs it waits for. @throws BAD_OPTION */
function orderOf(drafts: readonly Draft[], paths: Paths): Set<number>[] {
  const numbers = new Map(drafts.map(({ name }, i) => [name, i]))
  const order = drafts.map(({ asked, place }) => new Set(asked.map((name) => numberOf(name, numbers, place))))
  const makers = makersOf(drafts, paths)
  const readers = readersOf(drafts, paths)
  const wait = (reader: number, maker: number | undefined): void => {
    if (maker !== undefined && reader !== maker) order[reader]!.add(maker)
  }
  // a reader of a folder waits for what is created in it, a reader inside a folder for the folder
  for (const [real, maker] of makers)
    for (const path of [real, ...ancestorsOf(real)])
      for (const reader of readers.get(path) ?? []) wait(reader, maker)
  for (const [real, those] of readers)
    for (const folder of ancestorsOf(real)) for (const reader of those) wait(reader, makers.get(folder))
  orderChanges(drafts, paths, readers, order)
  return order
}

/** Which job creates a file, by its real path. @throws BAD_OPTION when two do, or one reads what it creates */
function makersOf(drafts: readonly Draft[], paths: Paths): Map<string, number> {
  const makers = new Map<string, number>()
  for (const [i, { line, place, text }] of drafts.entries())
    for (const path of [...list(line.output), ...line.alsoCreated]) {
      const real = paths.real(path)
      const other = makers.get(real)
      if (other !== undefined)
        throw bad(
          `${place}: ${path} is also created by ${drafts[other]!.name}; choose another name for one of them.`,
        )
      if (text.input.some((input) => paths.real(input) === real))
        throw bad(`${place}: ${path} is also an input of this job; choose another name for the output.`)
      makers.set(real, i)
    }
  return makers
}

function numberOf(name: string, numbers: ReadonlyMap<string, number>, place: string): number {
  const found = numbers.get(name)
  if (found !== undefined) return found
  throw bad(`${place}: needs: there is no job '${name}'${didYouMean(name, [...numbers.keys()])}.`)
}

function readersOf(drafts: readonly Draft[], paths: Paths): Map<string, number[]> {
  const readers = new Map<string, number[]>()
  for (const [i, { line }] of drafts.entries())
    for (const path of [...line.inputs, ...line.maybeInputs, ...list(line.changes)]) {
      if (isUrl(path)) continue
      const real = paths.real(path.replace(/^@/, ''))
      readers.set(real, [...(readers.get(real) ?? []), i])
    }
  return readers
}

/** A job that changes a file waits for those before it that read or change it, and those after it wait for it. */
function orderChanges(
  drafts: readonly Draft[],
  paths: Paths,
  readers: ReadonlyMap<string, readonly number[]>,
  order: readonly Set<number>[],
): void {
  for (const [i, { line }] of drafts.entries()) {
    if (line.changes === undefined) continue
    for (const other of readers.get(paths.real(line.changes)) ?? []) {
      if (other < i) order[i]!.add(other)
      if (other > i) order[other]!.add(i)
    }
  }
}

/** @throws BAD_OPTION when jobs wait for each other */
function refuseCircles(drafts: readonly Draft[], order: readonly ReadonlySet<number>[]): void {
  const waiting = order.map((needs) => needs.size)
  const followers = order.map((): number[] => [])
  for (const [i, needs] of order.entries()) for (const need of needs) followers[need]!.push(i)
  const ready = [...waiting.keys()].filter((i) => waiting[i] === 0)
  for (let i = ready.pop(); i !== undefined; i = ready.pop())
    for (const next of followers[i]!) if (--waiting[next]! === 0) ready.push(next)
  const stuck = drafts.filter((_, i) => waiting[i]! > 0)
  if (stuck.length === 0) return
  const names = stuck.slice(0, 3).map(({ name }) => `'${name}'`)
  throw bad(
    `${stuck[0]!.place}: these jobs wait for each other: ${names.join(', ')}${stuck.length > 3 ? ' …' : ''}; remove one of their needs.`,
  )
}
