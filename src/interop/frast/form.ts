// What the tiles of a frast file are, chosen from what is copied: JPEGs, or heights.
import { FlagstoneError } from '../../errors.js'
import { nameOfTileType, TileType } from '../../format/tile-type.js'
import { pictureSize } from '../../raster/tiles/picture-size.js'
import { isTerrainRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import type { TransferOutline } from '../transfer/outline.js'
import { CHANNEL_ORDER, RAW_TERRAIN } from './metadata.js'
import { TERRAIN_SIDE } from './terrain.js'

export type FrastForm =
  /** `isSwapped`: red and blue of the source are swapped, as frast has them. */
  | { readonly kind: 'jpeg'; readonly isSwapped: boolean }
  /** Terrain that was copied from frast as it is. */
  | { readonly kind: 'packed' }
  /** Heights that have to be packed. `encoding`: of pictures. */
  | { readonly kind: 'heights'; readonly encoding: TerrainRgb | undefined }

const bad = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

/** @throws BAD_OPTION when frast cannot have such tiles */
export function chooseFrastForm({ metadata, sample }: TransferOutline): FrastForm {
  const { encoding } = metadata
  if (encoding === RAW_TERRAIN) return { kind: 'packed' }
  if (isTerrainRgb(encoding)) return { kind: 'heights', encoding }
  if (sample.some(({ type }) => type === TileType.elevation)) return { kind: 'heights', encoding: undefined }
  for (const tile of sample) requireJpeg(tile)
  return { kind: 'jpeg', isSwapped: metadata[CHANNEL_ORDER] === 'bgr' }
}

/** @throws BAD_OPTION when it is not a JPEG of 256×256 pixels */
export function requireJpeg({ z, x, y, type, bytes }: StoredTile): void {
  const size = pictureSize(bytes)
  if (type === TileType.jpeg && size?.width === 256 && size.height === 256) return
  const pixels = size === undefined ? '' : ` of ${size.width}×${size.height} pixels`
  throw bad(
    `Tile ${z}/${x}/${y} is ${nameOfTileType(type)}${pixels}, and frast stores JPEGs of 256×256: convert with --format jpeg --tile-size 256 (format, tileSize).`,
  )
}

/** @throws BAD_OPTION when heights have another size than frast's */
export function requireTerrainSize({ z, x, y }: StoredTile, width: number, height: number): void {
  if (width === TERRAIN_SIDE && height === TERRAIN_SIDE) return
  throw bad(
    `Tile ${z}/${x}/${y} has ${width}×${height} heights, and frast stores 256×256: convert with --tile-size 256 (tileSize).`,
  )
}
