// Loose tiles in one file, as a set of tiles: what readers of tar and zip have in common.
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { parseJsonObject } from '../../format/json.js'
import type { TileType } from '../../format/tile-type.js'
import type { StoredTile, TilePlace, TileSet, TilesOfZoom } from '../../store/read/tile-set.js'
import { inOtherGrid, otherGridOf } from '../other-grid.js'
import { withoutJsonRow } from '../transfer/metadata-rows.js'
import { type Entry, EntryTable } from './entry-table.js'
import { MAX_TILE_BYTES, parseTileName, plainFolder, type TileName, tileOf } from './tile-name.js'
import type { WindowFile } from './window-file.js'

/** Descriptions of the tiles, the most trusted first. */
const DESCRIPTIONS = ['metadata.json', 'tiles.json', 'meta.json']
const DESCRIPTION = new RegExp(
  `^(.*/)?(${DESCRIPTIONS.join('|').replaceAll('.', '\\.')})(\\.gz|\\.br)?$`,
  's',
)
const MAX_DESCRIPTIONS = 64
const MAX_METADATA_BYTES = 2 ** 26
/** Of a TileJSON document, these say where a server has the tiles. */
const OF_SERVERS = new Set(['tilejson', 'tiles', 'grids', 'data'])

/** What is in an archive, as its reader goes through it. */
export class Contents {
  readonly table: EntryTable
  readonly #path: string
  /** The folder that the tiles are in. */
  #folder: string | undefined
  readonly #descriptions = new Map<string, Entry>()
  /** Whether there are files that are neither tiles nor describe them. */
  hasOthers = false

  constructor(path: string, isPacked: boolean) {
    this.#path = path
    this.table = new EntryTable(isPacked)
  }

  /**
   * Adds a file if it is a tile or describes the tiles; others are left aside.
   * @throws NOT_A_TILE_FILE when tiles are in several folders
   */
  add(name: string, entry: Omit<Entry, 'extension'>): void {
    const tile = parseTileName(name)
    if (tile === undefined) this.#addDescription(name, entry)
    else if (this.#isHere(tile))
      this.table.add(tile.z, tile.x, tile.row, { ...entry, extension: tile.extension })
  }

  /** Adds a hard link, if it is a tile and leads to one. @throws NOT_A_TILE_FILE when tiles are in several folders */
  addLink(name: string, to: string): void {
    const [tile, target] = [parseTileName(name), parseTileName(to)]
    if (tile !== undefined && target?.folder === tile.folder && this.#isHere(tile))
      this.table.addLink(tile.z, tile.x, tile.row, tile.extension, target)
  }

  /** @throws NOT_A_TILE_FILE when it has no tiles, or tiles in a grid other than web mercator */
  finish(read: (entry: Entry) => Uint8Array): Record<string, unknown> {
    if (this.table.count === 0)
      throw new FlagstoneError(
        'NOT_A_TILE_FILE',
        `${this.#path} has no tiles named z/x/y.png, .jpg, .webp or .pbf.`,
        {
          path: this.#path,
        },
      )
    const metadata = this.#metadata(read)
    const grid = otherGridOf(metadata)
    if (grid !== undefined) throw inOtherGrid(this.#path, grid)
    this.table.finish(String(metadata['scheme']).toLowerCase() === 'tms')
    return metadata
  }

  #isHere({ folder }: TileName): boolean {
    this.#folder ??= folder
    if (folder === this.#folder) return true
    throw new FlagstoneError(
      'NOT_A_TILE_FILE',
      `${this.#path} has tiles in several folders: '${this.#folder}' and '${folder}'; unpack it, and name one of them.`,
      { path: this.#path },
    )
  }

  #addDescription(name: string, entry: Omit<Entry, 'extension'>): void {
    const found = DESCRIPTION.exec(name)
    if (found === null) this.hasOthers ||= !name.endsWith('/')
    if (found === null || this.#descriptions.size >= MAX_DESCRIPTIONS) return
    const [, folder = '', file, packing = ''] = found
    const plain = plainFolder(folder)
    if (plain !== undefined) this.#descriptions.set(`${plain}${file}`, { ...entry, extension: packing })
  }

  #metadata(read: (entry: Entry) => Uint8Array): Record<string, unknown> {
    const found = DESCRIPTIONS.map((file) => {
      const entry = this.#descriptions.get(`${this.#folder}${file}`) ?? this.#descriptions.get(file)
      const described = entry === undefined ? {} : describedBy(entry, read)
      return file === 'metadata.json' ? described : withoutServers(described)
    })
    return withoutJsonRow(Object.assign({}, ...found.reverse()))
  }
}

/** Metadata of a description, which may be a TileJSON document. */
export const withoutServers = (described: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(described).filter(([name]) => !OF_SERVERS.has(name)))

/** {} when it cannot be read, because tiles can be read without it. */
export function describedBy(entry: Entry, read: (entry: Entry) => Uint8Array): Record<string, unknown> {
  if (entry.bytes > MAX_METADATA_BYTES) return {}
  try {
    const limit = { maxOutputLength: MAX_METADATA_BYTES }
    const bytes = read(entry)
    const plain =
      entry.extension === '.gz'
        ? gunzipSync(bytes, limit)
        : entry.extension === '.br'
          ? brotliDecompressSync(bytes, limit)
          : bytes
    const parsed = parseJsonObject(plain)
    if (typeof parsed === 'string') return {}
    return parsed
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'SYSTEM') throw error
    return {}
  }
}

/** Whether a file is an archive of tiles and nothing else, which may be replaced by another one. */
export function isOnlyTiles(open: () => PackedSet): boolean {
  try {
    using tiles = open()
    return !tiles.hasOthers
  } catch (error) {
    if (error instanceof FlagstoneError && error.code !== 'SYSTEM') return false
    throw error
  }
}

export class PackedSet implements TileSet {
  readonly isSorted = true
  readonly #file: WindowFile
  readonly #table: EntryTable
  readonly #metadata: Record<string, unknown>
  readonly #read: (entry: Entry, place?: TilePlace) => Uint8Array
  /** Whether it has files that are neither tiles nor describe them. */
  readonly hasOthers: boolean

  /** `read`: the contents of an entry, and for a tile its place, from the north. */
  constructor(file: WindowFile, contents: Contents, read: (entry: Entry, place?: TilePlace) => Uint8Array) {
    this.#file = file
    this.#metadata = contents.finish(read)
    this.#table = contents.table
    this.hasOthers = contents.hasOthers
    this.#read = read
  }

  get path(): string {
    return this.#file.path
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    const entry = this.#table.find(z, x, y)
    return entry && this.#tile(z, x, y, entry)
  }

  has(z: number, x: number, y: number): boolean {
    return this.#table.has(z, x, y)
  }

  levels(): readonly { zoom: number; count: number }[] {
    return this.#table.levels()
  }

  tiles(query: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    return this.#table.tiles(query)
  }

  *scan(): IterableIterator<StoredTile> {
    for (const { z, x, y, entry } of this.#table.stored()) {
      const tile = this.#tile(z, x, y, entry)
      if (tile !== undefined) yield { z, x, y, ...tile }
    }
  }

  metadata(): Record<string, unknown> {
    return this.#metadata
  }

  close(): void {
    this.#file.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #tile(z: number, x: number, y: number, entry: Entry): { bytes: Uint8Array; type: TileType } | undefined {
    if (entry.bytes === 0) return undefined
    if (entry.bytes > MAX_TILE_BYTES)
      throw new FlagstoneError(
        'TOO_LARGE',
        `${this.path}: tile ${z}/${x}/${y} has ${entry.bytes === 0xffffffff ? 'more than 4 GB' : `${entry.bytes} bytes`}, more than the ${MAX_TILE_BYTES} allowed.`,
        { path: this.path },
      )
    try {
      return tileOf(this.#read(entry, { z, x, y }), entry.extension)
    } catch (error) {
      if (!(error instanceof FlagstoneError) || error.code !== 'DAMAGED') throw error
      throw new FlagstoneError('DAMAGED', `${this.path}: tile ${z}/${x}/${y}: ${error.message}`, {
        path: this.path,
        cause: error,
      })
    }
  }
}
