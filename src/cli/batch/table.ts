// What a batch prints when it has ended, or what --dry-run prints.
import { type BatchReport, isGood, type JobReport, type JobStatus } from '../../batch/report.js'
import { formatBytes, formatCount, formatDuration, plural, table } from '../format.js'
import { oneLine } from '../printable.js'

const ORDER: readonly JobStatus[] = ['done', 'skipped', 'failed', 'blocked', 'interrupted', 'not started']

export const firstSentence = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : oneLine(text)

/** A table of jobs, and a line that counts them. `onlyBad`: without those that succeeded. */
export function describeReport(report: BatchReport, onlyBad: boolean): string {
  const shown = report.jobs.filter(({ status }) => !onlyBad || (status !== 'done' && status !== 'skipped'))
  const rows = shown.map((job) => [job.status, job.name, timeOf(job), whatOf(job)])
  // only the first column of a table is aligned left
  const head = table(rows.map(([status, name]) => [`${status!.padEnd(11)}  ${name}`]))
  const lines =
    rows.length === 0
      ? []
      : head.split('\n').map((line, i) => `${line}  ${rows[i]![2]!.padStart(8)}  ${rows[i]![3]}`.trimEnd())
  return [...lines, countsOf(report)].join('\n')
}

const timeOf = ({ verdict, status }: JobReport): string =>
  verdict === undefined || status === 'skipped' ? '' : formatDuration(verdict.seconds)

function countsOf({ counts, seconds, interrupted }: BatchReport): string {
  const parts = ORDER.filter((status) => counts[status] > 0).map(
    (status) => `${formatCount(counts[status])} ${status}`,
  )
  const total = ORDER.reduce((sum, status) => sum + counts[status], 0)
  const more = interrupted ? ' Interrupted; run the same command again to continue.' : ''
  return `${plural(total, 'job')}: ${parts.join(', ')}, in ${formatDuration(seconds)}.${more}`
}

interface Result {
  readonly tiles?: unknown
  readonly fileBytes?: unknown
  readonly digest?: unknown
  readonly ok?: unknown
  readonly same?: unknown
}

/** The result in a few words, or the error. */
function whatOf({ status, verdict, why }: JobReport): string {
  if (verdict === undefined) return why
  // its own message advises to continue it alone
  if (status === 'interrupted') return ''
  if (verdict.message !== undefined && status !== 'skipped') return oneLine(verdict.message)
  const { tiles, fileBytes, digest, ok, same } = (verdict.result ?? {}) as Result
  const parts = [
    ...(typeof tiles === 'number' ? [plural(tiles, 'tile')] : []),
    ...(typeof fileBytes === 'number' ? [formatBytes(fileBytes)] : []),
    ...(typeof digest === 'string' ? [digest] : []),
    ...(ok === true ? ['sound'] : []),
    ...(ok === false ? ['damaged'] : []),
    ...(same === true ? ['the same'] : []),
    ...(same === false && status === 'failed' ? ['they differ'] : []),
    ...(verdict.exitCode === 4 ? ['with losses'] : []),
    ...(status === 'skipped' ? ['done before'] : []),
  ]
  return parts.join(', ') || (isGood(verdict) ? '' : `exit code ${verdict.exitCode}`)
}
