// Whether a file is as deep everywhere, and the words that say so in metadata and TileJSON.
//
// `emptyResponse` is MapLibre's (style specification 26.5, experimental: what an empty response for a tile means, 'blank'
// or 'missing'); `sparse` is that of tileserver-gl, which answers 404 then, and of MapLibre's vector sources. Both mean: where a
// tile is not stored, one above it may be shown in its place.
import type { TilesDescription } from './describe.js'

/** The metadata of a file that is deeper in some places than in others. */
export const VARYING_DEPTH = { emptyResponse: 'missing', sparse: true } as const

/**
 * By what the metadata say; else by the numbers of tiles: a pyramid of images in which each tile has one below it has no
 * fewer tiles at a deeper zoom. Vector tiles may have nothing below them for want of features, so that tells nothing.
 */
export function isOfVaryingDepth(d: Pick<TilesDescription, 'metadata' | 'levels' | 'types'>): boolean {
  const { emptyResponse, sparse } = d.metadata
  if (emptyResponse === 'missing' || emptyResponse === 'blank') return emptyResponse === 'missing'
  const said = truthOf(sparse)
  if (said !== undefined) return said
  const isVector = d.types.some(({ name }) => name === 'mvt' || name === 'mlt')
  return !isVector && d.levels.some(({ count }, i) => count > (d.levels[i + 1]?.count ?? count))
}

/** In MBTiles metadata are texts. */
function truthOf(value: unknown): boolean | undefined {
  const text = String(value ?? '').toLowerCase()
  return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined
}
