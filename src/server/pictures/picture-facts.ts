// What has to be known of a source before its tiles can be worked on; found out once a version.
import { TileType, typeFromExtension } from '../../format/tile-type.js'
import type { Samples } from '../../raster/pixels.js'
import { isDrawn } from '../../raster/tiles/image-format.js'
import {
  colourForm,
  type ElevationKind,
  elevationOf,
  formOf,
  type TileForm,
} from '../../sampling/tile-form.js'
import { TileMosaic } from '../../sampling/tile-mosaic.js'
import type { Source } from '../sources/source.js'

export interface PictureFacts {
  readonly version: string
  /** How heights are stored; undefined: the tiles are images. */
  readonly heights: ElevationKind | undefined
  /** Sides of its tiles by zoom, as far as they were asked for. */
  readonly sizes: Map<number, number>
}

const known = new WeakMap<Source, PictureFacts>()

export function factsOf(source: Source): PictureFacts {
  let facts = known.get(source)
  if (facts === undefined || facts.version !== source.version) {
    facts = { version: source.version, heights: elevationOf(source.tiles), sizes: new Map() }
    known.set(source, facts)
  }
  return facts
}

/** Pixels a side of the tiles of a zoom, or of the nearest one that has any. Undefined for a source without tiles. */
export async function tileSizeAt(source: Source, zoom: number): Promise<number | undefined> {
  const { heights, sizes } = factsOf(source)
  const zooms = source.tiles.levels().map((level) => level.zoom)
  if (zooms.length === 0) return undefined
  const form: TileForm<Samples> = heights === undefined ? colourForm() : formOf(heights)
  return new TileMosaic(source.tiles, zooms, 'any', form, { sizes }).tileSizeAt(zoom)
}

/** Whether its tiles can be drawn, all or some: vector tiles cannot. */
export function isDrawable(source: Source): boolean {
  return source
    .describe()
    .types.some(({ extension }) => isDrawn(typeFromExtension(extension) ?? TileType.unknown))
}
