// Folders that hold nothing but tiles and what describes them. Only these may be replaced or removed, file by file.
import { type Dirent, opendirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fromNodeError } from '../../platform/system-error.js'
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

/** Removes the tiles of a folder, what describes them, and the folder itself if nothing else is in it. */
export async function removeTiles(folder: string): Promise<void> {
  const turns = new Turns(undefined, '')
  for (const { path, kind } of everythingIn(folder)) {
    if (kind === 'file') unlinkSync(path)
    else if (kind === 'folder') removeIfEmpty(path)
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
  readonly kind: 'file' | 'folder' | 'other'
}

/** Everything in a folder; a subfolder comes after what is in it. Nothing else than tiles is looked into. */
function* everythingIn(folder: string): Generator<Part> {
  for (const top of entriesOf(folder)) {
    const zoom = join(folder, top.name)
    if (!isNumbered(top)) {
      yield { path: zoom, kind: top.isFile() && BESIDE_TILES.has(top.name) ? 'file' : 'other' }
      continue
    }
    for (const column of entriesOf(zoom)) {
      const path = join(zoom, column.name)
      if (isNumbered(column)) yield* columnOf(path)
      else yield { path, kind: 'other' }
    }
    yield { path: zoom, kind: 'folder' }
  }
}

function* columnOf(path: string): Generator<Part> {
  for (const row of entriesOf(path))
    yield { path: join(path, row.name), kind: row.isFile() && ROW_NAME.test(row.name) ? 'file' : 'other' }
  yield { path, kind: 'folder' }
}

const isNumbered = (entry: Dirent): boolean => entry.isDirectory() && IS_NUMBER.test(entry.name)

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
