// Opens tile files for the commands that read one: everything that `serve` opens.
import { statSync } from 'node:fs'
import { FlagstoneError } from '../errors.js'
import { archiveKind, KIND_NAMES } from '../interop/archive-name.js'
import { openTileSet } from '../interop/open.js'
import { kindOf } from '../raster/formats/file-kind.js'
import { describeSampled } from '../server/sources/describe-served.js'
import { PATIENT, type ReaderOptions } from '../store/options.js'
import { openTiles, type TileReader } from '../store/read/open.js'
import type { TileSet } from '../store/read/tile-set.js'
import { describeTiles, type TilesDescription } from '../store/report/describe.js'

export const TILE_FILE =
  'a Flagstone file, PMTiles, MBTiles, VersaTiles, frast (.ft), or z/x/y tiles in a folder, a tar or a zip archive'

/**
 * Opens a tile file. `options` apply to Flagstone and PMTiles files.
 * @throws NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM
 */
export async function openAny(path: string, options: ReaderOptions = {}): Promise<TileReader | TileSet> {
  try {
    return archiveKind(path) === 'file'
      ? openTiles(path, { ...PATIENT, ...options })
      : await openTileSet(path)
  } catch (error) {
    throw await whatItIs(path, error)
  }
}

/** The same error, or one that says what the path is instead of a tile file, and what to do with it. */
export async function whatItIs(path: string | undefined, error: unknown): Promise<unknown> {
  if (path === undefined || !(error instanceof FlagstoneError) || error.code !== 'NOT_A_TILE_FILE')
    return error
  const notTiles = (message: string): FlagstoneError =>
    new FlagstoneError('NOT_A_TILE_FILE', message, { path, cause: error })
  // an archive in another grid has a message of its own
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && archiveKind(path) !== 'folder') {
    return notTiles(
      `${path} is a folder without z/x/y tiles; pass a tile file, or serve the folder: flagstone serve ${path}`,
    )
  }
  const isImage = await kindOf(path).then(
    () => true,
    () => false,
  )
  if (!isImage) return error
  const out = `${path.replace(/\.[^./\\]+$/, '')}.pmtiles`
  return notTiles(`${path} is an image, not a tile file; build it first: flagstone build ${path} ${out}`)
}

/** The same work, whose errors say what each path is that is no tile file. */
export async function namingWhatItIs<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw await whatItIs(error instanceof FlagstoneError ? error.path : undefined, error)
  }
}

const isReader = (tiles: TileReader | TileSet): tiles is TileReader => 'kind' in tiles

/** What `info` prints. In MBTiles and folders, types and bytes are estimated from a sample. */
export function describeAny(tiles: TileReader | TileSet): TilesDescription {
  if (isReader(tiles)) return describeTiles(tiles)
  const stat = (z: number, x: number, y: number) => {
    if (tiles.head !== undefined) return tiles.head(z, x, y)
    const tile = tiles.get(z, x, y)
    return tile && { type: tile.type, length: tile.bytes.length }
  }
  const kind = archiveKind(tiles.path)
  const isFile = kind !== 'folder'
  return describeSampled(tiles, stat, {
    kind: KIND_NAMES[kind].name,
    sealed: isFile,
    fileBytes: isFile ? statSync(tiles.path).size : 0,
    layout: undefined,
    metadata: tiles.metadata(),
  })
}
