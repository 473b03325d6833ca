// The digest of a set of tiles: which tiles there are, of which type, and with which bytes. It is the same in every
// container and every order of the tiles. formats/digest-1.md is the normative description.
//
// It is the sum, modulo 2^128, of a hash of each tile's key, type, length and CRC-32. So it is computed without reading
// bytes where the CRCs are stored, digests of disjoint sets can be added, and a tile can be taken away again. It tells
// sets apart that differ by accident; it does not protect from someone who forges tiles with equal CRCs.
import { murmur3 } from './murmur3.js'
import { TileType } from './tile-type.js'

const TWO_32 = 2 ** 32

/** Types that the bytes themselves prove. The others count as 0, because not every container keeps them apart. */
const COUNTED = new Uint8Array(256)
for (const type of [TileType.png, TileType.jpeg, TileType.webp, TileType.avif, TileType.elevation])
  COUNTED[type] = type

/** The type that a digest counts. */
export const countedType = (type: number): number => COUNTED[type]!

/** Sums tiles into a digest. */
export class TilesDigest {
  readonly #sum = new Uint32Array(4)
  readonly #hash = new Uint32Array(4)
  #tiles = 0

  /** Number of tiles added. */
  get tiles(): number {
    return this.#tiles
  }

  /** Adds `count` tiles with consecutive TileIDs from `key` on that have the same bytes. */
  add(key: number, type: number, length: number, crc: number, count = 1): void {
    const sum = this.#sum
    const hash = this.#hash
    const counted = countedType(type)
    for (let id = key; id < key + count; id++) {
      murmur3(id >>> 0, Math.floor(id / TWO_32), counted, length, crc, hash)
      let carry = 0
      for (let i = 0; i < 4; i++) {
        const word = sum[i]! + hash[i]! + carry
        sum[i] = word
        carry = word >= TWO_32 ? 1 : 0
      }
    }
    this.#tiles += count
  }

  /** 32 hexadecimal digits, most significant first. */
  get hex(): string {
    return [3, 2, 1, 0].map((i) => this.#sum[i]!.toString(16).padStart(8, '0')).join('')
  }
}
