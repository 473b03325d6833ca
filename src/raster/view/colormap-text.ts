// Parses colormaps: gdaldem's color-relief text, QGIS's export of it, JSON by value or by interval (as in rio-tiler),
// an object, or a name.
//
// A parsed map keeps percentages; `stopsOf` converts them to values when the range of the data is known.
//
// Invariants: entries are sorted by value; every colour is four numbers of 0…255.
import { FlagstoneError } from '../../errors.js'
import type { ColormapStop } from '../source.js'
import { COLORMAPS, namedColormap } from './colormaps.js'

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number]

export interface ColormapEntry {
  readonly value: number
  /** Whether `value` is a percentage between the lowest and the highest value of the data. */
  readonly percent: boolean
  readonly rgba: Rgba
}

/** The colour between entries: interpolated, that of the next lower entry, or none. */
export type ColormapMode = 'linear' | 'lower' | 'exact'

export interface ParsedColormap {
  readonly entries: readonly ColormapEntry[]
  /** The mode that the text implies. */
  readonly mode: ColormapMode
  /** Whether a colour for "no value" was given. It is not used: such pixels stay transparent. */
  readonly hasNodata: boolean
}

const MAX_ENTRIES = 100_000
const TRANSPARENT: Rgba = [0, 0, 0, 0]

/** Colour names, as in gdaldem 3.6. */
const NAMED: Readonly<Record<string, readonly [number, number, number]>> = {
  white: [255, 255, 255],
  black: [0, 0, 0],
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  magenta: [255, 0, 255],
  cyan: [0, 255, 255],
  aqua: [0, 191, 191],
  grey: [191, 191, 191],
  gray: [191, 191, 191],
  orange: [255, 127, 0],
  brown: [191, 127, 63],
  purple: [127, 0, 255],
  violet: [127, 0, 255],
  indigo: [0, 127, 255],
}

const bad = (name: string, what: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', `The colormap ${name} ${what}`)

/** The named colormap, from the lowest to the highest value; undefined when there is none. */
export function colormapOfName(name: string): ParsedColormap | undefined {
  const colours = namedColormap(name)
  if (colours === undefined) return undefined
  const last = colours.length - 1
  const entries = colours.map((rgb, i) => ({ value: (100 * i) / last, percent: true, rgba: opaque(rgb) }))
  return { entries, mode: 'linear', hasNodata: false }
}

export const colormapNames = (): string => COLORMAPS.join(', ')

const opaque = (rgb: readonly [number, number, number]): Rgba => [...rgb, 255]

/** Parses the text of a file, JSON or gdaldem's. @throws BAD_OPTION when a line cannot be read; the message names it */
export function parseColormap(text: string, name: string): ParsedColormap {
  const start = text.trimStart()[0]
  if (start !== '{' && start !== '[') return parseLines(text, name)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw bad(name, `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`)
  }
  return colormapOfObject(value, name)
}

/** Parses {"value": [r, g, b] or [r, g, b, a] or "#rrggbb"}, or [[[min, max], colour], …]. */
export function colormapOfObject(value: unknown, name: string): ParsedColormap {
  const entries = Array.isArray(value)
    ? intervals(value, name)
    : Object.entries(value as object).map(([key, colour]) => {
        const number = Number(key)
        if (key.trim() === '' || !Number.isFinite(number))
          throw bad(name, `has '${key}', which is not a number.`)
        return { value: number, percent: false, rgba: rgbaOf(colour, `${key}`, name) }
      })
  const mode = Array.isArray(value) ? 'lower' : 'exact'
  return { entries: finish(entries, name), mode, hasNodata: false }
}

/** Intervals: min ≤ value < max has the colour. Values outside all intervals have none. */
function intervals(list: readonly unknown[], name: string): ColormapEntry[] {
  const parts = list.map((item, i) => {
    const [range, colour] = Array.isArray(item) ? (item as unknown[]) : []
    const [min, max] = Array.isArray(range) ? (range as unknown[]) : []
    if (typeof min !== 'number' || typeof max !== 'number' || !(min < max)) {
      throw bad(name, `has no [[min, max], [r, g, b]] as its item ${i + 1}.`)
    }
    return { min, max, rgba: rgbaOf(colour, `item ${i + 1}`, name) }
  })
  parts.sort((a, b) => a.min - b.min)
  const entries: ColormapEntry[] = []
  for (const [i, { min, max, rgba }] of parts.entries()) {
    if (i === 0) entries.push({ value: min - Math.max(1, Math.abs(min)), percent: false, rgba: TRANSPARENT })
    entries.push({ value: min, percent: false, rgba })
    const next = parts[i + 1]
    if (next === undefined || next.min > max) entries.push({ value: max, percent: false, rgba: TRANSPARENT })
  }
  return entries
}

function rgbaOf(colour: unknown, where: string, name: string): Rgba {
  if (typeof colour === 'string') {
    const hex = /^#?([0-9a-f]{6})([0-9a-f]{2})?$/i.exec(colour)
    if (hex !== null) {
      const rgb = Number.parseInt(hex[1]!, 16)
      return [
        rgb >> 16,
        (rgb >> 8) & 255,
        rgb & 255,
        hex[2] === undefined ? 255 : Number.parseInt(hex[2], 16),
      ]
    }
    const named = colour.toLowerCase()
    if (Object.hasOwn(NAMED, named)) return opaque(NAMED[named]!)
  }
  const list = Array.isArray(colour) ? (colour as unknown[]) : []
  const inRange = list.every((v) => typeof v === 'number' && v >= 0 && v <= 255)
  if (!inRange || (list.length !== 3 && list.length !== 4)) {
    throw bad(name, `has no colour of three or four numbers from 0 to 255 at ${where}.`)
  }
  const [r, g, b, a = 255] = list as number[]
  return [r!, g!, b!, a]
}

function parseLines(text: string, name: string): ParsedColormap {
  const entries: ColormapEntry[] = []
  let mode: ColormapMode = 'linear'
  let hasNodata = false
  for (const [i, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const said = /^INTERPOLATION:(\w+)$/.exec(line)
    if (said !== null) {
      mode = qgisMode(said[1]!, name)
      continue
    }
    const [value, ...rest] = line.split(/[\s,:]+/)
    const where = `line ${i + 1}`
    const rgba = textColour(rest, where, name)
    if (/^nv$/i.test(value!)) {
      hasNodata = true
      continue
    }
    const percent = value!.endsWith('%')
    const number = Number(percent ? value!.slice(0, -1) : value)
    if (value === '%' || !Number.isFinite(number)) {
      throw bad(
        name,
        `begins ${where} with '${value}', which is not a value; expected 'value red green blue', as in gdaldem.`,
      )
    }
    entries.push({ value: number, percent, rgba })
    if (entries.length > MAX_ENTRIES) throw bad(name, `has more than ${MAX_ENTRIES} entries.`)
  }
  return { entries: finish(entries, name), mode, hasNodata }
}

function qgisMode(said: string, name: string): ColormapMode {
  if (said === 'INTERPOLATED') return 'linear'
  if (said === 'EXACT') return 'exact'
  throw bad(name, `uses the interpolation ${said}, which is not supported; export it as linear or exact.`)
}

function textColour(words: readonly string[], where: string, name: string): Rgba {
  const [first = ''] = words
  if (Object.hasOwn(NAMED, first.toLowerCase())) return opaque(NAMED[first.toLowerCase()]!)
  if (first.startsWith('#')) return rgbaOf(first, where, name)
  // QGIS writes a label after four numbers
  const numbers = words.slice(0, 4).map(Number)
  const three = numbers.slice(0, 3)
  const alpha = numbers[3] === undefined || Number.isNaN(numbers[3]) ? 255 : numbers[3]
  return rgbaOf(three.length === 3 ? [...three, alpha] : three.slice(0, 2), where, name)
}

function finish(entries: ColormapEntry[], name: string): ColormapEntry[] {
  if (entries.length === 0) throw bad(name, 'has no entries.')
  if (entries.length > MAX_ENTRIES) throw bad(name, `has more than ${MAX_ENTRIES} entries.`)
  return entries.sort((a, b) => Number(b.percent) - Number(a.percent) || a.value - b.value)
}

/** Whether a map needs the range of the data. */
export const isRelative = (map: ParsedColormap): boolean => map.entries.some((entry) => entry.percent)

/** The stops for a Tone. Percentages refer to `range`. */
export function stopsOf(
  map: ParsedColormap,
  mode: ColormapMode,
  [low, high]: readonly [number, number],
): { stops: ColormapStop[]; interpolate: boolean } {
  const stops = map.entries
    .map(({ value, percent, rgba }) => ({
      value: percent ? low + ((high - low) * value) / 100 : value,
      rgba,
    }))
    .sort((a, b) => a.value - b.value)
  return mode === 'exact'
    ? { stops: exactStops(stops), interpolate: false }
    : { stops, interpolate: mode === 'linear' }
}

/** Stops that give each colour at its own value only (within rounding), and nothing between. */
function exactStops(stops: readonly ColormapStop[]): ColormapStop[] {
  const exact: ColormapStop[] = []
  for (const [i, { value, rgba }] of stops.entries()) {
    const gaps = [stops[i - 1], stops[i + 1]].flatMap((other) =>
      other ? [Math.abs(other.value - value)] : [],
    )
    const slack = Math.min(Math.max(1, Math.abs(value)) * 1e-6, ...gaps.map((gap) => gap / 4))
    if (i === 0) exact.push({ value: value - 2 * slack, rgba: TRANSPARENT })
    exact.push({ value: value - slack, rgba }, { value: value + slack, rgba: TRANSPARENT })
  }
  return exact
}
