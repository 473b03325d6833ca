// What a raster source is to the rest of the project: geometry as plain data, and a way to read windows.
// One implementation a file format; geotiff.ts is the first.
import type { Crs } from '../grid/crs/crs.js'
import type { Polynomials } from '../grid/place/placement.js'
import type { ReadPixels } from './losses.js'
import type { PixelMemory } from './pixels.js'

/** GDAL's order: X = g[0] + col·g[1] + row·g[2]; Y = g[3] + col·g[4] + row·g[5]; (0,0) is the outer corner of the first pixel. */
export type Geotransform = readonly [number, number, number, number, number, number]

/** One resolution of an image: level 0 is the full one, the others its internal overviews, coarser and coarser. */
export interface SourceLevel {
  readonly width: number
  readonly height: number
  /** The natural unit of reading, pixels: tile size, or strip width × rows. */
  readonly blockWidth: number
  readonly blockHeight: number
}

/** How emptiness is said: 'binary' (nodata value, bit mask) or 'alpha' (soft). */
export type MaskKind = 'none' | 'binary' | 'alpha'

/** What a file stores for one sample; depths between (11, 12 bits …) go with the next larger one. */
export type SampleType =
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'uint64'
  | 'int64'
  | 'float16'
  | 'float32'
  | 'float64'

/** What the file holds, whichever view of it was asked for. */
export interface StoredSamples {
  readonly type: SampleType
  /** Bits that are used: 1 … 64. */
  readonly bits: number
  /** Bands without alpha. */
  readonly bands: number
  readonly hasAlpha: boolean
  /** Which band is alpha, from 1, where it is not the last. */
  readonly alphaBand?: number
  /** Bands are numbers in a table of colours. */
  readonly palette: boolean
  /** A picture of a palette that is shown as its colours; a values view gives the numbers of the palette. */
  readonly indexed?: boolean
  /** The file calls its bands colours (red, green, blue, inks, a palette), so that none of them is known to be heights. */
  readonly isColour?: boolean
  /** Value that means "nothing here", as far as one number says it (NaN too). */
  readonly nodata?: number
  /** GDAL's: value = stored · scale + offset, by band; left out where it is 1 and 0. Values views are in these units. */
  readonly scales?: readonly { readonly scale: number; readonly offset: number }[]
  /** What the file says its values count in, by band: 'US survey foot'. Holes: nothing. */
  readonly units?: readonly (string | undefined)[]
}

/** A colour for a value, 0…255 each; alpha 255 when not given. */
export interface ColormapStop {
  readonly value: number
  readonly rgba: readonly [red: number, green: number, blue: number, alpha: number]
}

/** How stored values become 8-bit colours. All of it plain data. */
export interface Tone {
  /** [min, max] → 0…255, one a colour band (or one for all). In units of the values (scale and offset applied). */
  readonly ranges: readonly (readonly [min: number, max: number])[]
  /** out = in^(1/gamma), on 0…1. */
  readonly gamma: number
  /** For one band: colours by value, linear between stops; `ranges` and gamma are not used then. */
  readonly colormap?: { readonly stops: readonly ColormapStop[]; readonly interpolate: boolean }
}

/** Pictures: 8-bit colours. Samples that are not 8-bit (or all, when `tone` is given) go through the tone. */
export interface ColourView {
  readonly kind: 'colour'
  /** Stored bands from 1, instead of the file's own choice: one (grey) or three. */
  readonly bands?: readonly number[]
  readonly tone?: Tone
  /** false: alpha bands and masks are not looked at (nodata values are). */
  readonly alpha?: boolean
  /** The value of opaque pixels in alpha bands of more than 8 bits, when it is not the largest of their type. */
  readonly alphaTop?: number
}

/** Values as they are, as Float32 with scale and offset applied; the mask says where there are any. */
export interface ValueView {
  readonly kind: 'values'
  /** Stored bands from 1. */
  readonly bands: readonly number[]
  /** A band's own nodata value is NaN, also where other bands have values: for statistics of single bands. */
  readonly perBand?: boolean
  /** The first band is heights, wanted in metres: from the unit that the file says, or one of so many metres. */
  readonly heights?: 'said' | number
}

export type SourceView = ColourView | ValueView

/** Are these samples not pictures as they are? A colour view of them wants a tone. */
export const needsTone = (stored: StoredSamples): boolean => stored.type !== 'uint8' && !stored.palette

/** Of a tile archive as a source: how its tiles are stored, and what it says of itself. */
export interface StoredTiles {
  /** Ascending. */
  readonly zooms: readonly number[]
  /** Pixels a side, at the deepest zoom. */
  readonly tileSize: number
  /** TileType codes of those looked at. */
  readonly types: readonly number[]
  /** Of WebP: as far as was looked. */
  readonly isLossless: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Plain data: can be sent to a worker, printed, compared. */
export interface SourceInfo {
  readonly path: string
  /** Of remote files: what their server calls this version (size, and ETag or date). */
  readonly version?: string
  readonly width: number
  readonly height: number
  /** What reading gives: 1 or 3 of a colour view, as many as asked for of a values view. */
  readonly bands: number
  /** Samples of what reading gives. */
  readonly samples: 'uint8' | 'float32'
  readonly stored: StoredSamples
  readonly maskKind: MaskKind
  readonly crs: Crs
  /** Where it lies on the map of its CRS; of an image placed by control points the nearest one. */
  readonly geotransform: Geotransform
  /** Instead of the geotransform, where control points place the image; grid/place/placement.ts reads both. */
  readonly polynomials?: Polynomials
  readonly levels: readonly SourceLevel[]
  readonly tiles?: StoredTiles
  /** For people: 'GeoTIFF 1234×567, tiled 512, JPEG, EPSG:26917'. */
  readonly description: string
}

/** Pixel rectangle in a level; may not leave it. */
export interface PixelWindow {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface RasterSource {
  readonly info: SourceInfo
  /**
   * Pixels of a window inside `level`. Decodes each block at most once while it stays in the cache. With `memory` 8-bit
   * samples may lie in memory taken from there, which the caller gives back.
   * @throws SOURCE_CORRUPT, SOURCE_UNREADABLE when the file is damaged or changed
   * @throws RangeError when the window leaves the level
   * @throws BAD_OPTION when the samples are no colours and the view has no tone
   */
  read(level: number, window: PixelWindow, memory?: PixelMemory): Promise<ReadPixels>
  close(): Promise<void>
}
