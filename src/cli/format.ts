// Numbers and tables for people.
import { oneLine } from './printable.js'

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** 12345678 → '12.3 MB' (decimal units, three significant digits). */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`
}

/** 1234567 → '1,234,567'. (By toLocaleString the first one takes 20 ms: it loads the engine's tables.) */
export const formatCount = (count: number): string =>
  String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ',')

/** 1, 'tile' → '1 tile'; 1234, 'tile' → '1,234 tiles'. */
export const plural = (count: number, what: string): string =>
  `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`

/** Seconds → '42 s', '3 min 05 s', '2 h 10 min'. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** A table: the first column aligned left, the others right, two spaces between. Line breaks in cells are escaped. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(oneLine))
  const widths = rows.reduce<number[]>((w, row) => row.map((cell, i) => Math.max(w[i] ?? 0, cell.length)), [])
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
    )
    .join('\n')
}

/** Degrees with about a metre of precision. */
export const formatDegrees = (value: number): string => String(Math.round(value * 1e5) / 1e5)
