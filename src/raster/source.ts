// What a raster source is to the rest of the project: geometry as plain data, and a way to read windows.
// One implementation a file format; geotiff.ts is the first.
import type { Crs } from '../grid/crs.js'
import type { Pixels } from './pixels.js'

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

/** Plain data: can be sent to a worker, printed, compared. */
export interface SourceInfo {
  readonly path: string
  readonly width: number
  readonly height: number
  readonly bands: 1 | 3
  readonly maskKind: MaskKind
  readonly crs: Crs
  readonly geotransform: Geotransform
  readonly levels: readonly SourceLevel[]
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
  /** Pixels of a window inside `level`. Decodes each block at most once while it stays in the cache. */
  read(level: number, window: PixelWindow): Promise<Pixels>
  close(): Promise<void>
}
