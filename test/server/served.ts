// Small tile files and a server of them, for tests.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Tap from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { encodeImage } from '../../src/raster/tiles/codec.js'
import { encodeHeights, type TerrainEncoding } from '../../src/raster/tiles/terrain.js'
import { openTileServer, type TileServer } from '../../src/server/handler.js'
import { createTiles } from '../../src/store/paths.js'
import { within } from '../helpers/waiting.js'

export interface PictureOptions {
  /** Tiles at this zoom and the overviews two zooms up. */
  readonly zoom?: number
  readonly tileSize?: number
  readonly format?: 'png' | 'jpeg' | 'webp'
  /** Left and top tile at `zoom`, tiles across and down. */
  readonly range?: readonly [x: number, y: number, across: number, down: number]
  /** Tiles that are left out. */
  readonly isHole?: (z: number, x: number, y: number) => boolean
  readonly metadata?: Record<string, unknown>
}

type Bounds = [number, number, number, number]
export const RANGE = [8, 4, 4, 3] as const

/** The bounds of whole tiles, degrees. */
export function boundsOf(
  zoom: number,
  [x, y, across, down]: readonly [number, number, number, number],
): Bounds {
  const { west, north } = tileBoundsLonLat(zoom, x, y)
  const { east, south } = tileBoundsLonLat(zoom, x + across - 1, y + down - 1)
  return [west, south, east, north]
}

/** Opaque pictures of noise and shapes that differ from tile to tile, sealed. */
export async function pictureFile(path: string, options: PictureOptions = {}): Promise<void> {
  const { zoom = 4, tileSize = 256, format = 'png', range = RANGE, isHole = () => false } = options
  const writer = createTiles(path)
  for (let z = zoom - 2; z <= zoom; z++) {
    const up = 2 ** (zoom - z)
    const [left, top] = [Math.floor(range[0] / up), Math.floor(range[1] / up)]
    const [right, bottom] = [
      Math.floor((range[0] + range[2] - 1) / up),
      Math.floor((range[1] + range[3] - 1) / up),
    ]
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        if (isHole(z, x, y)) continue
        const picture = { width: tileSize, height: tileSize, bands: 3, mask: undefined }
        const { bytes, type } = await encodeImage(
          { ...picture, data: patternOf(z, x, y, tileSize, format === 'jpeg') },
          { format, quality: 90, lossless: format !== 'jpeg' },
        )
        writer.append(z, x, y, bytes, type)
      }
    }
  }
  writer.setMetadata({ name: 'Pictures', bounds: boundsOf(zoom, range), ...options.metadata })
  writer.commit()
  writer.seal()
  writer.close()
}

/** Every pixel another value, or smooth for formats that lose something. */
function patternOf(z: number, x: number, y: number, size: number, isSmooth: boolean): Uint8Array {
  const data = new Uint8Array(size * size * 3)
  for (let i = 0; i < size * size; i++) {
    const [column, row] = [x * size + (i % size), y * size + Math.floor(i / size)]
    const noise = isSmooth ? 0 : (Math.imul(column * 7919 + row * 104729 + z * 31, 2654435761) >>> 27) & 31
    data[3 * i] = 100 + 60 * Math.sin(column / 37) + noise
    data[3 * i + 1] = 100 + 60 * Math.cos(row / 23) + noise
    data[3 * i + 2] = 20 * z + 60 + noise
  }
  return data
}

/** Bytes that nobody decodes, with the metadata of vector tiles. */
export function vectorFile(
  path: string,
  metadata: Record<string, unknown>,
  type: number = TileType.mvt,
): void {
  const writer = createTiles(path)
  writer.append(0, 0, 0, Uint8Array.of(0x1a, 3, 0x78, 2, 0x28), type as typeof TileType.mvt)
  writer.append(1, 1, 0, Uint8Array.of(0x1a, 3, 0x78, 2, 0x29), type as typeof TileType.mvt)
  writer.setMetadata(metadata)
  writer.commit()
  writer.close()
}

/** Slopes, as numbers or as terrain-RGB; heights are `heightAt`. */
export async function heightsFile(path: string, encoding: TerrainEncoding): Promise<void> {
  const writer = createTiles(path)
  const size = 256
  for (let z = 2; z <= 3; z++) {
    for (const [x, y] of [
      [2 * (z - 1), 1],
      [2 * (z - 1) + 1, 1],
    ] as const) {
      const data = new Float32Array(size * size)
      for (let i = 0; i < data.length; i++)
        data[i] = heightAt(z, x * size + (i % size), y * size + Math.floor(i / size))
      const pixels = { width: size, height: size, bands: 1, data, mask: undefined }
      const options = { encoding, format: 'png', step: 1, offset: 0, nodata: 'transparent' } as const
      const { bytes, type } = (await encodeHeights(pixels, options))!
      writer.append(z, x, y, bytes, type)
    }
  }
  const isColour = encoding === 'mapbox' || encoding === 'terrarium'
  writer.setMetadata({ name: 'Heights', ...(isColour ? { encoding } : {}) })
  writer.commit()
  writer.close()
}

/** Metres, whole ones, of a pixel of a zoom. */
export const heightAt = (z: number, column: number, row: number): number =>
  Math.round(1000 + (column + 2 * row) / 2 ** z)

export interface Served {
  readonly url: string
  readonly port: number
  readonly server: TileServer
  get(path: string, init?: RequestInit): Promise<Response>
}

/** On a free port of 127.0.0.1 until the test ends. `url` has the base path. */
export async function serve(
  t: Pick<typeof Tap, 'teardown'>,
  sources: Parameters<typeof openTileServer>[0],
  options: Parameters<typeof openTileServer>[1] = {},
): Promise<Served> {
  const server = await openTileServer(sources, options)
  const http = createServer(server.node)
  http.listen(0, '127.0.0.1')
  await within('a port', once(http, 'listening'))
  t.teardown(async () => {
    http.closeAllConnections()
    http.close()
    await server.close()
  })
  const { port } = http.address() as AddressInfo
  const url = `http://127.0.0.1:${port}${options.basePath ?? ''}`
  return { url, port, server, get: (path, init) => fetch(url + path, init) }
}
