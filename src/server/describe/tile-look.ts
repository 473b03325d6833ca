// What clients have to know of a source's tiles to show them: pictures, terrain or vectors, in which format and size.
import { isTerrainRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import { factsOf, tileSizeAt } from '../pictures/picture-facts.js'
import type { Source } from '../sources/source.js'

/** 'terrain': heights encoded as colours; 'heights': numbers. */
export type TileKind = 'picture' | 'terrain' | 'heights' | 'vector'

export interface TileLook {
  readonly kind: TileKind
  /** Of most tiles: 'jpg'; undefined where there are none. */
  readonly extension: string | undefined
  /** Several formats, say JPEG inside and PNG at the edges. */
  readonly isMixed: boolean
  /** Of terrain. */
  readonly encoding: TerrainRgb | undefined
  /** Pixels a side; undefined for vector tiles. */
  readonly tileSize: number | undefined
  /** 'gzip' when they are stored so. */
  readonly contentEncoding: string | undefined
}

const USUAL_SIZE = 256
const VECTOR_TYPES: readonly (string | undefined)[] = ['mvt', 'mlt']

const known = new WeakMap<Source, { version: string; look: Promise<TileLook> }>()

/** Computed once per version, however many requests need it. The callers hold the source. @throws DAMAGED */
export function tileLook(source: Source): Promise<TileLook> {
  const { version } = source
  const before = known.get(source)
  if (before?.version === version) return before.look
  const look = lookAt(source)
  known.set(source, { version, look })
  look.catch(() => known.delete(source))
  return look
}

async function lookAt(source: Source): Promise<TileLook> {
  const description = source.describe()
  const [main] = description.types
  const { heights } = factsOf(source)
  const kind = VECTOR_TYPES.includes(main?.name)
    ? 'vector'
    : heights === undefined
      ? 'picture'
      : heights === 'numbers'
        ? 'heights'
        : 'terrain'
  return {
    kind,
    extension: main?.extension,
    isMixed: description.types.length > 1,
    encoding: isTerrainRgb(heights) ? heights : undefined,
    tileSize: kind === 'vector' ? undefined : await sizeOf(source, description.maxZoom ?? 0),
    contentEncoding: source.contentEncoding,
  }
}

async function sizeOf(source: Source, zoom: number): Promise<number> {
  try {
    return (await tileSizeAt(source, zoom)) ?? USUAL_SIZE
  } catch {
    // one damaged tile must not prevent the description
    return USUAL_SIZE
  }
}
