// What re-encoding was asked for, and whether it is possible for an archive.
import { FlagstoneError } from '../../errors.js'
import { decodeElevation } from '../../format/elevation.js'
import { nameOfTileType, TileType } from '../../format/tile-type.js'
import { decodeTile } from '../../raster/tiles/codec.js'
import { type ImageFormat, isDrawn } from '../../raster/tiles/image-format.js'
import { pictureSize } from '../../raster/tiles/picture-size.js'
import { isTerrainRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import type { StoredTile, TileSet } from '../../store/read/tile-set.js'

/** Without any of these, tiles are copied byte for byte. */
export interface RecodeRequest {
  /** The format of all tiles. Tiles that are in it are copied. */
  readonly format?: ImageFormat | undefined
  readonly quality?: number | undefined
  readonly lossless?: boolean | undefined
  /** Shows through transparent pixels of JPEG. */
  readonly background?: readonly [number, number, number] | undefined
  readonly tileSize?: 256 | 512 | undefined
  readonly terrain?: TerrainRgb | undefined
}

/** What is done with the tiles of an archive. */
export interface RecodePlan {
  readonly request: RecodeRequest
  /** How heights are stored in pictures; undefined when they are numbers, or tiles are pictures. */
  readonly encoding: TerrainRgb | undefined
  readonly isHeights: boolean
  /** Width and height of the tiles that are read, pixels. */
  readonly size: number
  /** 1: four tiles become one. -1: one tile becomes four. 0: tiles keep their size. */
  readonly step: -1 | 0 | 1
}

const bad = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

/**
 * Looks at one tile and the metadata. Undefined when there is nothing to do.
 * @throws BAD_OPTION when it cannot be done
 * @throws DAMAGED, TOO_LARGE when the tile does not decode
 */
export async function planRecode(tiles: TileSet, request: RecodeRequest): Promise<RecodePlan | undefined> {
  const { format, quality, lossless, tileSize, terrain } = request
  if ([format, quality, lossless, tileSize, terrain].every((option) => option === undefined)) return undefined
  const first = firstTile(tiles)
  if (first === undefined) return undefined
  if (!isDrawn(first.type))
    throw bad(
      `${tiles.path} holds tiles of the type ${nameOfTileType(first.type)}, which cannot be encoded again; copy them without --format, --quality, --lossless, --tile-size and --terrain.`,
    )
  const stated = tiles.metadata()['encoding']
  const encoding = isTerrainRgb(stated) ? stated : undefined
  const isHeights = encoding !== undefined || first.type === TileType.elevation
  if (isHeights) checkHeights(request)
  else if (terrain !== undefined)
    throw bad(
      `${tiles.path} does not say how its tiles encode heights ("encoding": "terrarium" or "mapbox" in its metadata), so they cannot become ${terrain}.`,
    )
  const size = await sizeOf(first)
  return { request, encoding, isHeights, size, step: stepTo(tiles, size, tileSize) }
}

function checkHeights({ format, quality }: RecodeRequest): void {
  if (format === 'jpeg' || format === 'avif' || quality !== undefined)
    throw bad('Heights must stay exact, so their tiles can be webp or png, without --quality.')
}

function stepTo(tiles: TileSet, size: number, wanted: number | undefined): -1 | 0 | 1 {
  if (wanted === undefined || wanted === size) return 0
  if (size !== 512 && size !== 256)
    throw bad(
      `The tiles of ${tiles.path} have ${size} pixels; --tile-size changes 256 to 512, and 512 to 256.`,
    )
  if (wanted === 512 && tiles.levels().at(-1)?.zoom === 0)
    throw bad(`${tiles.path} has only zoom 0, which cannot become larger tiles of a lower zoom.`)
  return wanted === 512 ? 1 : -1
}

function firstTile(tiles: TileSet): StoredTile | undefined {
  for (const { zoom } of tiles.levels())
    for (const { z, x, y } of tiles.tiles({ zoom })) {
      const tile = tiles.get(z, x, y)
      if (tile !== undefined && tile.bytes.length > 0) return { z, x, y, ...tile }
    }
  return undefined
}

async function sizeOf({ bytes, type }: StoredTile): Promise<number> {
  const quick = type === TileType.elevation ? decodeElevation(bytes) : pictureSize(bytes)
  return (quick ?? (await decodeTile(bytes))).width
}
