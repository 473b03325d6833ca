// Small archives of every kind, made in editions: each tile says in which edition it is, which tile it is, and at its
// end the CRC-32 of all that, so that an answer can be known for wholly of one edition.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type Database from 'libsql'
import { crc32 } from '../../src/format/crc.js'
import { directoryOf, encodeDirectory } from '../../src/format/directory.js'
import { Compression, encodeHeader } from '../../src/format/pmtiles.js'
import { tileId } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { createTiles } from '../../src/store/paths.js'
import { tarOf, zipOf } from '../helpers/packed.js'
import { containerOf } from '../helpers/versatiles.js'

export type Maker = (path: string, edition: number, zoom?: number) => void

/** All tiles of a zoom. */
export function* tilesOf(zoom: number): Generator<[z: number, x: number, y: number]> {
  for (let x = 0; x < 2 ** zoom; x++) for (let y = 0; y < 2 ** zoom; y++) yield [zoom, x, y]
}

/** Its length differs from edition to edition, so that tiles lie elsewhere in each. */
export function editionTile(edition: number, z: number, x: number, y: number): Uint8Array {
  const text = `${edition} ${z}/${x}/${y} `.padEnd(1500 + ((edition * 397) % 1200), `${edition}.`)
  return Buffer.from(text + crc32(Buffer.from(text)).toString(16).padStart(8, '0'))
}

/** The edition of a tile's bytes; undefined when they are not wholly of one, or of another tile. */
export function editionOf(bytes: Uint8Array, z: number, x: number, y: number): number | undefined {
  const text = Buffer.from(bytes).toString()
  const [edition] = text.split(' ', 1)
  return Buffer.compare(bytes, editionTile(Number(edition), z, x, y)) === 0 ? Number(edition) : undefined
}

export const flatFile: Maker = (path, edition, zoom = 2) => {
  rmSync(path, { force: true })
  const writer = createTiles(path)
  for (const [z, x, y] of tilesOf(zoom)) writer.append(z, x, y, editionTile(edition, z, x, y), TileType.png)
  writer.seal()
  writer.close()
}

export const pmtilesFile: Maker = (path, edition, zoom = 2) => {
  const tiles = [...tilesOf(zoom)].map(([z, x, y]) => ({
    tileId: tileId(z, x, y),
    bytes: editionTile(edition, z, x, y),
  }))
  tiles.sort((a, b) => a.tileId - b.tileId)
  let offset = 0
  const entries = tiles.map(({ tileId, bytes }) => {
    offset += bytes.length
    return { tileId, offset: offset - bytes.length, length: bytes.length, runLength: 1 }
  })
  const root = gzipSync(encodeDirectory(directoryOf(entries)))
  const metadata = gzipSync(JSON.stringify({ name: `edition ${edition}` }))
  const header = encodeHeader({
    rootOffset: 127,
    rootLength: root.length,
    metadataOffset: 127 + root.length,
    metadataLength: metadata.length,
    leafOffset: 127 + root.length + metadata.length,
    leafLength: 0,
    dataOffset: 127 + root.length + metadata.length,
    dataLength: offset,
    addressedTiles: tiles.length,
    tileEntries: tiles.length,
    tileContents: tiles.length,
    clustered: true,
    internalCompression: Compression.gzip,
    tileCompression: Compression.none,
    tileType: TileType.png,
    minZoom: zoom,
    maxZoom: zoom,
    minLon: -180,
    minLat: -85,
    maxLon: 180,
    maxLat: 85,
    centerZoom: zoom,
    centerLon: 0,
    centerLat: 0,
  })
  writeFileSync(path, Buffer.concat([header, root, metadata, ...tiles.map(({ bytes }) => bytes)]))
}

export const mbtilesFile: Maker = (path, edition, zoom = 2) => {
  const tiles = [...tilesOf(zoom)].map(([z, x, y]) => ({ z, x, y, bytes: editionTile(edition, z, x, y) }))
  mbtilesOf(path, tiles, { name: `edition ${edition}`, format: 'png' })
}

export function mbtilesOf(
  path: string,
  tiles: readonly { z: number; x: number; y: number; bytes: Uint8Array }[],
  metadata: Record<string, string>,
): void {
  rmSync(path, { force: true })
  const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database
  const db = new Sqlite(path)
  db.exec('CREATE TABLE metadata (name TEXT, value TEXT)')
  db.exec('CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)')
  db.exec('CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)')
  db.exec('BEGIN')
  for (const [name, value] of Object.entries(metadata)) {
    db.prepare('INSERT INTO metadata VALUES (?, ?)').run(name, value)
  }
  const insert = db.prepare('INSERT INTO tiles VALUES (?, ?, ?, ?)')
  for (const { z, x, y, bytes } of tiles) insert.run(z, x, 2 ** z - 1 - y, Buffer.from(bytes))
  db.exec('COMMIT')
  db.close()
}

const looseFiles = (edition: number, zoom: number): { name: string; bytes: Uint8Array }[] =>
  [...tilesOf(zoom)].map(([z, x, y]) => ({
    name: `${z}/${x}/${y}.png`,
    bytes: editionTile(edition, z, x, y),
  }))

export const tarFile: Maker = (path, edition, zoom = 2) =>
  writeFileSync(path, tarOf(looseFiles(edition, zoom)))

export const zipFile: Maker = (path, edition, zoom = 2) =>
  writeFileSync(path, zipOf(looseFiles(edition, zoom)))

export const versatilesFile: Maker = (path, edition, zoom = 2) => {
  const side = 2 ** zoom
  const tiles = new Array<Uint8Array>(side * side)
  for (const [z, x, y] of tilesOf(zoom)) tiles[y * side + x] = editionTile(edition, z, x, y)
  writeFileSync(path, containerOf({ blocks: [{ zoom, box: [0, 0, side - 1, side - 1], tiles }] }))
}

export const tileFolder: Maker = (path, edition, zoom = 2) => {
  for (const [z, x, y] of tilesOf(zoom)) {
    mkdirSync(join(path, `${z}/${x}`), { recursive: true })
    writeFileSync(join(path, `${z}/${x}/${y}.png`), editionTile(edition, z, x, y))
  }
}
