// Checks every record of a file's indexes, and the value that it refers to.
import { crc32 } from '../../../format/crc.js'
import { FLAG_DELETED, MAX_VALUE_BYTES, RECORD_BYTES } from '../../../format/layout.js'
import {
  contentCrcAt,
  flagsAt,
  isDeletedAt,
  keyAt,
  lengthAt,
  offsetAt,
  typeAt,
} from '../../../format/record.js'
import type { Level, Superblock } from '../../../format/superblock/fields.js'
import { tileIdToZxy, zoomBase, zoomOfTileId } from '../../../format/tile-id.js'
import type { TileType } from '../../../format/tile-type.js'
import type { ByteFile } from '../../../platform/byte-file.js'
import { crcOfRange, scanRecords } from '../../file/scan.js'
import type { Report, VerifyOptions } from './findings.js'

export function verifyRecords(file: ByteFile, sb: Superblock, options: VerifyOptions, report: Report): void {
  report.current = 'F13'
  const records = sb.levels.reduce((n, level) => n + level.count, 0)
  const relocated = sb.levels.filter((level) => level.capacityBytes > 0 && level.offset >= sb.valuesStart)
  const values = new ValueCheck(file, sb, options, report)
  let done = 0
  for (const [zoom, level] of sb.levels.entries()) {
    let last = -1
    scanRecords(file, level.offset, level.count, (words, word, index) => {
      const where = level.offset + index * RECORD_BYTES
      const key = keyAt(words, word)
      const name = `record ${index} of zoom ${zoom}`
      if (!(key >= zoomBase(zoom) && key < zoomBase(zoom + 1)))
        report.bad('F9', `${name}: key ${key} is not of that zoom`, where)
      if (index < level.sortedCount) {
        report.check('F10', key > last, `${name}: key ${key} follows ${last}`, where)
        last = key
        if (sb.sealed) report.check('F22', !isDeletedAt(words, word), `${name} is deleted`, where)
      }
      checkFields(sb, relocated, words, word, name, where, report)
      values.check(words, word, zoom, name, where)
      if (++done % 100_000 === 0) options.onProgress?.(done, records)
    })
    const tailAt = level.offset + level.sortedCount * RECORD_BYTES
    const tailBytes = (level.count - level.sortedCount) * RECORD_BYTES
    if (crcOfRange(file, tailAt, tailBytes) !== sb.tailCrcs[zoom])
      report.bad('F23', `the tail of zoom ${zoom} does not match its checksum`, tailAt)
    if (last >= 0 && file.size() < level.offset + level.count * RECORD_BYTES)
      report.bad('F7', `the index of zoom ${zoom} reaches beyond the end of the file`, level.offset)
  }
  options.onProgress?.(done, records)
  report.good('F9', `${records} keys are of their zoom`)
  report.good('F10', `sorted records ascend in ${sb.levels.filter((l) => l.count > 0).length} levels`)
  report.good('F11', 'all values lie where values may')
  report.good('F12', 'no unknown flags')
  report.good('F23', 'tails match their checksums')
  if (options.contents !== false) report.good('F13', `${records} records match their values`)
  if (sb.sealed) report.good('F22', 'no deleted records')
}

function checkFields(
  sb: Superblock,
  relocated: readonly Level[],
  words: Uint32Array,
  word: number,
  name: string,
  where: number,
  report: Report,
): void {
  const offset = offsetAt(words, word)
  const length = lengthAt(words, word)
  const flags = flagsAt(words, word)
  if ((flags & ~FLAG_DELETED) !== 0) report.bad('F12', `${name}: unknown flags ${flags}`, where)
  if (isDeletedAt(words, word)) {
    if (offset !== 0 || length !== 0 || typeAt(words, word) !== 0)
      report.bad('F12', `${name} is deleted and has offset ${offset}, length ${length}`, where)
    return
  }
  if (length < 1 || length > MAX_VALUE_BYTES) report.bad('F11', `${name}: length ${length}`, where)
  if (offset + length > sb.valuesLength)
    report.bad(
      'F11',
      `${name}: ${length} bytes at V+${offset} reach beyond the ${sb.valuesLength} bytes of values`,
      where,
    )
  const from = sb.valuesStart + offset
  for (const region of relocated)
    if (from < region.offset + region.capacityBytes && from + length > region.offset)
      report.bad('F11', `${name}: its value at ${from} lies in an index at ${region.offset}`, where)
}

/** Compares values with their records; large values piece by piece. */
class ValueCheck {
  readonly #file: ByteFile
  readonly #sb: Superblock
  readonly #options: VerifyOptions
  readonly #report: Report
  #buffer = new Uint8Array(1 << 20)

  constructor(file: ByteFile, sb: Superblock, options: VerifyOptions, report: Report) {
    this.#file = file
    this.#sb = sb
    this.#options = options
    this.#report = report
  }

  check(words: Uint32Array, word: number, zoom: number, name: string, where: number): void {
    if (this.#options.contents === false) return
    const offset = offsetAt(words, word)
    const length = lengthAt(words, word)
    const position = this.#sb.valuesStart + offset
    if (offset + length > this.#sb.valuesLength) return
    const { decode } = this.#options
    if (decode === undefined && length > this.#buffer.length) {
      if (crcOfRange(this.#file, position, length) !== contentCrcAt(words, word))
        this.#mismatch(name, where, position, length)
      return
    }
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(length)
    const bytes = this.#buffer.subarray(0, length)
    const got = this.#file.read(bytes, position)
    if (got !== length || crc32(bytes) !== contentCrcAt(words, word))
      this.#mismatch(name, where, position, length)
    else if (decode !== undefined && !isDeletedAt(words, word)) {
      const key = keyAt(words, word)
      if (zoomOfTileId(key) !== zoom) return
      const problem = decode(bytes, typeAt(words, word) as TileType, tileIdToZxy(key))
      if (problem !== undefined) this.#report.bad('decode', `${name}: ${problem}`, position)
    }
  }

  #mismatch(name: string, where: number, position: number, length: number): void {
    this.#report.bad(
      'F13',
      `${name} (at ${where}) and its ${length} bytes at ${position} do not match their check`,
      where,
    )
  }
}
