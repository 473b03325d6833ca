// Tiles as loose files, z/x/y.ext, as written by gdal2tiles, QGIS and mb-util. Rows count from the north, unless a
// tilemapresource.xml (gdal2tiles without --xyz) or the scheme in a metadata.json says that they are TMS rows.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { unpackedPicture } from '../../format/gzip-tile.js'
import { IMAGE_EXTENSIONS, sniffTileType, type TileType } from '../../format/tile-type.js'
import { isPassing } from '../../platform/passing-error.js'
import { readRegularSync } from '../../platform/regular-file.js'
import type { TileSet, TilesOfZoom } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import { inOtherGrid, otherGridOf, readTileMapResource, type TileMapResource } from '../other-grid.js'

/** Up to this many columns are looked up by name rather than by listing all. */
const FEW_COLUMNS = 32
const MAX_TILE_BYTES = 2 ** 26
const MAX_METADATA_BYTES = 2 ** 26
const MAX_RESOURCE_BYTES = 2 ** 20
const TILE_NAME = new RegExp(`^(\\d{1,8})\\.(${IMAGE_EXTENSIONS.join('|')})$`, 'i')

/** The subdirectories whose names are integers, as numbers, ascending. */
function numbersIn(directory: string): number[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^\d{1,8}$/.test(entry.name))
    .map((entry) => Number(entry.name))
    .sort((a, b) => a - b)
}

/**
 * Whether a directory holds z/x/y tiles. Looks only at the first of each level.
 * @throws SYSTEM when the directory cannot be listed: EMFILE, EIO …
 */
export function isTileFolder(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return false
    for (const zoom of numbersIn(path).filter((z) => z <= MAX_ZOOM)) {
      const [x] = numbersIn(join(path, String(zoom)))
      if (x === undefined) continue
      return readdirSync(join(path, String(zoom), String(x))).some((name) => TILE_NAME.test(name))
    }
  } catch (error) {
    if (isPassing(error)) throw error
    // not a directory, or not readable
  }
  return false
}

export class FolderReader implements TileSet {
  readonly path: string
  readonly #isTms: boolean
  /** The extension found last is tried first. */
  readonly #extensions = [...IMAGE_EXTENSIONS]
  #levels: { zoom: number; count: number }[] | undefined

  private constructor(path: string) {
    this.path = path
    const resource = resourceOf(path)
    const own = ownMetadata(path)
    const grid = resource?.otherGrid ?? otherGridOf(own)
    if (grid !== undefined) throw inOtherGrid(path, grid)
    const scheme = String(own['scheme']).toLowerCase()
    this.#isTms = scheme === 'tms' || (scheme !== 'xyz' && resource !== undefined)
  }

  /** @throws NOT_A_TILE_FILE when it holds no tiles, or tiles in a grid other than web mercator */
  static open(path: string): FolderReader {
    if (isTileFolder(path)) return new FolderReader(path)
    throw new FlagstoneError('NOT_A_TILE_FILE', `${path} has no tiles named z/x/y.png, .jpg or .webp.`, {
      path,
    })
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    const file = this.find(z, x, y)
    if (file === undefined) return undefined
    const bytes = readRegularSync(file, MAX_TILE_BYTES)
    if (bytes.length === 0) return undefined
    const picture = unpackedPicture(bytes)
    return { bytes: picture, type: sniffTileType(picture) }
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
    for (const x of this.#columns(zoom, Math.max(minX, 0), Math.min(maxX, side - 1))) {
      for (const name of readdirSync(join(this.path, String(zoom), String(x)))) {
        const row = Number(TILE_NAME.exec(name)?.[1] ?? side)
        const y = this.#row(zoom, row)
        if (row < side && y >= minY && y <= maxY) yield { z: zoom, x, y }
      }
    }
  }

  /** A few columns are looked up one by one, because the directory of a zoom may be long. */
  #columns(zoom: number, minX: number, maxX: number): number[] {
    const directory = join(this.path, String(zoom))
    if (maxX - minX >= FEW_COLUMNS) return numbersIn(directory).filter((x) => x >= minX && x <= maxX)
    const columns = Array.from({ length: Math.max(0, maxX - minX + 1) }, (_, i) => minX + i)
    return columns.filter((x) => existsSync(join(directory, String(x))))
  }

  metadata(): Record<string, unknown> {
    return { ...resourceOf(this.path)?.metadata, ...ownMetadata(this.path) }
  }

  close(): void {}

  [Symbol.dispose](): void {}

  #row(zoom: number, y: number): number {
    return this.#isTms ? 2 ** zoom - 1 - y : y
  }

  find(z: number, x: number, y: number): string | undefined {
    const stem = join(this.path, String(z), String(x), String(this.#row(z, y)))
    for (const [i, extension] of this.#extensions.entries()) {
      const file = `${stem}.${extension}`
      if (!existsSync(file)) continue
      if (i > 0) this.#extensions.unshift(...this.#extensions.splice(i, 1))
      return file
    }
    return undefined
  }
}

/** The contents of metadata.json; {} when it is missing or cannot be read. */
function ownMetadata(path: string): Record<string, unknown> {
  try {
    const text = readRegularSync(join(path, 'metadata.json'), MAX_METADATA_BYTES).toString()
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Undefined when there is no tilemapresource.xml. */
function resourceOf(path: string): TileMapResource | undefined {
  const file = join(path, 'tilemapresource.xml')
  if (!existsSync(file)) return undefined
  try {
    return readTileMapResource(readRegularSync(file, MAX_RESOURCE_BYTES).toString(), file)
  } catch {
    return { otherGrid: undefined, metadata: {} }
  }
}
