// A GeoTIFF as a raster source. tiff/ reads its structure and pixels; place/georeference.ts and grid/crs/geokeys/ place
// the image on earth. Workers open it again from the same path and options, which are plain data.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import type { GeoKeys } from '../../grid/crs/geokeys/geokeys.js'
import { verticalUnit } from '../../grid/crs/geokeys/units.js'
import type { ReadPixels } from '../losses.js'
import type { PixelMemory } from '../pixels.js'
import { crsOfTiff, pamBeside, readKeys, requirePlace } from '../place/georeference.js'
import { NOWHERE } from '../place/place.js'
import { isRemote } from '../remote-path.js'
import type { PixelWindow, RasterSource, SourceInfo, SourceView, StoredSamples } from '../source.js'
import type { Spool } from '../spool.js'
import type { ByteSource } from '../tiff/file/byte-source.js'
import { openByteSource } from '../tiff/file/open-source.js'
import { compressionName } from '../tiff/file/tags.js'
import type { Siblings } from '../tiff/image/levels.js'
import { TiffRaster } from '../tiff/raster.js'
import { copyrightOfTiff } from './tiff-copyright.js'
import { dateOfTiff } from './tiff-date.js'

/** Plain data. */
export interface GeoTiffOptions {
  /**
   * The stored colours that mean "nothing here", instead of the file's nodata tag: one value for all bands, or a list
   * of colours, each with one value for all bands or one per band. A pixel is empty when *all* its colour bands have
   * the value. With an empty list no colour is nodata, whatever the file says. With a palette, the index is compared.
   */
  readonly nodata?: number | readonly (readonly number[])[]
  /** Used instead of the file's own CRS. */
  readonly crs?: Crs
  /** Bytes of decoded blocks to cache for this file. Default: 64 MiB. */
  readonly cacheBytes?: number
  readonly spool?: Spool
  /** What reading returns. Default: { kind: 'colour' }. */
  readonly view?: SourceView
  /** See OpenOptions. */
  readonly skipDamaged?: boolean
  /** Accepts an image without a position, and gives it an arbitrary geotransform. */
  readonly anywhere?: boolean
}

/**
 * Opens a GeoTIFF. Overviews and masks beside the file (.ovr, .msk, .msk.ovr) are used as if they were inside it.
 * `openBytes` opens the files.
 * @throws SOURCE_UNSUPPORTED when it is not a TIFF, or a kind of TIFF that is not supported
 * @throws NOT_FOUND, SOURCE_UNREADABLE, SOURCE_CORRUPT, TOO_LARGE, CRS_MISSING, CRS_UNSUPPORTED
 */
export async function openGeoTiff(
  path: string,
  options: GeoTiffOptions = {},
  openBytes: (path: string, cacheBytes?: number) => Promise<ByteSource> = openByteSource,
): Promise<RasterSource> {
  const source = await openBytes(path, options.cacheBytes)
  let raster: TiffRaster | undefined
  try {
    const { nodata } = options
    const pam = await pamBeside(path, options.crs !== undefined)
    raster = await TiffRaster.open(source, {
      siblings: besideOf(path, openBytes),
      ...(pam === undefined ? {} : { notes: pam.bands }),
      ...(options.view === undefined ? {} : { view: options.view }),
      ...(nodata === undefined ? {} : { nodata: typeof nodata === 'number' ? [[nodata]] : nodata }),
      ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
      ...(options.skipDamaged === true ? { skipDamaged: true } : {}),
      ...(options.spool?.path === path ? { spool: options.spool } : {}),
    })
    const keys = await readKeys(raster.ifd)
    const place = options.anywhere
      ? { geotransform: NOWHERE }
      : await requirePlace(path, raster.ifd, keys, pam)
    const crs = options.crs ?? pam?.crs ?? (await crsOfTiff(path, keys))
    const date = pam?.date ?? (await dateOfTiff(raster.ifd))
    const copyright = pam?.copyright ?? (await copyrightOfTiff(raster.ifd))
    return new GeoTiff(raster, {
      path,
      ...(source.version === undefined ? {} : { version: source.version }),
      width: raster.layout.width,
      height: raster.layout.height,
      bands: raster.bands,
      samples: raster.samples,
      stored: withUnits(raster.look.stored, keys),
      maskKind: raster.maskKind,
      crs,
      ...place,
      levels: raster.levels,
      ...(date === undefined ? {} : { date }),
      ...(copyright === undefined ? {} : { copyright }),
      description: describe(raster, crs),
    })
  } catch (error) {
    await (raster ?? source).close()
    throw error
  }
}

const besideOf =
  (path: string, openBytes: (path: string) => Promise<ByteSource>): Siblings =>
  async (suffix) => {
    // servers may return anything for a missing file, and each request takes time: remote files stand alone
    if (isRemote(path)) return undefined
    try {
      return await openBytes(path + suffix)
    } catch (error) {
      if (error instanceof FlagstoneError && error.code === 'NOT_FOUND') return undefined
      // a folder of that name is ignored
      if (error instanceof FlagstoneError && error.code === 'SOURCE_UNREADABLE' && error.errno === undefined)
        return undefined
      throw error
    }
  }

/** A band without a unit of its own has that of the vertical keys, as in GDAL (also in GeoTIFF 1.0). */
function withUnits(stored: StoredSamples, keys: GeoKeys): StoredSamples {
  const metres = verticalUnit(keys)
  if (metres === undefined || metres === 1) return stored
  const name =
    Math.abs(metres / 0.3048 - 1) < 1e-9
      ? 'foot'
      : metres === 1200 / 3937 || Math.abs(metres * 3937 - 1200) < 1e-6
        ? 'US survey foot'
        : `unit of ${metres} m`
  const units = Array.from({ length: stored.bands }, (_, i) => stored.units?.[i] ?? name)
  return { ...stored, units }
}

class GeoTiff implements RasterSource {
  readonly info: SourceInfo
  readonly #raster: TiffRaster

  constructor(raster: TiffRaster, info: SourceInfo) {
    this.#raster = raster
    this.info = info
  }

  read(level: number, window: PixelWindow, memory?: PixelMemory): Promise<ReadPixels> {
    return this.#raster.read(level, window, memory)
  }

  close(): Promise<void> {
    return this.#raster.close()
  }
}

/** Describes the file's own picture: 'RGB with alpha', '16-bit grey', 'RGB (the first of 4 bands)'. */
function describeBands({ look }: TiffRaster): string {
  const { type, bits, bands, hasAlpha, palette } = look.stored
  if (palette) return 'palette'
  const isFloat = type.startsWith('float')
  const depth =
    type === 'uint8' ? '' : `${bits}-bit ${isFloat ? 'float ' : type.startsWith('int') ? 'signed ' : ''}`
  const count = look.colours?.length ?? bands
  const colour = look.cmyk === true ? 'CMYK' : count === 3 ? 'RGB' : 'grey'
  const alpha = hasAlpha ? ' with alpha' : ''
  const extra = bands - count
  return (
    depth +
    (extra > 0 ? `${colour}${alpha} (the first of ${bands + (hasAlpha ? 1 : 0)} bands)` : colour + alpha)
  )
}

function describe(raster: TiffRaster, crs: Crs): string {
  const { layout } = raster
  const blocks = layout.tiled
    ? `tiled ${layout.blockWidth}${layout.blockWidth === layout.blockHeight ? '' : `×${layout.blockHeight}`}`
    : 'stripped'
  const parts = [
    `${raster.bigTiff ? 'BigTIFF' : 'GeoTIFF'} ${layout.width}×${layout.height}`,
    describeBands(raster),
    blocks,
    compressionName(layout.compression),
    crs.name,
  ]
  if (raster.maskKind === 'binary') parts.splice(2, 0, 'masked')
  if (raster.levels.length > 1) parts.push(`${raster.levels.length - 1} overviews`)
  return parts.join(', ')
}
