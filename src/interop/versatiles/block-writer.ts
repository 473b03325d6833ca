// One block of a container as it is written: its tiles go to the file as they come, and its index stays in memory until all are there.
import { createHash } from 'node:crypto'
import { brotliCompressSync, constants } from 'node:zlib'
import type { StoredTile } from '../../store/read/tile-set.js'
import type { PartFile } from '../transfer/part-file.js'
import { BLOCK_SIDE, encodeBlock, SLOT_BYTES, writeSize } from './layout.js'

/** 11, the default, takes a second and more for a block, and saves little. */
const QUALITY = 6

export const toBrotli = (bytes: Uint8Array): Buffer =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  })

/** Where a tile is, in the grid and in the block. */
interface Slot {
  readonly x: number
  readonly y: number
  readonly position: number
  readonly length: number
}

export class BlockWriter {
  readonly zoom: number
  readonly #blockX: number
  readonly #blockY: number
  readonly #file: PartFile
  readonly #start: number
  readonly #slots: Slot[] = []
  /** Positions of tiles by their SHA-256. */
  readonly #known = new Map<string, number>()

  /** Of the block that a tile is in, which begins at the end of the file. */
  constructor({ z, x, y }: StoredTile, file: PartFile) {
    this.zoom = z
    this.#blockX = Math.floor(x / BLOCK_SIDE)
    this.#blockY = Math.floor(y / BLOCK_SIDE)
    this.#file = file
    this.#start = file.length
  }

  holds({ z, x, y }: StoredTile): boolean {
    return (
      z === this.zoom &&
      Math.floor(x / BLOCK_SIDE) === this.#blockX &&
      Math.floor(y / BLOCK_SIDE) === this.#blockY
    )
  }

  /** Equal tiles are stored once. @throws DISK_FULL, SYSTEM */
  put(x: number, y: number, bytes: Uint8Array): void {
    const hash = createHash('sha256').update(bytes).digest('base64')
    let position = this.#known.get(hash)
    if (position === undefined) {
      position = this.#file.append(bytes) - this.#start
      this.#known.set(hash, position)
    }
    this.#slots.push({ x, y, position, length: bytes.length })
  }

  /** Writes the index of the tiles; returns the block's entry in the index of blocks. @throws DISK_FULL, SYSTEM */
  end(): Buffer {
    let [minX, minY, maxX, maxY] = [Infinity, Infinity, 0, 0]
    for (const { x, y } of this.#slots) {
      minX = Math.min(minX, x)
      minY = Math.min(minY, y)
      maxX = Math.max(maxX, x)
      maxY = Math.max(maxY, y)
    }
    const columns = maxX - minX + 1
    const slots = Buffer.alloc(columns * (maxY - minY + 1) * SLOT_BYTES)
    for (const { x, y, position, length } of this.#slots) {
      const at = ((y - minY) * columns + x - minX) * SLOT_BYTES
      writeSize(slots, position, at)
      slots.writeUInt32BE(length, at + 8)
    }
    const tileBytes = this.#file.length - this.#start
    const index = toBrotli(slots)
    this.#file.append(index)
    const { zoom } = this
    return encodeBlock({
      zoom,
      minX,
      minY,
      maxX,
      maxY,
      position: this.#start,
      tileBytes,
      indexBytes: index.length,
    })
  }
}
