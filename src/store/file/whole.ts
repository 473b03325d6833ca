// Checks that come before anything else in a file is believed: its length, and its metadata.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { parseJsonObject } from '../../format/json.js'
import type { Superblock } from '../../format/superblock/fields.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { committedEnd } from './geometry.js'

/** @throws DAMAGED when the file is shorter than its superblock says (or, sealed, not exactly as long) */
export function assertWhole(file: ByteFile, sb: Superblock): void {
  const size = file.size()
  if (sb.sealed ? size === sb.fileLength : size >= committedEnd(sb)) return
  throw new FlagstoneError(
    'DAMAGED',
    sb.sealed
      ? `${file.path}: the file has ${size} bytes, it was sealed with ${sb.fileLength}; restore it from a copy.`
      : `${file.path}: the file has ${size} bytes, its last commit needs ${committedEnd(sb)}; it was cut off. Restore it from a copy.`,
  )
}

/** The metadata object; {} when none is stored. @throws DAMAGED when its bytes do not match their CRC */
export function readMetadata(file: ByteFile, sb: Superblock): Record<string, unknown> {
  if (sb.metadata === undefined) return {}
  const { offset, length, crc } = sb.metadata
  const bytes = new Uint8Array(length)
  const got = file.read(bytes, sb.valuesStart + offset)
  const isWhole = got === length && crc32(bytes) === crc
  const value = isWhole ? parseJsonObject(bytes, { strict: true }) : 'not what its checksum is of'
  if (typeof value !== 'string') return value
  throw new FlagstoneError(
    'DAMAGED',
    `${file.path}: the metadata, ${length} bytes at ${sb.valuesStart + offset}, is ${value}.`,
  )
}
