// A rectangle of a tile file as one picture.
import { decodeTile } from '../../src/raster/codec.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { openTiles } from '../../src/store/paths.js'

export interface Picture {
  readonly width: number
  readonly height: number
  readonly rgba: Uint8Array
}

/** A rectangle of a zoom's pixel grid, as a tile file has it. */
export async function region(
  path: string,
  z: number,
  x: number,
  y: number,
  width: number,
  height: number,
): Promise<Picture> {
  const rgba = new Uint8Array(width * height * 4)
  const reader = openTiles(path)
  for (let ty = y >> 8; ty * 256 < y + height; ty++) {
    for (let tx = x >> 8; tx * 256 < x + width; tx++) {
      const tile = reader.get(z, tx, ty)
      if (tile !== undefined)
        copyTile(await decodeTile(tile.bytes), tx * 256 - x, ty * 256 - y, width, height, rgba)
    }
  }
  reader.close()
  return { width, height, rgba }
}

function copyTile(
  from: Pixels,
  left: number,
  top: number,
  width: number,
  height: number,
  rgba: Uint8Array,
): void {
  for (let p = 0; p < 65536; p++) {
    const x = left + (p & 255)
    const y = top + (p >> 8)
    const alpha = from.mask === undefined ? 255 : from.mask[p]!
    if (alpha === 0 || x < 0 || y < 0 || x >= width || y >= height) continue
    const at = (y * width + x) * 4
    for (let c = 0; c < 3; c++) rgba[at + c] = from.data[p * from.bands + (from.bands === 3 ? c : 0)]!
    rgba[at + 3] = alpha
  }
}
