// Writes one archive: the frame of convert, extract and merge.
import { FlagstoneError } from '../errors.js'
import { createSink, outputFormatOf, type SinkRequest } from '../interop/create.js'
import { aboutOf } from '../interop/transfer/about.js'
import { announce } from '../interop/transfer/announce.js'
import { placesOf, scanInTurns, type TileSelection } from '../interop/transfer/scan.js'
import type { ArchiveAbout, TileSink } from '../interop/transfer/sink.js'
import { Turns } from '../interop/transfer/turns.js'
import { unawaited } from '../store/callbacks.js'
import type { StoredTile, TilePlace, TileSet } from '../store/read/tile-set.js'
import { MAX_ZOOM } from '../zooms.js'
import type { Area } from './area.js'
import { boundsWithin } from './bounds.js'
import { type CopyTally, copyTiles, INTERRUPTED } from './copy.js'
import { moveTiles } from './movable.js'
import type { ResolvedOutputOptions } from './options.js'
import { pileOf } from './pile.js'
import { TransferMeter, type TransferProgress } from './progress.js'
import { reportOf, type TransferReport } from './report.js'

/** What a transfer uses besides its options. */
export interface TransferContext {
  /** An abort ends it with INTERRUPTED. Nothing is left of the output then. */
  readonly signal?: AbortSignal | undefined
  /** Called with the progress several times a second. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** Where and how to write. @throws BAD_OPTION when the name does not say which kind, or an option is for another */
export function sinkRequest(
  { out, to, mbtilesType, scheme, frastColours, overwrite }: ResolvedOutputOptions,
  who: string,
  inputs: readonly string[],
): SinkRequest {
  const format = to ?? outputFormatOf(out)
  const elsewhere = (option: string, kind: string): FlagstoneError =>
    new FlagstoneError('BAD_OPTION', `${option} is for ${kind}; ${out} is written as another kind.`, {
      path: out,
    })
  if (mbtilesType !== undefined && format !== 'mbtiles')
    throw elsewhere('--mbtiles-type (mbtilesType)', 'MBTiles')
  if (scheme !== undefined && format !== 'folder') throw elsewhere('--scheme (scheme)', 'folders of tiles')
  if (frastColours === true && format !== 'frast')
    throw elsewhere('--frast-colours (frastColours)', 'frast files')
  return { path: out, format, who, overwrite, inputs, mbtilesType, scheme, frastColours }
}

export interface TransferJob {
  /** Number of tiles to copy, for the progress. */
  readonly total: number
  /** What to say when there are none. */
  readonly nothing: string
  copy(sink: TileSink, meter: TransferMeter): Promise<CopyTally>
  about(tally: CopyTally): ArchiveAbout
  /** Sentences for the report, once the tiles are copied. */
  notes?(): readonly string[]
}

/**
 * Writes an archive. Nothing of it is left if that fails.
 * @throws NOTHING_TO_BUILD when there are no tiles
 * @throws as the source and the output
 */
export async function writeArchive(
  request: SinkRequest,
  { signal, onProgress }: TransferContext,
  job: TransferJob,
): Promise<TransferReport> {
  const began = performance.now()
  const meter = new TransferMeter(job.total, unawaited('onProgress', onProgress))
  const sink = await createSink(request)
  try {
    const tally = await job.copy(sink, meter)
    if (tally.tiles === 0) throw new FlagstoneError('NOTHING_TO_BUILD', job.nothing)
    meter.update('finish', tally.tiles, tally.bytes)
    if (signal?.aborted) throw new FlagstoneError('INTERRUPTED', INTERRUPTED)
    const about = job.about(tally)
    await sink.finish(about)
    meter.update('done', tally.tiles, tally.bytes)
    const seconds = (performance.now() - began) / 1000
    const notes = [...(job.notes?.() ?? []), ...lostSources(request, about), ...(sink.notes ?? [])]
    return reportOf(request.path, request.format, tally, notes, seconds)
  } catch (error) {
    await sink.abandon()
    throw error
  }
}

function lostSources({ format }: SinkRequest, { sources = [] }: ArchiveAbout): string[] {
  if (format === 'pmtiles' || sources.length === 0) return []
  const whose = sources.length === 1 ? 'its source' : `its ${sources.length} sources`
  return [
    `What the file remembers of ${whose} is not passed on: only Flagstone files (.pmtiles) have room for it.`,
  ]
}

/**
 * Copies the tiles of an archive, or those of an area, to a new one.
 * @throws as `writeArchive`
 */
export function transfer(
  tiles: TileSet,
  request: SinkRequest,
  context: TransferContext,
  area: Area,
): Promise<TransferReport> {
  const { selection, box, count } = area
  const pile = pileOf(tiles, area)
  return writeArchive(request, context, {
    total: count ?? countOf(tiles),
    nothing:
      selection === undefined
        ? `${tiles.path} has no tiles to copy.`
        : `${tiles.path} has no tiles in that area at those zooms, so nothing was written.`,
    copy: async (sink, meter) => {
      const places = (): Iterable<TilePlace> => placesOf(tiles, false, selection)
      const read = ({ z, x, y }: TilePlace): StoredTile | undefined => {
        const tile = tiles.get(z, x, y)
        return tile && { z, x, y, bytes: tile.bytes, type: tile.type }
      }
      const least = await announce(sink, { places, read, metadata: tiles.metadata() })
      const kept = least === 0 ? selection : withLeast(selection, least)
      const moved = await moveTiles(tiles, kept, sink, meter, context.signal)
      if (moved !== undefined) return moved
      const turns = new Turns(context.signal, INTERRUPTED)
      const found = await scanInTurns(tiles, sink.wantsSorted, kept, turns, () => meter.update('tiles', 0, 0))
      meter.restart()
      return copyTiles(found, sink, meter, context.signal)
    },
    notes: () => [...pile.notes, ...(tiles.notes ?? [])],
    about: (tally) => ({
      ...boundsWithin(aboutOf(tiles, tally.extent, tally.levels[0]!.zoom), box, tally),
      sources: pile.sources,
    }),
  })
}

const withLeast = (selection: TileSelection | undefined, least: number): TileSelection => ({
  maxZoom: MAX_ZOOM,
  ...selection,
  minZoom: Math.max(least, selection?.minZoom ?? 0),
})

export const countOf = (tiles: TileSet): number => tiles.levels().reduce((sum, { count }) => sum + count, 0)
