// Where an image lies decides how its bytes are read: a file of this machine, or a URL.
import { isRemote, refuseForeignPath } from '../../remote-path.js'
import { type ByteSource, openFileSource } from './byte-source.js'
import { openHttpSource } from './http-source.js'

/**
 * `cacheBytes`: what is kept of decoded blocks; half as much is kept of what came over the network, within bounds.
 * @throws NOT_FOUND, SOURCE_UNREADABLE
 * @throws SOURCE_UNSUPPORTED when only GDAL knows such paths
 */
export async function openByteSource(path: string, cacheBytes?: number): Promise<ByteSource> {
  refuseForeignPath(path)
  if (!isRemote(path)) return openFileSource(path)
  return openHttpSource(path, cacheBytes === undefined ? {} : { cacheBytes: cacheBytes / 2 })
}
