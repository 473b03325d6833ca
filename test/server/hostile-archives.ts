// Archives as an attacker, or bad luck, would make them: each is found in a folder that is served.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type Database from 'libsql'
import { directoryOf, encodeDirectory } from '../../src/format/directory.js'
import { decodeHeader, encodeHeader } from '../../src/format/pmtiles.js'
import { tileId } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { createTiles } from '../../src/store/paths.js'
import { randomFrom } from '../helpers/random.js'
import { pmtilesFile } from './tile-files.js'

const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database

const PNG = Buffer.from('\x89PNG\r\n\x1a\n tile', 'latin1')
const TABLE = 'CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB);'
const INDEX = 'CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);'
const METADATA = 'CREATE TABLE metadata (name TEXT, value TEXT);'
/** 1/0/0 by rows from the south. */
const ONE_TILE = `INSERT INTO tiles VALUES (1, 0, 1, x'${PNG.toString('hex')}');`
const PLAIN = TABLE + INDEX + METADATA + ONE_TILE
const MIB = 2 ** 20

export function sqlite(path: string, sql: string): void {
  const db = new Sqlite(path)
  db.exec(sql)
  db.close()
}

/** What each answers: the status of 1/0/0, of 1/1/0, and of its TileJSON; or that it is not served, and what is said of it. */
export type Hostile =
  | { readonly tile: number; readonly other: number; readonly json: number }
  | { readonly skipped: RegExp }
  /** Its TileJSON takes too long; and for a while after that nothing of it is tried. */
  | { readonly isSlow: true }

export interface Made {
  readonly path: string
  readonly id: string
  readonly is: Hostile
}

const SERVED = { tile: 200, other: 204, json: 200 }

const MBTILES: Readonly<Record<string, { sql: string; is: Hostile }>> = {
  latin: {
    sql: `${PLAIN} INSERT INTO metadata VALUES ('name', CAST(x'636166e9' AS TEXT));`,
    is: SERVED,
  },
  utf16: {
    sql: `PRAGMA encoding = 'UTF-16le'; ${PLAIN} INSERT INTO metadata VALUES ('name', 'Größe');`,
    is: { skipped: /utf16\.mbtiles .* stores text as UTF-16, which is not supported; copy it/ },
  },
  endless: {
    sql: `${METADATA} CREATE VIEW tiles AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
      SELECT 1 zoom_level, i tile_column, 0 tile_row, x'00' tile_data FROM n;`,
    is: { skipped: /endless\.mbtiles .* views are recursive/ },
  },
  cross: {
    sql: `${METADATA} CREATE TABLE n (i); INSERT INTO n WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 1999) SELECT i FROM k;
      CREATE VIEW tiles AS SELECT 1 zoom_level, a.i + b.i + c.i tile_column, d.i + e.i tile_row, x'00' tile_data FROM n a, n b, n c, n d, n e;`,
    is: { isSlow: true },
  },
  sleeper: {
    sql: `${METADATA} CREATE TABLE t (i); INSERT INTO t VALUES (1);
      CREATE VIEW tiles AS SELECT 1 zoom_level, 0 tile_column, 1 tile_row, randomblob(900000000) tile_data FROM t;`,
    is: { skipped: /sleeper\.mbtiles .* views call the function randomblob\(\)/ },
  },
  large: {
    sql: `${PLAIN} INSERT INTO tiles VALUES (1, 1, 1, zeroblob(${66 * MIB}));`,
    is: { tile: 200, other: 413, json: 200 },
  },
  onlylarge: {
    sql: `${TABLE}${METADATA} INSERT INTO tiles VALUES (1, 1, 1, zeroblob(${66 * MIB}));`,
    is: { tile: 204, other: 413, json: 200 },
  },
  metadata: {
    sql: `${PLAIN} INSERT INTO metadata VALUES ('name', 'Much'), ('description', CAST(zeroblob(${100 * MIB}) AS TEXT));`,
    is: SERVED,
  },
  many: {
    sql: `${PLAIN} INSERT INTO metadata WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 99) SELECT 'k' || i, CAST(zeroblob(${MIB}) AS TEXT) FROM k;`,
    is: SERVED,
  },
}

/** Makes them all in a folder; and `good.mbtiles` and `fine.pmtiles`, which are what they should be. */
export function makeHostile(folder: string): Made[] {
  const at = (name: string): string => join(folder, name)
  sqlite(at('good.mbtiles'), PLAIN)
  pmtilesFile(at('fine.pmtiles'), 1, 1)
  const made: Made[] = []
  const add = (name: string, is: Hostile): void => {
    made.push({ path: at(name), id: name.replace(/\.\w+$/, ''), is })
  }
  for (const [id, { sql, is }] of Object.entries(MBTILES)) {
    sqlite(at(`${id}.mbtiles`), sql)
    add(`${id}.mbtiles`, is)
  }
  claimed(at('claim.mbtiles'), 2e9)
  add('claim.mbtiles', { tile: 200, other: 413, json: 200 })
  sparse(at('sparse.pmtiles'), 2e9)
  add('sparse.pmtiles', { tile: 200, other: 413, json: 200 })
  ours(at('ours.pmtiles'))
  add('ours.pmtiles', { tile: 200, other: 413, json: 200 })
  mkdirSync(at('folder.mbtiles'))
  add('folder.mbtiles', { skipped: /folder\.mbtiles is a folder without tile archives/ })
  symlinkSync('loop2.mbtiles', at('loop1.mbtiles'))
  symlinkSync('loop1.mbtiles', at('loop2.mbtiles'))
  add('loop1.mbtiles', { skipped: /loop1\.mbtiles is a broken link/ })
  symlinkSync('.', at('round'))
  for (const name of ['pipe.mbtiles', 'tube.pmtiles']) {
    execFileSync('mkfifo', [at(name)])
    add(name, { skipped: new RegExp(`${name} is not a regular file`) })
  }
  writeFileSync(at('line\nfeed.mbtiles'), 'no archive')
  add('line\nfeed.mbtiles', { skipped: /line\\u000afeed\.mbtiles is not an MBTiles archive/ })
  return made
}

/** Copies of a good archive with up to three flipped bits in the first page; the seed repeats them. */
export function flipped(folder: string, good: string, count: number, seed: number): string[] {
  const random = randomFrom(seed)
  return Array.from({ length: count }, (_, n) => {
    const path = join(folder, `flip${n}.mbtiles`)
    const bytes = readFileSync(good)
    for (let k = 0; k <= n % 3; k++) {
      bytes[Math.floor(random() * 4096)]! ^= 1 << Math.floor(random() * 8)
    }
    writeFileSync(path, bytes)
    return `flip${n}`
  })
}

/** 1/1/0 has a megabyte, and its record says `bytes`. See https://www.sqlite.org/fileformat2.html#b_tree_pages */
function claimed(path: string, bytes: number): void {
  const had = 1_000_000
  sqlite(path, `${PLAIN} INSERT INTO tiles VALUES (1, 1, 1, zeroblob(${had}));`)
  const file = readFileSync(path)
  const pageBytes = file.readUInt16BE(16)
  const { rootpage } = new Sqlite(path, { readonly: true })
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'tiles'")
    .get() as { rootpage: number }
  const page = file.subarray((rootpage - 1) * pageBytes, rootpage * pageBytes)
  const pointer = 8 + 2 * (page.readUInt16BE(3) - 1)
  const cell = page.readUInt16BE(pointer)
  // payload bytes, row, header bytes, and the types, the last of which is the blob's
  const [payload, rowAt] = readVarint(page, cell)
  const [row, headAt] = readVarint(page, rowAt)
  const head = page.subarray(headAt, headAt + page[headAt]!)
  const types = head.subarray(1, head.length - varint(2 * had + 12).length)
  const newType = varint(2 * bytes + 12)
  const newHead = Buffer.concat([Buffer.from([1 + types.length + newType.length]), types, newType])
  const newPayload = payload - had + bytes + newHead.length - head.length
  const kept = inPage(payload, pageBytes)
  const rest = page.subarray(headAt + head.length, headAt + kept)
  const next = page.subarray(headAt + kept, headAt + kept + 4)
  const local = Buffer.concat([newHead, rest, Buffer.alloc(pageBytes)]).subarray(
    0,
    inPage(newPayload, pageBytes),
  )
  const newCell = Buffer.concat([varint(newPayload), varint(row), local, next])
  const begin = page.readUInt16BE(5) - newCell.length
  newCell.copy(page, begin)
  page.writeUInt16BE(begin, pointer)
  page.writeUInt16BE(begin, 5)
  writeFileSync(path, file)
}

function inPage(payload: number, pageBytes: number): number {
  const least = Math.floor(((pageBytes - 12) * 32) / 255) - 23
  const kept = least + ((payload - least) % (pageBytes - 4))
  return kept <= pageBytes - 35 ? kept : least
}

function readVarint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0
  for (let i = at; ; i++) {
    value = value * 128 + (bytes[i]! & 127)
    if (bytes[i]! < 128) return [value, i + 1]
  }
}

function varint(value: number): Buffer {
  const bytes = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift((rest % 128) | 128)
  return Buffer.from(bytes)
}

/** A PMTiles archive whose second tile is `bytes` of nothing: the file has holes. */
function sparse(path: string, bytes: number): void {
  pmtilesFile(path, 1, 1)
  const file = readFileSync(path)
  const header = decodeHeader(file.subarray(0, 127), file.length)
  const entries = [
    { tileId: tileId(1, 0, 0), offset: 0, length: 1000, runLength: 1 },
    { tileId: tileId(1, 1, 0), offset: 1000, length: bytes, runLength: 1 },
  ]
  const root = gzipSync(encodeDirectory(directoryOf(entries)))
  const metadata = gzipSync('{}')
  const dataOffset = 127 + root.length + metadata.length
  const head = encodeHeader({
    ...header,
    rootLength: root.length,
    metadataOffset: 127 + root.length,
    metadataLength: metadata.length,
    leafOffset: dataOffset,
    dataOffset,
    dataLength: 1000 + bytes,
    addressedTiles: 2,
    tileEntries: 2,
    tileContents: 2,
  })
  writeFileSync(path, Buffer.concat([head, root, metadata, PNG]))
  truncateSync(path, dataOffset + 1000 + bytes)
}

function ours(path: string): void {
  const writer = createTiles(path)
  writer.append(1, 0, 0, PNG, TileType.png)
  writer.append(1, 1, 0, new Uint8Array(66 * MIB), TileType.png)
  writer.close()
}
