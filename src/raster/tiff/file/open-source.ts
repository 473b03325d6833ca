// Opens an image's bytes: a local file or a URL.
import { isRemote, refuseForeignPath } from '../../remote-path.js'
import { type ByteSource, openFileSource } from './byte-source.js'
import { openHttpSource } from './http-source.js'

/**
 * Opens a path or URL. `cacheBytes` is the size of the block cache; the network cache gets half as much, within bounds.
 * @throws NOT_FOUND, SOURCE_UNREADABLE
 * @throws SOURCE_UNSUPPORTED when only GDAL supports such a path
 */
export async function openByteSource(path: string, cacheBytes?: number): Promise<ByteSource> {
  refuseForeignPath(path)
  if (!isRemote(path)) return openFileSource(path)
  return openHttpSource(path, cacheBytes === undefined ? {} : { cacheBytes: cacheBytes / 2 })
}
