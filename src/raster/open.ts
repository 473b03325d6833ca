// Any raster by path: the one place that decides which kind of file it is.
import type { Crs } from '../grid/crs.js'
import { openGeoTiff } from './geotiff.js'
import type { RasterSource, SourceView } from './source.js'

/** Plain data. */
export interface OpenOptions {
  /** Stored colours that mean "nothing here", instead of what the file says; an empty list: none. */
  readonly nodata?: readonly (readonly number[])[]
  /** Instead of the file's own CRS. */
  readonly crs?: Crs
  /** Decoded blocks kept for this source, bytes. */
  readonly cacheBytes?: number
  /** What reading gives; { kind: 'colour' } when left out. */
  readonly view?: SourceView
}

/** Throws what the format's opener throws; SOURCE_UNSUPPORTED for what is none of them. */
export function openRaster(path: string, options: OpenOptions = {}): Promise<RasterSource> {
  return openGeoTiff(path, options)
}
