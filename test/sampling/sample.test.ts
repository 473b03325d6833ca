import t from 'tap'
import {
  boundsToLonLat,
  pixelToMetresX,
  pixelToMetresY,
  tileBoundsLonLat,
} from '../../src/grid/tiles/mercator.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { encodeTile } from '../../src/raster/tiles/codec.js'
import { sample } from '../../src/sampling/sample.js'
import { openReader, type TileReader } from '../../src/store/read/open.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { type Paint, speckled } from '../pyramid/images.js'

type Bbox = [number, number, number, number]

/** A rectangle of the pixel grid of a zoom, degrees. */
function bboxOf(zoom: number, x: number, y: number, width: number, height: number, tileSize = 256): Bbox {
  const { west, south, east, north } = boundsToLonLat({
    west: pixelToMetresX(x, zoom, tileSize),
    south: pixelToMetresY(y + height, zoom, tileSize),
    east: pixelToMetresX(x + width, zoom, tileSize),
    north: pixelToMetresY(y, zoom, tileSize),
  })
  return [west, south, east, north]
}

interface Stored {
  readonly z: number
  readonly x: number
  readonly y: number
  readonly size?: number
  /** In pixels of the tile's zoom, of 256 a tile. */
  readonly paint: Paint
}

function tileOf({ x, y, size = 256, paint }: Stored): Pixels {
  const data = new Uint8Array(size * size * 3)
  const mask = new Uint8Array(size * size)
  for (let p = 0; p < size * size; p++) {
    const i = ((p % size) * 256) / size
    const j = (Math.floor(p / size) * 256) / size
    const [r, g, b, a] = paint(x * 256 + Math.floor(i), y * 256 + Math.floor(j))
    data.set([r, g, b], 3 * p)
    mask[p] = a
  }
  return { width: size, height: size, bands: 3, data, mask }
}

async function fileOf(tiles: readonly Stored[]): Promise<TileReader> {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  for (const tile of tiles) {
    const encoded = await encodeTile(tileOf(tile), { format: 'png' })
    writer.append(tile.z, tile.x, tile.y, encoded!.bytes)
  }
  writer.seal()
  writer.close()
  return openReader(file)
}

const at = (p: Pixels, x: number, y: number): number[] => {
  const i = y * p.width + x
  return [...p.data.subarray(3 * i, 3 * i + 3), p.mask === undefined ? 255 : p.mask[i]!]
}

/** Four tiles around a corner at zoom 10. */
const square = (paint: Paint, zoom = 10, x = 500, y = 300): Stored[] =>
  [0, 1, 2, 3].map((i) => ({ z: zoom, x: x + (i & 1), y: y + (i >> 1), paint }))

t.test('at its own resolution a sample is a copy', async (t) => {
  const paint = speckled()
  const reader = await fileOf(square(paint))
  const [x0, y0] = [500 * 256 + 100, 300 * 256 + 200]
  for (const resampling of ['nearest', 'bilinear', 'cubic', 'lanczos', 'average'] as const) {
    const picture = await sample(reader, {
      bbox: bboxOf(10, x0, y0, 300, 250),
      width: 300,
      height: 250,
      resampling,
    })
    t.ok(picture.mask === undefined)
    let worst = 0
    for (let y = 0; y < 250; y++) {
      for (let x = 0; x < 300; x++) {
        const wanted = paint(x0 + x, y0 + y)
        at(picture, x, y).forEach((v, c) => {
          worst = Math.max(worst, Math.abs(v - wanted[c]!))
        })
      }
    }
    t.ok(worst <= 1, `${resampling}: ${worst}`)
  }
})

t.test('a constant stays constant, a ramp a ramp, at any size', async (t) => {
  const ramp: Paint = (x, y) => [(x - 500 * 256) >> 1, (y - 300 * 256) >> 1, 77, 255]
  const reader = await fileOf(square(ramp))
  const [x0, y0, side] = [500 * 256 + 60, 300 * 256 + 60, 400]
  for (const size of [40, 133, 400, 1000]) {
    for (const resampling of ['bilinear', 'average', 'cubic'] as const) {
      const picture = await sample(reader, {
        bbox: bboxOf(10, x0, y0, side, side),
        width: size,
        height: size,
        resampling,
      })
      let worst = 0
      for (let i = 2; i < size - 2; i++) {
        const [r, g, b] = at(picture, i, size - 1 - i)
        // the ramp is a staircase of two pixels a level, its middle half a level up
        const expected = (u: number): number => (60 + ((u + 0.5) * side) / size - 1) / 2
        worst = Math.max(
          worst,
          Math.abs(r! - expected(i)),
          Math.abs(g! - expected(size - 1 - i)),
          Math.abs(b! - 77),
        )
      }
      t.ok(worst <= 1.2, `${size}, ${resampling}: ${worst}`)
    }
  }
})

t.test('chooses the coarsest zoom that serves', async (t) => {
  const colour =
    (v: number): Paint =>
    () => [v, v, v + 1, 255]
  const reader = await fileOf([
    { z: 8, x: 125, y: 75, paint: colour(80) },
    ...square(colour(90), 9, 250, 150),
    ...Array.from({ length: 16 }, (_, i) => ({
      z: 10,
      x: 500 + (i & 3),
      y: 300 + (i >> 2),
      paint: colour(100),
    })),
  ])
  const { west, south, east, north } = tileBoundsLonLat(8, 125, 75)
  const bbox: Bbox = [west, south, east, north]
  for (const [size, value] of [
    [100, 80],
    [256, 80],
    [300, 90],
    [512, 90],
    [700, 100],
    [3000, 100],
  ] as const) {
    const picture = await sample(reader, { bbox, width: size, height: size })
    t.same(at(picture, size >> 1, size >> 1), [value, value, value + 1, 255], `${size} px`)
  }
  t.same(at(await sample(reader, { bbox, width: 64, height: 64, zoom: 10 }), 9, 9), [100, 100, 101, 255])
})

t.test('mixed depth: holes are filled from ancestors, or from deeper tiles', async (t) => {
  const red: Paint = () => [200, 0, 0, 255]
  const blue: Paint = () => [0, 0, 200, 255]
  // zoom 10 lacks its south-eastern quarter, which zoom 9 has; zoom 9's neighbour exists at zoom 11 only
  const tiles: Stored[] = [
    { z: 9, x: 250, y: 150, paint: red },
    ...square(blue, 10, 500, 300).slice(0, 3),
    ...[0, 1, 2, 3].flatMap((i) => square(blue, 11, 2 * (502 + (i & 1)), 2 * (300 + (i >> 1)))),
  ]
  const reader = await fileOf(tiles)
  const both = await sample(reader, {
    bbox: bboxOf(10, 500 * 256, 300 * 256, 1024, 512),
    width: 1024,
    height: 512,
  })
  t.same(at(both, 100, 100), [0, 0, 200, 255])
  t.same(at(both, 500, 500), [200, 0, 0, 255], 'from the ancestor')
  t.same(at(both, 900, 300), [0, 0, 200, 255], 'from below')
  t.ok(both.mask === undefined)
  const overview = await sample(reader, {
    bbox: bboxOf(9, 250 * 256, 150 * 256, 512, 256),
    width: 512,
    height: 256,
  })
  t.same(at(overview, 100, 100), [200, 0, 0, 255], 'stored')
  t.same(at(overview, 400, 100), [0, 0, 200, 255], 'made from two zooms below')
  const beyond = await sample(reader, {
    bbox: bboxOf(9, 251 * 256, 151 * 256, 256, 256),
    width: 256,
    height: 256,
  })
  t.ok(
    beyond.mask!.every((v) => v === 0),
    'nothing above, nothing below',
  )
})

t.test('missing tiles are transparent, and their neighbours are not dimmed', async (t) => {
  const white: Paint = () => [255, 255, 255, 255]
  const reader = await fileOf(square(white).slice(0, 1))
  const picture = await sample(reader, {
    bbox: bboxOf(10, 500 * 256, 300 * 256, 512, 512),
    width: 200,
    height: 200,
  })
  t.same(at(picture, 99, 99), [255, 255, 255, 255])
  t.equal(at(picture, 101, 50)[3], 0)
  t.equal(at(picture, 50, 101)[3], 0)
})

t.test('tiles of several sizes and types', async (t) => {
  const paint: Paint = (x, y) => [(x >> 4) & 255, (y >> 4) & 255, 50, 255]
  const tiles = square(paint).map((tile, i) => ({ ...tile, size: i === 1 ? 512 : i === 2 ? 128 : 256 }))
  const picture = await sample(await fileOf(tiles), {
    bbox: bboxOf(10, 500 * 256, 300 * 256, 512, 512),
    width: 512,
    height: 512,
  })
  let worst = 0
  for (let y = 3; y < 512; y += 7) {
    for (let x = 3; x < 512; x += 7) {
      const wanted = paint(500 * 256 + x, 300 * 256 + y)
      at(picture, x, y).forEach((v, c) => {
        worst = Math.max(worst, Math.abs(v - wanted[c]!))
      })
    }
  }
  t.ok(worst <= 1, String(worst))
})

t.test('edges of the world', async (t) => {
  const east: Paint = (x) => [x < 256 ? 10 : 200, 0, 9, 255]
  const reader = await fileOf(square(east, 1, 0, 0))
  const world = await sample(reader, { bbox: [-180, -90, 180, 90], width: 256, height: 256 })
  t.ok(world.mask === undefined)
  t.same(at(world, 0, 0), [10, 0, 9, 255])
  t.same(at(world, 255, 255), [200, 0, 9, 255])
  // over the antimeridian, both ways of saying so
  for (const bbox of [
    [170, -10, -170, 10],
    [170, -10, 190, 10],
    [-190, -10, -170, 10],
  ] as Bbox[]) {
    const across = await sample(reader, { bbox, width: 100, height: 100 })
    t.same(at(across, 10, 50), [200, 0, 9, 255], bbox.join())
    t.same(at(across, 90, 50), [10, 0, 9, 255], bbox.join())
    t.ok(across.mask === undefined)
  }
})

t.test('grey files give grey pictures, empty ones transparent ones', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  const data = new Uint8Array(65536).fill(123)
  const tile = await encodeTile(
    { width: 256, height: 256, bands: 1, data, mask: undefined },
    { format: 'png' },
  )
  writer.append(0, 0, 0, tile!.bytes)
  writer.seal()
  writer.close()
  const grey = await sample(openReader(file), { bbox: [-180, -80, 180, 80], width: 30, height: 20 })
  t.equal(grey.bands, 1)
  t.ok(grey.data.every((v) => v === 123))
  const empty = new MemoryFile()
  TileWriter.create(empty.reopen()).close()
  const none = await sample(openReader(empty), { bbox: [0, 0, 1, 1], width: 3, height: 3 })
  t.ok(none.mask!.every((v) => v === 0))
})

t.test('limits and misuse', async (t) => {
  const reader = await fileOf(square(() => [1, 2, 3, 255]))
  const bbox: Bbox = [0, 0, 1, 1]
  await t.rejects(sample(reader, { bbox, width: 100000, height: 10 }), {
    code: 'TOO_LARGE',
    message: /in parts/,
  })
  await t.rejects(sample(reader, { bbox: [-180, -80, 180, 80], width: 100, height: 100, zoom: 14 }), {
    code: 'TOO_LARGE',
    message: /lower zoom/,
  })
  await t.rejects(sample(reader, { bbox: [-180, -80, 180, 80], width: 10, height: 10 }), {
    code: 'TOO_LARGE',
    message: /overviews/,
  })
  for (const wrong of [
    { bbox, width: 0, height: 1 },
    { bbox, width: 1.5, height: 1 },
    { bbox: [0, 1, 1, 0] as Bbox, width: 9, height: 9 },
    { bbox: [0, 86, 1, 89] as Bbox, width: 9, height: 9 },
    { bbox, width: 9, height: 9, zoom: 27 },
  ]) {
    await t.rejects(sample(reader, wrong), RangeError)
  }
})

t.test('a tile that says it is a billion pixels wide is damaged, and needs no memory', async (t) => {
  const header = Buffer.alloc(45)
  header.write('89504e470d0a1a0a0000000d49484452', 'hex')
  header.writeUInt32BE(1_000_000_000, 16)
  header.writeUInt32BE(1, 20)
  header.write('0802', 24, 'hex')
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  writer.append(0, 0, 0, header)
  writer.seal()
  writer.close()
  const reader = openReader(file.reopen())
  await t.rejects(sample(reader, { bbox: [-180, -85, 180, 85], width: 64, height: 64 }), {
    name: 'FlagstoneError',
    message: /does not decode/,
  })
  reader.close()
})

t.test('windows that are nothing are refused as arguments', async (t) => {
  const reader = await fileOf([{ z: 0, x: 0, y: 0, paint: () => [1, 2, 3, 255] }])
  for (const [bbox, says] of [
    [[0, 0, 1e-300, 1e-300], /too thin to be drawn/],
    [[0, 86, 1, 87], /outside the web mercator world/],
    [[0, 1, 1, 0], /not west,south,east,north/],
  ] as const) {
    await t.rejects(sample(reader, { bbox: [...bbox], width: 64, height: 64 }), {
      code: 'BAD_OPTION',
      message: says,
    })
  }
  reader.close()
})

t.test('damage is said of a tile of a file', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  const whole = await encodeTile(
    { width: 64, height: 64, bands: 3, data: new Uint8Array(64 * 64 * 3).fill(90), mask: undefined },
    { format: 'png', quality: 90, lossless: true },
  )
  writer.append(1, 0, 1, whole!.bytes.subarray(0, 60), whole!.type)
  writer.commit()
  const reader = openReader(file)
  await t.rejects(sample(reader, { bbox: [-180, -80, -10, -10], width: 40, height: 40 }), {
    code: 'DAMAGED',
    message: /^.+: tile 1\/0\/1: .+/,
    path: file.path,
  })
  reader.close()
  writer.close()
})
