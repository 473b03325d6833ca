// What a bench says: samples per variant, ratios between them, facts; as text or as JSON.
import type { Machine } from './machine.js'

export interface Row {
  readonly name: string
  /** One number a round. */
  readonly samples: readonly number[]
  readonly unit: string
  /** More about this variant, in its line. */
  readonly note?: string
}

export interface Ratio {
  readonly name: string
  readonly value: number
  /** What is hoped for, e.g. '≥ 3'. */
  readonly bar?: string
}

export interface Report {
  readonly bench: string
  /** What was measured, with which sizes. */
  readonly what: string
  readonly rows: readonly Row[]
  readonly ratios: readonly Ratio[]
  readonly notes: readonly string[]
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function medianOf(rows: readonly Row[], name: string): number {
  const row = rows.find((r) => r.name === name)
  return row === undefined ? Number.NaN : median(row.samples)
}

/** Ratios of medians; those whose sides were not both measured are left out. */
export function ratios(...wanted: readonly Ratio[]): Ratio[] {
  return wanted.filter((ratio) => Number.isFinite(ratio.value))
}

/** Three significant digits, thousands separated. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return 'n/a'
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 6 })
}

export function asText(report: Report, machine: Machine, command: string): string {
  const width = Math.max(...report.rows.map((row) => row.name.length))
  const unitWidth = Math.max(...report.rows.map((row) => row.unit.length))
  const lines = [
    `${report.bench}: ${report.what}`,
    `machine: ${machine.line}`,
    `command: ${command}`,
    '',
    ...report.rows.map((row) => rowText(row, width, unitWidth)),
  ]
  if (report.ratios.length > 0) lines.push('')
  for (const { name, value, bar } of report.ratios)
    lines.push(`ratio: ${name} = ${digits(value)}${bar === undefined ? '' : `   (wanted ${bar})`}`)
  for (const note of report.notes) lines.push(`note: ${note}`)
  return lines.join('\n')
}

function rowText(row: Row, width: number, unitWidth: number): string {
  const { samples } = row
  const spread =
    samples.length > 1
      ? `[${digits(Math.min(...samples))} … ${digits(Math.max(...samples))}, ${samples.length} rounds]`
      : '[1 round]'
  return `  ${row.name.padEnd(width)}  ${digits(median(samples)).padStart(9)} ${row.unit.padEnd(unitWidth)}  ${spread}${row.note === undefined ? '' : `  ${row.note}`}`
}

export function asJson(report: Report, machine: Machine, command: string): string {
  const rows = report.rows.map((row) => ({ ...row, median: median(row.samples) }))
  return JSON.stringify({ ...report, rows, machine, command }, null, 2)
}
