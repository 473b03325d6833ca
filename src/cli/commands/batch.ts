// `flagstone batch`: many jobs of any command, from a file or from patterns.
import { createHash } from 'node:crypto'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { Command } from 'commander'
import { limitsOf } from '../../batch/budget.js'
import { readJobsFile } from '../../batch/jobs-file.js'
import { type Plan, type Planned, planBatch } from '../../batch/plan.js'
import type { BatchReport } from '../../batch/report.js'
import { runBatch } from '../../batch/run.js'
import { BatchState } from '../../batch/state.js'
import { FlagstoneError } from '../../errors.js'
import { describeForeseen, foresee } from '../batch/dry-run.js'
import { jobCommand, jobCommands, splitLine } from '../batch/lines.js'
import { WorkerPool } from '../batch/pool.js'
import { checkReport, writeReport } from '../batch/report-file.js'
import { describeReport } from '../batch/table.js'
import { batchView } from '../batch/view.js'
import {
  type CommandTable,
  type CommonOptions,
  type Context,
  EXIT,
  type Io,
  print,
  printJson,
  say,
} from '../io.js'
import { parseBytes, parseInteger, parseThreads } from '../parse.js'

interface BatchOptions extends CommonOptions {
  readonly threads?: number
  readonly memLimit?: number
  readonly jobs?: number
  readonly failFast?: boolean
  readonly state?: string
  readonly report?: string
  readonly dryRun?: boolean
}

/** For the processes of an earlier batch that was killed. */
const WAIT_MS = 30_000
/** Of the memory of the machine, if --mem-limit does not say how much. */
const MEMORY_SHARE = 0.75

export function batchCommand(context: Context): Command {
  return new Command('batch')
    .description('run many jobs of any command: from a file, or one for each file that a pattern matches')
    .usage('[options] JOBS.yaml | COMMAND INPUT… [OUTPUT] [options of the command]')
    .argument(
      '<words...>',
      'a jobs file; or a command, its inputs (patterns), its output with {name}, {dir} or {ext}, and its options',
    )
    .allowUnknownOption()
    .option('-j, --threads <n>', 'threads of all jobs together (default: all cores)', parseThreads)
    .option(
      '--mem-limit <size>',
      'memory of all jobs together, e.g. 4G (default: 75 % of the machine)',
      parseBytes,
    )
    .option('--jobs <n>', 'most jobs at once (default: one per thread)', parseInteger(1, 256))
    .option('--fail-fast', 'start no more jobs after one has failed')
    .option('--dry-run', 'show which jobs would run, and why; run nothing')
    .option('--state <file>', 'file that remembers which jobs are done (default: JOBS.yaml.state)')
    .option('--report <file>', 'write a report as JSON')
    .addHelpText('after', HELP)
    .action(async (words: string[], options: BatchOptions) => {
      const limits = limitsOf(
        options.threads ?? availableParallelism(),
        options.memLimit ?? memory(),
        options.jobs,
      )
      const { batch, state } = await batchOf(context.table, words)
      const plan = await planBatch({ ...batch, signal: context.io.signal }, jobCommands(context.table))
      const statePath = options.state ?? state
      if (options.dryRun === true) {
        const jobs = await foresee(plan, BatchState.peek(statePath))
        if (options.json === true) printJson(context.io, { jobs })
        else print(context.io, describeForeseen(jobs))
        if (jobs.some(({ action }) => action === 'fail')) context.exitCode = EXIT.FAILED
        return
      }
      if (options.report !== undefined) checkReport(options.report)
      const report = await reallyRun(context.io, plan, statePath, limits, options)
      context.exitCode = exitCodeOf(report)
      try {
        if (options.report !== undefined) writeReport(options.report, report)
      } finally {
        // also when the file cannot be written
        if (options.json === true) printJson(context.io, report)
        else print(context.io, describeReport(report, options.quiet === true))
      }
    })
}

const HELP = `
A job is done once: it runs again when its inputs, its options or its output have changed, or when it failed.
Run the same command again to continue after Ctrl-C, a crash or a failure.

Examples:
  flagstone batch jobs.yaml
  flagstone batch jobs.yaml --dry-run                     what would run, and why
  flagstone batch jobs.yaml --report report.json --threads 8 --mem-limit 8G
  flagstone batch build 'in/*.tif' 'out/{name}.pmtiles' --max-zoom 18
  flagstone batch convert 'in/**/*.mbtiles' 'out/{dir}/{name}.pmtiles' --overwrite
  flagstone batch verify 'out/*.pmtiles'

A jobs file:
  jobs:
    - { command: build, input: in/*.tif, output: "out/{name}.pmtiles", options: { max-zoom: 18 } }
    - { command: verify, input: out/*.pmtiles }

Exit codes: 0 all jobs succeeded, 1 some failed, 2 wrong usage (nothing ran), 4 success with losses,
130 interrupted (run it again to continue).`

function memory(): number {
  const constrained = process.constrainedMemory?.() ?? 0
  const all = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.floor(all * MEMORY_SHARE)
}

/** The jobs of a command line, and where their state is kept if nothing else is asked for. */
async function batchOf(
  table: CommandTable,
  words: readonly string[],
): Promise<{ batch: Planned; state: string }> {
  const [first = '', ...rest] = words
  if ((await table.named(first)) !== undefined) return fromPatterns(table, first, rest)
  const [more] = rest
  if (more !== undefined) {
    throw new FlagstoneError(
      'BAD_OPTION',
      more.startsWith('-')
        ? `batch has no option ${more}; options of jobs are written in ${first}, under options or defaults.`
        : `batch takes one jobs file, or a command and its arguments; ${first} is no command, and ${more} follows it.`,
    )
  }
  const file = readJobsFile(first, process.env)
  return { batch: { ...file, base: dirname(resolve(first)) }, state: `${first}.state` }
}

async function fromPatterns(
  table: CommandTable,
  name: string,
  rest: readonly string[],
): Promise<{ batch: Planned; state: string }> {
  const command = await jobCommand(table, name)
  const { makesOutput } = await jobCommands(table).shape(name)
  const { paths, options } = splitLine(command, rest)
  const input = makesOutput ? paths.slice(0, -1) : paths
  if (input.length === 0)
    throw new FlagstoneError(
      'BAD_OPTION',
      `batch ${name} needs ${makesOutput ? "inputs and an output, such as 'in/*' 'out/{name}.pmtiles'" : "inputs, such as 'out/*.pmtiles'"}.`,
    )
  const job = {
    command: name,
    input: [...input],
    ...(makesOutput ? { output: paths.at(-1)! } : {}),
    options: {},
  }
  const key = createHash('sha256')
    .update(JSON.stringify([name, paths]))
    .digest('hex')
    .slice(0, 8)
  const batch = { jobs: [job], words: options, base: process.cwd(), placeOf: () => 'batch' }
  return { batch, state: `flagstone-batch-${key}.state` }
}

async function reallyRun(
  io: Io,
  plan: Plan,
  statePath: string,
  limits: ReturnType<typeof limitsOf>,
  options: BatchOptions,
): Promise<BatchReport> {
  const state = await BatchState.open(statePath, WAIT_MS, io.signal, () =>
    say(io, options, `Waiting for the jobs of an earlier batch (${statePath} is locked).`),
  )
  const pool = new WorkerPool(plan.base, state.fd, limits.memLimit / limits.jobs)
  const view = batchView(io, options, plan.jobs.length)
  const onAbort = (): void => {
    if (io.isTerminal) view.note('Stopping the running jobs; press Ctrl-C again to stop now.')
    pool.abort()
  }
  io.signal.addEventListener('abort', onAbort, { once: true })
  io.onForcedStop?.(() => {
    pool.kill()
    view.note('Stopped. Run the same command again to continue.')
  })
  try {
    return await runBatch(plan, state, limits, options.failFast === true, {
      runJob: (argv, onProgress) => pool.run(argv, onProgress),
      signal: io.signal,
      onStart: (job) => view.start(job),
      onProgress: (job, progress) => view.progress(job, progress),
      onEnd: (report) => view.end(report),
    })
  } finally {
    view.stop()
    io.signal.removeEventListener('abort', onAbort)
    await pool.close()
    state.close()
  }
}

function exitCodeOf({ counts, interrupted, jobs }: BatchReport): number {
  if (interrupted && counts.interrupted + counts['not started'] > 0) return EXIT.INTERRUPTED
  if (counts.failed + counts.blocked > 0) return EXIT.FAILED
  return jobs.some(({ verdict }) => verdict?.exitCode === EXIT.LOSSES) ? EXIT.LOSSES : EXIT.OK
}
