// Whether a patch fits a file.
import { isDeepStrictEqual } from 'node:util'
import { FlagstoneError } from '../../errors.js'
import type { FlatReader } from '../../store/read/reader.js'
import { placeDifferences } from './about.js'
import type { PatchAbout, TilesState } from './header.js'
import type { Prospect } from './prospect.js'
import type { Patch } from './read.js'

const isSame = (a: TilesState, b: TilesState): boolean => a.digest === b.digest && a.tiles === b.tiles

/** Whether the file is as the patch leaves it. */
export function isApplied(patch: Patch, tiles: TilesState, about: PatchAbout, file: FlatReader): boolean {
  const { before, after } = patch.header
  if (!isSame(tiles, after)) return false
  if (!isSame(before, after)) return true
  // a patch of metadata or sources alone
  const sources = patch.sources()
  if (sources !== undefined && !isDeepStrictEqual(sources, file.sources())) return false
  const { metadata = about.metadata } = after
  return isDeepStrictEqual(about.metadata, metadata) && placeDifferences(about, after).length === 0
}

/**
 * @throws PATCH_UNFIT when the file is not the one that the patch was made from
 * @throws DAMAGED when it is, and the patch would not do what it says
 */
export function assertFits(path: string, patch: Patch, prospect: Prospect): void {
  const { before, after } = patch.header
  if (!isSame(prospect.before, before))
    throw new FlagstoneError(
      'PATCH_UNFIT',
      `${path} is not what ${patch.path} was made from: its digest is ${prospect.before.digest}, the patch is for ${before.digest}. Nothing was changed; --force (force) applies it anyway.`,
      { path },
    )
  if (!isSame(prospect.after, after))
    throw new FlagstoneError(
      'DAMAGED',
      `${patch.path} is damaged: the digest would be ${prospect.after.digest} afterwards, and the patch says ${after.digest}. Nothing was changed; make the patch again.`,
      { path: patch.path },
    )
}
