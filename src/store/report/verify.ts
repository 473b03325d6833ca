// Everything formats/flat-1.md promises, held against a file: each numbered invariant (F1 …), every record's
// check, and of a sealed file the PMTiles archive against the index, entry by entry. For other PMTiles
// archives, what go-pmtiles' verify asks (P1 …). Findings are data; nothing is repaired.
//
// The file should not be written meanwhile: verify holds no lock, and reads one state from the beginning.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import {
  FLAG_DELETED,
  HEADER_BLOCK_BYTES,
  MAX_VALUE_BYTES,
  PMTILES_HEADER_BYTES,
  RECORD_BYTES,
  SUPERBLOCK_A_OFFSET,
  SUPERBLOCK_BYTES,
} from '../../format/layout.js'
import { headerByteFindings, headerFindings, sealedSections } from '../../format/pmtiles.js'
import { contentCrcAt, flagsAt, isDeletedAt, keyAt, lengthAt, offsetAt, typeAt } from '../../format/record.js'
import { applyChange, type Level, type Superblock } from '../../format/superblock.js'
import { tileIdToZxy, zoomBase, zoomOfTileId } from '../../format/tile-id.js'
import { nameOfTileType, pmtilesTypeOf, sniffTileType, type TileType } from '../../format/tile-type.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { committedEnd } from '../file/geometry.js'
import { pendingOutcome, resolved } from '../file/pending.js'
import { crcOfRange, scanRecords } from '../file/scan.js'
import { chooseFrom, readSlots } from '../file/superblocks.js'
import { readMetadata } from '../file/whole.js'
import { Archive } from '../pmtiles/archive.js'
import { mostCommonType } from '../pmtiles/archive-header.js'
import { countDistinctValues, entriesOf, takeCensus } from '../pmtiles/census.js'
import { isFlat } from '../read/open.js'

/** One thing that was looked at, and whether it holds. */
export interface Finding {
  /**
   * F1 … of formats/flat-1.md; P1 … for other PMTiles archives; 'MBTiles' or 'z/x/y'; 'read' and 'decode' for what could
   * not be.
   */
  invariant: string
  /** It holds. */
  ok: boolean
  /** What was found; of a passed invariant, what was looked at. */
  message: string
  /** Position in the file, bytes, where that says something. */
  where?: number | undefined
}

export interface VerifyOptions {
  /** Reads the values too (F13, P5). Default true. */
  contents?: boolean
  /** Called with every distinct-looking value that passed; a sentence back is a finding (invariant 'decode'). */
  decode?: (bytes: Uint8Array, type: TileType, tile: readonly [number, number, number]) => string | undefined
  onProgress?: (recordsDone: number, records: number) => void
  /** Findings of one invariant that are spelled out; the rest is counted. Default 10. */
  limit?: number
}

/** Checks a file; never throws for what is wrong with it. */
export function verify(file: ByteFile, options: VerifyOptions = {}): Finding[] {
  const report = new Report(options.limit ?? 10)
  try {
    if (isFlat(file)) verifyFlat(file, options, report)
    else verifyForeign(file, options, report)
  } catch (error) {
    if (!(error instanceof FlagstoneError)) throw error
    report.bad(report.current, error.message)
  }
  return report.findings()
}

class Report {
  readonly #limit: number
  readonly #bad = new Map<string, { message: string; where: number | undefined }[]>()
  readonly #counts = new Map<string, number>()
  readonly #good = new Map<string, string>()
  /** What is being looked at: an error thrown meanwhile is its finding. */
  current = 'F1'

  constructor(limit: number) {
    this.#limit = limit
  }

  bad(invariant: string, message: string, where?: number): void {
    const list = this.#bad.get(invariant) ?? []
    this.#bad.set(invariant, list)
    this.#counts.set(invariant, (this.#counts.get(invariant) ?? 0) + 1)
    if (list.length < this.#limit) list.push({ message, where })
  }

  /** To be said of an invariant unless something bad was found. */
  good(invariant: string, message: string): void {
    this.#good.set(invariant, message)
  }

  check(invariant: string, ok: boolean, message: string, where?: number): void {
    if (!ok) this.bad(invariant, message, where)
  }

  findings(): Finding[] {
    const names = new Set([...this.#good.keys(), ...this.#bad.keys()])
    return [...names].sort(byNumber).flatMap((invariant) => {
      const bad = this.#bad.get(invariant)
      if (bad === undefined) return [{ invariant, ok: true, message: this.#good.get(invariant)! }]
      const findings: Finding[] = bad.map((b) => ({ invariant, ok: false, ...b }))
      const more = this.#counts.get(invariant)! - bad.length
      if (more > 0) findings.push({ invariant, ok: false, message: `and ${more} more of the same` })
      return findings
    })
  }
}

function byNumber(a: string, b: string): number {
  return a[0] === b[0] ? Number(a.slice(1)) - Number(b.slice(1)) : a < b ? -1 : 1
}

// ── our own files ───────────────────────────────────────────────────────────────────────────────────────

function verifyFlat(file: ByteFile, options: VerifyOptions, report: Report): void {
  const chosen = chooseFrom(readSlots(file))
  const usable = chosen.problems.filter((p) => p === undefined).length
  // A file that is not sealed may have lost its writer in the middle of a superblock: one sound copy is enough.
  const oneIsEnough = chosen.superblock !== undefined && !chosen.superblock.sealed
  report.good('F1', `superblock ${chosen.superblock?.sequence} is in force, both copies are valid`)
  for (const [slot, problem] of chosen.problems.entries()) {
    if (problem === undefined) continue
    const message = `superblock ${slot === 0 ? 'A' : 'B'}: ${problem.problem}`
    if (oneIsEnough) report.good('F1', `superblock ${chosen.superblock?.sequence} is in force; ${message}`)
    else report.bad('F1', message, SUPERBLOCK_A_OFFSET + slot * SUPERBLOCK_BYTES)
  }
  if (usable === 0 || chosen.superblock === undefined) return
  for (const [invariant, message] of SUPERBLOCK_INVARIANTS) report.good(invariant, message)
  const sb = settle(file, chosen.superblock, report)
  verifySize(file, sb, report)
  verifyMetadata(file, sb, report)
  verifyRecords(file, sb, options, report)
  if (sb.sealed) verifySeal(file, sb, report)
  else {
    report.current = 'F15'
    const zero = crcOfRange(file, 0, HEADER_BLOCK_BYTES) === crc32(new Uint8Array(HEADER_BLOCK_BYTES))
    // A crash between two steps of sealing leaves it so: no damage, nothing reads it.
    const left =
      'not sealed, and the PMTiles header holds what an interrupted seal left; the next writer clears it'
    report.good('F15', zero ? 'not sealed, the PMTiles header is blank' : left)
  }
}

/** Decoding a superblock checks these: a copy that breaks one is not valid (F1). */
const SUPERBLOCK_INVARIANTS = [
  ['F2', 'versions and reserved bytes'],
  ['F3', 'growth unit and alignment of all parts'],
  ['F4', 'counts fit their regions'],
  ['F5', 'no regions overlap'],
  ['F16', 'sealed, file length and placement go together'],
] as const

function settle(file: ByteFile, sb: Superblock, report: Report): Superblock {
  report.current = 'F8'
  report.good('F8', 'no change of geometry is pending')
  if (sb.pending === undefined) return sb
  const { kind, length, at, sizeBefore } = sb.pending
  const outcome = pendingOutcome(file, sb)
  const sizeAfter = applyChange(sb, sb.pending).valuesStart - sb.valuesStart + sizeBefore
  report.good(
    'F8',
    `a pending ${kind} of ${length} bytes at ${at} is ${outcome} (sizes ${sizeBefore} → ${sizeAfter})`,
  )
  return resolved(sb, outcome)
}

function verifySize(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F7'
  const size = file.size()
  if (sb.sealed)
    report.check('F7', size === sb.fileLength, `the file has ${size} bytes, sealed with ${sb.fileLength}`)
  else
    report.check(
      'F7',
      size >= committedEnd(sb),
      `the file has ${size} bytes, ${committedEnd(sb)} are committed`,
    )
  report.good('F7', `${size} bytes`)
}

function verifyMetadata(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F6'
  report.good('F6', sb.metadata === undefined ? 'no metadata' : `metadata of ${sb.metadata.length} bytes`)
  try {
    readMetadata(file, sb)
  } catch (error) {
    report.bad('F6', (error as Error).message, sb.valuesStart + (sb.metadata?.offset ?? 0))
  }
}

function verifyRecords(file: ByteFile, sb: Superblock, options: VerifyOptions, report: Report): void {
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

/** Compares values with their records; large ones piece by piece. */
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

function verifySeal(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F17'
  const parts = sb.pmtiles!
  const headerCrc = crcOfRange(file, 0, HEADER_BLOCK_BYTES)
  report.check(
    'F17',
    headerCrc === parts.headerCrc,
    'the PMTiles header and root directory do not match their checksum',
    0,
  )
  const directories = crcOfRange(file, parts.directoriesOffset, parts.directoriesLength)
  report.check(
    'F17',
    directories === parts.directoriesCrc,
    'leaf directories and PMTiles metadata do not match their checksum',
    parts.directoriesOffset,
  )
  report.good('F17', 'header, root, leaf directories and PMTiles metadata match their checksums')
  report.good('F18', `directories lie at the ${parts.placement}`)
  report.current = 'F19'
  const archive = new Archive(file)
  const { header } = archive
  const expected = sealedSections(
    parts.placement,
    sb.valuesStart,
    sb.valuesLength,
    parts.directoriesLength - header.metadataLength,
    header.metadataLength,
  )
  for (const name of [
    'leafOffset',
    'leafLength',
    'metadataOffset',
    'metadataLength',
    'dataOffset',
    'dataLength',
  ] as const)
    report.check(
      'F19',
      header[name] === expected[name],
      `the header's ${name} is ${header[name]}, it should be ${expected[name]}`,
      0,
    )
  const sum = HEADER_BLOCK_BYTES + header.leafLength + header.metadataLength + header.dataLength
  report.check(
    'F19',
    sum === file.size(),
    `the sections add up to ${sum}, the file has ${file.size()} bytes`,
    0,
  )
  report.good('F19', 'the PMTiles sections add up to the size of the file')
  report.current = 'F20'
  verifyEntries(file, sb, archive, expected.tileBase, report)
  report.current = 'F21'
  verifyClaims(file, sb, archive, report)
}

/** F20: the archive's entries and the indexes' records, side by side. */
function verifyEntries(
  file: ByteFile,
  sb: Superblock,
  archive: Archive,
  tileBase: number,
  report: Report,
): void {
  const records = entriesOf(file, sb.levels, tileBase)
  let tiles = 0
  for (const entry of archive.entries())
    for (let i = 0; i < entry.runLength; i++) {
      const next = records.next()
      const id = entry.tileId + i
      if (next.done === true) {
        report.bad('F20', `the directories have tile ${id}, which the index has not`)
        return
      }
      const { tileId, offset, length } = next.value
      if (tileId !== id || offset !== entry.offset || length !== entry.length) {
        report.bad(
          'F20',
          `the directories have tile ${id} (${entry.length} bytes at ${entry.offset}) where the index has ${tileId} (${length} bytes at ${offset})`,
        )
        return
      }
      tiles++
    }
  const rest = records.next()
  if (rest.done !== true)
    report.bad('F20', `the directories end before tile ${rest.value.tileId} of the index`)
  report.good('F20', `the PMTiles directories and the index hold the same ${tiles} tiles`)
}

/** F21: what the header and the metadata say. */
function verifyClaims(file: ByteFile, sb: Superblock, archive: Archive, report: Report): void {
  const census = takeCensus(file, sb.levels)
  let entries = 0
  let end = 0
  let clustered = true
  for (const entry of archive.entries()) {
    entries++
    if (entry.offset === end) end += entry.length
    else if (entry.offset > end) clustered = false
  }
  const { header } = archive
  const counts = {
    addressedTiles: census.tiles,
    tileEntries: entries,
    tileContents: countDistinctValues(file, sb.levels, sb.valuesLength),
    minZoom: census.minZoom,
    maxZoom: census.maxZoom,
  }
  for (const problem of headerFindings(header, file.size(), counts)) report.bad('F21', problem, 0)
  report.check(
    'F21',
    header.clustered === clustered,
    `the header's clustered is ${header.clustered}, the entries say ${clustered}`,
    0,
  )
  const common = pmtilesTypeOf(mostCommonType(census))
  if (census.tiles > 0)
    report.check(
      'F21',
      header.tileType === common,
      `the header's tile type is ${header.tileType}, the most common one ${common}`,
      0,
    )
  const claimed =
    (archive.metadata()['flagstone'] as { tileTypes?: Record<string, number> } | undefined)?.tileTypes ?? {}
  const types = [...census.types]
  const names = new Set([...Object.keys(claimed), ...types.map(([type]) => nameOfTileType(type))])
  for (const name of names) {
    const counted = types.filter(([type]) => nameOfTileType(type) === name).reduce((n, [, k]) => n + k, 0)
    report.check(
      'F21',
      claimed[name] === counted,
      `the metadata counts ${claimed[name]} tiles of ${name}, there are ${counted}`,
    )
  }
  report.good(
    'F21',
    `the header's claims are true: ${census.tiles} tiles, ${counts.tileContents} contents, zooms ${census.minZoom} to ${census.maxZoom}`,
  )
}

// ── other archives ──────────────────────────────────────────────────────────────────────────────────────

function verifyForeign(file: ByteFile, options: VerifyOptions, report: Report): void {
  report.current = 'P1'
  const left = (clause: string): void => report.bad(report.current, clause)
  const head = new Uint8Array(PMTILES_HEADER_BYTES)
  const got = file.read(head, 0)
  const archive = new Archive(file, left)
  for (const problem of headerByteFindings(head.subarray(0, got))) report.bad('P1', problem, 0)
  report.good('P1', 'header and root directory can be read, and hold what the specification knows')
  report.current = 'P2'
  archive.metadata()
  report.good('P2', 'the metadata is a JSON object')
  report.current = 'P3'
  const { header } = archive
  const offsets = new Set<number>()
  let addressedTiles = 0
  let tileEntries = 0
  let minZoom = Number.POSITIVE_INFINITY
  let maxZoom = 0
  let end = 0
  let lastEnd = 0
  const type = header.tileType as TileType
  for (const entry of archive.entries()) {
    addressedTiles += entry.runLength
    tileEntries++
    minZoom = Math.min(minZoom, zoomOfTileId(entry.tileId))
    maxZoom = Math.max(maxZoom, zoomOfTileId(entry.tileId + entry.runLength - 1))
    if (header.clustered && entry.offset > end && !offsets.has(entry.offset))
      report.bad(
        'P3',
        `the archive says it is clustered, and tile ${entry.tileId} lies at ${entry.offset}, not ${end}`,
      )
    if (entry.offset === end) end += entry.length
    lastEnd = Math.max(lastEnd, entry.offset + entry.length)
    if (offsets.has(entry.offset)) continue
    offsets.add(entry.offset)
    if (options.contents !== false)
      checkForeignTile(file, header.dataOffset, entry, type, header.tileCompression, options, report)
    if (tileEntries % 10_000 === 0) options.onProgress?.(addressedTiles, header.addressedTiles)
  }
  if (lastEnd < header.dataLength)
    report.bad(
      'P3',
      `the last ${header.dataLength - lastEnd} bytes of the tile data belong to no tile`,
      header.dataOffset + lastEnd,
    )
  if (archive.leavesEnd < header.leafLength)
    report.bad(
      'P3',
      `the last ${header.leafLength - archive.leavesEnd} bytes of the leaf directories belong to none`,
      header.leafOffset + archive.leavesEnd,
    )
  report.good('P3', `${tileEntries} entries ascend, and their tiles lie in the tile data`)
  report.current = 'P4'
  const counts = {
    addressedTiles,
    tileEntries,
    tileContents: offsets.size,
    minZoom: tileEntries > 0 ? minZoom : 0,
    maxZoom,
  }
  // the specification lets a header leave a number out
  for (const name of ['addressedTiles', 'tileEntries', 'tileContents'] as const)
    if (header[name] === 0) counts[name] = 0
  for (const problem of headerFindings(header, file.size(), counts)) report.bad('P4', problem, 0)
  report.good('P4', `the header's claims are true: ${addressedTiles} tiles, ${offsets.size} contents`)
  if (options.contents !== false) report.good('P5', 'every tile looks like its type')
}

function checkForeignTile(
  file: ByteFile,
  dataOffset: number,
  entry: { tileId: number; offset: number; length: number },
  type: TileType,
  compression: number,
  options: VerifyOptions,
  report: Report,
): void {
  const position = dataOffset + entry.offset
  const bytes = new Uint8Array(options.decode === undefined ? Math.min(32, entry.length) : entry.length)
  file.read(bytes, position)
  const [z, x, y] = tileIdToZxy(entry.tileId)
  const sniffed = sniffTileType(bytes)
  // Only images have signatures to trust.
  if (type >= 2 && type <= 5 && compression <= 1 && sniffed !== type)
    report.bad(
      'P5',
      `tile ${z}/${x}/${y} is ${nameOfTileType(sniffed)}, the archive says ${nameOfTileType(type)}`,
      position,
    )
  const problem = options.decode?.(bytes, type === 0 ? sniffed : type, [z, x, y])
  if (problem !== undefined) report.bad('decode', `tile ${z}/${x}/${y}: ${problem}`, position)
}
