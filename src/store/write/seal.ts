// Sealing adds PMTiles' header, directories and metadata around the values; nothing is copied. Before it, everything is
// committed and no level has a tail.
//
//   front: directories lie right before V, in the gap of an earlier seal or in room made by one INSERT_RANGE;
//   tail:  directories follow the values, if inserting is not possible or a reader holds the pin.
//
// Order: directories and metadata, sync; header and root, sync; superblock "sealed", twice. Unsealing goes the other
// way: superblock, sync; then the header is zeroed. In between, Flagstone treats the file as not sealed.
import { gzipSync } from 'node:zlib'
import { badRange, FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { buildDirectories } from '../../format/directory-builder.js'
import { HEADER_BLOCK_BYTES, PMTILES_HEADER_BYTES, roundUp } from '../../format/layout.js'
import { encodeHeader, type PmtilesHeader } from '../../format/pmtiles.js'
import { placeFindings } from '../../format/pmtiles-findings.js'
import { type SealedSections, sealedSections } from '../../format/pmtiles-sections.js'
import { MAX_ZOOM } from '../../zooms.js'
import { gapsInFront } from '../file/geometry.js'
import type { ResolvedSealOptions } from '../options.js'
import { archiveHeader, archiveMetadata, archivePlace, mostCommonType } from '../pmtiles/archive-header.js'
import { type Census, countDistinctValues, entriesOf, takeCensus } from '../pmtiles/census.js'
import { type GrowthChoice, insertAllowed, insertRanges } from './geometry-change.js'
import { makeRoomWithoutValues } from './growth.js'
import { mergeLevel } from './merge.js'
import { Spool } from './spool.js'
import type { StoreState } from './state.js'

/** The contents of a sealed file, and where its directories are. */
export interface SealReport {
  /** Number of tiles, over all zooms. */
  tiles: number
  /** Number of distinct values. */
  contents: number
  /** Lowest zoom that has tiles. */
  minZoom: number
  /** Highest zoom that has tiles. */
  maxZoom: number
  /** Where PMTiles' directories are: before the values, or after them. */
  placement: 'front' | 'tail'
  /** Size of the file. */
  fileBytes: number
  /** Size of the directories, compressed. */
  directoryBytes: number
  /** West, south, east, north, degrees; undefined without tiles. */
  bounds: [number, number, number, number] | undefined
}

export function sealFile(
  state: StoreState,
  info: ResolvedSealOptions,
  metadata: Record<string, unknown>,
  choice: GrowthChoice,
): SealReport {
  let census = takeCensus(state.file, state.written.levels)
  // This writer leaves no deleted records among the sorted ones; other writers may.
  for (const zoom of census.withDeleted) mergeLevel(state, state.levels[zoom]!, choice)
  if (census.withDeleted.size > 0) census = takeCensus(state.file, state.written.levels)
  refuse(placeFindings(archivePlace(census, info)))
  const json = gzipSync(JSON.stringify(archiveMetadata(metadata, census, state.written)))
  const front = info.placement !== 'tail' && (insertAllowed(state, choice) || gapBeforeValues(state) > 0)
  let report = front ? sealAt('front', state, info, choice, census, json) : undefined
  if (report === undefined && info.placement === 'front')
    throw new FlagstoneError(
      'SYSTEM',
      `${state.file.path}: no room for the directories in front of the values, and none can be inserted now; seal with placement 'auto' or 'tail'.`,
    )
  report ??= sealAt('tail', state, info, choice, census, json)!
  return report
}

/**
 * Checks bounds and center before anything is done, for faults that remain whatever the file holds.
 * @throws RangeError when there is one
 */
export function checkPlace(info: ResolvedSealOptions): void {
  const nothing = { tiles: 0, minX: 0, minY: 0, maxX: 0, maxY: 0 }
  refuse(placeFindings(archivePlace({ ...nothing, minZoom: 0, maxZoom: MAX_ZOOM }, info)))
}

function refuse(findings: readonly string[]): void {
  if (findings.length > 0) throw badRange(`seal option: ${findings[0]}`)
}

/** undefined when there is no room in front. */
function sealAt(
  placement: 'front' | 'tail',
  state: StoreState,
  info: ResolvedSealOptions,
  choice: GrowthChoice,
  census: Census,
  json: Uint8Array,
): SealReport | undefined {
  const { file } = state
  const tileBase = sealedSections(placement, state.valuesStart, state.values.end, 0, json.length).tileBase
  const spool = new Spool(state)
  const built = buildDirectories(() => entriesOf(file, state.written.levels, tileBase), {
    compress: (bytes) => gzipSync(bytes),
    sink: (leaf, offset) => spool.put(leaf, offset),
    expectedEntries: census.tiles,
  })
  if (placement === 'front' && !makeRoomInFront(state, built.leafBytes + json.length, choice))
    return undefined
  const sections = sealedSections(
    placement,
    state.valuesStart,
    state.values.end,
    built.leafBytes,
    json.length,
  )
  const leafCrc = spool.writeTo(sections.directoriesOffset)
  file.write(json, sections.metadataOffset)
  if (file.size() !== sections.fileLength) file.truncate(sections.fileLength)
  state.sync()
  const header = archiveHeader({
    census,
    built,
    sections,
    tileContents: countDistinctValues(state.file, state.written.levels, state.values.end),
    firstBytes: firstBytesOf(state, census),
    info,
  })
  const headerCrc = writeHeader(state, header, built.root(sections.leafBase))
  state.publish({
    sealed: true,
    fileLength: sections.fileLength,
    pmtiles: {
      placement,
      headerCrc,
      directoriesOffset: sections.directoriesOffset,
      directoriesLength: sections.directoriesLength,
      directoriesCrc: crc32(json, leafCrc),
    },
  })
  state.writeSuperblockTwin()
  state.sync()
  return reportOf(placement, census, header, sections)
}

function reportOf(
  placement: 'front' | 'tail',
  { tiles, minZoom, maxZoom }: Census,
  { tileContents, minLon, minLat, maxLon, maxLat }: PmtilesHeader,
  { fileLength, directoriesLength }: SealedSections,
): SealReport {
  return {
    tiles,
    contents: tileContents,
    minZoom,
    maxZoom,
    placement,
    fileBytes: fileLength,
    directoryBytes: directoriesLength,
    bounds: tiles > 0 ? [minLon, minLat, maxLon, maxLat] : undefined,
  }
}

/**
 * Takes back the seal before the first change, or what is left of a seal that failed half way. The room of directories
 * in front becomes a gap. May be called again if it throws.
 */
export function unseal(state: StoreState): void {
  if (state.written.sealed) {
    state.writeSuperblock({ sealed: false, fileLength: 0, pmtiles: undefined })
    state.sync()
  }
  zeroHeader(state)
  const end = state.written.valuesStart + state.written.valuesLength
  if (state.file.size() > end) state.file.truncate(end)
}

/** PMTiles readers must not follow the directories of a file whose parts move. */
export function zeroHeader(state: StoreState): void {
  state.file.write(new Uint8Array(HEADER_BLOCK_BYTES), 0)
  state.sync()
  state.hasHeader = false
}

/** Writes the header block: header and root directory. Returns its CRC. */
function writeHeader(state: StoreState, header: PmtilesHeader, root: Uint8Array): number {
  const block = new Uint8Array(HEADER_BLOCK_BYTES)
  block.set(encodeHeader({ ...header, rootLength: root.length }))
  block.set(root, PMTILES_HEADER_BYTES)
  state.hasHeader = true
  state.file.write(block, 0)
  state.sync()
  return crc32(block)
}

/** Number of free bytes directly before V. */
function gapBeforeValues(state: StoreState): number {
  const last = gapsInFront(state.regions, state.unit, state.valuesStart).at(-1)
  return last !== undefined && last.offset + last.capacityBytes === state.valuesStart ? last.capacityBytes : 0
}

function makeRoomInFront(state: StoreState, bytes: number, choice: GrowthChoice): boolean {
  const missing = roundUp(Math.max(0, bytes - gapBeforeValues(state)), state.unit)
  if (missing === 0) return true
  if (makeRoomWithoutValues(state, missing)) return true
  if (!insertAllowed(state, choice)) return false
  return insertRanges(state, [{ at: () => state.valuesStart, length: missing, done: () => {} }], choice)
}

/** The first two bytes of the first tile of the most common type. */
function firstBytesOf(state: StoreState, census: Census): Uint8Array | undefined {
  const first = census.first.get(mostCommonType(census))
  if (first === undefined) return undefined
  const head = new Uint8Array(Math.min(2, first.length))
  state.values.read(first.offset, head)
  return head
}
