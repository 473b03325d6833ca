// Checks that come before anything else in a file is believed: its length, its metadata, and its sources.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { parseJsonObject } from '../../format/json.js'
import { decodeSources, MAX_SOURCES_BYTES } from '../../format/sources/codec.js'
import { MAX_SOURCES, type SourceRecord } from '../../format/sources/record.js'
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

/** The sources, from the bottom to the top; none when none are stored. @throws DAMAGED when they are not what they should be */
export function readSources(file: ByteFile, sb: Superblock): SourceRecord[] {
  if (sb.sources === undefined) return []
  const { offset, length, crc, count } = sb.sources
  // before millions of them are unpacked
  const records =
    count > MAX_SOURCES
      ? `of ${count} sources, more than ${MAX_SOURCES}`
      : sourcesIn(file, sb.valuesStart + offset, length, crc)
  if (typeof records !== 'string' && records.length === count) return records
  const problem = typeof records === 'string' ? records : `of ${records.length} sources, not ${count}`
  throw new FlagstoneError(
    'DAMAGED',
    `${file.path}: what it remembers of its sources, ${length} bytes at ${sb.valuesStart + offset}, is ${problem}; the tiles are not affected.`,
  )
}

function sourcesIn(file: ByteFile, position: number, length: number, crc: number): SourceRecord[] | string {
  // before so much memory is taken
  if (length > MAX_SOURCES_BYTES) return `more than ${MAX_SOURCES_BYTES} bytes long`
  const bytes = new Uint8Array(length)
  const isWhole = file.read(bytes, position) === length && crc32(bytes) === crc
  return isWhole ? decodeSources(bytes) : 'not what its checksum is of'
}
