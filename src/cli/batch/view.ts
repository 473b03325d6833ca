// The progress of a batch: on a terminal a line for each running job and one for all, elsewhere a line for each job that
// ends and, from time to time, one for all.
//
// Invariant: as in progress.ts, the terminal's settings are never changed.
import type { PlannedJob } from '../../batch/plan.js'
import type { JobReport } from '../../batch/report.js'
import type { JobProgress } from '../../batch/run.js'
import { formatDuration } from '../format.js'
import { type CommonOptions, type Io, say } from '../io.js'
import { oneLine } from '../printable.js'
import { firstSentence } from './table.js'

const PLAIN_EVERY_MS = 10_000
const DRAW_EVERY_MS = 200
const MOST_LINES = 8
const DEFAULT_COLUMNS = 80

export interface BatchView {
  start(job: PlannedJob): void
  progress(job: PlannedJob, progress: JobProgress): void
  end(report: JobReport): void
  /** Prints a message. */
  note(sentence: string): void
  stop(): void
}

interface Running {
  readonly began: number
  share: number
  left: number
}

export function batchView(io: Io, options: CommonOptions, total: number): BatchView {
  if (options.quiet === true) return { start() {}, progress() {}, end() {}, note() {}, stop() {} }
  return new View(io, options, total)
}

class View implements BatchView {
  readonly #io: Io
  readonly #options: CommonOptions
  readonly #total: number
  readonly #running = new Map<string, Running>()
  readonly #timer: NodeJS.Timeout
  readonly #began = performance.now()
  #ended = 0
  #skipped = 0
  #failed = 0
  /** Lines on the terminal that are drawn again. */
  #drawn = 0

  constructor(io: Io, options: CommonOptions, total: number) {
    this.#io = io
    this.#options = options
    this.#total = total
    this.#timer = setInterval(() => this.#tick(), io.isTerminal ? DRAW_EVERY_MS : PLAIN_EVERY_MS)
  }

  start({ name }: PlannedJob): void {
    this.#running.set(name, { began: performance.now(), share: 0, left: Number.NaN })
  }

  progress({ name }: PlannedJob, { tilesDone, tilesTotal, etaSeconds }: JobProgress): void {
    const job = this.#running.get(name)
    if (job === undefined) return
    job.share = Math.min(1, tilesDone / Math.max(1, tilesTotal))
    job.left = etaSeconds
  }

  end({ name, status, verdict, why }: JobReport): void {
    this.#running.delete(name)
    this.#ended++
    if (status === 'skipped') this.#skipped++
    if (status === 'failed') this.#failed++
    const count = `[${String(this.#ended).padStart(String(this.#total).length)}/${this.#total}]`
    const time = status === 'done' && verdict !== undefined ? ` in ${formatDuration(verdict.seconds)}` : ''
    const reason =
      status === 'done' || status === 'interrupted' ? '' : `: ${firstSentence(verdict?.message) ?? why}`
    // hundreds of skipped jobs are of no interest one by one
    if (status === 'skipped' && this.#options.verbose !== true) return
    this.note(`${count} ${status} ${name}${time}${reason}`)
  }

  note(sentence: string): void {
    this.#erase()
    say(this.#io, this.#options, sentence)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#erase()
  }

  #tick(): void {
    if (this.#running.size === 0) return
    if (!this.#io.isTerminal) {
      const jobs = [...this.#running].slice(0, MOST_LINES).map(([name, job]) => `${name}${percentOf(job)}`)
      say(this.#io, this.#options, `${this.#summary()}: ${jobs.join(', ')}`)
      return
    }
    const columns = (this.#io.columns?.() ?? DEFAULT_COLUMNS) - 1
    const jobs = [...this.#running].slice(0, MOST_LINES).map(([name, job]) => lineOf(name, job, columns))
    const lines = [...jobs, this.#summary()].map((line) => oneLine(line).slice(0, columns))
    const terminal = this.#io.terminal ?? this.#io.stderr
    this.#erase()
    this.#drawn = lines.length
    terminal.write(`${lines.join('\n')}\n`)
  }

  #erase(): void {
    const terminal = this.#io.terminal ?? this.#io.stderr
    // up, and everything below is erased
    if (this.#drawn > 0) terminal.write(`\r\x1b[${this.#drawn}A\x1b[J`)
    this.#drawn = 0
  }

  #summary(): string {
    const failed = this.#failed > 0 ? `, ${this.#failed} failed` : ''
    const left = this.#left()
    const time = left === undefined ? '' : `, ${formatDuration(left)} left`
    return `${this.#ended} of ${this.#total} jobs ended${failed}, ${this.#running.size} running${time}`
  }

  /** Seconds, as if all jobs were alike, but no less than a running one needs; undefined until one has ended. */
  #left(): number | undefined {
    const done = this.#ended - this.#skipped
    if (done === 0) return undefined
    const running = [...this.#running.values()]
    const part = (done + running.reduce((sum, { share }) => sum + share, 0)) / (this.#total - this.#skipped)
    const alike = (((performance.now() - this.#began) / 1000) * (1 - part)) / part
    return Math.max(alike, ...running.map(({ left }) => left).filter(Number.isFinite))
  }
}

/** ' 45 %'; not every command tells how far it is. */
const percentOf = ({ share }: Running): string => (share === 0 ? '' : ` ${Math.floor(100 * share)} %`)

function lineOf(name: string, job: Running, columns: number): string {
  const { began, left } = job
  const percent = percentOf(job).padStart(5)
  const time = Number.isFinite(left)
    ? `${formatDuration(left)} left`
    : formatDuration((performance.now() - began) / 1000)
  const room = columns - percent.length - time.length - 4
  const shown = name.length > room ? `..${name.slice(-Math.max(1, room - 2))}` : name
  return `${percent}  ${shown.padEnd(Math.max(0, room))}  ${time}`
}
