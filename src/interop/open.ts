// Opens archives of every kind. What reads a kind is loaded when the first such archive is opened.
import { FlagstoneError } from '../errors.js'
import { requireRegularSync } from '../platform/regular-file.js'
import { checkPath, PATIENT } from '../store/options.js'
import { openTiles, type TileReader } from '../store/read/open.js'
import type { TileSet } from '../store/read/tile-set.js'
import { type ArchiveKind, archiveKind } from './archive-name.js'
import { FolderReader } from './folder/reader.js'
import { inOtherGrid, otherGridOf } from './other-grid.js'

/** For tiles that are copied at once, numbers of tiles that take long to count are estimated. */
type OpenFor = { readonly levels?: 'about' }
type Open = (path: string, options?: OpenFor) => TileSet

/** Loads what opens archives of a kind. */
const LOAD: Readonly<Record<ArchiveKind, () => Open | Promise<Open>>> = {
  file: () => (path) => inMercator(openTiles(path, PATIENT)),
  folder: () => FolderReader.open,
  mbtiles: async () => {
    const { MbtilesReader } = await import('./mbtiles/reader.js')
    await MbtilesReader.load()
    return MbtilesReader.open
  },
  tar: async () => (await import('./tar/reader.js')).openTar,
  versatiles: async () => (await import('./versatiles/reader.js')).VersatilesReader.open,
  zip: async () => (await import('./zip/reader.js')).openZip,
  frast: async () => {
    const { FrastReader } = await import('./frast/reader.js')
    await FrastReader.load()
    return (path) => FrastReader.open(path)
  },
}
const loaded = new Map<ArchiveKind, Open>()

/** To be waited for before `openLoaded` is called with archives of these kinds. */
export async function loadOpeners(kinds: Iterable<ArchiveKind>): Promise<void> {
  for (const kind of new Set(kinds)) if (!loaded.has(kind)) loaded.set(kind, await LOAD[kind]())
}

/**
 * As `openTileSet`, at once.
 * @throws TypeError when `loadOpeners` was not waited for
 */
export function openLoaded(path: string, kind: ArchiveKind, options?: OpenFor): TileSet {
  const open = loaded.get(kind)
  if (open === undefined) throw new TypeError(`loadOpeners was not called with ${kind}`)
  if (kind !== 'folder' && kind !== 'file') requireRegularSync(path)
  return open(path, options)
}

/**
 * Opens a tile archive of any kind for reading: a Flagstone file, PMTiles, MBTiles, VersaTiles, frast, z/x/y tiles in a folder, a
 * tar or a zip archive. Reads of a file that a writer is changing may block for up to 30 s.
 * @throws NOT_FOUND when nothing is there
 * @throws NOT_A_TILE_FILE when it is something else, or its tiles are in a grid other than web mercator
 * @throws VERSION_UNSUPPORTED when a later Flagstone or another version of PMTiles wrote it
 * @throws DAMAGED when a part that reading depends on is damaged
 * @throws LOCKED when a writer keeps readers out and does not finish
 * @throws SYSTEM when it cannot be read
 */
export async function openTileSet(path: string): Promise<TileSet> {
  checkPath(path)
  const kind = archiveKind(path)
  await loadOpeners([kind])
  return openLoaded(path, kind)
}

/**
 * As `openTileSet`, for tiles that are copied at once: the bytes of several may share memory, and numbers of tiles that
 * take long to count are estimated. `raw`: tiles of frast come as they are stored.
 * @throws BAD_OPTION when `raw` is for an archive of another kind
 * @throws as `openTileSet`
 */
export async function openForCopy(path: string, { raw = false } = {}): Promise<TileSet> {
  checkPath(path)
  const kind = archiveKind(path)
  if (raw) return openRaw(path, kind)
  if (kind === 'file') return inMercator(openTiles(path, { ...PATIENT, pooled: true }))
  await loadOpeners([kind])
  return openLoaded(path, kind, { levels: 'about' })
}

async function openRaw(path: string, kind: ArchiveKind): Promise<TileSet> {
  if (kind !== 'frast')
    throw new FlagstoneError(
      'BAD_OPTION',
      `${path} is not a frast file, whose tiles --raw (raw) leaves as they are; leave it out.`,
      { path },
    )
  const { FrastReader } = await import('./frast/reader.js')
  requireRegularSync(path)
  return FrastReader.open(path, { raw: true })
}

/**
 * Returns the reader, or closes it and throws.
 * @throws NOT_A_TILE_FILE when PMTiles metadata state a grid other than web mercator
 */
export function inMercator(reader: TileReader): TileReader {
  const grid = reader.kind === 'pmtiles' ? gridSaid(reader) : undefined
  if (grid === undefined) return reader
  reader.close()
  throw inOtherGrid(reader.path, grid)
}

function gridSaid(reader: TileReader): string | undefined {
  try {
    return otherGridOf(reader.metadata())
  } catch {
    // the code that needs the metadata reports what is wrong with them
    return undefined
  }
}
