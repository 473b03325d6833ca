// The image formats that are encoded and decoded, and their tile types.
import { TileType } from '../../format/tile-type.js'

/** The encoding of an image tile. */
export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'avif'

const FORMATS = new Map<number, ImageFormat>([
  [TileType.png, 'png'],
  [TileType.jpeg, 'jpeg'],
  [TileType.webp, 'webp'],
  [TileType.avif, 'avif'],
])

/** The image format of a tile type; undefined when such tiles are not images. */
export const imageFormatOf = (type: number): ImageFormat | undefined => FORMATS.get(type)

/** Whether tiles of a type can be drawn: images and elevation. */
export const isDrawn = (type: number): boolean => FORMATS.has(type) || type === TileType.elevation
