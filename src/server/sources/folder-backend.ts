// A served folder of z/x/y tiles. Its tiles are not cached: a new one is served at once.

import { closeSync, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { isImageType, sniffTileType, TileType } from '../../format/tile-type.js'
import { FolderReader, looseTile } from '../../interop/folder/reader.js'
import { READ_FLAGS } from '../../platform/regular-file.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TilesDescription } from '../../store/report/describe.js'
import type { Backend, ServedTile } from './backend.js'
import { Costly } from './costly.js'
import { describeSampled } from './describe-served.js'
import { encodingOf, inEncoding } from './vector-encoding.js'

/**
 * A tile that is overwritten leaves no trace in any folder, so a revision holds no longer than answers without a
 * version in their address do by default.
 */
const REVISION_MS = 60_000
const HEAD_BYTES = 16

export class FolderBackend implements Backend {
  readonly kind = 'folder'
  readonly reader = undefined
  /** Of vector tiles, by the first. */
  readonly contentEncoding: 'gzip' | undefined
  readonly #path: string
  readonly #inode: number
  readonly #reader: FolderReader
  /** Opened anew to count the tiles anew: that goes through all its folders. */
  readonly #counted: Costly<FolderReader>

  /** `path` has no links in it. */
  constructor(path: string) {
    this.#path = path
    this.#inode = statSync(path).ino
    this.#reader = FolderReader.open(path)
    this.contentEncoding = encodingOf(this.#reader.first())
    this.#counted = new Costly(() => {
      const reader = FolderReader.open(path)
      reader.levels()
      return reader
    })
  }

  get tiles(): FolderReader {
    return this.#counted.get(this.revision)
  }

  get revision(): string {
    return `${this.#inode.toString(36)}-${Math.floor(Date.now() / REVISION_MS).toString(36)}`
  }

  get(z: number, x: number, y: number): ServedTile | undefined {
    return this.#open(z, x, y, (fd, facts, file) => {
      const stored = Buffer.allocUnsafeSlow(facts.size)
      const got = readSync(fd, stored, 0, facts.size, 0)
      // written over while it was read: as if it were not there yet
      const after = fstatSync(fd)
      if (got !== facts.size || after.mtimeMs !== facts.mtimeMs || after.size !== facts.size) return undefined
      const tile = looseTile(stored, file)
      const { type } = tile
      const bytes = type === TileType.mvt ? inEncoding(tile.bytes, this.contentEncoding) : tile.bytes
      return { bytes, type, length: bytes.length, etag: etagOf(facts) }
    })
  }

  stat(z: number, x: number, y: number): TileStat | undefined {
    let isPicture = true
    const found = this.#open(z, x, y, (fd, facts) => {
      const head = Buffer.alloc(HEAD_BYTES)
      const type = sniffTileType(head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0)))
      isPicture = isImageType(type)
      return { type, length: facts.size, etag: etagOf(facts) }
    })
    // others may be sent in another encoding than they are stored in
    return isPicture ? found : this.get(z, x, y)
  }

  describe(): TilesDescription {
    const { tiles } = this
    return describeSampled(tiles, (z, x, y) => this.stat(z, x, y), {
      kind: 'z/x/y tiles in a folder',
      sealed: false,
      fileBytes: 0,
      layout: undefined,
      metadata: tiles.metadata(),
    })
  }

  close(): void {}

  /** Links may lead from tile to tile, but not out of the folder. */
  #open<T>(
    z: number,
    x: number,
    y: number,
    read: (fd: number, facts: Stats, file: string) => T | undefined,
  ): T | undefined {
    const found = this.#reader.find(z, x, y)
    if (found === undefined) return undefined
    let fd: number | undefined
    try {
      const file = realpathSync.native(found)
      if (!file.startsWith(join(this.#path, sep))) return undefined
      fd = openSync(file, READ_FLAGS)
      const facts = fstatSync(fd)
      return facts.isFile() && facts.size > 0 ? read(fd, facts, found) : undefined
    } catch (error) {
      // gone since it was found
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }
}

function etagOf({ ino, mtimeMs, size }: Stats): string {
  return `"${ino.toString(36)}-${Math.round(mtimeMs * 1000).toString(36)}-${size.toString(36)}"`
}
