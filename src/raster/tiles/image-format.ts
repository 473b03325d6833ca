// The image formats that are encoded and decoded here, and the types of their tiles.
import { TileType } from '../../format/tile-type.js'

/** How a tile that is an image is encoded. */
export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'avif'

const FORMATS = new Map<number, ImageFormat>([
  [TileType.png, 'png'],
  [TileType.jpeg, 'jpeg'],
  [TileType.webp, 'webp'],
  [TileType.avif, 'avif'],
])

/** The format of tiles of a type; undefined for tiles that cannot be decoded as an image. */
export const imageFormatOf = (type: number): ImageFormat | undefined => FORMATS.get(type)

/** Whether tiles of a type can be drawn: images and heights. */
export const isDrawn = (type: number): boolean => FORMATS.has(type) || type === TileType.elevation
