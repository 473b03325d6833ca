// What the first bytes of a database say before SQLite opens it:
// https://www.sqlite.org/fileformat2.html#the_database_header
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { READ_FLAGS } from '../../platform/regular-file.js'

const MAGIC = 'SQLite format 3\0'
const LOG_AT = 18
const ENCODING_AT = 56
const HEADER_BYTES = 100

/** Whether the database has a log, according to its header or the log file beside it. */
export function hasLog(path: string): boolean {
  const version = headerOf(path)[LOG_AT]
  return version === 2 || (logBytes(path) > 0 && version === 1)
}

export const logBytes = (path: string): number =>
  statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0

export function isInUtf16(path: string): boolean {
  const header = headerOf(path)
  const encoding = header.readUInt32BE(ENCODING_AT)
  return header.toString('latin1', 0, MAGIC.length) === MAGIC && (encoding === 2 || encoding === 3)
}

/** Zeros after the end of the file. */
function headerOf(path: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  const fd = openSync(path, READ_FLAGS)
  try {
    readSync(fd, header, 0, HEADER_BYTES, 0)
  } finally {
    closeSync(fd)
  }
  return header
}
