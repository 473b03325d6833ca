// Reads small text files beside an image: world files, .prj, .aux.xml.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import { crsFromText } from '../../grid/crs/crs-text.js'
import { projFromEsriKeys } from '../../grid/crs/esri-prj.js'
import { isShortOfDescriptors, openRegular } from '../../platform/regular-file.js'
import type { Geotransform } from '../source.js'
import { parseWorldFile, worldFileNames } from './world-file.js'

const MAX_PRJ_BYTES = 65536
const MAX_WORLD_BYTES = 4096

/**
 * The text of a file; undefined when it is missing, not a regular file, or larger than `maxBytes`.
 * @throws SYSTEM when too many files are open: the file may exist, and an image must not lose its position for that
 */
export async function readBeside(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await openRegular(path).catch((error: unknown) => {
    if (isShortOfDescriptors(error)) throw error
    return undefined
  })
  if (file === undefined) return undefined
  const { handle, sizeBytes } = file
  try {
    if (sizeBytes > maxBytes) return undefined
    const bytes = Buffer.alloc(sizeBytes)
    const { bytesRead } = await handle.read(bytes, 0, sizeBytes, 0)
    const text = bytes.subarray(0, bytesRead)
    return text.toString(isUtf8(text) ? 'utf8' : 'latin1')
  } catch {
    return undefined
  } finally {
    await handle.close()
  }
}

/** Makes one line of a message that may quote any part of a file. */
export const oneLine = (message: string): string => {
  const line = message.replace(/[\p{Cc}\s]+/gu, ' ')
  return line.length <= 300 ? line : `${line.slice(0, 150)}…${line.slice(-150)}`
}

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

const stemOf = (path: string): string =>
  path.slice(0, path.length - (/\.[^./]*$/.exec(path)?.[0].length ?? 0))

/**
 * The CRS of photo.prj beside photo.png: WKT as GDAL or ESRI writes it, or ESRI's old lines of keys.
 * @throws CRS_UNSUPPORTED when its CRS is not supported
 */
export async function readPrj(path: string): Promise<Crs | undefined> {
  for (const name of [`${stemOf(path)}.prj`, `${stemOf(path)}.PRJ`, `${path}.prj`]) {
    const text = (await readBeside(name, MAX_PRJ_BYTES))?.replace(/^\uFEFF/, '').trim()
    if (!text) continue
    try {
      return crsFromText(projFromEsriKeys(text) ?? text)
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      throw new FlagstoneError('CRS_UNSUPPORTED', `${name}: ${oneLine(error.message)}`, {
        path,
        cause: error,
      })
    }
  }
  return undefined
}

export async function readWorldFile(path: string): Promise<Geotransform | undefined> {
  for (const name of worldFileNames(path)) {
    const text = await readBeside(name, MAX_WORLD_BYTES)
    const found = text === undefined ? undefined : parseWorldFile(text)
    if (found !== undefined) return found
  }
  return undefined
}
