// The blocks of a container, by zoom and along the Hilbert curve, as their tiles are listed. 45 bytes of memory each.
import { tileId } from '../../format/tile-id.js'
import type { TileRange } from '../../store/read/list.js'
import { MAX_ZOOM } from '../../zooms.js'
import { BLOCK_SIDE, type Block, decodeBlock, RECORD_BYTES } from './layout.js'

/** Zooms up to this one have one block. */
const BLOCK_ZOOMS = Math.log2(BLOCK_SIDE)
const ZOOM_KEYS = 2 ** 40

/** Ascends by zoom, then as the TileIDs of the block's tiles do. */
const keyOf = (zoom: number, blockX: number, blockY: number): number =>
  zoom * ZOOM_KEYS + tileId(Math.max(0, zoom - BLOCK_ZOOMS), blockX, blockY)

export class BlockTable {
  readonly #records: Buffer
  readonly #keys: Float64Array
  /** Numbers of records, in the order of their keys. */
  readonly #order: Uint32Array

  /**
   * @param records the block index
   * @throws RangeError with a clause that says what is wrong with it
   */
  constructor(records: Buffer, fileBytes: number) {
    if (records.length % RECORD_BYTES !== 0) throw new RangeError('it ends within an entry')
    this.#records = records
    const keys = new Float64Array(records.length / RECORD_BYTES)
    for (let i = 0; i < keys.length; i++) {
      const block = decodeBlock(records, i * RECORD_BYTES)
      const why = problemOf(block, fileBytes)
      if (why !== undefined) throw new RangeError(`its block ${i} ${why}`)
      keys[i] = keyOf(block.zoom, Math.floor(block.minX / BLOCK_SIDE), Math.floor(block.minY / BLOCK_SIDE))
    }
    this.#order = orderOf(keys)
    this.#keys = Float64Array.from(this.#order, (i) => keys[i]!)
    const twice = this.#keys.findIndex((key, i) => key === this.#keys[i - 1])
    if (twice >= 0) throw new RangeError(`it has block ${this.#order[twice]} twice`)
    const overlap = overlapOf(records, keys.length)
    if (overlap !== undefined) throw new RangeError(`its blocks ${overlap.join(' and ')} overlap`)
  }

  /** Zooms that have blocks, ascending. */
  zooms(): number[] {
    return Array.from({ length: MAX_ZOOM + 1 }, (_, zoom) => zoom).filter(
      (zoom) => this.#firstOf(zoom) < this.#firstOf(zoom + 1),
    )
  }

  /** The block of a place, which may lie outside the block's box. */
  at(zoom: number, x: number, y: number): Block | undefined {
    return this.#find(zoom, Math.floor(x / BLOCK_SIDE), Math.floor(y / BLOCK_SIDE))
  }

  /** Blocks that touch a range, in the order of their keys. */
  *touching(zoom: number, { minX, minY, maxX, maxY }: TileRange): Generator<Block> {
    const [first, end] = [this.#firstOf(zoom), this.#firstOf(zoom + 1)]
    const [left, top, right, bottom] = [minX, minY, maxX, maxY].map((place) =>
      Math.floor(Math.max(0, place) / BLOCK_SIDE),
    ) as [number, number, number, number]
    // one lookup instead of a walk through a million blocks, for whoever asks about one tile
    if (left === right && top === bottom) {
      const block = this.#find(zoom, left, top)
      if (block !== undefined) yield block
      return
    }
    for (let i = first; i < end; i++) {
      const block = this.#block(i)
      if (block.minX <= maxX && block.maxX >= minX && block.minY <= maxY && block.maxY >= minY) yield block
    }
  }

  #find(zoom: number, blockX: number, blockY: number): Block | undefined {
    const key = keyOf(zoom, blockX, blockY)
    const at = this.#lowerBound(key)
    return this.#keys[at] === key ? this.#block(at) : undefined
  }

  #block(i: number): Block {
    return decodeBlock(this.#records, this.#order[i]! * RECORD_BYTES)
  }

  #firstOf(zoom: number): number {
    return this.#lowerBound(zoom * ZOOM_KEYS)
  }

  #lowerBound(key: number): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What is wrong with a block, as a clause. */
function problemOf(block: Block, fileBytes: number): string | undefined {
  const { zoom, minX, minY, maxX, maxY, position, tileBytes, indexBytes } = block
  if (zoom > MAX_ZOOM) return `is of zoom ${zoom}; the deepest is ${MAX_ZOOM}`
  const side = 2 ** zoom
  if (minX > maxX || minY > maxY || maxX >= side || maxY >= side) return 'is outside the world'
  return position + tileBytes + indexBytes > fileBytes ? 'goes on beyond the end of the file' : undefined
}

/** The numbers of the values, in ascending order. */
function orderOf(values: Float64Array): Uint32Array {
  const order = Uint32Array.from(values, (_, i) => i)
  // sorting a million takes seconds
  const isAscending = values.every((value, i) => i === 0 || values[i - 1]! <= value)
  return isAscending ? order : order.sort((a, b) => values[a]! - values[b]!)
}

/** The numbers of two blocks that have bytes in common, with which a small file could claim any number of tiles. */
function overlapOf(records: Buffer, count: number): [number, number] | undefined {
  const starts = Float64Array.from(
    { length: count },
    (_, i) => decodeBlock(records, i * RECORD_BYTES).position,
  )
  const order = orderOf(starts)
  for (let i = 1; i < count; i++) {
    const [before, next] = [order[i - 1]!, order[i]!]
    const { position, tileBytes, indexBytes } = decodeBlock(records, before * RECORD_BYTES)
    if (position + tileBytes + indexBytes > starts[next]!) return [before, next]
  }
  return undefined
}
