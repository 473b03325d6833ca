// Dates of images, as source lists, STAC items and TIFF tags write them.
//
// Invariant: a date with a time but without a zone is taken as UTC, so no result depends on the machine's time zone.

const DATE = /^(\d{4})(?:([-:/]?)(\d\d)(?:\2(\d\d))?)?$/
const TIME = /^(\d\d):?(\d\d)(?::?(\d\d(?:[.,]\d+)?))?\s*(z|[+-]\d\d(?::?\d\d)?)?$/i

/**
 * A date as ISO 8601: from `2024`, `2024-06`, `2024-06-30`, `2024-06-30T10:20:30Z` (RFC 3339, STAC), `2024/06/30`,
 * `20240630` and `2024:06:30 10:20:30` (TIFF). Undefined when it is none of these, or no day of the calendar.
 */
export function isoDate(text: string): string | undefined {
  const [, day, time] = /^(\S+?)(?:[T\s]\s*(\S.*))?$/i.exec(text.trim()) ?? []
  const [, year, , month, date] = DATE.exec(day ?? '') ?? []
  if (year === undefined || !isDay(Number(year), Number(month ?? 1), Number(date ?? 1))) return undefined
  const days = [year, month, date].filter((part) => part !== undefined).join('-')
  if (time === undefined) return days
  const [, hour, minute, second, zone] = TIME.exec(time) ?? []
  const isTime =
    hour !== undefined && Number(hour) < 24 && Number(minute) < 60 && Number.parseFloat(second ?? '0') < 61
  if (date === undefined || !isTime) return undefined
  const seconds = second === undefined ? '' : `:${second.replace(',', '.')}`
  return `${days}T${hour}:${minute}${seconds}${zone?.toUpperCase() ?? ''}`
}

function isDay(year: number, month: number, day: number): boolean {
  const at = new Date(0)
  at.setUTCFullYear(year, month - 1, day)
  return month >= 1 && at.getUTCMonth() === month - 1 && at.getUTCDate() === day
}

/** The instant of a date from `isoDate`, in seconds of Unix time; a year, month or day counts from its beginning. */
export function instantOf(date: string): number {
  const [day, time = ''] = date.split('T')
  const [year, month = 1, of = 1] = day!.split('-').map(Number)
  const at = new Date(0)
  at.setUTCFullYear(year!, month - 1, of)
  const [, hour = '0', minute = '0', second = '0', zone] = TIME.exec(time) ?? []
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '') ?? []
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60)
  return at.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number.parseFloat(second) - offset
}

interface Dated {
  readonly date?: string | undefined
}

/** The date of a source as ISO 8601: the one that was given, or that of its file, if it is one. */
export const dateOfSource = (given: Dated, file: Dated): string | undefined =>
  given.date ?? (file.date === undefined ? undefined : isoDate(file.date))
