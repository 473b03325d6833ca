// Copies an archive whose tiles are encoded again on the way.
import type { SinkRequest } from '../../interop/create.js'
import { aboutOf } from '../../interop/transfer/about.js'
import { announce } from '../../interop/transfer/announce.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { copyTiles } from '../copy.js'
import { pileAtZooms, pileOf } from '../pile.js'
import type { TransferReport } from '../report.js'
import { type TransferContext, writeArchive } from '../transfer.js'
import type { ZoomRange } from './places.js'
import { Recoder } from './recoder.js'
import type { RecodePlan } from './request.js'

/** `range`: zooms of the new tiles. @throws as `writeArchive` */
export function transferRecoded(
  tiles: TileSet,
  plan: RecodePlan,
  range: ZoomRange,
  request: SinkRequest,
  context: TransferContext,
): Promise<TransferReport> {
  const recoder = new Recoder(tiles, plan, range)
  // four tiles become one of the zoom above them
  const pile = pileAtZooms(
    pileOf(tiles, { selection: { minZoom: 0, maxZoom: range.maxZoom + plan.step } }),
    -plan.step,
  )
  return writeArchive(request, context, {
    total: recoder.total,
    nothing: `${tiles.path} has no tiles at those zooms, so nothing was written.`,
    copy: async (sink, meter) => {
      const metadata = recoder.metadataOf(tiles.metadata())
      const coming = { places: () => recoder.places(false), read: recoder.read.bind(recoder), metadata }
      const least = await announce(sink, coming)
      recoder.forget()
      return copyTiles(recoder.tiles(sink.wantsSorted, least), sink, meter, context.signal)
    },
    about: (tally) => {
      const about = aboutOf(tiles, tally.extent, tally.levels[0]!.zoom)
      return { ...about, metadata: recoder.metadataOf(about.metadata), sources: pile.sources }
    },
    notes: () => [...pile.notes, ...(tiles.notes ?? []), ...notesOf(recoder, plan)],
  })
}

function notesOf({ copied, encoded, clamped }: Recoder, { request }: RecodePlan): string[] {
  const rest = copied === 0 ? '' : `; ${count(copied, 'tile')} had the form already`
  const notes = [`${count(encoded, 'tile')} encoded again${rest}.`]
  if (copied > 0 && request.format !== undefined && request.quality !== undefined)
    notes.push('Tiles of that format were copied. Without --format, --quality is for all tiles.')
  if (clamped > 0)
    notes.push(`${count(clamped, 'height')} out of the range of ${request.terrain}; the nearest is stored.`)
  return notes
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
