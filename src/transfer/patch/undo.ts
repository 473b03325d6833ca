// Writes the patch that takes another one back.
import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { tileIdToZxy } from '../../format/tile-id.js'
import { statOf } from '../../platform/regular-file.js'
import type { FlatReader } from '../../store/read/reader.js'
import { eachChange } from './changes.js'
import type { PatchAbout } from './header.js'
import type { Prospect, Walk } from './prospect.js'
import { Patch } from './read.js'
import { type PatchPlace, PatchWriter } from './write.js'

/**
 * `about`: of the file as it is. When the same patch is there already, from an apply that was interrupted, nothing is done.
 * @throws BAD_OPTION, EXISTS, NOT_FOUND when the path cannot be written
 * @throws INTERRUPTED, DISK_FULL, SYSTEM
 */
export async function writeUndo(
  place: PatchPlace,
  file: FlatReader,
  patch: Patch,
  prospect: Prospect,
  about: PatchAbout,
  walk: Walk,
): Promise<void> {
  const { after } = patch.header
  const sources = after.sources === undefined ? undefined : file.sources()
  const kept = after.metadata === undefined ? { ...about, metadata: undefined } : about
  const whole = { ...kept, sources: sources?.length }
  if (isThere(place.path, prospect, whole)) return
  const writer = new PatchWriter(place)
  try {
    await eachChange(file, patch, walk, ({ key }) => {
      const tile = file.get(...tileIdToZxy(key))
      if (tile === undefined) writer.remove(key)
      else writer.put(key, tile.bytes, tile.type)
    })
    const names = [`${basename(file.path)} with ${basename(patch.path)}`, file.path] as const
    writer.finish(prospect.after, { ...prospect.before, ...whole }, names, about.metadata ?? {}, sources)
  } catch (error) {
    writer.abandon()
    throw error
  }
}

/** Bounds and center do not matter: an apply that is interrupted loses them. */
function isThere(path: string, { before, after }: Prospect, about: PatchAbout): boolean {
  if (statOf(path)?.isFile() !== true) return false
  let found: Patch | undefined
  try {
    found = Patch.open(path)
    const { header } = found
    const { tiles, digest, metadata, sources } = header.after
    const wanted = [after, before, asJson(about.metadata), about.sources]
    return isDeepStrictEqual([header.before, { tiles, digest }, metadata, sources], wanted)
  } catch {
    // it is something else, which is refused later
    return false
  } finally {
    found?.close()
  }
}

const asJson = (value: unknown): unknown => value && JSON.parse(JSON.stringify(value))
