// Whether a job runs, and over what an earlier run has left.
import { fingerprintOf, stateOf } from './fingerprint.js'
import type { PlannedJob } from './plan.js'
import { isGood } from './report.js'
import type { JobState } from './state.js'

export interface Decision {
  readonly action: 'run' | 'skip' | 'fail'
  /** In a few words. */
  readonly why: string
  readonly fingerprint: string
  /** The output as it is now; undefined when there is none. */
  readonly before: string | undefined
  /** The output as this batch has left it before. */
  readonly ours: string | undefined
  /** The output is one that this batch has made. */
  readonly mayReplace: boolean
  /** The job has started before with the same inputs and options. */
  readonly mayResume: boolean
}

export async function decide(job: PlannedJob, base: string, last: JobState | undefined): Promise<Decision> {
  const before = job.output === undefined ? undefined : stateOf(job.output)
  const fingerprint = await fingerprintOf(job, base)
  const isSame = last?.fingerprint === fingerprint
  const wasGood = last?.verdict !== undefined && isGood(last.verdict)
  const isMadeSince = last?.event === 'started' && before !== last.before && mayBeOurs(last.before, last.ours)
  const found = {
    fingerprint,
    before,
    ours: isMadeSince ? before : last?.ours,
    mayReplace: before !== undefined && (isMadeSince || before === last?.ours),
    mayResume: isSame && !wasGood,
  }
  const [missing] = job.missing
  if (missing !== undefined) return { ...found, action: 'fail', why: `${missing} does not exist` }
  const why = reasonOf(job, last, before, isSame, wasGood)
  return { ...found, action: why === undefined ? 'skip' : 'run', why: why ?? 'done before' }
}

/**
 * Whether what is at the output's place after a job has started may be that job's work: the place was free, or had work of
 * this batch. A job that replaces other files says so itself (overwrite), and needs no permission.
 */
export const mayBeOurs = (before: string | undefined, ours: string | undefined): boolean =>
  before === undefined || before === ours

/** Why it has to run; undefined when nothing has changed since it succeeded. */
function reasonOf(
  job: PlannedJob,
  last: JobState | undefined,
  before: string | undefined,
  isSame: boolean,
  wasGood: boolean,
): string | undefined {
  if (last === undefined) return 'new'
  if (!isSame) return 'inputs or options have changed'
  if (last.event === 'started') return 'interrupted before'
  if (!wasGood) return 'failed before'
  if (job.output === undefined || before === last.ours) return undefined
  return before === undefined ? 'its output is missing' : 'its output has changed'
}
