// Runs the jobs of a plan: in order, several at once, each when those it needs have succeeded.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { fromNodeError } from '../platform/system-error.js'
import { Budget, type Limits, type Share } from './budget.js'
import { type Decision, decide, mayBeOurs } from './decide.js'
import { stateOf } from './fingerprint.js'
import type { Plan, PlannedJob } from './plan.js'
import { type BatchReport, isGood, type JobReport, type JobStatus, reportOf, type Verdict } from './report.js'
import type { BatchState } from './state.js'

const INTERRUPTED = 130
/** Of a result and of messages, in the state file. */
const KEPT_CHARACTERS = 4000

/** What a running job tells several times a second. */
export interface JobProgress {
  readonly tilesDone: number
  readonly tilesTotal: number
  readonly etaSeconds: number
}

export interface BatchContext {
  /** Runs a command line in a process of its own. Never rejects. */
  readonly runJob: (argv: readonly string[], onProgress: (progress: JobProgress) => void) => Promise<Verdict>
  /** No more jobs start when it is aborted. */
  readonly signal: AbortSignal
  readonly onStart?: (job: PlannedJob) => void
  readonly onProgress?: (job: PlannedJob, progress: JobProgress) => void
  readonly onEnd?: (report: JobReport) => void
}

interface Ready {
  readonly index: number
  readonly decision: Decision
}

/**
 * Runs what has to run. A job that fails does not stop the others, unless `failFast` is true: then no more start.
 * @throws DISK_FULL, SYSTEM when the state cannot be written
 */
export async function runBatch(
  plan: Plan,
  state: BatchState,
  limits: Limits,
  failFast: boolean,
  context: BatchContext,
): Promise<BatchReport> {
  const began = performance.now()
  const run = new Run(plan, state, limits, failFast, context)
  await run.finish()
  return reportOf(run.reports(), context.signal.aborted, (performance.now() - began) / 1000)
}

class Run {
  readonly #plan: Plan
  readonly #state: BatchState
  readonly #context: BatchContext
  readonly #budget: Budget
  readonly #failFast: boolean
  readonly #followers: readonly number[][]
  /** Number of jobs that each waits for. */
  readonly #waiting: number[]
  /** Jobs that may start, the last one first. */
  readonly #free: number[]
  /** The next ones, known to have to run. */
  readonly #next: Ready[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #reports = new Map<number, JobReport>()
  #isStopping = false
  #failure: { error: unknown } | undefined

  constructor(plan: Plan, state: BatchState, limits: Limits, failFast: boolean, context: BatchContext) {
    this.#plan = plan
    this.#state = state
    this.#context = context
    this.#budget = new Budget(limits)
    this.#failFast = failFast
    this.#waiting = plan.jobs.map(({ needs }) => needs.length)
    this.#followers = plan.jobs.map(() => [])
    for (const [i, { needs }] of plan.jobs.entries()) for (const need of needs) this.#followers[need]!.push(i)
    this.#free = [...plan.jobs.keys()].filter((i) => this.#waiting[i] === 0).reverse()
  }

  async finish(): Promise<void> {
    for (;;) {
      await this.#lookAhead()
      while (this.#startOne()) {}
      if (this.#running.size === 0 && (this.#isOver() || this.#next.length === 0)) break
      await Promise.race(this.#running)
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  reports(): JobReport[] {
    return this.#plan.jobs.map((job, i) => this.#reports.get(i) ?? entry(job, 'not started', ''))
  }

  #isOver(): boolean {
    return this.#isStopping || this.#context.signal.aborted || this.#failure !== undefined
  }

  /** Decides on as many jobs as could start. */
  async #lookAhead(): Promise<void> {
    while (this.#next.length < this.#budget.free && !this.#isOver()) {
      const index = this.#free.pop()
      if (index === undefined) return
      const job = this.#plan.jobs[index]!
      const last = this.#state.get(job.key)
      const decision = await decide(job, this.#plan.base, last)
      if (decision.action === 'run') this.#next.push({ index, decision })
      else if (decision.action === 'skip') this.#settle(index, 'skipped', decision.why, last?.verdict)
      else this.#settle(index, 'failed', decision.why, missingInput(decision.why))
    }
  }

  #startOne(): boolean {
    const [first] = this.#next
    if (first === undefined || this.#isOver()) return false
    const { own, takes } = this.#plan.jobs[first.index]!.line
    const share = this.#budget.take({ isParallel: takes.threads, ...own }, this.#next.length)
    if (share === undefined) return false
    this.#next.shift()
    const running = this.#run(first, share)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#budget.giveBack(share)
        this.#running.delete(running)
      })
    this.#running.add(running)
    return true
  }

  async #run({ index, decision }: Ready, share: Share): Promise<void> {
    const job = this.#plan.jobs[index]!
    const { fingerprint, before, ours, why } = decision
    const base = { job: job.key, fingerprint, before }
    this.#state.add({ ...base, event: 'started', ours })
    this.#context.onStart?.(job)
    const verdict = await this.#attempt(job, decision, share)
    if (verdict.exitCode === INTERRUPTED && this.#context.signal.aborted) {
      this.#settle(index, 'interrupted', why, verdict)
      return
    }
    const now = job.output === undefined ? undefined : stateOf(job.output)
    const isOurs = isGood(verdict) || (now !== before && mayBeOurs(before, ours))
    this.#state.add({ ...base, event: 'ended', ours: isOurs ? now : ours, verdict: inShort(verdict) })
    this.#settle(index, isGood(verdict) ? 'done' : 'failed', why, verdict)
  }

  async #attempt(job: PlannedJob, decision: Decision, share: Share): Promise<Verdict> {
    const { argv, takes } = job.line
    try {
      if (job.line.output !== undefined) mkdirSync(dirname(job.output!), { recursive: true })
    } catch (error) {
      return failure(fromNodeError(error, 'mkdir', dirname(job.output!)))
    }
    const words = [...argv]
    if (takes.threads) words.push(`--threads=${share.threads}`)
    if (takes.memLimit) words.push(`--mem-limit=${share.memLimit}`)
    if (takes.overwrite && decision.mayReplace) words.push('--overwrite')
    const tell = (progress: JobProgress): void => this.#context.onProgress?.(job, progress)
    const resumes = takes.resume && decision.mayResume
    const verdict = await this.#context.runJob(resumes ? [...words, '--resume'] : words, tell)
    // there is nothing that can be continued: from the start then
    if (resumes && verdict.code === 'NOT_RESUMABLE') return await this.#context.runJob(words, tell)
    return verdict
  }

  #settle(index: number, status: JobStatus, why: string, verdict: Verdict | undefined): void {
    this.#tell(index, status, why, verdict)
    if (status === 'failed' && this.#failFast) this.#isStopping = true
    if (status === 'done' || status === 'skipped') {
      for (const next of this.#followers[index]!) if (--this.#waiting[next]! === 0) this.#insert(next)
    } else if (status === 'failed') this.#block(index)
  }

  /** What needs a failed job does not run, and neither does what needs that. */
  #block(failed: number): void {
    const causes = [failed]
    for (let cause = causes.pop(); cause !== undefined; cause = causes.pop())
      for (const next of this.#followers[cause]!) {
        if (this.#reports.has(next)) continue
        this.#tell(next, 'blocked', `needs ${this.#plan.jobs[cause]!.name}, which did not succeed`, undefined)
        causes.push(next)
      }
  }

  #tell(index: number, status: JobStatus, why: string, verdict: Verdict | undefined): void {
    const report = entry(this.#plan.jobs[index]!, status, why, verdict)
    this.#reports.set(index, report)
    this.#context.onEnd?.(report)
  }

  /** Keeps the order of the file. */
  #insert(index: number): void {
    let at = this.#free.length
    while (at > 0 && this.#free[at - 1]! < index) at--
    this.#free.splice(at, 0, index)
  }
}

function entry(job: PlannedJob, status: JobStatus, why: string, verdict?: Verdict): JobReport {
  const { name, command, line } = job
  return { name, command, argv: line.argv, output: line.output ?? line.changes, status, why, verdict }
}

const missingInput = (why: string): Verdict => ({
  exitCode: 1,
  code: 'NOT_FOUND',
  message: `${why}.`,
  seconds: 0,
})

function failure(error: unknown): Verdict {
  const { code, message } = error as FlagstoneError
  return { exitCode: 1, code: error instanceof FlagstoneError ? code : undefined, message, seconds: 0 }
}

/** What the state file keeps of a verdict. */
function inShort({ result, stdout: _, stderr, ...rest }: Verdict): Verdict {
  const isShort = JSON.stringify(result ?? null).length <= KEPT_CHARACTERS
  const isBad = !isGood(rest)
  return {
    ...rest,
    ...(isShort ? { result } : {}),
    ...(isBad ? { stderr: stderr?.slice(-KEPT_CHARACTERS) } : {}),
  }
}
