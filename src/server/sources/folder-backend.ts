// A served folder of z/x/y tiles. Its tiles are not cached: a new one is served at once.

import { closeSync, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { isGzip } from '../../format/gzip.js'
import { unpackedPicture } from '../../format/gzip-tile.js'
import { sniffTileType } from '../../format/tile-type.js'
import { FolderReader } from '../../interop/folder/reader.js'
import { READ_FLAGS } from '../../platform/regular-file.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TilesDescription } from '../../store/report/describe.js'
import type { Backend, ServedTile } from './backend.js'
import { Costly } from './costly.js'
import { describeSampled } from './describe-served.js'

/**
 * A tile that is overwritten leaves no trace in any folder, so a revision holds no longer than answers without a
 * version in their address do by default.
 */
const REVISION_MS = 60_000
const HEAD_BYTES = 16

export class FolderBackend implements Backend {
  readonly kind = 'folder'
  readonly reader = undefined
  readonly contentEncoding = undefined
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
    return this.#open(z, x, y, (fd, facts) => {
      const bytes = Buffer.allocUnsafeSlow(facts.size)
      const got = readSync(fd, bytes, 0, facts.size, 0)
      // written over while it was read: as if it were not there yet
      const after = fstatSync(fd)
      if (got !== facts.size || after.mtimeMs !== facts.mtimeMs || after.size !== facts.size) return undefined
      const picture = unpackedPicture(bytes)
      return { bytes: picture, type: sniffTileType(picture), length: picture.length, etag: etagOf(facts) }
    })
  }

  stat(z: number, x: number, y: number): TileStat | undefined {
    let isPacked = false
    const found = this.#open(z, x, y, (fd, facts) => {
      const head = Buffer.alloc(HEAD_BYTES)
      const got = readSync(fd, head, 0, HEAD_BYTES, 0)
      isPacked = isGzip(head)
      return { type: sniffTileType(head.subarray(0, got)), length: facts.size, etag: etagOf(facts) }
    })
    return isPacked ? this.get(z, x, y) : found
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
    read: (fd: number, facts: Stats) => T | undefined,
  ): T | undefined {
    const found = this.#reader.find(z, x, y)
    if (found === undefined) return undefined
    let fd: number | undefined
    try {
      const file = realpathSync.native(found)
      if (!file.startsWith(join(this.#path, sep))) return undefined
      fd = openSync(file, READ_FLAGS)
      const facts = fstatSync(fd)
      return facts.isFile() && facts.size > 0 ? read(fd, facts) : undefined
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
