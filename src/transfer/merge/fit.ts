// Whether archives can be one, and what the result says of itself.
import { basename, extname } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { nameOfTileType, TileType } from '../../format/tile-type.js'
import { aboutOf } from '../../interop/transfer/about.js'
import type { ArchiveAbout } from '../../interop/transfer/sink.js'
import { pictureSize } from '../../raster/tiles/picture-size.js'
import { type ElevationKind, elevationOf } from '../../sampling/tile-form.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { type Box, believedCenter } from '../../store/report/claims.js'
import { VARYING_DEPTH } from '../../store/report/depth.js'
import type { CopyTally } from '../copy.js'

interface Kind {
  /** 'pictures', 'vector tiles', 'heights (mapbox)'. */
  readonly name: string
  readonly elevation: ElevationKind | undefined
  /** Pixels; undefined when it is not known. */
  readonly size: number | undefined
}

/**
 * How the archives store heights, if they do.
 * @throws BAD_OPTION when their tiles are not of one kind and size
 */
export function elevationOfAll(archives: readonly TileSet[]): ElevationKind | undefined {
  let first: { path: string; kind: Kind } | undefined
  for (const tiles of archives) {
    const kind = kindOf(tiles)
    if (kind === undefined) continue
    first ??= { path: tiles.path, kind }
    const { name, size } = first.kind
    if (kind.name !== name) throw unlike(first.path, name, tiles.path, kind.name)
    if (size !== undefined && kind.size !== undefined && size !== kind.size)
      throw unlike(first.path, `tiles of ${size} pixels`, tiles.path, `tiles of ${kind.size}`)
  }
  return first?.kind.elevation
}

function unlike(first: string, has: string, second: string, other: string): FlagstoneError {
  return new FlagstoneError(
    'BAD_OPTION',
    `${first} has ${has}, ${second} has ${other}: one archive cannot hold both; convert or build one of them anew.`,
    { path: second },
  )
}

/** Undefined for an archive without tiles. */
function kindOf(tiles: TileSet): Kind | undefined {
  const first = firstTile(tiles)
  if (first === undefined) return undefined
  const elevation = elevationOf(tiles)
  const size = pictureSize(first.bytes)?.width
  if (elevation !== undefined) return { name: `heights (${elevation})`, elevation, size }
  const isPicture = size !== undefined || first.type === TileType.avif
  const name = isPicture ? 'pictures' : `tiles of type ${nameOfTileType(first.type)}`
  return { name, elevation, size }
}

function firstTile(tiles: TileSet): { bytes: Uint8Array; type: TileType } | undefined {
  for (const { zoom } of tiles.levels())
    for (const { z, x, y } of tiles.tiles({ zoom })) {
      const tile = tiles.get(z, x, y)
      if (tile !== undefined) return tile
    }
  return undefined
}

/**
 * Metadata of the first archive, with the name of the output, the bounds of all, all attributions and all layers of
 * vector tiles. Where pictures are deeper in some places than in others, it says so.
 */
export function aboutAll(archives: readonly TileSet[], tally: CopyTally, out: string): ArchiveAbout {
  const [minZoom, maxZoom] = [tally.levels[0]!.zoom, tally.levels.at(-1)!.zoom]
  const all = archives.map((tiles) => aboutOf(tiles, tally.extent, minZoom))
  const { metadata, center } = all[0]!
  const bounds = unionOf(all.map((about) => about.bounds))
  const attribution = [...new Set(all.map((about) => about.metadata['attribution']))].filter(isText)
  const layers = layersOf(all)
  return {
    metadata: {
      ...(isOfUnlikeDepths(archives, all) ? VARYING_DEPTH : {}),
      ...metadata,
      name: basename(out, extname(out)),
      ...(attribution.length > 1 ? { attribution: attribution.join(', ') } : {}),
      ...(layers === undefined ? {} : { vector_layers: layers }),
    },
    bounds,
    center: bounds && believedCenter(center && [...center], bounds, minZoom, maxZoom),
  }
}

/** Whether an archive of pictures has an area that deeper ones do not have. */
function isOfUnlikeDepths(archives: readonly TileSet[], all: readonly ArchiveAbout[]): boolean {
  // vector tiles may have nothing below them for want of features
  const types = archives.map((tiles) => firstTile(tiles)?.type)
  if (types.includes(TileType.mvt) || types.includes(TileType.mlt)) return false
  // what the first says goes into the result
  if (all[0]!.metadata['emptyResponse'] !== undefined || all[0]!.metadata['sparse'] !== undefined)
    return false
  const parts = archives.flatMap((tiles, i) => {
    const zoom = tiles.levels().at(-1)?.zoom
    return zoom === undefined ? [] : [{ zoom, ...all[i]! }]
  })
  if (parts.some(({ metadata }) => metadata['emptyResponse'] === VARYING_DEPTH.emptyResponse)) return true
  const deepest = Math.max(...parts.map(({ zoom }) => zoom))
  const deep = parts.filter(({ zoom }) => zoom === deepest)
  return parts.some(
    ({ zoom, bounds }) =>
      zoom < deepest && bounds !== undefined && !deep.some((one) => isWithin(bounds, one.bounds)),
  )
}

const isWithin = (box: Readonly<Box>, other: Readonly<Box> | undefined): boolean =>
  other === undefined ||
  (box[0] >= other[0] && box[1] >= other[1] && box[2] <= other[2] && box[3] <= other[3])

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Undefined when one is not known, or crosses the antimeridian: they are then those of the tiles. */
function unionOf(boxes: readonly (readonly [number, number, number, number] | undefined)[]): Box | undefined {
  let union: Box | undefined
  for (const box of boxes) {
    if (box === undefined || box[0] > box[2]) return undefined
    union ??= [...box]
    union = [
      Math.min(union[0], box[0]),
      Math.min(union[1], box[1]),
      Math.max(union[2], box[2]),
      Math.max(union[3], box[3]),
    ]
  }
  return union
}

/** Layers of vector tiles by id; undefined when no archive has any. */
function layersOf(all: readonly ArchiveAbout[]): unknown[] | undefined {
  const layers = new Map<unknown, unknown>()
  for (const { metadata } of all) {
    const own = metadata['vector_layers']
    if (!Array.isArray(own)) continue
    for (const layer of own) {
      const id = (layer as { id?: unknown } | null)?.id
      if (!layers.has(id)) layers.set(id, layer)
    }
  }
  return layers.size === 0 ? undefined : [...layers.values()]
}
