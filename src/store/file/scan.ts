// Reads long ranges of a file in pieces: values for their checksum, regions for their records.
import { crc32 } from '../../format/crc.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import type { ByteFile } from '../../platform/byte-file.js'

const CHUNK_BYTES = 1 << 20

/** CRC of a range of the file, or of the part of it that exists. */
export function crcOfRange(file: ByteFile, position: number, length: number): number {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, length))
  let crc = 0
  for (let done = 0; done < length; ) {
    const got = file.read(buffer.subarray(0, Math.min(buffer.length, length - done)), position + done)
    if (got === 0) break
    crc = crc32(buffer.subarray(0, got), crc)
    done += got
  }
  return crc
}

const SCAN_RECORDS = 1 << 15

/** Visits records [0, count) of a region. */
export function scanRecords(
  file: ByteFile,
  offset: number,
  count: number,
  visit: (words: Uint32Array, word: number, index: number) => void,
): void {
  const words = new Uint32Array(Math.min(SCAN_RECORDS, count) * RECORD_WORDS)
  const bytes = new Uint8Array(words.buffer)
  for (let first = 0; first < count; first += SCAN_RECORDS) {
    const n = Math.min(SCAN_RECORDS, count - first)
    const got = file.read(bytes.subarray(0, n * RECORD_BYTES), offset + first * RECORD_BYTES)
    for (let i = 0; i < Math.floor(got / RECORD_BYTES); i++) visit(words, i * RECORD_WORDS, first + i)
  }
}
