// How stored values become colours. This is chosen once for all sources of a build, before any worker opens them.
//
// Invariant: 8-bit images stay as they are unless a range, gamma or colormap is requested. Other images get a range in
// which they are visible, and `notes` say which. The same sources and options give the same choice.
import { FlagstoneError } from '../../errors.js'
import { readRegularSync, specialKind, statOf } from '../../platform/regular-file.js'
import type { OpenOptions } from '../../raster/open-options.js'
import { type ColourView, needsTone, type SourceInfo, type Tone } from '../../raster/source.js'
import {
  type ColormapMode,
  colormapNames,
  colormapOfName,
  colormapOfObject,
  isRelative,
  type ParsedColormap,
  parseColormap,
  stopsOf,
} from '../../raster/view/colormap-text.js'
import type { ResolvedBuildOptions } from '../options.js'
import { DEEP_ALPHA_NOTE, deepAlphaTop } from './deep-alpha.js'
import type { SourceOpener } from './open.js'
import { type BandStatistics, sampleValues } from './value-sample.js'

export interface ColourChoice {
  /** Every source is opened with this view. */
  readonly view: ColourView
  /** Sentences for the user about choices that were made automatically. */
  readonly notes: readonly string[]
}

type Range = readonly [min: number, max: number]
type ColourOptions = Pick<
  ResolvedBuildOptions,
  'bands' | 'rescale' | 'gamma' | 'colormap' | 'colormapMode' | 'alpha'
> & { readonly sources?: ResolvedBuildOptions['sources'] }

const MAX_COLORMAP_BYTES = 16 * 2 ** 20
const FULL: Range = [0, 255]

/** The view of sources until the tone is chosen: the same bands and mask, no values read. */
export function provisionalView(options: ColourOptions): ColourView {
  const view = plainView(options)
  if (options.colormap === undefined) return view
  return { ...view, tone: { ranges: [FULL], gamma: 1, colormap: colormapFor(options, [FULL]) } }
}

function plainView({ bands, alpha, colormap }: ColourOptions): ColourView {
  const shown = bands ?? (colormap === undefined ? undefined : [1])
  return {
    kind: 'colour',
    ...(shown === undefined ? {} : { bands: shown }),
    ...(alpha === false ? { alpha: false } : {}),
  }
}

/**
 * Chooses the colours. Reads a sample of the sources if the choice depends on their values.
 * @throws BAD_OPTION when a colormap cannot be read or is for several bands, or the number of ranges is wrong
 * @throws as RasterSource.read
 */
export async function chooseColours(
  infos: readonly SourceInfo[],
  options: ColourOptions,
  open: SourceOpener,
  openOptions: OpenOptions,
): Promise<ColourChoice> {
  const choice = await chooseTone(infos, options, open, openOptions)
  const top = options.alpha === false ? undefined : await deepAlphaTop(infos, open, openOptions)
  if (top === undefined) return choice
  return { view: { ...choice.view, alphaTop: top }, notes: [...choice.notes, DEEP_ALPHA_NOTE] }
}

async function chooseTone(
  infos: readonly SourceInfo[],
  options: ColourOptions,
  open: SourceOpener,
  openOptions: OpenOptions,
): Promise<ColourChoice> {
  const view = plainView(options)
  const { rescale, gamma, colormap } = options
  const raw = infos.filter((info) => needsTone(info.stored))
  if (raw.length === 0 && rescale === undefined && gamma === 1 && colormap === undefined)
    return { view, notes: [] }
  const bands = shownBands(infos, options)
  const sample = (of: readonly SourceInfo[]): Promise<BandStatistics[]> =>
    sampleValues(of, bands, open, openOptions)
  if (colormap !== undefined) return colormapChoice(infos, options, view, () => sample(infos))
  // the numbers of a palette are not values, and its colours stay as they are
  const valued = infos.filter((info) => !info.stored.palette)
  if (valued.length === 0) {
    return {
      view,
      notes: ['The colours of a palette are shown unchanged: rescale and gamma are not used.'],
    }
  }
  if (Array.isArray(rescale)) {
    checkRanges(rescale, bands)
    return { view: { ...view, tone: { ranges: rescale, gamma } }, notes: [] }
  }
  if (raw.length === 0 && rescale === undefined) {
    return { view: { ...view, tone: { ranges: [FULL], gamma } }, notes: [] }
  }
  const { ranges, note } = automatic(await sample(valued), raw.length > 0 ? raw : valued, bands)
  return { view: { ...view, tone: { ranges, gamma } }, notes: [note] }
}

/** The stored bands that will be visible, of the source that shows most. */
function shownBands(infos: readonly SourceInfo[], options: ColourOptions): readonly number[] {
  if (options.bands !== undefined) return options.bands
  const own = infos.map((_, i) => options.sources?.[i]?.bands?.length)
  const most = infos.reduce((most, { stored }, i) => {
    return Math.max(most, own[i] ?? (stored.palette ? 1 : stored.bands))
  }, 1)
  if (options.colormap !== undefined && most >= 3) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `A colormap is for one band and ${infos[0]!.path} has ${most}: choose one, for example --bands 1.`,
    )
  }
  return most >= 3 ? [1, 2, 3] : [1]
}

function checkRanges(ranges: readonly Range[], bands: readonly number[]): void {
  if (ranges.length === 1 || ranges.length === bands.length) return
  throw new FlagstoneError(
    'BAD_OPTION',
    `rescale has ${ranges.length} ranges for ${bands.length === 1 ? 'one band' : `${bands.length} bands`}: give one min,max for all, or one for each.`,
  )
}

/** The 2nd to 98th percentile of each band. Wider samples that hold 8-bit values stay as they are. */
function automatic(
  bands: readonly BandStatistics[],
  sources: readonly SourceInfo[],
  numbers: readonly number[],
): { ranges: readonly Range[]; note: string } {
  const types = [...new Set(sources.map(({ stored }) => stored.type))].join(' and ')
  const isBytes = (b: BandStatistics): boolean => b.integers && b.min >= 0 && b.max > 127 && b.max <= 255
  if (bands.length === 3 && types !== 'uint8' && bands.every(isBytes)) {
    const note = `The ${types} samples are from 0 to 255 and are shown unchanged; use --rescale MIN,MAX for another range.`
    return { ranges: [FULL], note }
  }
  const ranges = bands.map(rangeOf)
  const said = ranges.map((range, i) => (ranges.length === 1 ? '' : `band ${numbers[i]} `) + rangeText(range))
  const note = `The ${types} values from ${said.join(', ')} are shown as black to white (2nd to 98th percentile of a sample); use --rescale MIN,MAX for another range.`
  return { ranges, note }
}

/** Never empty: if most pixels have one value, the full range; if all have it, a range around it. */
function rangeOf({ count, min, max, low, high }: BandStatistics): Range {
  if (count === 0) return [0, 1]
  if (low < high) return [low, high]
  if (min < max) return [min, max]
  const margin = Math.max(1, Math.abs(min) / 1000)
  return [min - margin, min + margin]
}

const rangeText = ([min, max]: Range): string => {
  const digits = Math.max(0, Math.min(9, 2 - Math.floor(Math.log10(Math.abs(max - min)))))
  const text = (value: number): string => String(Number(value.toFixed(digits)))
  return `${text(min)} to ${text(max)}`
}

async function colormapChoice(
  infos: readonly SourceInfo[],
  options: ColourOptions,
  view: ColourView,
  sample: () => Promise<BandStatistics[]>,
): Promise<ColourChoice> {
  const { rescale } = options
  if (Array.isArray(rescale)) checkRanges(rescale, [1])
  const { map } = loadColormap(options.colormap!)
  const notes: string[] = []
  if (map.hasNodata) notes.push("The colormap's nv is not used: pixels without a value stay transparent.")
  let range = Array.isArray(rescale) ? rescale[0]! : FULL
  if (isRelative(map) && !Array.isArray(rescale)) {
    const [band] = await sample()
    // a named colormap has no values of its own; percentages in a file refer to all values, as in gdaldem
    const whole =
      rescale !== 'auto' &&
      typeof options.colormap === 'string' &&
      colormapOfName(options.colormap) === undefined
    range = whole && band!.count > 0 && band!.min < band!.max ? [band!.min, band!.max] : rangeOf(band!)
    const types = [...new Set(infos.map(({ stored }) => stored.type))].join(' and ')
    notes.push(
      `The colormap spans the ${types} values from ${rangeText(range)} (${whole ? 'lowest and highest' : '2nd to 98th percentile'} of a sample); use --rescale MIN,MAX for another range.`,
    )
  }
  const tone: Tone = { ranges: [range], gamma: options.gamma, colormap: colormapFor(options, [range]) }
  return { view: { ...view, tone }, notes }
}

function colormapFor(
  { colormap, colormapMode }: ColourOptions,
  [range]: readonly [Range],
): Tone['colormap'] & {} {
  const { map, mode } = loadColormap(colormap!)
  return stopsOf(map, colormapMode ?? mode, range)
}

function loadColormap(colormap: NonNullable<ColourOptions['colormap']>): {
  map: ParsedColormap
  mode: ColormapMode
} {
  const map =
    typeof colormap === 'string'
      ? (colormapOfName(colormap) ?? readColormap(colormap))
      : colormapOfObject(colormap, 'given')
  return { map, mode: map.mode }
}

function readColormap(path: string): ParsedColormap {
  const stat = statOf(path)
  const kind = stat && specialKind(stat)
  if (kind !== undefined)
    throw new FlagstoneError(
      'BAD_OPTION',
      `The colormap ${path} is not a regular file: it is ${kind}; name a text or JSON file.`,
    )
  if (stat === undefined) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `${path} is not a colormap file or a known name; the names are ${colormapNames()}, each also reversed with _r at its end.`,
    )
  }
  if (stat.size > MAX_COLORMAP_BYTES) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `The colormap ${path} has ${stat.size} bytes; that is not a colormap.`,
    )
  }
  return parseColormap(readRegularSync(path).toString(), path)
}

/** The view in one line, for fingerprints and metadata. */
export function describeView({ bands, tone, alpha, alphaTop }: ColourView): string {
  const parts = [`bands ${bands?.join(',') ?? 'of the file'}`]
  if (alpha === false) parts.push('no alpha')
  if (alphaTop !== undefined) parts.push(`alpha up to ${alphaTop}`)
  if (tone?.colormap !== undefined) {
    const { stops, interpolate } = tone.colormap
    parts.push(
      `${interpolate ? 'linear' : 'stepped'} colormap ${stops.map((s) => `${s.value}:${s.rgba.join('/')}`).join(' ')}`,
    )
  } else if (tone !== undefined) {
    parts.push(`values ${tone.ranges.map((range) => range.join(' to ')).join(', ')}`, `gamma ${tone.gamma}`)
  }
  return parts.join(', ')
}
