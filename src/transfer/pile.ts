// What becomes of the sources that Flagstone files remember when their tiles are copied to another file.
import { FlagstoneError } from '../errors.js'
import type { SourceRecord } from '../format/sources/record.js'
import type { TileSet } from '../store/read/tile-set.js'
import { MAX_ZOOM } from '../zooms.js'
import type { Area } from './area.js'

/** Sources for the output, from the bottom to the top, and a sentence where there should be some and are not. */
export interface Pile {
  readonly sources: readonly SourceRecord[]
  readonly notes: readonly string[]
}

const MAX_ID = 256

/**
 * The sources that the tiles of an area may show: those that touch it, are not above its zooms, or do not say where they
 * are.
 */
export function pileOf(tiles: TileSet, { boxes, selection }: Partial<Area> = {}): Pile {
  try {
    const all = tiles.sources?.() ?? []
    const touching =
      boxes && all.length > 0 ? new Set(boxes().flatMap((bbox) => tiles.sourcesAt!({ bbox }))) : undefined
    const { maxZoom = MAX_ZOOM } = selection ?? {}
    const kept = all.filter(
      (source) =>
        (touching === undefined || source.footprint === null || touching.has(source)) &&
        (source.minZoom ?? 0) <= maxZoom,
    )
    return { sources: inOrder(kept), notes: [] }
  } catch (error) {
    if (!(error instanceof FlagstoneError) || error.code !== 'DAMAGED') throw error
    return { sources: [], notes: [`${error.message} So the output remembers none.`] }
  }
}

/** Several piles, the first at the bottom. A source that is in several of them lies where it is highest. */
export function pileUp(piles: readonly Pile[]): Pile {
  const seen = new Set<string>()
  const ids = new Set<string>()
  const sources: SourceRecord[] = []
  for (const source of piles.flatMap((pile) => pile.sources).reverse()) {
    const content = JSON.stringify({ ...source, order: 0 })
    if (seen.has(content)) continue
    seen.add(content)
    const id = newId(source.id, ids)
    ids.add(id)
    sources.push({ ...source, id })
  }
  return { sources: inOrder(sources.reverse()), notes: piles.flatMap((pile) => pile.notes) }
}

function newId(id: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const end = n === 1 ? '' : `-${n}`
    const found = id.slice(0, MAX_ID - end.length) + end
    if (!taken.has(found)) return found
  }
}

/** The same where tiles of another size have other zooms. */
export function pileAtZooms({ sources, notes }: Pile, step: number): Pile {
  const moved = (zoom: number): number => Math.min(MAX_ZOOM, Math.max(0, zoom + step))
  return {
    sources: sources.map((source) => ({
      ...source,
      zoom: moved(source.zoom),
      ...(source.minZoom === undefined ? {} : { minZoom: moved(source.minZoom) }),
    })),
    notes,
  }
}

const inOrder = (sources: readonly SourceRecord[]): SourceRecord[] =>
  sources.map((source, order) => ({ ...source, order }))
