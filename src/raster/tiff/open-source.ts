// Where an image lies decides how its bytes are read: a file of this machine, or a URL.
import { isRemote, refuseForeignPath } from '../remote-path.js'
import { type ByteSource, openFileSource } from './byte-source.js'
import { openHttpSource } from './http-source.js'

/** Throws NOT_FOUND, SOURCE_UNREADABLE, SOURCE_UNSUPPORTED (paths that only GDAL knows). */
export async function openByteSource(path: string): Promise<ByteSource> {
  refuseForeignPath(path)
  return isRemote(path) ? openHttpSource(path) : openFileSource(path)
}
