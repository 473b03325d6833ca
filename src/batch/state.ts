// What became of the jobs, in a file that outlives the batch: one line of JSON for each event, appended and synced.
//
// Invariants: a job's start is durable before it starts, its end before the batch counts it. A line that a crash has
// torn is the last and is cut off. The file is locked, and every process of a batch has the lock: it is free when the
// last of them has ended.
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { FlagstoneError } from '../errors.js'
import { tryLock } from '../platform/locks.js'
import { requireRegularSync } from '../platform/regular-file.js'
import { removeFile, syncDirectory } from '../platform/rename.js'
import { fromNodeError } from '../platform/system-error.js'
import type { Verdict } from './report.js'

const HEAD = '{"flagstone":"batch state","version":1}\n'
const COMPACT_BYTES = 2 ** 20
const EVERY_MS = 50

/** The last event of a job. */
export interface JobState {
  readonly job: string
  readonly event: 'started' | 'ended'
  readonly fingerprint: string
  /** The output when the job started; undefined: there was none. */
  readonly before?: string | undefined
  /** The output as a job of this batch has left it, if one has: it may be replaced. */
  readonly ours?: string | undefined
  /** How it ended. */
  readonly verdict?: Verdict | undefined
}

export class BatchState {
  readonly path: string
  /** Passed on to the processes that run jobs, which so keep the lock. */
  readonly fd: number
  readonly #jobs: Map<string, JobState>

  private constructor(path: string, fd: number, jobs: Map<string, JobState>) {
    this.path = path
    this.fd = fd
    this.#jobs = jobs
  }

  /**
   * Opens or creates the file. Waits for the last processes of an earlier batch.
   * @param onWait called once if there is something to wait for
   * @throws LOCKED when another batch has it for longer than `waitMs`
   * @throws EXISTS when another kind of file is there
   * @throws INTERRUPTED when `signal` was aborted
   */
  static async open(
    path: string,
    waitMs: number,
    signal: AbortSignal,
    onWait: () => void,
  ): Promise<BatchState> {
    const end = performance.now() + waitMs
    for (let tries = 0; ; tries++) {
      const fd = opened(path)
      try {
        if (tryLock(fd, 'writer', 'exclusive', path) && isAt(fd, path)) {
          const jobs = read(fd, path)
          const kept = compacted(fd, path, jobs)
          return new BatchState(path, kept, jobs)
        }
      } catch (error) {
        closeSync(fd)
        throw error
      }
      closeSync(fd)
      if (signal.aborted) throw new FlagstoneError('INTERRUPTED', 'Interrupted before any job started.')
      if (performance.now() > end)
        throw new FlagstoneError(
          'LOCKED',
          `${path}: another batch is running with this state file; wait until it has ended, or pass another --state.`,
          { path },
        )
      if (tries === 4) onWait()
      await after(EVERY_MS)
    }
  }

  /** The states of the jobs in a file that may not exist, without a lock. @throws EXISTS when another kind of file is there */
  static peek(path: string): ReadonlyMap<string, JobState> {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return new Map()
    requireRegularSync(path)
    return parse(readFileSync(path, 'utf8'), path).jobs
  }

  get(job: string): JobState | undefined {
    return this.#jobs.get(job)
  }

  /** Durable when it returns. @throws DISK_FULL, SYSTEM */
  add(state: JobState): void {
    append(this.fd, `${JSON.stringify(state)}\n`, this.path)
    this.#jobs.set(state.job, state)
  }

  close(): void {
    closeSync(this.fd)
  }
}

function opened(path: string): number {
  try {
    requireRegularSync(path)
    const { O_RDWR, O_CREAT, O_APPEND } = constants
    return openSync(path, O_RDWR | O_CREAT | O_APPEND, 0o666)
  } catch (error) {
    throw fromNodeError(error, 'open', path)
  }
}

/** Whether the open file still has its name: another batch may have replaced it by a shorter one. */
function isAt(fd: number, path: string): boolean {
  const now = statSync(path, { throwIfNoEntry: false })
  return now !== undefined && now.ino === fstatSync(fd).ino
}

function read(fd: number, path: string): Map<string, JobState> {
  const text = readFileSync(fd, 'utf8')
  if (HEAD.startsWith(text)) {
    ftruncateSync(fd, 0)
    append(fd, HEAD, path)
    syncDirectory(dirname(path))
    return new Map()
  }
  const { jobs, good } = parse(text, path)
  if (good < text.length) ftruncateSync(fd, Buffer.byteLength(text.slice(0, good)))
  return jobs
}

function parse(text: string, path: string): { jobs: Map<string, JobState>; good: number } {
  const jobs = new Map<string, JobState>()
  if (HEAD.startsWith(text)) return { jobs, good: text.length }
  if (!text.startsWith(HEAD))
    throw new FlagstoneError(
      'EXISTS',
      `${path} is not the state of a batch; remove it, or pass another --state.`,
      { path },
    )
  let good = HEAD.length
  for (let end = text.indexOf('\n', good); end >= 0; end = text.indexOf('\n', good)) {
    const state = lineOf(text.slice(good, end))
    if (state === undefined) break
    jobs.set(state.job, state)
    good = end + 1
  }
  return { jobs, good }
}

function lineOf(line: string): JobState | undefined {
  try {
    const state = JSON.parse(line) as JobState
    return typeof state.job === 'string' && typeof state.fingerprint === 'string' ? state : undefined
  } catch {
    return undefined
  }
}

/** Writes a file that has grown again with the last event of each job. Returns the descriptor that has the lock. */
function compacted(fd: number, path: string, jobs: ReadonlyMap<string, JobState>): number {
  if (fstatSync(fd).size < COMPACT_BYTES) return fd
  const text = HEAD + [...jobs.values()].map((state) => `${JSON.stringify(state)}\n`).join('')
  if (Buffer.byteLength(text) > fstatSync(fd).size / 2) return fd
  const beside = `${path}.tmp`
  removeFile(beside)
  const next = opened(beside)
  tryLock(next, 'writer', 'exclusive', beside)
  append(next, text, beside)
  renameSync(beside, path)
  syncDirectory(dirname(path))
  closeSync(fd)
  return next
}

function append(fd: number, text: string, path: string): void {
  try {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    fdatasyncSync(fd)
  } catch (error) {
    throw fromNodeError(error, 'write', path)
  }
}
