// Folders that hold nothing but tiles and what describes them. Only these may be replaced or removed, file by file.
import { type Dirent, opendirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fromNodeError } from '../../platform/system-error.js'
import { MAX_ZOOM } from '../../zooms.js'
import { IS_NUMBER, ROW_NAME } from '../packed/tile-name.js'
import { Turns } from '../transfer/turns.js'

/** A folder has it while it is written. */
export const LOCK_NAME = '.flagstone-lock'
const BESIDE_TILES = new Set(['metadata.json', 'tiles.json', 'tilemapresource.xml', LOCK_NAME])

/** The first name in a folder of tiles that is something else; undefined when there is none. @throws SYSTEM */
export function otherThanTiles(folder: string): string | undefined {
  for (const { path, kind } of everythingIn(folder)) if (kind === 'other') return path
  return undefined
}

/**
 * What forbids to replace a folder: the first name that is something else than tiles and what describes them, or such a
 * description if there is no tile that it could describe. Undefined when there is none. @throws SYSTEM
 */
export function inTheWay(folder: string): string | undefined {
  let hasTiles = false
  let description: string | undefined
  for (const { path, kind } of everythingIn(folder)) {
    if (kind === 'other') return path
    if (kind === 'tile') hasTiles = true
    if (kind === 'description') description ??= path
  }
  return hasTiles ? undefined : description
}

/** Removes the tiles of a folder, what describes them, and the folder itself if nothing else is in it. */
export async function removeTiles(folder: string): Promise<void> {
  const turns = new Turns(undefined, '')
  for (const { path, kind } of everythingIn(folder)) {
    if (kind === 'folder') removeIfEmpty(path)
    else if (kind !== 'other') unlinkSync(path)
    if (turns.isDue()) await turns.give()
  }
  removeIfEmpty(folder)
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

interface Part {
  readonly path: string
  readonly kind: 'tile' | 'description' | 'folder' | 'other'
}

/**
 * Everything in a folder; a subfolder comes after what is in it. Nothing else than tiles is looked into, and a number
 * outside the grid names no tile: 2024/12/25.jpg is a photograph.
 */
function* everythingIn(folder: string): Generator<Part> {
  for (const top of entriesOf(folder)) {
    const path = join(folder, top.name)
    if (isFolder(top, MAX_ZOOM + 1)) yield* zoomOf(path, 2 ** Number(top.name))
    else yield { path, kind: top.isFile() && BESIDE_TILES.has(top.name) ? 'description' : 'other' }
  }
}

/** `side`: number of columns, and of rows. */
function* zoomOf(zoom: string, side: number): Generator<Part> {
  for (const column of entriesOf(zoom)) {
    const path = join(zoom, column.name)
    if (isFolder(column, side)) yield* columnOf(path, side)
    else yield { path, kind: 'other' }
  }
  yield { path: zoom, kind: 'folder' }
}

function* columnOf(column: string, side: number): Generator<Part> {
  for (const row of entriesOf(column)) {
    const isTile = row.isFile() && Number(ROW_NAME.exec(row.name)?.[1] ?? side) < side
    yield { path: join(column, row.name), kind: isTile ? 'tile' : 'other' }
  }
  yield { path: column, kind: 'folder' }
}

/** Whether it is a folder with a number less than `end` as its name. */
const isFolder = (entry: Dirent, end: number): boolean =>
  entry.isDirectory() && IS_NUMBER.test(entry.name) && Number(entry.name) < end

function* entriesOf(folder: string): Generator<Dirent> {
  let directory: ReturnType<typeof opendirSync>
  try {
    directory = opendirSync(folder)
  } catch (error) {
    throw fromNodeError(error, 'opendir', folder)
  }
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) yield entry
  } finally {
    directory.closeSync()
  }
}
