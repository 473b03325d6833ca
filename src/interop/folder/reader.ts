// Tiles as loose files, z/x/y.ext, as written by gdal2tiles, QGIS and mb-util. Rows count from the north, unless a
// tilemapresource.xml (gdal2tiles without --xyz) or the scheme in a metadata.json says that they are TMS rows.
import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { parseJsonObject } from '../../format/json.js'
import { TILE_EXTENSIONS, type TileType } from '../../format/tile-type.js'
import { isPassing } from '../../platform/passing-error.js'
import { readRegularSync } from '../../platform/regular-file.js'
import type { StoredTile, TileSet, TilesOfZoom } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import { inOtherGrid, otherGridOf, readTileMapResource, type TileMapResource } from '../other-grid.js'
import { withoutServers } from '../packed/packed-set.js'
import { IS_NUMBER, MAX_TILE_BYTES, ROW_NAME, tileOf } from '../packed/tile-name.js'
import { withoutJsonRow } from '../transfer/metadata-rows.js'

/** Up to this many columns are looked up by name rather than by listing all. */
const FEW_COLUMNS = 32
const MAX_METADATA_BYTES = 2 ** 26
const MAX_RESOURCE_BYTES = 2 ** 20
const VECTORS = ['pbf', 'mvt', 'mlt']
const EXTENSIONS = [
  ...TILE_EXTENSIONS,
  ...VECTORS.flatMap((extension) => [`${extension}.gz`, `${extension}.br`]),
]

/** The subdirectories whose names are integers, as numbers, ascending. */
function numbersIn(directory: string): number[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && IS_NUMBER.test(entry.name))
    .map((entry) => Number(entry.name))
    .sort((a, b) => a - b)
}

/**
 * Whether a directory holds z/x/y tiles. Looks only at the first of each level.
 * @throws SYSTEM when the directory cannot be listed: EMFILE, EIO …
 */
export const isTileFolder = (path: string): boolean => firstTileIn(path) !== undefined

/** The path of one of the tiles. */
function firstTileIn(path: string): string | undefined {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined
    for (const zoom of numbersIn(path).filter((z) => z <= MAX_ZOOM)) {
      const [x] = numbersIn(join(path, String(zoom)))
      if (x === undefined) continue
      const column = join(path, String(zoom), String(x))
      const names = readdirSync(column).filter((row) => ROW_NAME.test(row))
      // whatever the order in which the file system lists them
      const name = names.reduce((a, b) => (rankOf(b) < rankOf(a) ? b : a), names[0] ?? '')
      return name === '' ? undefined : join(column, name)
    }
  } catch (error) {
    if (isPassing(error)) throw error
    // not a directory, or not readable
  }
  return undefined
}

/** Lower is preferred. */
function rankOf(name: string): number {
  const at = EXTENSIONS.indexOf(extensionIn(name))
  return at < 0 ? EXTENSIONS.length : at
}

export class FolderReader implements TileSet {
  readonly path: string
  readonly #isTms: boolean
  /** The preferred first: that of the first tile found, as it is written, and then pictures. */
  readonly #extensions: readonly string[]
  readonly #firstTile: string
  #levels: { zoom: number; count: number }[] | undefined

  private constructor(path: string, firstTile: string) {
    this.path = path
    this.#firstTile = firstTile
    const usual = extensionIn(firstTile)
    this.#extensions = [usual, ...EXTENSIONS.filter((extension) => extension !== usual)]
    const resource = resourceOf(path)
    const own = ownMetadata(path)
    const grid = resource?.otherGrid ?? otherGridOf(own)
    if (grid !== undefined) throw inOtherGrid(path, grid)
    const scheme = String(own['scheme']).toLowerCase()
    this.#isTms = scheme === 'tms' || (scheme !== 'xyz' && resource !== undefined)
  }

  /** @throws NOT_A_TILE_FILE when it holds no tiles, or tiles in a grid other than web mercator */
  static open(path: string): FolderReader {
    const first = firstTileIn(path)
    if (first !== undefined) return new FolderReader(path, first)
    throw new FlagstoneError(
      'NOT_A_TILE_FILE',
      `${path} has no tiles named z/x/y.png, .jpg, .webp or .pbf.`,
      {
        path,
      },
    )
  }

  /** The tile found first when it was opened; undefined when it is gone, empty, or a link that leads out. */
  first(): { bytes: Uint8Array; type: TileType } | undefined {
    return existsSync(this.#firstTile) && !leadsOut(this.path, this.#firstTile)
      ? tileIn(this.path, this.#firstTile)
      : undefined
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    const file = this.find(z, x, y)
    return file === undefined ? undefined : tileIn(this.path, file)
  }

  has(z: number, x: number, y: number): boolean {
    return this.find(z, x, y) !== undefined
  }

  levels(): readonly { zoom: number; count: number }[] {
    this.#levels ??= numbersIn(this.path)
      .filter((zoom) => zoom <= MAX_ZOOM)
      .map((zoom) => {
        let count = 0
        for (const _ of this.tiles({ zoom })) count++
        return { zoom, count }
      })
      .filter(({ count }) => count > 0)
    return this.#levels
  }

  *tiles({ zoom, range }: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    const side = 2 ** zoom
    const { minX = 0, minY = 0, maxX = side - 1, maxY = side - 1 } = range ?? {}
    for (const x of this.#columns(zoom, Math.max(minX, 0), Math.min(maxX, side - 1)))
      for (const row of this.#rows(zoom, x).keys()) {
        const y = this.#row(zoom, row)
        if (y >= minY && y <= maxY) yield { z: zoom, x, y }
      }
  }

  /** In the order of zooms, columns and rows. */
  *scan(): IterableIterator<StoredTile> {
    for (const zoom of numbersIn(this.path).filter((z) => z <= MAX_ZOOM))
      for (const x of this.#columns(zoom, 0, 2 ** zoom - 1))
        for (const [row, name] of this.#rows(zoom, x)) {
          const tile = tileIn(this.path, join(this.path, String(zoom), String(x), name))
          if (tile !== undefined) yield { z: zoom, x, y: this.#row(zoom, row), ...tile }
        }
  }

  /** Files of a column by their rows. Of several for a row, the one that `find` finds. */
  #rows(zoom: number, x: number): Map<number, string> {
    const side = 2 ** zoom
    const names = new Map<number, string>()
    for (const name of readdirSync(join(this.path, String(zoom), String(x)))) {
      const row = Number(ROW_NAME.exec(name)?.[1] ?? side)
      const rank = this.#rankOf(name)
      if (row >= side || rank < 0) continue
      const other = names.get(row)
      if (other === undefined || rank < this.#rankOf(other)) names.set(row, name)
    }
    return names
  }

  /** Lower is preferred; −1: it is none of them. */
  #rankOf(name: string): number {
    return this.#extensions.indexOf(name.slice(name.indexOf('.') + 1))
  }

  /** A few columns are looked up one by one, because the directory of a zoom may be long. */
  #columns(zoom: number, minX: number, maxX: number): number[] {
    const directory = join(this.path, String(zoom))
    if (maxX - minX >= FEW_COLUMNS) return numbersIn(directory).filter((x) => x >= minX && x <= maxX)
    const columns = Array.from({ length: Math.max(0, maxX - minX + 1) }, (_, i) => minX + i)
    return columns.filter((x) => existsSync(join(directory, String(x))))
  }

  metadata(): Record<string, unknown> {
    return withoutJsonRow({ ...resourceOf(this.path)?.metadata, ...ownMetadata(this.path) })
  }

  close(): void {}

  [Symbol.dispose](): void {}

  #row(zoom: number, y: number): number {
    return this.#isTms ? 2 ** zoom - 1 - y : y
  }

  /** The file of a tile; of several, the one whose extension is preferred. */
  find(z: number, x: number, y: number): string | undefined {
    const column = join(this.path, String(z), String(x))
    const stem = join(column, String(this.#row(z, y)))
    const [usual, ...others] = this.#extensions
    if (existsSync(`${stem}.${usual}`)) return `${stem}.${usual}`
    // where a tile is missing, the whole column often is
    const extension = existsSync(column) ? others.find((other) => existsSync(`${stem}.${other}`)) : undefined
    return extension && `${stem}.${extension}`
  }
}

/** A tile from the contents of its file. @throws DAMAGED when it cannot be unpacked */
export const looseTile = (bytes: Uint8Array, file: string): { bytes: Uint8Array; type: TileType } =>
  tileOf(bytes, extensionIn(file))

/** @throws SOURCE_UNREADABLE when it is a link that leads out of the folder */
function tileIn(folder: string, file: string): { bytes: Uint8Array; type: TileType } | undefined {
  if (leadsOut(folder, file))
    throw new FlagstoneError(
      'SOURCE_UNREADABLE',
      `${file} is a symbolic link that leads out of the folder; replace it by a copy of the tile, or remove it.`,
      { path: file },
    )
  const bytes = readRegularSync(file, MAX_TILE_BYTES)
  return bytes.length === 0 ? undefined : looseTile(bytes, file)
}

/** Whether a file is a link to one outside: in a folder of somebody else, it would publish any file of the reader. */
function leadsOut(folder: string, file: string): boolean {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false
  const root = join(realpathSync(folder), sep)
  return existsSync(file) && !realpathSync(file).startsWith(root)
}

/** What follows the row in the name of a tile. */
const extensionIn = (file: string): string => ROW_NAME.exec(basename(file))?.[2] ?? ''

/** The contents of metadata.json, or of a tiles.json; {} when they are missing or cannot be read. */
function ownMetadata(path: string): Record<string, unknown> {
  for (const name of ['metadata.json', 'tiles.json']) {
    try {
      const file = join(path, name)
      if (leadsOut(path, file)) continue
      const value = parseJsonObject(readRegularSync(file, MAX_METADATA_BYTES))
      if (typeof value !== 'string') return name === 'tiles.json' ? withoutServers(value) : value
    } catch {
      // tiles can be read without it
    }
  }
  return {}
}

/** Undefined when there is no tilemapresource.xml. */
function resourceOf(path: string): TileMapResource | undefined {
  const file = join(path, 'tilemapresource.xml')
  if (!existsSync(file) || leadsOut(path, file)) return undefined
  try {
    return readTileMapResource(readRegularSync(file, MAX_RESOURCE_BYTES).toString(), file)
  } catch {
    return { otherGrid: undefined, metadata: {} }
  }
}
