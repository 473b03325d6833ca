// Tile files whose pixels follow formulas, a server context of them, and plain arithmetic to compare with.
import type Tap from 'tap'
import type { TileType } from '../../src/format/tile-type.js'
import type { Pixels, Samples } from '../../src/raster/pixels.js'
import { decodeTile, encodeImage, type TileFormat } from '../../src/raster/tiles/codec.js'
import { encodeHeights, type TerrainEncoding } from '../../src/raster/tiles/terrain.js'
import type { ServerContext } from '../../src/server/context.js'
import { insideOf, openTileServer } from '../../src/server/handler.js'
import { HttpError, type Query } from '../../src/server/http/message.js'
import { createTiles } from '../../src/store/paths.js'

/** r, g, b, alpha of a pixel of a zoom's grid. */
export type Paint = (x: number, y: number, z: number) => readonly [number, number, number, number]
export type Place = readonly [z: number, x: number, y: number]

interface FileOptions {
  readonly size?: number
  readonly metadata?: Record<string, unknown>
}

function write(
  path: string,
  tiles: readonly { place: Place; bytes: Uint8Array; type: TileType }[],
  metadata: Record<string, unknown>,
): void {
  const writer = createTiles(path)
  for (const { place, bytes, type } of tiles) writer.append(...place, bytes, type)
  writer.setMetadata(metadata)
  writer.seal()
  writer.close()
}

export async function writePictures(
  path: string,
  places: readonly Place[],
  paint: Paint,
  {
    size = 256,
    format = 'png',
    bands = 3,
    metadata = {},
  }: FileOptions & { readonly format?: TileFormat; readonly bands?: 1 | 3 } = {},
): Promise<void> {
  const tiles = []
  for (const place of places) {
    const [z, x, y] = place
    const data = new Uint8Array(size * size * bands)
    const mask = new Uint8Array(size * size)
    for (let p = 0; p < mask.length; p++) {
      const [r, g, b, a] = paint(x * size + (p % size), y * size + Math.floor(p / size), z)
      data.set([r, g, b].slice(0, bands), bands * p)
      mask[p] = a
    }
    const pixels = { width: size, height: size, bands, data, mask }
    tiles.push({
      place,
      ...(await encodeImage(pixels, { format, quality: 90, lossless: format === 'webp' })),
    })
  }
  write(path, tiles, metadata)
}

/** `height`: metres at a pixel of the zoom's grid; NaN is none. */
export async function writeHeights(
  path: string,
  places: readonly Place[],
  height: (x: number, y: number, z: number) => number,
  encoding: TerrainEncoding,
  { size = 256, metadata = {} }: FileOptions = {},
): Promise<void> {
  const tiles = []
  for (const place of places) {
    const [z, x, y] = place
    const data = new Float32Array(size * size)
    const mask = new Uint8Array(size * size)
    for (let p = 0; p < mask.length; p++) {
      const metres = height(x * size + (p % size), y * size + Math.floor(p / size), z)
      if (Number.isFinite(metres)) data[p] = metres
      mask[p] = Number.isFinite(metres) ? 255 : 0
    }
    const encoded = await encodeHeights(
      { width: size, height: size, bands: 1, data, mask },
      { encoding, format: 'png', step: 0.25, offset: 0, nodata: 'transparent' },
    )
    if (encoded !== undefined) tiles.push({ place, ...encoded })
  }
  const isColours = encoding === 'mapbox' || encoding === 'terrarium'
  write(path, tiles, isColours ? { encoding, ...metadata } : metadata)
}

/** All tiles of a rectangle. */
export function block(z: number, x: number, y: number, across: number, down: number): Place[] {
  return Array.from(
    { length: across * down },
    (_, i) => [z, x + (i % across), y + Math.floor(i / across)] as const,
  )
}

export async function contextOf(
  t: Pick<typeof Tap, 'teardown'>,
  paths: readonly string[],
  options: Parameters<typeof openTileServer>[1] = {},
): Promise<ServerContext> {
  const server = await openTileServer([...paths], options)
  t.teardown(() => server.close())
  return insideOf(server).context
}

/** Of a client that stays. */
export const query: Query = {
  method: 'GET',
  target: '/',
  header: () => undefined,
  remoteAddress: undefined,
  isSecure: false,
  signal: new AbortController().signal,
  body: async () => new Uint8Array(),
}

/** RGB and alpha, 0 … 255. */
export type Rgba = readonly [number, number, number, number]

export function pixelOf({ width, bands, data, mask }: Pixels<Samples>, x: number, y: number): Rgba {
  const p = y * width + x
  const at = (c: number): number => data[p * bands + (bands === 3 ? c : 0)]!
  return [at(0), at(1), at(2), mask === undefined ? 255 : mask[p]!]
}

/** The largest difference of a sample, where both show something; 255 where only one does. */
export function worstOf(a: Pixels<Samples>, b: Pixels<Samples>): number {
  if (a.width !== b.width || a.height !== b.height) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let y = 0; y < a.height; y++) {
    for (let x = 0; x < a.width; x++) {
      const [p, q] = [pixelOf(a, x, y), pixelOf(b, x, y)]
      worst = Math.max(worst, Math.abs(p[3] - q[3]))
      if (p[3] === 0 || q[3] === 0) continue
      for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(p[c]! - q[c]!))
    }
  }
  return worst
}

/** Pictures of one size side by side, `across` in a row. */
export function together(parts: readonly Pixels[], across: number): Pixels {
  const [first] = parts
  const { width, height, bands } = first!
  const all = { width: width * across, height: (height * parts.length) / across, bands }
  const data = new Uint8Array(all.width * all.height * bands)
  const mask = new Uint8Array(all.width * all.height)
  for (const [i, part] of parts.entries()) {
    for (let row = 0; row < height; row++) {
      const at = (Math.floor(i / across) * height + row) * all.width + (i % across) * width
      data.set(part.data.subarray(row * width * bands, (row + 1) * width * bands), at * bands)
      if (part.mask === undefined) mask.fill(255, at, at + width)
      else mask.set(part.mask.subarray(row * width, (row + 1) * width), at)
    }
  }
  return { ...all, data, mask }
}

export const decoded = (answer: { readonly bytes: Uint8Array } | undefined): Promise<Pixels> => {
  if (answer === undefined) throw new Error('there is no tile')
  return decodeTile(answer.bytes)
}

/** Of the HttpError that it rejects with, if its message is a sentence; what else it rejects with, as it is. */
export async function statusOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'fulfilled'
  } catch (error) {
    return error instanceof HttpError && error.message.endsWith('.') ? error.status : error
  }
}
