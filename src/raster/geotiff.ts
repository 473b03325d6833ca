// A GeoTIFF as a raster source. Parts: tiff/ reads structure and pixels, georeference.ts and geokeys.ts place
// the image on earth. Opened again in a worker from the same path and options, which are plain data.
import type { Crs } from '../grid/crs.js'
import { readKeys, requireCrs, requireGeotransform } from './georeference.js'
import type { Pixels } from './pixels.js'
import type { PixelWindow, RasterSource, SourceInfo } from './source.js'
import { openFileSource } from './tiff/byte-source.js'
import type { ImageLayout } from './tiff/layout.js'
import { TiffRaster } from './tiff/raster.js'
import { compressionName, Photometric } from './tiff/tags.js'

/** Plain data. */
export interface GeoTiffOptions {
  /**
   * Which stored colours mean "nothing here", instead of what the file's nodata tag says: one value for all
   * bands, or a list of colours (one value for all bands or one a band each). A pixel is empty when *all* its
   * colour bands have the value. An empty list: none, whatever the file says. Palettes compare the index.
   */
  readonly nodata?: number | readonly (readonly number[])[]
  /** Instead of the file's own CRS. */
  readonly crs?: Crs
  /** Decoded blocks kept for this file, bytes; default 64 MiB. */
  readonly cacheBytes?: number
}

/**
 * Opens a GeoTIFF. Throws NOT_FOUND, SOURCE_UNREADABLE, SOURCE_UNSUPPORTED (not a TIFF, or a kind we do not
 * decode), SOURCE_CORRUPT, TOO_LARGE, CRS_MISSING, CRS_UNSUPPORTED; `read` throws SOURCE_CORRUPT,
 * SOURCE_UNREADABLE, and RangeError for windows that leave the level.
 */
export async function openGeoTiff(path: string, options: GeoTiffOptions = {}): Promise<RasterSource> {
  const source = await openFileSource(path)
  try {
    const { nodata } = options
    const raster = await TiffRaster.open(source, {
      ...(nodata === undefined ? {} : { nodata: typeof nodata === 'number' ? [[nodata]] : nodata }),
      ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
    })
    const keys = await readKeys(raster.ifd)
    const geotransform = await requireGeotransform(path, raster.ifd, keys)
    const crs = options.crs ?? requireCrs(path, keys)
    return new GeoTiff(raster, {
      path,
      width: raster.layout.width,
      height: raster.layout.height,
      bands: raster.bands,
      samples: 'uint8',
      stored: raster.stored,
      maskKind: raster.maskKind,
      crs,
      geotransform,
      levels: raster.levels,
      description: describe(raster, crs),
    })
  } catch (error) {
    await source.close()
    throw error
  }
}

class GeoTiff implements RasterSource {
  readonly info: SourceInfo
  readonly #raster: TiffRaster

  constructor(raster: TiffRaster, info: SourceInfo) {
    this.#raster = raster
    this.info = info
  }

  read(level: number, window: PixelWindow): Promise<Pixels> {
    return this.#raster.read(level, window)
  }

  close(): Promise<void> {
    return this.#raster.close()
  }
}

function describeBands(layout: ImageLayout, raster: TiffRaster): string {
  const { samplesPerPixel, photometric } = layout
  if (photometric === Photometric.Palette) return 'palette'
  const extra = samplesPerPixel - raster.bands - (raster.maskKind === 'alpha' ? 1 : 0)
  const colour = raster.bands === 3 ? 'RGB' : 'grey'
  const alpha = raster.maskKind === 'alpha' ? ' with alpha' : ''
  return extra > 0 ? `${colour}${alpha} (the first of ${samplesPerPixel} bands)` : colour + alpha
}

function describe(raster: TiffRaster, crs: Crs): string {
  const { layout } = raster
  const blocks = layout.tiled
    ? `tiled ${layout.blockWidth}${layout.blockWidth === layout.blockHeight ? '' : `×${layout.blockHeight}`}`
    : 'stripped'
  const parts = [
    `${raster.bigTiff ? 'BigTIFF' : 'GeoTIFF'} ${layout.width}×${layout.height}`,
    describeBands(layout, raster),
    blocks,
    compressionName(layout.compression),
    crs.name,
  ]
  if (raster.maskKind === 'binary') parts.splice(2, 0, 'masked')
  if (raster.levels.length > 1) parts.push(`${raster.levels.length - 1} overviews`)
  return parts.join(', ')
}
