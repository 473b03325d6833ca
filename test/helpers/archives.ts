// Small archives of the same tiles in several containers.
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type Database from 'libsql'
import { extensionOf, sniffTileType } from '../../src/format/tile-type.js'
import { create } from '../../src/index.js'

const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database

export interface PlacedBytes {
  readonly z: number
  readonly x: number
  readonly y: number
  readonly bytes: Uint8Array
}

/** Bytes with the signature of a PNG that differ by `n`. */
export function pngLike(n: number, length = 60): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  new DataView(bytes.buffer).setUint32(length - 4, n)
  return bytes
}

export function makeFlat(
  path: string,
  tiles: Iterable<PlacedBytes>,
  metadata: Record<string, unknown> = {},
): string {
  const writer = create(path)
  for (const { z, x, y, bytes } of tiles) writer.append(z, x, y, bytes)
  writer.setMetadata(metadata)
  writer.seal()
  writer.close()
  return path
}

export function makeMbtiles(path: string, tiles: Iterable<PlacedBytes>, isUnique = true): string {
  const db = new Sqlite(path)
  db.exec('CREATE TABLE metadata (name TEXT, value TEXT)')
  db.exec('CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)')
  if (isUnique) db.exec('CREATE UNIQUE INDEX places ON tiles (zoom_level, tile_column, tile_row)')
  const insert = db.prepare('INSERT INTO tiles VALUES (?, ?, ?, ?)')
  db.exec('BEGIN')
  for (const { z, x, y, bytes } of tiles) insert.run([z, x, 2 ** z - 1 - y, Buffer.from(bytes)])
  db.exec('COMMIT')
  db.close()
  return path
}

export function makeFolder(path: string, tiles: Iterable<PlacedBytes>): string {
  for (const { z, x, y, bytes } of tiles) {
    const file = join(path, `${z}`, `${x}`, `${y}.${extensionOf(sniffTileType(bytes))}`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
  return path
}
