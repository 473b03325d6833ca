// Writes a folder of tiles, z/x/y.png. Equal tiles are hard links to one file.
import { hash } from 'node:crypto'
import { linkSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { syncFileSystem } from '../../platform/sync-all.js'
import { fromNodeError } from '../../platform/system-error.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { LooseTally, looseExtension } from '../packed/about-files.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { FolderPart, type FolderRequest } from './place.js'
import type { RowScheme } from './schemes.js'
import { tileMapResource } from './tile-map-resource.js'

/** Number of distinct tiles that later ones are compared with. */
const KNOWN_TILES = 2 ** 16
/** Number of columns that are known to have their folder. */
const KNOWN_COLUMNS = 2 ** 16

export class FolderSink implements TileSink {
  /** So that files are created folder by folder: in another order, file systems write to many places at the same time. */
  readonly wantsSorted = 'columns'
  readonly #part: FolderPart
  readonly #isTms: boolean
  readonly #tally = new LooseTally()
  readonly #columns = new Set<string>()
  /** Paths by the hashes of their contents; undefined where files cannot be linked. */
  #known: Map<string, string> | undefined = new Map()

  private constructor(part: FolderPart, isTms: boolean) {
    this.#part = part
    this.#isTms = isTms
  }

  /** @throws BAD_OPTION, EXISTS, NOT_FOUND, LOCKED, DISK_FULL, SYSTEM */
  static async create(request: FolderRequest, scheme: RowScheme): Promise<FolderSink> {
    return new FolderSink(await FolderPart.create(request), scheme === 'tms')
  }

  put(tile: StoredTile): undefined {
    const { z, x, y, bytes, type } = tile
    this.#tally.add(tile)
    const row = this.#isTms ? 2 ** z - 1 - y : y
    const path = join(this.#column(z, x), `${row}.${looseExtension(type)}`)
    try {
      this.#store(path, bytes)
    } catch (error) {
      throw fromNodeError(error, 'write', path)
    }
  }

  async finish(about: ArchiveAbout): Promise<void> {
    const { out, path } = this.#part
    const scheme: Record<string, string> = this.#isTms ? { scheme: 'tms' } : {}
    this.#write('metadata.json', this.#tally.metadataJson(out, about, scheme))
    if (this.#isTms) this.#write('tilemapresource.xml', tileMapResource(out, about, this.#tally))
    // syncing each of a million files would take hours
    syncFileSystem(path)
    await this.#part.publish()
  }

  async abandon(): Promise<void> {
    await this.#part.discard()
  }

  #write(name: string, text: string): void {
    const path = join(this.#part.path, name)
    try {
      writeFileSync(path, text)
    } catch (error) {
      throw fromNodeError(error, 'write', path)
    }
  }

  #column(z: number, x: number): string {
    const path = join(this.#part.path, String(z), String(x))
    if (this.#columns.has(path)) return path
    try {
      mkdirSync(path, { recursive: true })
    } catch (error) {
      throw fromNodeError(error, 'mkdir', path)
    }
    if (this.#columns.size >= KNOWN_COLUMNS) this.#columns.clear()
    this.#columns.add(path)
    return path
  }

  #store(path: string, bytes: Uint8Array): void {
    const known = this.#known
    const key = known === undefined ? '' : hash('sha256', bytes, 'base64')
    const same = known?.get(key)
    const file = same !== undefined && this.#link(same, path) ? same : path
    if (file === path) writeNew(path, bytes)
    if (known === undefined) return
    // the one used last is forgotten last
    known.delete(key)
    if (known.size >= KNOWN_TILES) known.delete(known.keys().next().value!)
    known.set(key, file)
  }

  /** False where it cannot be linked: the file has all the links it can have, or the file system has none. */
  #link(from: string, to: string): boolean {
    try {
      linkSync(from, to)
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EMLINK' && code !== 'EEXIST') this.#known = undefined
      return false
    }
  }
}

/** Never into an existing file: it may be the same as others. */
function writeNew(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    unlinkSync(path)
    writeFileSync(path, bytes, { flag: 'wx' })
  }
}
