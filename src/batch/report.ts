// What a batch tells when it has ended.

/** How a job ended. */
export interface Verdict {
  /** The exit code of its command: 0 success, 4 success with losses; undefined when its process died. */
  readonly exitCode: number | undefined
  /** Kind of error, for programs. */
  readonly code?: string | undefined
  /** The error in a sentence. */
  readonly message?: string | undefined
  /** What the command prints with --json. */
  readonly result?: unknown
  /** The beginning of what it printed, if that is not JSON, or is very long. */
  readonly stdout?: string | undefined
  /** The end of its messages. */
  readonly stderr?: string | undefined
  readonly seconds: number
}

/**
 * 'done': in this run. 'skipped': in an earlier run; inputs, options and output are the same. 'failed': by its own
 * fault. 'blocked': a job that it needs did not succeed. 'interrupted': stopped while it ran. 'not started': the batch
 * ended before.
 */
export type JobStatus = 'done' | 'skipped' | 'failed' | 'blocked' | 'interrupted' | 'not started'

export interface JobReport {
  readonly name: string
  readonly command: string
  readonly argv: readonly string[]
  readonly output: string | undefined
  readonly status: JobStatus
  /** Why it was run, skipped or not started, in a few words. */
  readonly why: string
  readonly verdict: Verdict | undefined
}

export interface BatchReport {
  /** What this file is. */
  readonly report: 'flagstone batch'
  readonly version: 1
  readonly counts: Readonly<Record<JobStatus, number>>
  /** Whether it was stopped; the same command continues it. */
  readonly interrupted: boolean
  readonly seconds: number
  readonly jobs: readonly JobReport[]
}

export const isGood = ({ exitCode }: Verdict): boolean => exitCode === 0 || exitCode === 4

export function reportOf(jobs: readonly JobReport[], interrupted: boolean, seconds: number): BatchReport {
  const counts: Record<JobStatus, number> = {
    done: 0,
    skipped: 0,
    failed: 0,
    blocked: 0,
    interrupted: 0,
    'not started': 0,
  }
  for (const { status } of jobs) counts[status]++
  return { report: 'flagstone batch', version: 1, counts, interrupted, seconds, jobs }
}
