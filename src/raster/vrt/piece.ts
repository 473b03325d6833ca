// One piece of a VRT band (SimpleSource, ComplexSource): a rectangle of a file's band, and where it is painted.
import { dirname, isAbsolute, join } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { childOf, childrenOf, numberOf, textOf, type XmlElement } from '../place/xml.js'
import { remoteUrl } from '../remote-path.js'

/** A rectangle in pixels; fractions are allowed. */
export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Piece {
  readonly file: string
  /** Band from 1, or 'mask' for the file's mask. */
  readonly band: number | 'mask'
  /** The band's type according to the VRT. */
  readonly dataType: string | undefined
  /** Undefined: the whole file. */
  readonly from: Rect | undefined
  /** Undefined: the whole VRT. */
  readonly to: Rect | undefined
  /** The value that is not painted. */
  readonly nodata: number | undefined
  /** Pixels that the file's mask hides are not painted. */
  readonly useMask: boolean
  readonly scale: number
  readonly offset: number
  /** Value pairs, from → to, linear between. */
  readonly lut: readonly (readonly [number, number])[] | undefined
}

/** Unsupported elements of a ComplexSource or SimpleSource. */
const REFUSED = ['Exponent', 'ColorTableComponent', 'OpenOptions']

/** Parses a piece. @throws SOURCE_CORRUPT, SOURCE_UNSUPPORTED */
export function readPiece(element: XmlElement, path: string): Piece {
  const refused = REFUSED.find((name) => childOf(element, name) !== undefined)
  if (refused !== undefined) throw unsupported(path, `<${refused}>`)
  const resampling = element.attributes['resampling']?.toLowerCase() ?? 'nearest'
  const from = rectOf(element, 'SrcRect', path)
  const to = rectOf(element, 'DstRect', path)
  const isScaled = from !== undefined && to !== undefined && !isSameSize(from, to)
  if (!/^near/.test(resampling) && isScaled) throw unsupported(path, `resampling="${resampling}"`)
  const properties = childOf(element, 'SourceProperties')
  return {
    file: fileOf(element, path),
    band: bandOf(element, path),
    dataType: properties?.attributes['DataType'],
    from,
    to,
    nodata: numberOf(textOf(element, 'NODATA')),
    useMask: /^(1|yes|true|on)$/i.test(textOf(element, 'UseMaskBand') ?? ''),
    scale: numberOf(textOf(element, 'ScaleRatio')) ?? 1,
    offset: numberOf(textOf(element, 'ScaleOffset')) ?? 0,
    lut: lutOf(textOf(element, 'LUT'), path),
  }
}

const isSameSize = (a: Rect, b: Rect): boolean =>
  Math.abs(a.width - b.width) < 1e-3 && Math.abs(a.height - b.height) < 1e-3

function fileOf(element: XmlElement, path: string): string {
  const names = childrenOf(element, 'SourceFilename')
  const name = names[0]?.text ?? ''
  if (name === '') throw corrupt(path, 'a source has no SourceFilename')
  const remote = remoteUrl(name)
  if (remote !== undefined) return remote
  if (/^\/vsi/i.test(name)) throw unsupported(path, `the source ${name}`, 'copy the file to a disk')
  const isRelative = /^(1|yes|true|on)$/i.test(names[0]?.attributes['relativeToVRT'] ?? '')
  return isRelative && !isAbsolute(name) ? join(dirname(path), name) : name
}

function bandOf(element: XmlElement, path: string): number | 'mask' {
  const text = textOf(element, 'SourceBand') ?? '1'
  if (/^mask\b/i.test(text)) return 'mask'
  const band = numberOf(text)
  if (band !== undefined && Number.isInteger(band) && band >= 1 && band <= 65536) return band
  throw corrupt(path, `a source's SourceBand is “${text.slice(0, 20)}”`)
}

function rectOf(element: XmlElement, name: string, path: string): Rect | undefined {
  const attributes = childOf(element, name)?.attributes
  if (attributes === undefined) return undefined
  const [x, y, width, height] = ['xOff', 'yOff', 'xSize', 'ySize'].map((key) => numberOf(attributes[key]))
  // GDAL writes this for "not set"
  if (width === -1 && height === -1) return undefined
  const isSound = [x, y, width, height].every((n) => n !== undefined && Math.abs(n) < 2 ** 40)
  if (!isSound || !(width! > 0) || !(height! > 0))
    throw corrupt(path, `a source's ${name} is not a rectangle`)
  return { x: x!, y: y!, width: width!, height: height! }
}

/** Parses a look-up table such as "0:0,100:255". */
function lutOf(text: string | undefined, path: string): [number, number][] | undefined {
  if (text === undefined) return undefined
  const pairs = text.split(',').map((pair) => pair.split(':').map((n) => numberOf(n) ?? Number.NaN))
  const isSound = pairs.every((pair) => pair.length === 2 && !pair.some(Number.isNaN))
  if (!isSound || pairs.length > 65536) throw corrupt(path, "a source's LUT is not made of pairs")
  return pairs as [number, number][]
}

export function unsupported(path: string, what: string, cure?: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} is a VRT with ${what}, which is not supported; ${cure ?? 'convert it with gdal_translate -of COG'}`,
    { path },
  )
}

export const corrupt = (path: string, why: string): FlagstoneError =>
  new FlagstoneError(
    'SOURCE_CORRUPT',
    `${path} is not a valid VRT: ${why}; create it again with gdalbuildvrt`,
    {
      path,
    },
  )
