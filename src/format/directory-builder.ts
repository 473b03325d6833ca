// Root and leaf directories from a stream of tiles, in bounded memory: the entries of one leaf, and one line of the
// root per leaf.
//
// One leaf size has to make a root that fits 16,384 - 127 bytes compressed, and how well a root compresses is
// known only when it is there. The count of tiles, which a store knows, gives the first guess (3,000 leaves: 4 to
// 5 bytes each compressed); if the root comes out too big after all, the leaves are made again a third
// larger. So `entries` can be gone through more than once, and `sink` gets positions: a second round
// overwrites the first. Leaves are of equal size because a client pays for the whole leaf it lands in; growing
// leaves would need one round only, and make the last of 10^8 tiles cost megabytes.
import type { Entry } from './directory.js'
import { directoryOf, emptyDirectory, encodeDirectory } from './directory.js'
import { MAX_ROOT_BYTES } from './layout.js'

export interface BuildOptions {
  /** Limit of the compressed root; the default leaves the header its room. */
  maxRootBytes?: number
  /** Compresses a directory; must give the same bytes for the same input, in every round. */
  compress: (directory: Uint8Array) => Uint8Array
  /** Takes a compressed leaf and its place, counted from the first leaf. The bytes are the sink's to keep. */
  sink: (leaf: Uint8Array, offset: number) => void
  /** About how many entries there are (a guess too high is harmless): saves rounds. */
  expectedEntries?: number
  /** Fewest entries a leaf, and most entries of an archive without leaves. Default 4096 and 16384. */
  minLeafEntries?: number
  maxRootOnlyEntries?: number
}

export interface BuiltDirectories {
  /** Bytes of all leaves together; 0 when the root holds every entry. */
  leafBytes: number
  leafCount: number
  /** Entries a leaf. */
  leafEntries: number
  addressedTiles: number
  /** Entries after run-length encoding. */
  tileEntries: number
  /** As the specification defines it: each offset follows the last value or points back; the first is 0. */
  clustered: boolean
  /** First and last TileID; -1 when there are no tiles. */
  minTileId: number
  maxTileId: number
  /** The compressed root; `leafBase` is added to the places of leaves (see sealedSections). */
  root: (leafBase: number) => Uint8Array
}

/** The number of leaves to aim for. */
const TARGET_LEAVES = 3000
/** A later leafBase changes a few bytes of the root; compressed, certainly fewer than this. */
const ROOT_MARGIN_BYTES = 64

/**
 * Builds directories of `entries()`: tiles in ascending TileID, runLength ≥ 1 (neighbours with the same
 * bytes are joined here). The iterator may hand out the same object again and again.
 * @throws RangeError when ids do not ascend
 */
export function buildDirectories(entries: () => Iterable<Entry>, options: BuildOptions): BuiltDirectories {
  const steps = directorySteps(entries, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** The same in steps of a leaf each, for those who have other things to do in between. */
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

/** An archive whose root holds every entry, or undefined when there are too many. */
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
    // As many lines as bytes: larger leaves serve better, even if this should fit.
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

/** What is counted on the way. */
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

/** Joins neighbours with the same bytes, in one reused object, and counts. */
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
