// Tile files for the viewer's tests: the fixture orthophoto with a hole, heights with a hole, lines, nothing, and one
// whose metadata are an attack.
import { TileType } from '../../src/format/tile-type.js'
import { build } from '../../src/pyramid/build.js'
import { encodeHeights } from '../../src/raster/tiles/terrain.js'
import { createTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { fixture } from '../helpers/paths.js'
import { boundsOf } from './served.js'

export const ATTACK = '<img src=x onerror="window.attacked=1">'

/** `whole` is the fixture, zooms 12 to 17; `holed` the same without the tile that is returned. */
export async function orthoFiles(whole: string, holed: string): Promise<[z: number, x: number, y: number]> {
  await build({
    sources: [fixture('ortho.tif')],
    out: whole,
    maxZoom: 17,
    name: 'Village',
    attribution: '© <a href="https://example.org/">Someone</a><script>window.attacked=1</script>',
  })
  const hole = [17, 70864, 45829] as [number, number, number]
  const reader = openTiles(whole)
  const writer = createTiles(holed)
  for (const { z, x, y } of reader.tiles()) {
    const { bytes, type } = reader.get(z, x, y)!
    if (z !== hole[0] || x !== hole[1] || y !== hole[2]) writer.append(z, x, y, bytes, type)
  }
  writer.setMetadata({ name: 'Village with a hole' })
  writer.seal()
  writer.close()
  reader.close()
  return hole
}

export const SLOPE_BOUNDS = boundsOf(9, [266, 180, 2, 2])

/** A plane that rises to the east from 100 m by a metre a pixel, 2 × 2 tiles of zoom 9 and their parent; no height in the first 40 rows of it. */
export async function heightFile(path: string, encoding: 'terrarium' | 'int16'): Promise<void> {
  const writer = createTiles(path)
  for (const [z, x, y, step] of [
    [8, 133, 90, 2],
    [9, 266, 180, 1],
    [9, 267, 180, 1],
    [9, 266, 181, 1],
    [9, 267, 181, 1],
  ] as const) {
    const data = new Float32Array(256 * 256)
    const mask = new Uint8Array(256 * 256).fill(255)
    for (let i = 0; i < data.length; i++) {
      const column = (i % 256) + (z === 9 ? (x - 266) * 256 : 0)
      data[i] = 100 + column * step
      if (y !== 181 && Math.floor(i / 256) * step < 40) mask[i] = 0
    }
    const tile = await encodeHeights(
      { width: 256, height: 256, bands: 1, data, mask },
      { encoding, format: 'png', step: 1, offset: 0, nodata: 'transparent' },
    )
    writer.append(z, x, y, tile!.bytes, tile!.type)
  }
  writer.setMetadata({
    name: `Slope, ${encoding}`,
    bounds: SLOPE_BOUNDS,
    ...(encoding === 'terrarium' ? { encoding } : {}),
  })
  writer.seal()
  writer.close()
}

/** One vector tile, z0: a square of the middle half of the world. Mapbox Vector Tile 2.1, by hand. */
export function squareFile(path: string): void {
  const zigzag = (n: number): number => (n << 1) ^ (n >> 31)
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)])
  const bytesOf = (field: number, bytes: readonly number[]): number[] => [
    ...varint((field << 3) | 2),
    ...varint(bytes.length),
    ...bytes,
  ]
  const at = (x: number, y: number): number[] => [...varint(zigzag(x)), ...varint(zigzag(y))]
  const ring = [9, ...at(1024, 1024), 26, ...at(2048, 0), ...at(0, 2048), ...at(-2048, 0), 15]
  const feature = [0x18, 3, ...bytesOf(4, ring)]
  const name = [...Buffer.from('squares')]
  const layer = [0x78, 2, ...bytesOf(1, name), ...bytesOf(2, feature), 0x28, ...varint(4096)]
  const writer = createTiles(path)
  writer.append(0, 0, 0, Uint8Array.from(bytesOf(3, layer)), TileType.mvt)
  writer.setMetadata({
    name: 'Squares',
    vector_layers: [{ id: 'squares', fields: {}, minzoom: 0, maxzoom: 0 }],
  })
  writer.seal()
  writer.close()
}

export function emptyFile(path: string): void {
  const writer = createTiles(path)
  writer.setMetadata({ name: 'Empty' })
  writer.seal()
  writer.close()
}

/** A tile that is no picture, under metadata that would run if they were read as HTML. */
export function attackFile(path: string): void {
  const writer = createTiles(path)
  writer.append(0, 0, 0, Buffer.from('not a picture'), TileType.png)
  writer.setMetadata({
    name: ATTACK,
    description: ATTACK,
    attribution: `${ATTACK}<a href="javascript:window.attacked=1" onclick="window.attacked=1">a</a><a href="https://example.org/" onclick="window.attacked=1">b</a><iframe srcdoc="<script>parent.attacked=1</script>"></iframe><svg onload="window.attacked=1"></svg>`,
  })
  writer.seal()
  writer.close()
}
