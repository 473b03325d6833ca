// VersaTiles containers, version 2. Opening one reads the index of its blocks; those of the tiles in a block are read when one of them is
// wanted.
import { gunzipSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { tileId, tileIdToZxy } from '../../format/tile-id.js'
import { type TileType, typeFromExtension } from '../../format/tile-type.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import type { TileRange } from '../../store/read/list.js'
import type { TileSet, TilesOfZoom } from '../../store/read/tile-set.js'
import { inOtherGrid, otherGridOf } from '../other-grid.js'
import { MAX_TILE_BYTES, tileOf } from '../packed/tile-name.js'
import { WindowFile } from '../packed/window-file.js'
import type { BlockTable } from './block-table.js'
import { type Block, FORMATS, PACKINGS, SLOT_BYTES } from './layout.js'
import { damaged, headerOf, metadataOf, tableOf, unbrotli } from './parts.js'

/** Up to 800 kB each. */
const REMEMBERED_INDEXES = 32
/** Where the tiles of a block are, row by row: three numbers for each, the two halves of the position and the length. */
type TileIndex = Uint32Array

export class VersatilesReader implements TileSet {
  readonly isSorted = true
  readonly #file: WindowFile
  /** Of tiles, with that of the compression. */
  readonly #extension: string
  readonly #blocks: BlockTable
  readonly #metadata: Record<string, unknown>
  /** By the TileID of the block's first place; the last used last. */
  readonly #indexes = new Map<number, TileIndex>()
  readonly #mayEstimate: boolean
  #levels: { zoom: number; count: number }[] | undefined

  /**
   * Opens a container. `levels`: 'about' takes all places of a block for tiles rather than reading all indexes.
   * @throws NOT_FOUND, SOURCE_UNREADABLE, SYSTEM
   * @throws NOT_A_TILE_FILE when it is something else, or has tiles in a grid other than web mercator
   * @throws VERSION_UNSUPPORTED when it is of another version
   * @throws DAMAGED when the index of its blocks cannot be read
   */
  static open(path: string, { levels }: { levels?: 'about' } = {}): VersatilesReader {
    const file = new WindowFile(path)
    try {
      return new VersatilesReader(file, levels === 'about')
    } catch (error) {
      file.close()
      throw error
    }
  }

  private constructor(file: WindowFile, mayEstimate: boolean) {
    this.#file = file
    this.#mayEstimate = mayEstimate
    const header = headerOf(file)
    const { format, packing, blocks } = header
    this.#extension = `${FORMATS[format] ?? 'bin'}${PACKINGS[packing]}`
    this.#blocks = tableOf(file, blocks)
    this.#metadata = metadataOf(file, header)
    const grid = otherGridOf(this.#metadata)
    if (grid !== undefined) throw inOtherGrid(file.path, grid)
  }

  get path(): string {
    return this.#file.path
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    const block = this.#blockOf(z, x, y)
    if (block === undefined) return undefined
    const index = this.#indexOf(block)
    const at = slotOf(block, x, y)
    const [position, length] = [index[at]! * 2 ** 32 + index[at + 1]!, index[at + 2]!]
    if (length === 0) return undefined
    try {
      if (position + length > block.tileBytes) throw wrong('it is not inside its block')
      if (length > MAX_TILE_BYTES)
        throw wrong(`it has ${length} bytes, more than the ${MAX_TILE_BYTES} allowed`)
      return this.#unpack(this.#file.read(block.position + position, length))
    } catch (error) {
      if (!(error instanceof FlagstoneError) || error.code !== 'DAMAGED') throw error
      throw new FlagstoneError('DAMAGED', `${this.path}: tile ${z}/${x}/${y}: ${error.message}`, {
        path: this.path,
        cause: error,
      })
    }
  }

  has(z: number, x: number, y: number): boolean {
    const block = this.#blockOf(z, x, y)
    return block !== undefined && this.#indexOf(block)[slotOf(block, x, y) + 2] !== 0
  }

  /** The first call reads all indexes, unless numbers may be estimated. */
  levels(): readonly { readonly zoom: number; readonly count: number }[] {
    this.#levels ??= this.#blocks
      .zooms()
      .map((zoom) => {
        let count = 0
        for (const block of this.#blocks.touching(zoom, wholeOf(zoom)))
          count += this.#mayEstimate ? placesIn(block) : tilesIn(this.#indexOf(block))
        return { zoom, count }
      })
      .filter(({ count }) => count > 0)
    return this.#levels
  }

  *tiles({
    zoom,
    range = wholeOf(zoom),
  }: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    for (const block of this.#blocks.touching(zoom, range))
      for (const key of this.#keysIn(block, range)) {
        const [z, x, y] = tileIdToZxy(key)
        yield { z, x, y }
      }
  }

  metadata(): Record<string, unknown> {
    return this.#metadata
  }

  close(): void {
    this.#file.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #blockOf(z: number, x: number, y: number): Block | undefined {
    const block = this.#blocks.at(z, x, y)
    const isInside =
      block !== undefined && x >= block.minX && x <= block.maxX && y >= block.minY && y <= block.maxY
    return isInside ? block : undefined
  }

  /** The TileIDs of a block's tiles in a range, ascending. */
  #keysIn(block: Block, range: TileRange): Float64Array {
    const index = this.#indexOf(block)
    const keys: number[] = []
    for (let y = Math.max(block.minY, range.minY); y <= Math.min(block.maxY, range.maxY); y++)
      for (let x = Math.max(block.minX, range.minX); x <= Math.min(block.maxX, range.maxX); x++)
        if (index[slotOf(block, x, y) + 2] !== 0) keys.push(tileId(block.zoom, x, y))
    return Float64Array.from(keys).sort()
  }

  /** @throws DAMAGED */
  #indexOf(block: Block): TileIndex {
    const key = tileId(block.zoom, block.minX, block.minY)
    const known = this.#indexes.get(key)
    if (known !== undefined) {
      this.#indexes.delete(key)
      this.#indexes.set(key, known)
      return known
    }
    const index = this.#readIndex(block)
    if (this.#indexes.size === REMEMBERED_INDEXES) this.#indexes.delete(this.#indexes.keys().next().value!)
    this.#indexes.set(key, index)
    return index
  }

  #readIndex(block: Block): TileIndex {
    const { zoom, minX, minY, position, tileBytes, indexBytes } = block
    const count = placesIn(block)
    const what = `the index of the block at ${zoom}/${minX}/${minY}`
    const bytes = unbrotli(
      this.#file,
      { position: position + tileBytes, length: indexBytes },
      count * SLOT_BYTES,
      what,
    )
    if (bytes.length !== count * SLOT_BYTES)
      throw damaged(this.#file, what, `it has ${bytes.length} bytes for ${count} places`)
    return new Uint32Array(Uint8Array.from(bytes.swap32()).buffer)
  }

  /** Vector tiles stay in gzip. What has no type that is known is unpacked, because nothing says that it is packed. */
  #unpack(bytes: Buffer): { bytes: Uint8Array; type: TileType } {
    const extension = this.#extension
    if (!extension.endsWith('.gz') || typeFromExtension(extension.slice(0, -3)))
      return tileOf(bytes, extension)
    try {
      return tileOf(gunzipSync(bytes, { maxOutputLength: MAX_TILE_BYTES }), extension)
    } catch (cause) {
      throw wrong(`it cannot be unpacked: ${unpackProblem(cause, MAX_TILE_BYTES)}`)
    }
  }
}

const wholeOf = (zoom: number): TileRange => ({ minX: 0, minY: 0, maxX: 2 ** zoom - 1, maxY: 2 ** zoom - 1 })

const placesIn = ({ minX, minY, maxX, maxY }: Block): number => (maxX - minX + 1) * (maxY - minY + 1)

function tilesIn(index: TileIndex): number {
  let count = 0
  for (let at = 2; at < index.length; at += 3) if (index[at] !== 0) count++
  return count
}

/** Where the numbers of a place are in the index of its block. */
const slotOf = ({ minX, minY, maxX }: Block, x: number, y: number): number =>
  3 * ((y - minY) * (maxX - minX + 1) + x - minX)

const wrong = (why: string): FlagstoneError => new FlagstoneError('DAMAGED', `${why}.`)
