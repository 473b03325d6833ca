// Whose a TIFF says that its image is.
import { FlagstoneError } from '../../errors.js'
import type { Ifd } from '../tiff/file/structure.js'
import { Tag } from '../tiff/file/tags.js'

const MAX_BYTES = 4096

/** The tag Copyright, as it is written; undefined when there is none. A damaged tag says nothing. */
export async function copyrightOfTiff(ifd: Ifd): Promise<string | undefined> {
  try {
    const bytes = await ifd.bytes(Tag.Copyright, MAX_BYTES)
    return bytes && (textOf(bytes).trim() || undefined)
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'SOURCE_CORRUPT') return undefined
    throw error
  }
}

/** Up to the first NUL. The standard wants ASCII, but © is in use, in either encoding. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const text = end < 0 ? bytes : bytes.subarray(0, end)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text)
  } catch {
    return new TextDecoder('latin1').decode(text)
  }
}
