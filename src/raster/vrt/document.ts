// A VRT as plain data: its bands, and the pieces of files that they consist of.
//
// Pieces are parsed one by one, so that tens of thousands of them never form one tree in memory. Unsupported features
// (warped, derived, filtered, nested in archives …) are refused here, with the name of the element.

import type { Crs } from '../../grid/crs/crs.js'
import type { Polynomials } from '../../grid/place/placement.js'
import { atofM } from '../gdal-number.js'
import { placeFromXml } from '../place/pam.js'
import { childOf, childrenOf, numberOf, parseDocument, textOf, type XmlElement } from '../place/xml.js'
import type { Geotransform, SampleType } from '../source.js'
import type { Palette } from '../view/view-choice.js'
import { corrupt, type Piece, readPiece, unsupported } from './piece.js'

export interface VrtBand {
  readonly type: SampleType
  /** The value of pixels without a piece (0 when undefined). */
  readonly background: number | undefined
  /** As background, unless the VRT hides its nodata value. */
  readonly nodata: number | undefined
  readonly isAlpha: boolean
  readonly isColour: boolean
  readonly palette: Palette | undefined
  readonly unit: string | undefined
  readonly scale: number
  readonly offset: number
  /** Later pieces lie on top. */
  readonly pieces: readonly Piece[]
}

export interface VrtDocument {
  readonly width: number
  readonly height: number
  readonly crs: Crs | undefined
  readonly geotransform: Geotransform | undefined
  readonly polynomials: Polynomials | undefined
  readonly bands: readonly VrtBand[]
  /** The mask of all bands. */
  readonly mask: readonly Piece[] | undefined
}

/** Sample types by their GDAL names. */
const TYPES: Readonly<Record<string, SampleType>> = {
  Byte: 'uint8',
  Int8: 'int8',
  UInt16: 'uint16',
  Int16: 'int16',
  UInt32: 'uint32',
  Int32: 'int32',
  UInt64: 'uint64',
  Int64: 'int64',
  Float32: 'float32',
  Float64: 'float64',
}
const MAX_BANDS = 1024
const MAX_PIXELS_ACROSS = 2 ** 31
const PIECE_NAMES = ['SimpleSource', 'ComplexSource'] as const

/** Parses a VRT. `ignoreCrs`: the user gave another CRS. @throws SOURCE_CORRUPT, SOURCE_UNSUPPORTED, CRS_UNSUPPORTED */
export function readDocument(text: string, path: string, ignoreCrs: boolean): VrtDocument {
  const { outline, pieces } = cutPieces(text, path)
  const root = parseDocument(outline, path)
  if (root.name !== 'VRTDataset') throw corrupt(path, `its root is <${root.name}>, not <VRTDataset>`)
  const subclass = root.attributes['subClass']
  if (subclass !== undefined) throw unsupported(path, `subClass="${subclass}"`)
  const width = sizeOf(root, 'rasterXSize', path)
  const height = sizeOf(root, 'rasterYSize', path)
  const bandElements = childrenOf(root, 'VRTRasterBand')
  if (bandElements.length === 0 || bandElements.length > MAX_BANDS) {
    throw corrupt(path, `it has ${bandElements.length} bands`)
  }
  const { crs, geotransform, polynomials } = placeFromXml(root, path, ignoreCrs)
  const bands = bandElements.map((element) => readBand(element, pieces, path))
  const maskBand = childOf(root, 'MaskBand')
  const maskElement = maskBand && childOf(maskBand, 'VRTRasterBand')
  return {
    width,
    height,
    crs,
    geotransform,
    polynomials,
    bands,
    mask: maskElement && readBand(maskElement, pieces, path).pieces,
  }
}

/** The document with every piece replaced by its number, and the pieces. */
function cutPieces(text: string, path: string): { outline: string; pieces: Piece[] } {
  const pieces: Piece[] = []
  const outline: string[] = []
  let done = 0
  while (true) {
    const found = nextPiece(text, done)
    if (found === undefined) break
    outline.push(text.slice(done, found.from), `<Piece n="${pieces.length}"/>`)
    pieces.push(readPiece(parseDocument(text.slice(found.from, found.to), path), path))
    done = found.to
  }
  outline.push(text.slice(done))
  return { outline: outline.join(''), pieces }
}

function nextPiece(text: string, from: number): { from: number; to: number } | undefined {
  let at = text.indexOf('<', from)
  for (; at >= 0; at = text.indexOf('<', at + 1)) {
    const name = PIECE_NAMES.find(
      (n) => text.startsWith(n, at + 1) && /[\s>]/.test(text[at + 1 + n.length] ?? ''),
    )
    if (name === undefined) continue
    const end = text.indexOf(`</${name}>`, at)
    return end < 0 ? undefined : { from: at, to: end + name.length + 3 }
  }
  return undefined
}

function sizeOf(root: XmlElement, name: string, path: string): number {
  const size = numberOf(root.attributes[name])
  if (size !== undefined && Number.isInteger(size) && size > 0 && size < MAX_PIXELS_ACROSS) return size
  throw corrupt(path, `its ${name} is “${root.attributes[name] ?? ''}”`)
}

/** Elements of a band that would change its pixels, and are not supported. */
const REFUSED = [
  'KernelFilteredSource',
  'AveragedSource',
  'NoDataFromMaskSource',
  'ArraySource',
  'PixelFunctionType',
  'MaskBand',
]

function readBand(element: XmlElement, pieces: readonly Piece[], path: string): VrtBand {
  const subclass = element.attributes['subClass']
  if (subclass !== undefined && subclass !== 'VRTSourcedRasterBand') {
    throw unsupported(path, `subClass="${subclass}"`)
  }
  const refused = REFUSED.find((name) => childOf(element, name) !== undefined)
  if (refused !== undefined) throw unsupported(path, `<${refused}>`)
  const name = element.attributes['dataType'] ?? 'Byte'
  const type = TYPES[name]
  if (type === undefined) throw unsupported(path, `dataType="${name}"`)
  const said = textOf(element, 'NoDataValue')
  const background = said ? atofM(said) : undefined
  const isHidden = /^(1|yes|true|on)$/i.test(textOf(element, 'HideNoDataValue') ?? '')
  const isPalette = textOf(element, 'ColorInterp') === 'Palette'
  return {
    type,
    background,
    nodata: isHidden ? undefined : background,
    isAlpha: textOf(element, 'ColorInterp') === 'Alpha',
    isColour: /^(Red|Green|Blue|Palette|Cyan|Magenta|Yellow|Black)$/.test(
      textOf(element, 'ColorInterp') ?? '',
    ),
    palette: isPalette ? paletteOf(childOf(element, 'ColorTable')) : undefined,
    unit: textOf(element, 'UnitType'),
    scale: numberOf(textOf(element, 'Scale')) ?? 1,
    offset: numberOf(textOf(element, 'Offset')) ?? 0,
    pieces: childrenOf(element, 'Piece').map((piece) => pieces[Number(piece.attributes['n'])]!),
  }
}

function paletteOf(table: XmlElement | undefined): Palette | undefined {
  const entries = table === undefined ? [] : childrenOf(table, 'Entry')
  if (entries.length === 0 || entries.length > 65536) return undefined
  const colours = new Uint8Array(entries.length * 3)
  const alpha = new Uint8Array(entries.length)
  for (const [i, { attributes }] of entries.entries()) {
    for (let c = 0; c < 3; c++) colours[i * 3 + c] = numberOf(attributes[`c${c + 1}`]) ?? 0
    alpha[i] = numberOf(attributes['c4']) ?? 255
  }
  return { bands: 3, table: colours, ...(alpha.every((a) => a === 255) ? {} : { alpha }) }
}
