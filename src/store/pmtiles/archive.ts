// The directories of a PMTiles v3 archive, ours or foreign. They are loaded on demand, a bounded number is cached, and
// malicious ones are refused. Nothing that is read is trusted: depth, lengths and order are checked, and every
// directory must stay within the range of ids that its parent gives it, so that cycles and repetitions cannot multiply.
import * as zlib from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import {
  type Directory,
  decodeDirectory,
  type Entry,
  findEntry,
  lastNotAbove,
  MAX_DIRECTORY_BYTES,
} from '../../format/directory.js'
import { parseJsonObject } from '../../format/json.js'
import { PMTILES_HEADER_BYTES } from '../../format/layout.js'
import { Compression, decodeHeader, type PmtilesHeader } from '../../format/pmtiles.js'
import { zoomBase, zoomOfTileId } from '../../format/tile-id.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { MAX_ZOOM } from '../../zooms.js'

/** A root and three levels of leaves; the specification recommends at most two levels. */
const MAX_DEPTH = 4
/** Limit on cached entries, over all directories. */
const CACHE_ENTRIES = 4 * 1024 * 1024
const MAX_COMPRESSED_BYTES = 1 << 26
const MAX_METADATA_BYTES = 1 << 28

const END_OF_IDS = zoomBase(MAX_ZOOM + 1)

export interface ByteSpan {
  offset: number
  length: number
}

export class Archive {
  readonly header: PmtilesHeader
  readonly #file: ByteFile
  readonly #cache = new Map<number, Directory>()
  #cachedEntries = 0

  /** End of the last leaf directory among those read so far. */
  leavesEnd = 0
  /** Called for bytes that belong to a section but are not used. They do not prevent reading. */
  readonly #onLeftOver: ((clause: string) => void) | undefined

  /** Reads and checks the header and the root directory. @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED */
  constructor(file: ByteFile, onLeftOver?: (clause: string) => void) {
    this.#file = file
    this.#onLeftOver = onLeftOver
    const head = new Uint8Array(PMTILES_HEADER_BYTES)
    const got = file.read(head, 0)
    this.header = named(file, () => decodeHeader(head.subarray(0, got), file.size()))
    this.#directory(this.header.rootOffset, this.header.rootLength)
  }

  /** Position of a tile in the file; undefined when there is none. */
  find(tileId: number): ByteSpan | undefined {
    let directory = this.#directory(this.header.rootOffset, this.header.rootLength)
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const index = findEntry(directory, tileId)
      if (index < 0) return undefined
      const offset = directory.offsets[index]!
      const length = directory.lengths[index]!
      if (directory.runLengths[index]! > 0) return this.#place(tileId, offset, length)
      directory = this.#leaf(offset, length)
    }
    throw this.#damaged(`its directories are nested deeper than ${MAX_DEPTH}`)
  }

  #place(tileId: number, offset: number, length: number): ByteSpan {
    if (offset + length > this.header.dataLength)
      throw this.#damaged(
        `tile ${tileId} lies at ${offset}, ${length} bytes, beyond the tile data of ${this.header.dataLength}`,
      )
    return { offset: this.header.dataOffset + offset, length }
  }

  /**
   * All tile entries in order, without those of leaves. The same object is yielded each time.
   * @throws DAMAGED when order or nesting is wrong
   */
  *entries(from = 0): Generator<Entry, void> {
    const root = this.#directory(this.header.rootOffset, this.header.rootLength)
    yield* this.#walk(root, 0, Number.POSITIVE_INFINITY, 1, from)
  }

  *#walk(
    directory: Directory,
    low: number,
    high: number,
    depth: number,
    from: number,
  ): Generator<Entry, void> {
    const { tileIds, offsets, lengths, runLengths, count } = directory
    const entry: Entry = { tileId: 0, offset: 0, length: 0, runLength: 0 }
    for (let i = lastNotAbove(directory, from); i < count; i++) {
      const id = tileIds[i]!
      const next = i + 1 < count ? tileIds[i + 1]! : high
      if (id < low || id >= high || next <= id)
        throw this.#damaged(
          `entry ${i} of a directory, TileID ${id}, does not lie in the ${low} to ${high} it should cover`,
        )
      const run = runLengths[i]!
      if (next <= from && run === 0) continue
      if (id + run > END_OF_IDS) throw this.#damaged(`TileID ${id + run - 1} is beyond zoom 26`)
      if (run === 0) {
        if (depth >= MAX_DEPTH) throw this.#damaged(`its directories are nested deeper than ${MAX_DEPTH}`)
        yield* this.#walk(this.#leaf(offsets[i]!, lengths[i]!), id, next, depth + 1, from)
        continue
      }
      if (id + run > next) throw this.#damaged(`the run of ${run} tiles from ${id} reaches over ${next}`)
      if (id + run <= from) continue
      this.#place(id, offsets[i]!, lengths[i]!)
      entry.tileId = id
      entry.offset = offsets[i]!
      entry.length = lengths[i]!
      entry.runLength = run
      yield entry
    }
  }

  /**
   * Estimates the number of tiles of each zoom from the root directory. Leaves hold about the same number of tiles
   * each, so only leaves that span several zooms are read.
   */
  estimateLevels(): Map<number, number> {
    const { rootOffset, rootLength, addressedTiles, tileEntries } = this.header
    const root = this.#directory(rootOffset, rootLength)
    const counts = new Map<number, number>()
    const add = (id: number, tiles: number): void => {
      const zoom = zoomOfTileId(id)
      counts.set(zoom, (counts.get(zoom) ?? 0) + tiles)
    }
    let [leaves, inRoot] = [0, 0]
    for (let i = 0; i < root.count; i++) {
      if (root.runLengths[i] === 0) leaves++
      else inRoot += root.runLengths[i]!
    }
    const inLeaf = Math.max(1, Math.round((Math.max(addressedTiles, tileEntries) - inRoot) / leaves))
    for (let i = 0; i < root.count; i++) {
      const id = root.tileIds[i]!
      const next = i + 1 < root.count ? root.tileIds[i + 1]! : END_OF_IDS
      if (root.runLengths[i]! > 0) add(id, root.runLengths[i]!)
      else if (zoomOfTileId(id) === zoomOfTileId(next - 1)) add(id, inLeaf)
      else {
        const leaf = this.#leaf(root.offsets[i]!, root.lengths[i]!)
        for (let n = 0; n < leaf.count; n++) add(leaf.tileIds[n]!, Math.max(1, leaf.runLengths[n]!))
      }
    }
    return counts
  }

  /** The metadata as a JSON object; {} when there are none. @throws DAMAGED when they are something else */
  metadata(): Record<string, unknown> {
    const { metadataOffset, metadataLength } = this.header
    if (metadataLength === 0) return {}
    const bytes = this.#unpack(metadataOffset, metadataLength, MAX_METADATA_BYTES, 'metadata')
    const value = parseJsonObject(bytes)
    if (typeof value === 'string') throw this.#damaged(`its metadata is ${value}`)
    return value
  }

  #leaf(offset: number, length: number): Directory {
    const { leafOffset, leafLength } = this.header
    if (offset + length > leafLength)
      throw this.#damaged(
        `a leaf directory, ${length} bytes at ${offset}, lies beyond the ${leafLength} bytes of them`,
      )
    this.leavesEnd = Math.max(this.leavesEnd, offset + length)
    return this.#directory(leafOffset + offset, length)
  }

  #directory(position: number, length: number): Directory {
    const cached = this.#cache.get(position)
    if (cached !== undefined) return cached
    const directory = named(this.#file, () =>
      decodeDirectory(this.#unpack(position, length, MAX_DIRECTORY_BYTES, 'directory'), (bytes) =>
        this.#onLeftOver?.(`${bytes} bytes follow the last entry of the directory at ${position}`),
      ),
    )
    for (const [oldest, entry] of this.#cache) {
      if (this.#cachedEntries + directory.count <= CACHE_ENTRIES) break
      // The root is always needed.
      if (oldest === this.header.rootOffset) continue
      this.#cachedEntries -= entry.count
      this.#cache.delete(oldest)
    }
    this.#cachedEntries += directory.count
    this.#cache.set(position, directory)
    return directory
  }

  #unpack(position: number, length: number, limit: number, what: string): Uint8Array {
    if (length > MAX_COMPRESSED_BYTES)
      throw this.#damaged(`a ${what} of ${length} bytes is too large to be one`)
    const packed = new Uint8Array(length)
    if (this.#file.read(packed, position) !== length)
      throw this.#damaged(`the file ends within a ${what} of ${length} bytes at ${position}`)
    return this.#decompress(packed, limit, `${what} at ${position}`)
  }

  #decompress(packed: Uint8Array, maxOutputLength: number, what: string): Uint8Array {
    const { internalCompression } = this.header
    const options = { maxOutputLength, info: true }
    const zstd = (zlib as { zstdDecompressSync?: (b: Uint8Array, o: { maxOutputLength: number }) => Buffer })
      .zstdDecompressSync
    try {
      switch (internalCompression) {
        case Compression.none:
          return packed
        case Compression.gzip:
          return this.#used(packed, zlib.gunzipSync(packed, options), what)
        case Compression.brotli:
          return this.#used(packed, zlib.brotliDecompressSync(packed, options), what)
        case Compression.zstd:
          if (zstd !== undefined) return zstd(packed, { maxOutputLength })
      }
    } catch (error) {
      throw this.#damaged(`its ${what} cannot be decompressed (${unpackProblem(error, maxOutputLength)})`)
    }
    throw new FlagstoneError(
      'VERSION_UNSUPPORTED',
      internalCompression === Compression.zstd
        ? `${this.#file.path}: its directories are compressed with zstd, which Node.js ${process.version} cannot read; use Node.js 22.15 or newer.`
        : `${this.#file.path}: its directories are compressed in an unknown way (${internalCompression}).`,
    )
  }

  /** The unpacked bytes. Packed bytes that were not used are reported. Node's types lack the option `info`. */
  #used(packed: Uint8Array, unpacked: unknown, what: string): Uint8Array {
    const { buffer, engine } = unpacked as { buffer: Buffer; engine: { bytesWritten: number } }
    const rest = packed.length - engine.bytesWritten
    if (rest > 0) this.#onLeftOver?.(`${rest} bytes follow the ${what} within its stated length`)
    return buffer
  }

  #damaged(clause: string): FlagstoneError {
    return new FlagstoneError(
      'DAMAGED',
      `${this.#file.path}: this PMTiles archive is damaged or incomplete: ${clause}. Get it again from where it came from.`,
      { path: this.#file.path },
    )
  }
}

/** Adds the path to errors of format/, which does not know the file. */
function named<T>(file: ByteFile, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof FlagstoneError && !error.message.startsWith(file.path))
      throw new FlagstoneError(error.code, `${file.path}: ${error.message}`, {
        path: file.path,
        cause: error,
      })
    throw error
  }
}
