// When a TIFF says that its image was taken.
import { FlagstoneError } from '../../errors.js'
import type { Ifd } from '../tiff/file/structure.js'
import { Tag } from '../tiff/file/tags.js'

const MAX_METADATA = 2 ** 20
const MAX_DATE = 64
const ACQUIRED = /<Item\s[^>]*\bname="ACQUISITIONDATETIME"[^>]*>([^<]{1,64})</i

/**
 * ACQUISITIONDATETIME of GDAL's metadata, or the tag DateTime, as they are written; undefined when there is neither. A
 * damaged tag says nothing: the image can still be read.
 */
export async function dateOfTiff(ifd: Ifd): Promise<string | undefined> {
  try {
    const acquired = ACQUIRED.exec((await ifd.text(Tag.GdalMetadata, MAX_METADATA)) ?? '')?.[1]
    return acquired?.trim() ?? (await ifd.text(Tag.DateTime, MAX_DATE))?.trim()
  } catch (error) {
    if (error instanceof FlagstoneError && ['SOURCE_CORRUPT', 'TOO_LARGE'].includes(error.code))
      return undefined
    throw error
  }
}
