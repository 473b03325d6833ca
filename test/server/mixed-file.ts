// A file that is deeper in one place than around it, made with the writer, and the two images that it might come from.
import sharp, { type Sharp } from 'sharp'
import type { SourceRecord } from '../../src/format/sources/record.js'
import { TileType } from '../../src/format/tile-type.js'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { createTiles } from '../../src/store/paths.js'
import { sourceOf } from '../helpers/sources.js'

/** The tile of zoom 9 in whose middle the map looks. */
const [COLUMN, ROW] = [268, 180]
export const { west: LON, north: LAT } = tileBoundsLonLat(12, 8 * COLUMN + 4, 8 * ROW + 4)
const SIDE = 2048

const raw = (data: Buffer, side: number): Sharp =>
  sharp(data, { raw: { width: side, height: side, channels: 3 } })

/** Waves; green is never low, so that nothing is like the background. */
function waves(): Buffer {
  const wave = (n: number, k: number): number => 50 * Math.sin(n / k) + 50 * Math.sin(n / (3.1 * k))
  const data = Buffer.alloc(SIDE * SIDE * 3)
  for (let i = 0, y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      data[i++] = 110 + wave(x, 37)
      data[i++] = 190 + wave(x + y, 61) / 2
      data[i++] = 110 + wave(y, 43)
    }
  }
  return data
}

/** Lines that the tiles above do not have. */
function hatch(tile: Buffer): Buffer {
  for (let i = 0; i < tile.length; i += 3) {
    if ((i / 3 + 4 * Math.floor(i / 768)) % 8 < 4) tile[i] = Math.max(0, tile[i]! - 60)
  }
  return tile
}

/** The columns and rows of a zoom, all included. */
function footprintOf(
  zoom: number,
  left: number,
  top: number,
  right: number,
  bottom: number,
): SourceRecord['footprint'] {
  const { west, north } = tileBoundsLonLat(zoom, left, top)
  const { east, south } = tileBoundsLonLat(zoom, right, bottom)
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ]
  return { type: 'Polygon', coordinates: [ring] }
}

const SOURCES = [
  sourceOf(0, {
    name: 'country.tif',
    zoom: 12,
    resolution: 26.2,
    date: '2019',
    footprint: footprintOf(9, COLUMN, ROW, COLUMN, ROW),
  }),
  sourceOf(1, {
    name: 'city.tif',
    zoom: 14,
    resolution: 6.5,
    date: '2024-06-30',
    licence: 'CC BY 4.0',
    attribution: '© The City',
    footprint: footprintOf(12, 8 * COLUMN + 3, 8 * ROW + 3, 8 * COLUMN + 3, 8 * ROW + 4),
  }),
]

/** Zooms 9 to 12 everywhere, 13 and 14 only near the middle, to the west of it. */
export async function mixedFile(path: string): Promise<void> {
  const base = waves()
  const writer = createTiles(path)
  for (let z = 9; z <= 14; z++) {
    const across = 2 ** (z - 9)
    const half = across / 2
    const [first, count] = z < 13 ? [0, across] : [half - 2 ** (z - 12), 2 ** (z - 12)]
    const down = z < 13 ? count : 2 * count
    const level = await raw(base, SIDE)
      .resize(across * 256, across * 256, { kernel: 'cubic' })
      .raw()
      .toBuffer()
    for (let y = first; y < first + down; y++) {
      for (let x = first; x < first + count; x++) {
        const part = { left: 256 * x, top: 256 * y, width: 256, height: 256 }
        const tile = await raw(level, across * 256)
          .extract(part)
          .raw()
          .toBuffer()
        const jpeg = await raw(z < 13 ? tile : hatch(tile), 256)
          .jpeg({ quality: 92 })
          .toBuffer()
        writer.append(z, across * COLUMN + x, across * ROW + y, jpeg, TileType.jpeg)
      }
    }
  }
  const { west, south, east, north } = tileBoundsLonLat(9, COLUMN, ROW)
  const bounds: [number, number, number, number] = [west, south, east, north]
  writer.setMetadata({ name: 'Mixed', bounds })
  writer.setSources(SOURCES)
  writer.seal({ bounds })
  writer.close()
}
