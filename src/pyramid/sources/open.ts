// Opens sources by path. This is the only place that decides which kind of file a path is.
import { crsFromText } from '../../grid/crs/crs-text.js'
import { isTileArchive } from '../../interop/archive-name.js'
import { openRaster } from '../../raster/open.js'
import type { OpenOptions } from '../../raster/open-options.js'
import type { RasterSource } from '../../raster/source.js'
import type { ResolvedBuildOptions } from '../options.js'

export type { OpenOptions } from '../../raster/open-options.js'

export type SourceOpener = (path: string, options: OpenOptions) => Promise<RasterSource>

/** @throws as openRaster and openArchive */
export const openSource: SourceOpener = async (path, options) =>
  isTileArchive(path)
    ? (await import('./archive-source.js')).openArchive(path, options)
    : openRaster(path, options)

export function openOptionsOf(options: ResolvedBuildOptions): OpenOptions {
  return {
    ...(options.nodata === undefined ? {} : { nodata: options.nodata }),
    ...(options.skipUnreadable ? { skipDamaged: true } : {}),
    ...(options.crs === undefined ? {} : { crs: crsFromText(options.crs) }),
  }
}
