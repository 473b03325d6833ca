// The interface of a raster source: geometry as plain data, and a method to read windows. formats/ and vrt/ implement
// it.
import type { Crs } from '../grid/crs/crs.js'
import type { Polynomials } from '../grid/place/placement.js'
import type { ReadPixels } from './losses.js'
import type { PixelMemory } from './pixels.js'

/**
 * GDAL's order: X = g[0] + col·g[1] + row·g[2]; Y = g[3] + col·g[4] + row·g[5]. (0,0) is the outer corner of the first
 * pixel.
 */
export type Geotransform = readonly [number, number, number, number, number, number]

/** One resolution of an image. Level 0 is the full one; the others are its overviews, from fine to coarse. */
export interface SourceLevel {
  readonly width: number
  readonly height: number
  /** The natural unit of reading, in pixels: a tile, or a strip. */
  readonly blockWidth: number
  readonly blockHeight: number
}

/** How empty pixels are marked: 'binary' (nodata value or bit mask) or 'alpha' (soft). */
export type MaskKind = 'none' | 'binary' | 'alpha'

/** How a file stores a sample. Odd depths (11, 12 bits …) count as the next larger type. */
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

/** What the file holds, whatever view was requested. */
export interface StoredSamples {
  readonly type: SampleType
  /** Bits in use, 1 … 64. */
  readonly bits: number
  /** Bands without alpha. */
  readonly bands: number
  readonly hasAlpha: boolean
  /** The alpha band, from 1, where it is not the last. */
  readonly alphaBand?: number
  /** Samples are indices into a colour table. */
  readonly palette: boolean
  /** A picture with a palette that reads as colours; a values view returns the palette indices. */
  readonly indexed?: boolean
  /**
   * The file declares its bands as colours (red, green, blue, CMYK, a palette), so they cannot be assumed to be
   * heights.
   */
  readonly isColour?: boolean
  /** The value that means "nothing here", if one number (or NaN) can say it. */
  readonly nodata?: number
  /**
   * GDAL's scale and offset by band: value = stored · scale + offset. Left out when they are 1 and 0. Values views
   * apply them.
   */
  readonly scales?: readonly { readonly scale: number; readonly offset: number }[]
  /** The unit of the values by band, as in the file: 'US survey foot'. Undefined: none given. */
  readonly units?: readonly (string | undefined)[]
}

/** A colour for a value; each component is 0…255. */
export interface ColormapStop {
  readonly value: number
  readonly rgba: readonly [red: number, green: number, blue: number, alpha: number]
}

/** How stored values become 8-bit colours. Plain data. */
export interface Tone {
  /**
   * Ranges that map to 0…255: one per colour band, or one for all. In units of the values, with scale and offset
   * applied.
   */
  readonly ranges: readonly (readonly [min: number, max: number])[]
  /** out = in^(1/gamma), on 0…1. */
  readonly gamma: number
  /** For one band: colours by value. `ranges` and gamma are not used then. */
  readonly colormap?: { readonly stops: readonly ColormapStop[]; readonly interpolate: boolean }
}

/** Pictures in 8-bit colours. Samples that are not 8-bit (or all samples, if `tone` is given) go through the tone. */
export interface ColourView {
  readonly kind: 'colour'
  /** Stored bands, from 1: one (grey) or three. Default: the file's own choice. */
  readonly bands?: readonly number[]
  readonly tone?: Tone
  /** false: ignores alpha bands and masks, but not nodata values. */
  readonly alpha?: boolean
  /** The value of opaque pixels in alpha bands of more than 8 bits, if it is not the largest of the type. */
  readonly alphaTop?: number
}

/** Values as Float32, with scale and offset applied. The mask says where there are values. */
export interface ValueView {
  readonly kind: 'values'
  /** Stored bands, from 1. */
  readonly bands: readonly number[]
  /** Makes a band's own nodata value NaN even where other bands have values, for statistics of single bands. */
  readonly perBand?: boolean
  /** Converts the first band to heights in metres: 'said' uses the file's unit, a number is metres per unit. */
  readonly heights?: 'said' | number
}

export type SourceView = ColourView | ValueView

/** Whether a colour view of these samples needs a tone. */
export const needsTone = (stored: StoredSamples): boolean => stored.type !== 'uint8' && !stored.palette

/** For a tile archive as a source: how its tiles are stored, and its metadata. */
export interface StoredTiles {
  /** Ascending. */
  readonly zooms: readonly number[]
  /** Pixels per side, at the deepest zoom. */
  readonly tileSize: number
  /** TileType codes of the tiles examined. */
  readonly types: readonly number[]
  /** Whether the WebP tiles examined are lossless. */
  readonly isLossless: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Plain data: can be sent to a worker, printed, compared. */
export interface SourceInfo {
  readonly path: string
  /** For remote files: the version according to the server (size, and ETag or date). */
  readonly version?: string
  readonly width: number
  readonly height: number
  /** Bands that reading returns: 1 or 3 in a colour view, the number requested in a values view. */
  readonly bands: number
  /** Type of the samples that reading returns. */
  readonly samples: 'uint8' | 'float32'
  readonly stored: StoredSamples
  readonly maskKind: MaskKind
  readonly crs: Crs
  /** Position in the coordinates of its CRS. For an image placed by control points, the nearest geotransform. */
  readonly geotransform: Geotransform
  /** Used instead of the geotransform when control points place the image; grid/place/placement.ts reads both. */
  readonly polynomials?: Polynomials
  readonly levels: readonly SourceLevel[]
  readonly tiles?: StoredTiles
  /** When the image was taken, as the file writes it. */
  readonly date?: string
  /** Whose it is, as the file writes it. */
  readonly copyright?: string
  /** For display: 'GeoTIFF 1234×567, tiled 512, JPEG, EPSG:26917'. */
  readonly description: string
}

/** A rectangle of pixels that lies inside a level. */
export interface PixelWindow {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface RasterSource {
  readonly info: SourceInfo
  /**
   * The pixels of a window inside `level`. A cached block is not decoded again. With `memory`, 8-bit samples may lie in
   * memory taken from it, which the caller gives back.
   * @throws SOURCE_CORRUPT, SOURCE_UNREADABLE when the file is damaged or changed
   * @throws RangeError when the window does not lie inside the level
   * @throws BAD_OPTION when the samples are not 8-bit colours and the view has no tone
   */
  read(level: number, window: PixelWindow, memory?: PixelMemory): Promise<ReadPixels>
  close(): Promise<void>
}
