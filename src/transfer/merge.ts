// Joins several tile archives in one. Only tiles that several of them have are decoded, if they are blended.
import { openTileSet } from '../interop/open.js'
import { placesOf } from '../interop/transfer/scan.js'
import { Turns } from '../interop/transfer/turns.js'
import { parseOptions } from '../store/options.js'
import type { TileSet } from '../store/read/tile-set.js'
import { copyMerged } from './merge/copy.js'
import { DuplicateResolver, type Duplicates } from './merge/duplicates.js'
import { aboutAll, elevationOfAll } from './merge/fit.js'
import { inKeyOrder } from './merge/streams.js'
import { type MergeOptions, mergeOptions, mergeSources, transferContext } from './options.js'
import { pileOf, pileUp } from './pile.js'
import type { TransferReport } from './report.js'
import { countOf, sinkRequest, type TransferContext, writeArchive } from './transfer.js'

/** What a merge made. */
export interface MergeReport extends TransferReport {
  /** What happened to the places where several archives have a tile. */
  readonly duplicates: Duplicates
}

/**
 * Joins tile archives of any kinds in a new one, which appears under its name only when it is complete. Tiles are copied
 * byte for byte, except where several archives have different tiles and these are blended. Metadata are those of the
 * first archive, with the bounds of all.
 * @throws TypeError, RangeError when an option is wrong
 * @throws BAD_OPTION, NOT_FOUND when a source or the output cannot be used, or the tiles are not of one kind and size
 * @throws EXISTS when the output exists, or tiles differ that are to stay apart
 * @throws NOTHING_TO_BUILD when there are no tiles
 * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED when a source cannot be read
 * @throws DISK_FULL, SYSTEM when the output cannot be written
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function merge(options: MergeOptions, context: TransferContext = {}): Promise<MergeReport> {
  const { sources, onDuplicate, ...output } = parseOptions(mergeOptions, options, 'merge option')
  parseOptions(transferContext, context, 'context')
  const request = sinkRequest(output, 'merge', sources)
  const archives: TileSet[] = []
  try {
    for (const source of sources) archives.push(await openTileSet(source))
    const piles = archives.map((tiles) => pileOf(tiles))
    // the one whose tiles win lies on top
    const pile = pileUp(onDuplicate === 'first' ? piles.reverse() : piles)
    const resolver = new DuplicateResolver(sources, onDuplicate, elevationOfAll(archives))
    const report = await writeArchive(request, context, {
      total: archives.reduce((sum, tiles) => sum + countOf(tiles), 0),
      nothing: 'None of these archives has tiles, so nothing was written.',
      copy: (sink, meter) => copyMerged(archives, resolver, sink, meter, context.signal),
      about: (tally) => ({ ...aboutAll(archives, tally, output.out), sources: pile.sources }),
      notes: () => [...pile.notes, ...notesOf(resolver.found)],
    })
    return { ...report, duplicates: resolver.found }
  } finally {
    for (const tiles of archives) tiles.close()
  }
}

/** What `merge` would write. */
export interface MergePlan {
  /** Number of places that have a tile in any of the archives. */
  readonly tiles: number
  /** Number of places where several archives have one. */
  readonly shared: number
  /** The same for each zoom. */
  readonly levels: readonly { readonly zoom: number; readonly tiles: number; readonly shared: number }[]
}

/**
 * Counts the places that `merge` would write, and those where several archives have a tile. No tile is compared, and
 * nothing is written.
 * @throws as `merge`, except what concerns the output
 */
export async function planMerge(
  options: Pick<MergeOptions, 'sources'>,
  context: Pick<TransferContext, 'signal'> = {},
): Promise<MergePlan> {
  const { sources } = parseOptions(mergeSources, options, 'merge option')
  parseOptions(transferContext, context, 'context')
  const archives: TileSet[] = []
  try {
    for (const source of sources) archives.push(await openTileSet(source))
    elevationOfAll(archives)
    const levels = new Map<number, { zoom: number; tiles: number; shared: number }>()
    const turns = new Turns(context.signal, 'Interrupted.')
    for (const here of inKeyOrder(archives.map((tiles) => placesOf(tiles, true)))) {
      const zoom = here[0]!.item.z
      const level = levels.get(zoom) ?? { zoom, tiles: 0, shared: 0 }
      levels.set(zoom, level)
      level.tiles++
      if (here.length > 1) level.shared++
      if (turns.isDue()) await turns.give()
    }
    turns.check()
    const list = [...levels.values()].sort((a, b) => a.zoom - b.zoom)
    const sum = (of: 'tiles' | 'shared'): number => list.reduce((all, level) => all + level[of], 0)
    return { tiles: sum('tiles'), shared: sum('shared'), levels: list }
  } finally {
    for (const tiles of archives) tiles.close()
  }
}

/** Who won. */
function notesOf({ same, blended, won }: Duplicates): string[] {
  const parts = [
    ...won.map(({ source, tiles }) => `${source} won ${tiles}`),
    ...(blended > 0 ? [`${blended} blended`] : []),
  ]
  const places = won.reduce((sum, { tiles }) => sum + tiles, blended)
  return [
    ...(same > 0
      ? [`Several archives have the same tile at ${same} ${same === 1 ? 'place' : 'places'}.`]
      : []),
    ...(places > 0
      ? [
          `Several archives have different tiles at ${places} ${places === 1 ? 'place' : 'places'}: ${parts.join(', ')}.`,
        ]
      : []),
  ]
}
