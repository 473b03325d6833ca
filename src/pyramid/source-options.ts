// What may be said of one source, in the options of a build or in a list of sources.
import { z } from 'zod'
import { jsonDepth, MAX_JSON_DEPTH } from '../format/json.js'
import { type Given, geoJsonObject, pathText } from '../store/options.js'
import { MAX_ZOOM } from '../zooms.js'
import { isoDate } from './dates.js'

export const zoom = z.int(`expected a whole number from 0 to ${MAX_ZOOM}`).min(0).max(MAX_ZOOM)

/** One value for all bands, one value per band, or several such colours. NaN is a value; an empty list means none. */
const value = z.custom<number>((v) => typeof v === 'number', 'expected numbers')
export const nodata = z
  .union(
    [value, z.array(value), z.array(z.array(value).min(1))],
    'expected a number, a list of one for each band, or a list of such lists',
  )
  .transform((value): number[][] => {
    if (typeof value === 'number') return [[value]]
    return typeof value[0] === 'number' ? [value as number[]] : (value as number[][])
  })

const SOME_BANDS = 'expected one band, or three: red, green, blue'
export const bands = z
  .array(z.int('expected whole numbers from 1').min(1).max(65535), SOME_BANDS)
  .refine((list) => list.length === 1 || list.length === 3, SOME_BANDS)

export const polygons = z.union(
  [z.string().min(1, 'it is empty'), geoJsonObject],
  'expected a path or a GeoJSON object',
)

/** SourceRecord of the format allows no more. */
const MAX_ID = 256
const MAX_TEXT = 65_536
const text = z.string('expected a text').max(MAX_TEXT, `expected at most ${MAX_TEXT} characters`)

/** They are stored four levels down in the JSON of the file. */
const MAX_DEPTH = MAX_JSON_DEPTH - 4

/** The object as JSON holds it: a toJSON() may make anything of it, and a getter something else each time. */
function asJson(given: unknown): Record<string, unknown> | undefined {
  try {
    const text = JSON.stringify(given)
    if (jsonDepth(text) > MAX_DEPTH) return undefined
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const A_DATE = 'expected a date such as 2024, 2024-06-30 or 2024-06-30T10:20:30Z'

const sourceShape = {
  /** A path; also a folder, glob, list of sources, @list.txt or URL. All images that it names get the properties. */
  location: pathText,
  /** Where sources overlap, the higher priority is on top. Default: 0. */
  priority: z.number('expected a number').optional(),
  /** Lowest zoom that shows this source. Default: that of the build. */
  minZoom: zoom.optional(),
  /** Highest zoom that is built for this source. Default: from its resolution. */
  maxZoom: zoom.optional(),
  /** As the option of the build, for this source. */
  nodata: nodata.optional(),
  /** CRS of this source, used instead of its own: a code, PROJ string, WKT or PROJJSON. */
  crs: z.string('expected a code such as EPSG:25832, or WKT').min(1, 'it is empty').optional(),
  /** As the option of the build, for this source. */
  bands: bands.optional(),
  /** Only the part inside these polygons is shown: the path of a GeoJSON file, or a GeoJSON object. */
  cutline: polygons.optional(),
  /** When the image was taken, ISO 8601: a year, month or day, or a day and a time. */
  date: z
    .string(A_DATE)
    .transform((text, context): string => {
      const date = isoDate(text)
      if (date !== undefined) return date
      context.addIssue(A_DATE)
      return z.NEVER
    })
    .optional(),
  /** Whom to name where the image is shown; may be HTML. */
  attribution: text.optional(),
  /** What may be done with the image: 'CC-BY-4.0', or words. */
  licence: text.optional(),
  /** The source's name in the file; no other source may have it. Default: from the name of its file. */
  id: z
    .string('expected a text')
    .min(1, 'it is empty')
    .max(MAX_ID, `expected at most ${MAX_ID} characters`)
    .optional(),
  /** Anything else that is known of it. Stored with the source. Values of JSON. */
  properties: z
    .record(z.string(), z.unknown())
    .transform((given, context): Record<string, unknown> => {
      const value = asJson(given)
      if (value !== undefined) return value
      context.addIssue('expected an object of values that JSON can hold, not nested too deep')
      return z.NEVER
    })
    .optional(),
}

export const sourceGiven = z.strictObject(sourceShape).superRefine(({ minZoom, maxZoom }, context) => {
  if (minZoom === undefined || maxZoom === undefined || minZoom <= maxZoom) return
  const message = `the lowest zoom, ${minZoom}, is above it`
  context.addIssue({ code: 'custom', path: ['maxZoom'], message })
})

/** A source, and what is said of it beyond what its file says. */
export interface SourceGiven extends Given<typeof sourceShape> {}
export type ResolvedSource = z.output<typeof sourceGiven>

/** A source is given as a text if there is nothing to say of it. */
const asObject = (source: unknown): unknown => (typeof source === 'string' ? { location: source } : source)

export const sources = z
  .array(z.preprocess(asObject, sourceGiven) as unknown as z.ZodType<ResolvedSource, string | SourceGiven>)
  .min(1, 'expected at least one source')
