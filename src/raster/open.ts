// Opens any raster by path. The reader of a format is loaded with the first file of that format.
import { kindOf } from './formats/file-kind.js'
import { inMetres } from './heights.js'
import type { OpenOptions } from './open-options.js'
import { isRemote, refuseForeignPath } from './remote-path.js'
import type { RasterSource } from './source.js'

/**
 * Opens a raster of any supported format.
 * @throws as the opener of the format
 * @throws SOURCE_UNSUPPORTED when the format is not supported
 */
export async function openRaster(path: string, options: OpenOptions = {}): Promise<RasterSource> {
  return inMetres(await openStored(path, options), options.view)
}

async function openStored(path: string, options: OpenOptions): Promise<RasterSource> {
  refuseForeignPath(path)
  switch (isRemote(path) ? 'tiff' : await kindOf(path)) {
    case 'picture':
      return (await import('./formats/picture-file.js')).openPicture(path, options)
    case 'vrt':
      return (await import('./vrt/open.js')).openVrt(path, options, openRaster)
    case 'ascii':
      return (await import('./formats/ascii-grid.js')).openAsciiGrid(path, options)
    case 'hgt':
      return (await import('./formats/hgt.js')).openHgt(path, options)
    default:
      return (await import('./formats/geotiff.js')).openGeoTiff(path, options)
  }
}
