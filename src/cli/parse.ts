// Parses option values. Every message says what was given and what is expected.
import { InvalidArgumentError, Option } from 'commander'
import { notDegrees } from '../grid/tiles/degrees.js'
import { bandsFromText, nodataFromText } from '../pyramid/sources/list/texts.js'
import { MAX_ZOOM } from '../zooms.js'

const fail = (message: string): never => {
  throw new InvalidArgumentError(message)
}

export function parseInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < min || value > max)
      fail(`expected a whole number from ${min} to ${max}.`)
    return value
  }
}

/** '10' or '10-18' → [10, 10] or [10, 18]. */
export function parseZooms(text: string): [number, number] {
  const match = /^(\d{1,2})(?:[-:](\d{1,2}))?$/.exec(text)
  const low = Number(match?.[1])
  const high = Number(match?.[2] ?? match?.[1])
  if (!match || low > MAX_ZOOM || high > MAX_ZOOM)
    fail(`expected a zoom level or a range such as 10-18, from 0 to ${MAX_ZOOM}.`)
  if (low > high) fail(`the lower zoom comes first: ${high}-${low}.`)
  return [low, high]
}

/** 'west,south,east,north' in degrees; commas or spaces. West may be more than east where that crosses the antimeridian. */
export function parseBbox(text: string): [number, number, number, number] {
  const values = text
    .trim()
    .split(/[\s,]+/)
    .map(Number)
  if (values.length !== 4 || values.some((v) => !Number.isFinite(v))) {
    fail('expected west,south,east,north in degrees, e.g. --bbox=-84.1,33.6,-83.9,33.8')
  }
  const [west, south, east, north] = values as [number, number, number, number]
  // sides that were swapped would be nearly all of the world
  const crosses = west > east && east + 360 - west < 180
  if ((west >= east && !crosses) || south >= north)
    fail(
      `west must be less than east (unless it crosses the antimeridian, as 170,-20,-170,-10 does), and south less than north; got ${text}.`,
    )
  const problem = notDegrees([west, south, east, north])
  if (problem !== undefined) fail(`${problem}.`)
  return [west, south, east, north]
}

/** 'longitude,latitude' in degrees; commas or spaces. */
export function parsePoint(text: string): [number, number] {
  const [lon, lat, ...rest] = numbersOf(text) as [number, number, ...number[]]
  if (rest.length > 0 || !(Math.abs(lon) <= 180 && Math.abs(lat) <= 90))
    fail('expected longitude,latitude in degrees, e.g. --point=-84.1,33.6')
  return [lon, lat]
}

/** Width and height in pixels; a missing one follows from the other. `longer` is the longer side. */
export type Size =
  | { readonly width: number; readonly height: number }
  | { readonly width: number }
  | { readonly height: number }
  | { readonly longer: number }

/** '800x600', '800x', 'x600', or '800' for the longer side. */
export function parseSize(text: string): Size {
  const match = /^(\d{1,5})?([x×,])?(\d{1,5})?$/i.exec(text.trim())
  const [, first, times, second] = match ?? []
  const numbers = [first, second].flatMap((n) => (n === undefined ? [] : Number(n)))
  if (numbers.length === 0 || numbers.includes(0)) {
    fail(
      'expected WIDTHxHEIGHT in pixels, e.g. 800x600; 800x, x600 and 800 (the longer side) keep the aspect ratio.',
    )
  }
  const [one, other] = numbers as [number, number | undefined]
  if (other !== undefined) return { width: one, height: other }
  if (times === undefined) return { longer: one }
  return first === undefined ? { height: one } : { width: one }
}

/** An option whose value is one of a few words, in any case. `also`: other spellings of some of them. */
export function oneOf(
  flags: string,
  description: string,
  words: readonly string[],
  also: Readonly<Record<string, string>> = {},
): Option {
  const option = new Option(flags, description).choices(words)
  const check = option.parseArg!
  return option.argParser((text: string, before: unknown) => {
    const word = text.toLowerCase()
    return check(also[word] ?? word, before)
  })
}

/** Resampling kernels as GDAL, rio and Pillow call them. */
export const KERNEL_NAMES = {
  near: 'nearest',
  'nearest-neighbour': 'nearest',
  linear: 'bilinear',
  bicubic: 'cubic',
  cubic_spline: 'cubicspline',
  box: 'average',
  median: 'med',
}

/** '900', '512M', '2G', '1.5GB' → bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim())
  if (!match) fail('expected a size such as 800M or 2G.')
  const power = 'kmgt'.indexOf(match![2]!.toLowerCase()) + 1
  return Math.floor(Number(match![1]) * (match![2] === '' ? 1 : 1024 ** power))
}

/** '4', or GDAL's 'ALL_CPUS' (undefined: the default, every core). */
export function parseThreads(text: string): number | undefined {
  if (text.toUpperCase() === 'ALL_CPUS') return undefined
  return parseInteger(0, 256)(text)
}

/** Collects repeated 'key=value' options. */
export function collectPairs(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) fail('expected key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** '255', 'nan', '0,0,0', several as '0,0,0;255,255,255'; 'none' (ignore what the file says): an empty list. */
export const parseNodata = (text: string): number[][] =>
  nodataFromText(text) ??
  fail("expected one value or one per band, several with ';': '0', 'nan' or '0,0,0;255,255,255'.")

const numbersOf = (text: string): number[] =>
  text
    .trim()
    .split(/[\s,]+/)
    .map((word) => (word === '' ? Number.NaN : Number(word)))

/** A number above `above`, up to `max`. */
export function parseNumber(above: number, max: number): (text: string) => number {
  return (text) => {
    const [value, ...rest] = numbersOf(text)
    if (rest.length > 0 || value === undefined || !(value > above && value <= max)) {
      fail(`expected a number above ${above}, up to ${max}.`)
    }
    return value!
  }
}

/** '4' or '4,3,2': one band or three, from 1. */
export const parseBands = (text: string): number[] =>
  bandsFromText(text) ??
  fail('expected one band, or three for red, green and blue, counted from 1: 4 or 4,3,2.')

/** 'auto', 'min,max' or 'min,max,min,max,min,max'. */
export function parseRescale(text: string): 'auto' | [number, number][] {
  if (text.trim().toLowerCase() === 'auto') return 'auto'
  const values = numbersOf(text)
  if (![2, 6].includes(values.length) || !values.every(Number.isFinite)) {
    fail('expected auto, or min,max for all bands, or min,max,min,max,min,max for three.')
  }
  const ranges = values.flatMap((min, i): [number, number][] => (i % 2 === 0 ? [[min, values[i + 1]!]] : []))
  if (ranges.some(([min, max]) => min === max))
    fail('min and max are the same, so everything would be one colour.')
  return ranges
}

/** 'r,g,b' or '#rrggbb'. */
export function parseColour(text: string): [number, number, number] {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim())
  const values = hex === null ? numbersOf(text) : hex.slice(1).map((part) => Number.parseInt(part, 16))
  if (values.length !== 3 || values.some((v) => !Number.isInteger(v) || v < 0 || v > 255)) {
    fail('expected red,green,blue from 0 to 255, or #rrggbb.')
  }
  return values as [number, number, number]
}

export interface Qualities {
  default?: number
  byZoom?: Record<string, number>
}

/** '75', or '70,14:50,16-18:80': a quality, and others for some zoom levels; a later one overrides an earlier one. */
export function parseQuality(text: string): number | Qualities {
  const found: Qualities = {}
  const quality = parseInteger(1, 100)
  for (const part of text.trim().split(/[\s,]+/)) {
    const [zooms, value] = part.includes(':') ? part.split(':', 2) : [undefined, part]
    const q = quality(value)
    if (zooms === undefined) {
      if (found.default !== undefined)
        fail(
          `two qualities for all zoom levels, ${found.default} and ${q}: name the zoom levels, e.g. 14:${q}.`,
        )
      found.default = q
      continue
    }
    const [low, high] = parseZooms(zooms)
    found.byZoom ??= {}
    for (let z = low; z <= high; z++) found.byZoom[z] = q
  }
  return found.byZoom === undefined ? found.default! : found
}
