// The bytes of a tile file as a PMTiles v3 archive. A sealed file or a foreign archive is returned as it is; an
// unsealed file as if it were sealed with its directories at the end.
//
//   0        header, root directory, zeros
//   16384    the values region, unchanged: an offset from V is an offset in the tile data
//   …        leaf directories, metadata
//
// Invariants: an archive shows one state of the file and has that state's tag. Values never move relative to V and are
// never overwritten. So the archive of an older state can be read for as long as the file exists, and tile data are at
// the same positions in the archives of all states. Index regions among the values change in place and are shown as
// zeros, so that equal tags mean equal bytes. Regions that were just released are an exception: they become zeros a
// moment later, and no tile refers to them.
import { gzipSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { type BuiltDirectories, directorySteps } from '../../format/directory-builder.js'
import { HEADER_BLOCK_BYTES, PMTILES_HEADER_BYTES } from '../../format/layout.js'
import { encodeHeader } from '../../format/pmtiles.js'
import { placeFindings } from '../../format/pmtiles-findings.js'
import { type SealedSections, sealedSections } from '../../format/pmtiles-sections.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { archiveHeader, archiveMetadata, archivePlace, mostCommonType } from '../pmtiles/archive-header.js'
import type { TileReader } from '../read/open.js'
import type { PmtilesReader } from '../read/pmtiles-reader.js'
import type { FlatReader } from '../read/reader.js'
import { revisionOf } from '../read/session.js'
import { copyIndex, type IndexCopy } from './index-copy.js'
import { newPace, type Pace } from './pace.js'

export interface ArchiveBytes {
  readonly length: number
  /** The revision of the reader that this archive shows. */
  readonly revision: string
  /** Differs for archives with different bytes. */
  readonly tag: string
  /** Whether it is assembled from a file that is not sealed. */
  readonly isVirtual: boolean
  /** Bytes of memory that it holds. */
  readonly heldBytes: number
  /**
   * Fills `into` starting at `position`.
   * @throws RangeError when the range does not lie in the archive
   * @throws LOCKED when the file has moved on to another state and the range is no longer available
   * @throws DAMAGED when the file is truncated
   */
  read(into: Uint8Array, position: number): Promise<void>
}

/** @throws as copyIndex */
export async function archiveOf(reader: TileReader): Promise<ArchiveBytes> {
  if (reader.kind === 'pmtiles') return foreignArchive(reader)
  const { superblock } = reader
  return superblock.sealed ? sealedArchive(reader, superblock) : growingArchive(reader)
}

function foreignArchive(reader: PmtilesReader): ArchiveBytes {
  const { revision } = reader
  return asItLies(reader, reader.fileBytes, revision, revision, (into, position) =>
    reader.readBytes(into, position, revision),
  )
}

function sealedArchive(reader: FlatReader, sb: Superblock): ArchiveBytes {
  return asItLies(reader, sb.fileLength, revisionOf(sb), tagOf(sb), async (into, position) => {
    const revision = revisionOf(sb)
    const of = await reader.readBytes(into, (now) => (revisionOf(now) === revision ? position : undefined))
    return of !== undefined
  })
}

function asItLies(
  { path }: TileReader,
  length: number,
  revision: string,
  tag: string,
  readBytes: (into: Uint8Array, position: number) => Promise<boolean>,
): ArchiveBytes {
  return {
    length,
    revision,
    tag,
    isVirtual: false,
    heldBytes: 0,
    async read(into, position) {
      assertWithin(length, into, position)
      if (!(await readBytes(into, position))) throw changed(path)
    },
  }
}

/** The length is included because after a power cut another state may have the same sequence. */
const tagOf = (sb: Superblock): string => `${revisionOf(sb)}-${sb.valuesLength.toString(36)}`

async function growingArchive(reader: FlatReader): Promise<ArchiveBytes> {
  const pace = newPace()
  const index = await copyIndex(reader, pace)
  const sb = index.superblock
  // sealed meanwhile
  if (sb.sealed) return sealedArchive(reader, sb)
  const leaves: Uint8Array[] = []
  const built = await buildSlowly(index, leaves, pace)
  const json = gzipSync(JSON.stringify(archiveMetadata(index.metadata, index.census, sb)))
  const sections = sealedSections('tail', HEADER_BLOCK_BYTES, sb.valuesLength, built.leafBytes, json.length)
  const root = built.root(sections.leafBase)
  const header = await headerOf(reader, index, built, sections)
  const head = new Uint8Array(HEADER_BLOCK_BYTES)
  head.set(encodeHeader({ ...header, rootLength: root.length }))
  head.set(root, PMTILES_HEADER_BYTES)
  const tail = Buffer.concat([...leaves, json])
  return {
    length: sections.fileLength,
    revision: revisionOf(sb),
    tag: tagOf(sb),
    isVirtual: true,
    heldBytes: head.length + tail.length,
    async read(into, position) {
      assertWithin(sections.fileLength, into, position)
      copyPart(head, 0, into, position)
      copyPart(tail, sections.directoriesOffset, into, position)
      const from = Math.max(position, HEADER_BLOCK_BYTES)
      const to = Math.min(position + into.length, sections.directoriesOffset)
      if (from >= to) return
      await readValues(reader, sb, into.subarray(from - position, to - position), from - HEADER_BLOCK_BYTES)
    },
  }
}

async function buildSlowly(index: IndexCopy, leaves: Uint8Array[], pace: Pace): Promise<BuiltDirectories> {
  const options = {
    compress: gzipSync,
    sink: (leaf: Uint8Array, offset: number): void => {
      // a new round, with larger leaves
      if (offset === 0) leaves.length = 0
      leaves.push(leaf)
    },
    expectedEntries: index.census.tiles,
  }
  const steps = directorySteps(index.entries, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await pace()
  }
}

async function headerOf(
  reader: FlatReader,
  index: IndexCopy,
  built: BuiltDirectories,
  sections: SealedSections,
): Promise<ReturnType<typeof archiveHeader>> {
  const { census, distinct, superblock, metadata } = index
  const first = census.first.get(mostCommonType(census))
  let firstBytes: Uint8Array | undefined
  if (first !== undefined) {
    firstBytes = new Uint8Array(Math.min(2, first.length))
    await readValues(reader, superblock, firstBytes, first.offset)
  }
  const bounds = boundsOf(metadata)
  const isSound = placeFindings(archivePlace(census, { bounds, center: undefined })).length === 0
  const info = { bounds: isSound ? bounds : undefined, center: undefined }
  return archiveHeader({ census, built, sections, tileContents: distinct, firstBytes, info })
}

/**
 * The bounds that builds store in the metadata for the seal; undefined when absent or invalid, and then those of the
 * tiles count.
 */
function boundsOf({ bounds }: Record<string, unknown>): [number, number, number, number] | undefined {
  if (!Array.isArray(bounds) || bounds.length !== 4 || !bounds.every((b) => Number.isFinite(b)))
    return undefined
  return bounds as [number, number, number, number]
}

/** Another file may have been written over this one. */
const isOfFile = (now: Superblock, sb: Superblock): boolean => Buffer.compare(now.uuid, sb.uuid) === 0

/** Reads from `offset` after V, in the state of `sb`. */
async function readValues(
  reader: FlatReader,
  sb: Superblock,
  into: Uint8Array,
  offset: number,
): Promise<void> {
  const end = offset + into.length
  const of = await reader.readBytes(into, (now) =>
    isOfFile(now, sb) && end <= now.valuesLength ? now.valuesStart + offset : undefined,
  )
  if (of === undefined) throw changed(reader.path)
  for (const level of sb.levels) {
    const from = Math.max(offset, level.offset - sb.valuesStart)
    const to = Math.min(end, level.offset - sb.valuesStart + level.capacityBytes)
    if (from < to) into.fill(0, from - offset, to - offset)
  }
}

function copyPart(part: Uint8Array, at: number, into: Uint8Array, position: number): void {
  const from = Math.max(at, position)
  const to = Math.min(at + part.length, position + into.length)
  if (from < to) into.set(part.subarray(from - at, to - at), from - position)
}

function assertWithin(length: number, into: Uint8Array, position: number): void {
  if (!(position >= 0 && position + into.length <= length))
    throw new RangeError(`bytes ${position} to ${position + into.length} are not within ${length}`)
}

const changed = (path: string): FlagstoneError =>
  new FlagstoneError('LOCKED', `${path}: it has been changed meanwhile; ask again from the start.`)
