// What `flagstone batch --dry-run` prints: which jobs would run, and why.
import { type Decision, decide } from '../../batch/decide.js'
import type { Plan, PlannedJob } from '../../batch/plan.js'
import type { JobState } from '../../batch/state.js'

export interface Foreseen {
  readonly name: string
  readonly action: Decision['action']
  readonly why: string
  readonly argv: readonly string[]
}

export async function foresee(plan: Plan, states: ReadonlyMap<string, JobState>): Promise<Foreseen[]> {
  const found: Foreseen[] = []
  for (const job of plan.jobs) {
    const decision = await decide(job, plan.base, states.get(job.key))
    const more = isInTheWay(job, decision) ? '; its output exists, and is not replaced without overwrite' : ''
    const { action, why } = decision
    found.push({ name: job.name, action, why: `${why}${more}`, argv: job.line.argv })
  }
  // a job may need one that is written below it
  while (passOn(plan, found)) {}
  return found
}

/** Lets what becomes of jobs tell on those that need them; false when nothing has changed. */
function passOn(plan: Plan, found: Foreseen[]): boolean {
  let hasChanged = false
  for (const [i, { needs }] of plan.jobs.entries()) {
    const job = found[i]!
    const causes = needs.map((need) => found[need]!)
    const failing = causes.find(({ action }) => action === 'fail')
    const running = causes.find(({ action }) => action === 'run')
    if (failing !== undefined && job.action !== 'fail')
      found[i] = { ...job, action: 'fail', why: `needs ${failing.name}, which would fail` }
    else if (running !== undefined && job.action === 'skip')
      found[i] = { ...job, action: 'run', why: `needs ${running.name}, which would run` }
    hasChanged ||= found[i] !== job
  }
  return hasChanged
}

/** Whether a file that the batch has not created is where the job would create its output. */
const isInTheWay = ({ line }: PlannedJob, { action, before, mayReplace }: Decision): boolean =>
  action === 'run' &&
  line.output !== undefined &&
  before !== undefined &&
  !mayReplace &&
  !line.argv.some((word) => /^--(overwrite|force|resume)$/.test(word))

export function describeForeseen(jobs: readonly Foreseen[]): string {
  const count = (action: Foreseen['action']): number => jobs.filter((job) => job.action === action).length
  return [
    ...jobs.map(({ action, name, why }) => `${action.padEnd(5)} ${name}  (${why})`),
    `${count('run')} would run, ${count('skip')} would be skipped, ${count('fail')} would fail.`,
  ].join('\n')
}
