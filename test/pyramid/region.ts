// A rectangle of a tile file as one picture.

import type { Pixels } from '../../src/raster/pixels.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { openTiles } from '../../src/store/read/open.js'

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

/** The plainest pyramid there is: the mean of the painted ones of four, rounded half up. */
export function halved({ width, height, rgba }: Picture): Picture {
  const out = new Uint8Array(((width * height) / 4) * 4)
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) {
      const four = [0, 1, 2, 3].map((k) => ((2 * y + (k >> 1)) * width + 2 * x + (k & 1)) * 4)
      const painted = four.filter((at) => rgba[at + 3]! > 0)
      if (painted.length === 0) continue
      const to = (y * (width / 2) + x) * 4
      for (let c = 0; c < 3; c++) {
        const sum = painted.reduce((total, at) => total + rgba[at + c]!, 0)
        out[to + c] = Math.floor(sum / painted.length + 0.5)
      }
      out[to + 3] = 255
    }
  }
  return { width: width / 2, height: height / 2, rgba: out }
}
