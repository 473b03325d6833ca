// Paths that are not local files: URLs, which are read by HTTP ranges, and forms that only GDAL supports.
import { FlagstoneError } from '../errors.js'

/** The URL of a remote image: `https://…`, `http://…`, `/vsicurl/https://…`; undefined for local paths. */
export function remoteUrl(path: string): string | undefined {
  const url = path.replace(/^\/vsicurl(_streaming)?\/(?=https?:\/\/)/i, '')
  return /^https?:\/\//i.test(url) ? url : undefined
}

export const isRemote = (path: string): boolean => remoteUrl(path) !== undefined

/** A URL without its login, query (which may hold signatures) and fragment. Other paths are returned unchanged. */
export const withoutSecrets = (path: string): string =>
  isRemote(path) ? path.replace(/^([^?#]*:\/\/)[^/?#@]*@/, '$1').replace(/[?#].*$/, '') : path

/**
 * Refuses paths that only GDAL can read.
 * @throws SOURCE_UNSUPPORTED when it is `/vsizip/…`, `s3://…` or the like, with what to do instead
 */
export function refuseForeignPath(path: string): void {
  if (isRemote(path)) return
  const virtual = /^\/vsi[a-z0-9_]+[/?]/i.exec(path)?.[0]
  if (virtual !== undefined) {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${path}: ${virtual.slice(0, -1)} is a virtual file system of GDAL, which is not supported; unpack or download the file, or give an http(s) URL`,
      { path },
    )
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(path)?.[1]
  if (scheme !== undefined && scheme.toLowerCase() !== 'file') {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${path}: ${scheme}:// cannot be read; pass an http(s) URL of the file (object stores can sign one), or download it`,
      { path },
    )
  }
}
