// Builds root and leaf directories from a stream of tiles, in bounded memory: the entries of one leaf, and one line of
// the root per leaf.
//
// The leaf size must give a root that fits 16,384 - 127 bytes compressed, and the compressed size is known only when
// the root is built. The number of tiles, which a store knows, gives the first guess (3,000 leaves, at 4 to 5
// compressed bytes each). If the root is too large after all, the leaves are built again a third larger. So `entries`
// may be iterated several times, and `sink` gets positions: a second round overwrites the first. Leaves are of equal
// size because a client pays for the whole leaf it needs. Growing leaves would need only one round, but the last leaf
// of 10^8 tiles would cost megabytes.
import type { Entry } from './directory.js'
import { directoryOf, emptyDirectory, encodeDirectory } from './directory.js'
import { MAX_ROOT_BYTES } from './layout.js'

export interface BuildOptions {
  /** Limit on the compressed root; the default leaves room for the header. */
  maxRootBytes?: number
  /** Compresses a directory. Must return the same bytes for the same input in every round. */
  compress: (directory: Uint8Array) => Uint8Array
  /** Takes a compressed leaf and its position, counted from the first leaf. The sink may keep the bytes. */
  sink: (leaf: Uint8Array, offset: number) => void
  /** Approximate number of entries, which saves rounds. A guess that is too high is harmless. */
  expectedEntries?: number
  /** Fewest entries per leaf, and most entries of an archive without leaves. Default 4096 and 16384. */
  minLeafEntries?: number
  maxRootOnlyEntries?: number
}

export interface BuiltDirectories {
  /** Total bytes of all leaves; 0 when the root holds every entry. */
  leafBytes: number
  leafCount: number
  /** Entries per leaf. */
  leafEntries: number
  addressedTiles: number
  /** Number of entries after run-length encoding. */
  tileEntries: number
  /** As the specification defines it: each offset follows the previous value or points back, and the first is 0. */
  clustered: boolean
  /** First and last TileID; -1 when there are no tiles. */
  minTileId: number
  maxTileId: number
  /** Returns the compressed root; `leafBase` is added to the positions of leaves (see sealedSections). */
  root: (leafBase: number) => Uint8Array
}

const TARGET_LEAVES = 3000
/** A different leafBase changes a few bytes of the root; compressed, certainly fewer than this. */
const ROOT_MARGIN_BYTES = 64

/**
 * Builds the directories of `entries()`: tiles in ascending TileID, runLength ≥ 1. Neighbours with the same bytes are
 * joined. The iterator may yield the same object again and again.
 * @throws RangeError when ids do not ascend
 */
export function buildDirectories(entries: () => Iterable<Entry>, options: BuildOptions): BuiltDirectories {
  const steps = directorySteps(entries, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** As buildDirectories, in steps of one leaf, so that callers can do other work in between. */
export function* directorySteps(
  entries: () => Iterable<Entry>,
  options: BuildOptions,
): Generator<undefined, BuiltDirectories, undefined> {
  const maxRootBytes = options.maxRootBytes ?? MAX_ROOT_BYTES
  const flat = rootOnly(entries, options, maxRootBytes)
  if (flat !== undefined) return flat
  let leafEntries = Math.max(
    options.minLeafEntries ?? 4096,
    Math.ceil((options.expectedEntries ?? 0) / TARGET_LEAVES),
  )
  for (;;) {
    const built = yield* buildLeaves(entries, leafEntries, options, maxRootBytes)
    if (built !== undefined) return built
    leafEntries = Math.ceil((leafEntries * 4) / 3)
  }
}

/** An archive whose root holds every entry; undefined when there are too many. */
function rootOnly(
  entries: () => Iterable<Entry>,
  options: BuildOptions,
  maxRootBytes: number,
): BuiltDirectories | undefined {
  const limit = options.maxRootOnlyEntries ?? 16384
  const joined: Entry[] = []
  const totals = new Totals()
  for (const entry of joinRuns(entries(), totals)) {
    if (joined.length === limit) return undefined
    joined.push({ ...entry })
  }
  const root = options.compress(encodeDirectory(directoryOf(joined)))
  if (root.length > maxRootBytes) return undefined
  return totals.result({ leafBytes: 0, leafCount: 0, leafEntries: joined.length, root: () => root })
}

/** One round with leaves of one size; undefined when the root does not fit. */
function* buildLeaves(
  entries: () => Iterable<Entry>,
  leafEntries: number,
  options: BuildOptions,
  maxRootBytes: number,
): Generator<undefined, BuiltDirectories | undefined, undefined> {
  const totals = new Totals()
  const leaf = emptyDirectory(leafEntries)
  const lines: Entry[] = []
  let leafBytes = 0
  const flush = (): void => {
    const bytes = options.compress(encodeDirectory(leaf))
    options.sink(bytes, leafBytes)
    lines.push({ tileId: leaf.tileIds[0]!, offset: leafBytes, length: bytes.length, runLength: 0 })
    leafBytes += bytes.length
    leaf.count = 0
  }
  for (const entry of joinRuns(entries(), totals)) {
    const i = leaf.count++
    leaf.tileIds[i] = entry.tileId
    leaf.offsets[i] = entry.offset
    leaf.lengths[i] = entry.length
    leaf.runLengths[i] = entry.runLength
    if (leaf.count < leafEntries) continue
    flush()
    yield
    // With this many lines larger leaves are better, even if the root would fit.
    if (lines.length > maxRootBytes) return undefined
  }
  if (leaf.count > 0) flush()
  const makeRoot = (leafBase: number): Uint8Array => {
    const moved = lines.map((line) => ({ ...line, offset: line.offset + leafBase }))
    const bytes = options.compress(encodeDirectory(directoryOf(moved)))
    if (bytes.length > maxRootBytes)
      throw new RangeError(`the root directory came out at ${bytes.length} bytes`)
    return bytes
  }
  const draft = options.compress(encodeDirectory(directoryOf(lines)))
  if (draft.length + ROOT_MARGIN_BYTES > maxRootBytes) {
    if (lines.length === 1) throw new RangeError(`no root directory fits ${maxRootBytes} bytes`)
    return undefined
  }
  return totals.result({ leafBytes, leafCount: lines.length, leafEntries, root: makeRoot })
}

/** Counts over all entries. */
class Totals {
  addressedTiles = 0
  tileEntries = 0
  clustered = true
  minTileId = -1
  maxTileId = -1
  #end = 0

  add(entry: Entry): void {
    if (this.tileEntries === 0) this.minTileId = entry.tileId
    this.addressedTiles += entry.runLength
    this.tileEntries++
    this.maxTileId = entry.tileId + entry.runLength - 1
    if (entry.offset === this.#end) this.#end += entry.length
    else if (entry.offset > this.#end) this.clustered = false
  }

  result(made: Pick<BuiltDirectories, 'leafBytes' | 'leafCount' | 'leafEntries' | 'root'>): BuiltDirectories {
    const { addressedTiles, tileEntries, clustered, minTileId, maxTileId } = this
    return { ...made, addressedTiles, tileEntries, clustered, minTileId, maxTileId }
  }
}

/** Joins neighbours with the same bytes and counts entries. The same object is yielded each time. */
function* joinRuns(entries: Iterable<Entry>, totals: Totals): Generator<Entry, void> {
  const run: Entry = { tileId: -1, offset: 0, length: 0, runLength: 0 }
  for (const { tileId, offset, length, runLength } of entries) {
    const end = run.tileId + run.runLength
    if (run.runLength > 0 && tileId < end) throw new RangeError(`TileID ${tileId} follows ${end - 1}`)
    if (!(runLength >= 1)) throw new RangeError(`TileID ${tileId} has run length ${runLength}`)
    if (run.runLength > 0 && tileId === end && offset === run.offset && length === run.length) {
      run.runLength += runLength
      continue
    }
    if (run.runLength > 0) {
      totals.add(run)
      yield run
    }
    run.tileId = tileId
    run.offset = offset
    run.length = length
    run.runLength = runLength
  }
  if (run.runLength > 0) {
    totals.add(run)
    yield run
  }
}
