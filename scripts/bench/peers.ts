// The neighbours. Each is given the interface and settings that suit it best; one that is not installed is
// skipped, and the report says so.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, read } from 'node:fs'
import { join } from 'node:path'
import type { PMTiles, RangeResponse, Source } from 'pmtiles'

export type LmdbModule = typeof import('lmdb')
export type PmtilesModule = typeof import('pmtiles')

/** The part of libsql's (and better-sqlite3's) interface that is used here. */
export interface SqliteStatement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}
export interface SqliteDatabase {
  exec(sql: string): unknown
  pragma(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

async function load<T>(name: string, skipped: string[]): Promise<T | undefined> {
  try {
    return (await import(name)) as T
  } catch (error) {
    skipped.push(
      `${name} is not installed (${(error as Error).message.split('\n')[0]}), so it was not measured`,
    )
    return undefined
  }
}

/**
 * Installs packages of npm into `dir` where they are not there. Returns their folders, which are not there either
 * without a registry.
 */
export function npmPackages(
  names: readonly string[],
  dir: string,
  say: (message: string) => void,
): (name: string) => string {
  mkdirSync(dir, { recursive: true })
  const folderOf = (name: string): string => join(dir, 'node_modules', name)
  if (!names.every((name) => existsSync(folderOf(name)))) {
    say(`installing ${names.join(' and ')}`)
    spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', dir, ...names], { cwd: dir })
  }
  return folderOf
}

export async function loadLmdb(skipped: string[]): Promise<LmdbModule | undefined> {
  return await load<LmdbModule>('lmdb', skipped)
}

export async function loadPmtiles(skipped: string[]): Promise<PmtilesModule | undefined> {
  return await load<PmtilesModule>('pmtiles', skipped)
}

export async function openSqlite(path: string, skipped: string[]): Promise<SqliteDatabase | undefined> {
  const module = await load<{ default: new (path: string) => SqliteDatabase }>('libsql', skipped)
  return module && new module.default(path)
}

/** Tables as MBTiles has them. */
export const MBTILES_SCHEMA = `
  CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB);
  CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);`
export const MBTILES_INSERT = 'INSERT INTO tiles VALUES (?, ?, ?, ?)'
export const MBTILES_SELECT =
  'SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?'

/** An LMDB database with 32-bit keys, the smallest it has, and binary values. */
export function openLmdb(lmdb: LmdbModule, path: string, mapSize: number) {
  return lmdb.open<Buffer, number>({
    path,
    encoding: 'binary',
    keyEncoding: 'uint32',
    mapSize,
    noMemInit: true,
  })
}

/** A local file for the pmtiles package: positioned reads in the thread pool, as its FileSource does in a browser. */
export function localSource(fd: number, key: string): Source {
  return {
    getKey: () => key,
    getBytes: (offset: number, length: number) =>
      new Promise<RangeResponse>((resolve, reject) => {
        const into = new Uint8Array(length)
        read(fd, into, 0, length, offset, (error, n) => {
          if (error) reject(error)
          else resolve({ data: n === length ? into.buffer : into.buffer.slice(0, n) })
        })
      }),
  }
}

export function openPmtiles(pmtiles: PmtilesModule, fd: number, key: string): PMTiles {
  return new pmtiles.PMTiles(localSource(fd, key))
}
