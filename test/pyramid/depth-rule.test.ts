// Builds of sources of different depth: which tiles there are, by looking at every pixel of every source.
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { FlagstoneError } from '../../src/errors.js'
import { latToMetres, lonToMetres, metresToPixelX, metresToPixelY } from '../../src/grid/tiles/mercator.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { openTiles } from '../../src/store/read/open.js'
import { type ImageOptions, ImageSource, tilesOf } from './images.js'

/** A region of the world: tile 4/8/5 of 256 pixels. */
const REGION = { zoom: 4, x: 8, y: 5 }

interface Placed {
  readonly zoom: number
  /** Corner, as a share of the region, and size in pixels. */
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  /** Rectangles without data, as shares of the image. */
  readonly holes: readonly (readonly [number, number, number, number])[]
}

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const placed: fc.Arbitrary<Placed> = fc.record({
  zoom: fc.integer({ min: 3, max: 9 }),
  left: share,
  top: share,
  width: fc.integer({ min: 1, max: 300 }),
  height: fc.integer({ min: 1, max: 300 }),
  holes: fc.array(fc.tuple(share, share, share, share), { maxLength: 2 }),
})

function imageOf({ zoom, left, top, width, height, holes }: Placed, tileSize: number): ImageOptions {
  const at = (corner: number, from: number): number =>
    Math.floor((corner + from) * tileSize * 2 ** (zoom - REGION.zoom))
  const isHole = (x: number, y: number): boolean =>
    holes.some(
      ([x0, y0, x1, y1]) =>
        x >= Math.min(x0, x1) * width &&
        x < Math.max(x0, x1) * width &&
        y >= Math.min(y0, y1) * height &&
        y < Math.max(y0, y1) * height,
    )
  return {
    zoom,
    x: at(REGION.x, left),
    y: at(REGION.y, top),
    width,
    height,
    tileSize,
    paint: (x, y) => [40 * zoom - 100, x & 255, y & 255, isHole(x, y) ? 0 : 255],
  }
}

/** A box in degrees. */
type Box = readonly [west: number, south: number, east: number, north: number]

/** The tiles that the rule wants: those that hold a pixel of a source of this depth or a deeper one. */
function wantedTiles(
  images: readonly ImageOptions[],
  tileSize: number,
  minZoom: number,
  maxZoom: number,
  isIn: (px: number, py: number, zoom: number) => boolean,
): Set<string> {
  const wanted = new Set<string>()
  for (const { zoom, x, y, width, height, paint } of images) {
    // of a limited build only sources that need no resampling are looked at
    const deepest = Math.min(zoom, maxZoom)
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++) {
        if (paint(i, j)[3] === 0 || !isIn(x + i, y + j, zoom)) continue
        for (let z = deepest; z >= minZoom; z--) {
          const side = tileSize * 2 ** (zoom - z)
          wanted.add(`${z}/${Math.floor((x + i) / side)}/${Math.floor((y + j) / side)}`)
        }
      }
    }
  }
  return wanted
}

/** Whether a pixel is inside: its edges are those of the box, moved to the nearest pixel. */
function insideBbox([west, south, east, north]: Box, tileSize: number) {
  return (px: number, py: number, zoom: number): boolean => {
    const [minX, minY, endX, endY] = pixelsOf([west, south, east, north], zoom, tileSize).map(Math.round)
    return px >= minX! && px < endX! && py >= minY! && py < endY!
  }
}

/** Whether the centre of a pixel is inside one of the boxes. */
function insideBoxes(boxes: readonly Box[], tileSize: number) {
  return (px: number, py: number, zoom: number): boolean =>
    boxes.some((box) => {
      const [minX, minY, endX, endY] = pixelsOf(box, zoom, tileSize)
      return px + 0.5 > minX! && px + 0.5 < endX! && py + 0.5 > minY! && py + 0.5 < endY!
    })
}

function pixelsOf([west, south, east, north]: Box, zoom: number, tileSize: number): number[] {
  return [
    metresToPixelX(lonToMetres(west), zoom, tileSize),
    metresToPixelY(latToMetres(north), zoom, tileSize),
    metresToPixelX(lonToMetres(east), zoom, tileSize),
    metresToPixelY(latToMetres(south), zoom, tileSize),
  ]
}

/** A box in the region, longer than a tenth of it. */
const box: fc.Arbitrary<Box> = fc.tuple(share, share, share, share).map(([a, b, c, d]) => {
  const west = 0.3 + a * 18
  const south = 42 + b * 10
  return [west, south, west + 2.3 + c * 10, south + 1.1 + d * 6]
})

const polygonOf = ([west, south, east, north]: Box): number[][][] => [
  [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ],
]

const choices = fc.record({
  images: fc.array(placed, { minLength: 2, maxLength: 5 }),
  tileSize: fc.constantFrom(256 as const, 512 as const),
  blend: fc.constantFrom('last' as const, 'first' as const, 'feather' as const),
  minZoom: fc.integer({ min: 0, max: 4 }),
  limit: fc.oneof(
    fc.constant(undefined),
    box.map((bbox) => ({ bbox })),
    fc.array(box, { minLength: 1, maxLength: 2 }).map((cutline) => ({ cutline })),
  ),
})

t.test('the tiles are those of the rule', async (t) => {
  const dir = t.testdir()
  let builds = 0
  let mixed = 0
  await fc.assert(
    fc.asyncProperty(choices, async ({ images: list, tileSize, blend, minZoom, limit }) => {
      const images = list.map((one) => imageOf(one, tileSize))
      const bbox = limit !== undefined && 'bbox' in limit ? limit.bbox : undefined
      const boxes = limit !== undefined && 'cutline' in limit ? limit.cutline : undefined
      const isIn =
        bbox !== undefined
          ? insideBbox(bbox, tileSize)
          : boxes !== undefined
            ? insideBoxes(boxes, tileSize)
            : () => true
      const wanted = wantedTiles(images, tileSize, minZoom, 26, isIn)
      const out = join(dir, `${builds++}.pmtiles`)
      const options: BuildOptions = {
        sources: images.map((_, at) => `${at}`),
        out,
        tileSize,
        blend,
        minZoom,
        format: 'webp',
        // a pixel is shown where its centre is
        resampling: 'nearest',
        depth: 'native',
        threads: 0,
        ...(bbox === undefined ? {} : { bbox: [...bbox] as [number, number, number, number] }),
        ...(boxes === undefined
          ? {}
          : { cutline: { type: 'MultiPolygon', coordinates: boxes.map(polygonOf) } }),
      }
      const openSource = async (path: string): Promise<ImageSource> =>
        new ImageSource({ ...images[Number(path)]!, path })
      const found = await build(options, { openSource }).then(
        (report) => {
          if (report.depths.length > 1) mixed++
          return Object.keys(tilesOf(out))
        },
        (error: FlagstoneError): string[] => {
          // sources in the box may all be too coarse for the lowest zoom
          if (error.code !== 'NOTHING_TO_BUILD' && !/is above the highest/.test(error.message)) throw error
          return []
        },
      )
      const missing = [...wanted].filter((tile) => !found.includes(tile))
      const surplus = found.filter((tile) => !wanted.has(tile))
      if (missing.length + surplus.length > 0) {
        throw new Error(`missing: ${missing.slice(0, 5)}; not wanted: ${surplus.slice(0, 5)}`)
      }
    }),
    { numRuns: 30 },
  )
  t.ok(mixed > 5, `${mixed} of ${builds} builds have several depths`)
})

t.test('sources of one depth are built as with --depth uniform', async (t) => {
  const dir = t.testdir()
  const images: ImageOptions[] = [0, 200].map((x) => ({
    ...imageOf({ zoom: 9, left: 0.3, top: 0.3, width: 300, height: 300, holes: [] }, 256),
    x: 256 * 256 + x,
  }))
  const openSource = async (path: string): Promise<ImageSource> =>
    new ImageSource({ ...images[Number(path)]!, path })
  const made = await Promise.all(
    (['native', 'uniform'] as const).map(async (depth) => {
      const out = join(dir, `${depth}.pmtiles`)
      const report = await build(
        { sources: ['0', '1'], out, depth, threads: 0, name: 'same', overviewResampling: 'cubic' },
        { openSource },
      )
      t.same(report.depths, [{ zoom: 9, sources: ['0', '1'] }])
      t.same(report.notes, [])
      const reader = openTiles(out)
      try {
        return { tiles: tilesOf(out), metadata: reader.metadata }
      } finally {
        reader.close()
      }
    }),
  )
  t.same(made[0], made[1])
})
