// VersaTiles containers, well made and not, from lists of blocks.
import { brotliCompressSync } from 'node:zlib'
import { encodeBlock, encodeHeader, type Header } from '../../src/interop/versatiles/layout.js'

export interface BlockMade {
  readonly zoom: number
  /** Columns and rows from ... to. */
  readonly box: readonly [minX: number, minY: number, maxX: number, maxY: number]
  /** Row by row; undefined where there is none. */
  readonly tiles: readonly (Uint8Array | undefined)[]
  /** What its index says of each tile, if it lies. */
  readonly slot?: readonly [position: bigint, length: number]
  /** What the index of blocks says, if it lies. */
  readonly says?: Partial<Parameters<typeof encodeBlock>[0]>
  /** The index of tiles, instead of the right one. */
  readonly index?: Uint8Array
}

export interface ContainerMade {
  readonly header?: Partial<Header>
  readonly blocks: readonly BlockMade[]
  readonly metadata?: Uint8Array
  /** The index of blocks, instead of the right one. */
  readonly index?: Uint8Array
}

function indexOf({ tiles, slot }: BlockMade): Buffer {
  let at = 0
  return Buffer.concat(
    tiles.map((tile) => {
      const bytes = Buffer.alloc(12)
      bytes.writeBigUInt64BE(slot?.[0] ?? BigInt(at))
      bytes.writeUInt32BE(slot?.[1] ?? tile?.length ?? 0, 8)
      at += tile?.length ?? 0
      return bytes
    }),
  )
}

export function containerOf({ header, blocks, metadata = Buffer.from(''), index }: ContainerMade): Buffer {
  const parts: Uint8Array[] = [metadata]
  const records: Buffer[] = []
  let at = 66 + metadata.length
  for (const block of blocks) {
    const tiles = Buffer.concat(block.tiles.filter((tile) => tile !== undefined))
    const slots = block.index ?? brotliCompressSync(indexOf(block))
    const [minX, minY, maxX, maxY] = block.box
    const sizes = { position: at, tileBytes: tiles.length, indexBytes: slots.length }
    records.push(encodeBlock({ zoom: block.zoom, minX, minY, maxX, maxY, ...sizes, ...block.says }))
    parts.push(tiles, slots)
    at += tiles.length + slots.length
  }
  const last = index ?? brotliCompressSync(Buffer.concat(records))
  const head = encodeHeader({
    format: 16,
    packing: 0,
    minZoom: 0,
    maxZoom: 9,
    bounds: [-180, -85, 180, 85],
    metadata: { position: 66, length: metadata.length },
    blocks: { position: at, length: last.length },
    ...header,
  })
  return Buffer.concat([head, ...parts, last])
}
