// Sources of different depths in one pyramid: which tiles exist, what they show, and no step where the depth changes.
import t from 'tap'
import type { Pixels } from '../../src/raster/pixels.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import type { ImageOptions } from './images.js'
import { placeImage, planOf, type Tiles, tilesByRule, tilesOfPlan } from './mixed.js'

/** A base; a finer image on it with a hole; a finer one that lies on the edge of both. Corners are on no tile's. */
const images: readonly ImageOptions[] = [
  placeImage(8, [25730, 22660, 220, 180]),
  placeImage(10, [102970, 90700, 600, 480], [[100, 60, 500, 440]]),
  placeImage(11, [206950, 181990, 500, 320], [[0, 0, 90, 200]]),
]

const asList = (tiles: Tiles): string[] => [...tiles.keys()].sort()

for (const [treeDepth, name, order] of [
  [4, 'fine on top', images],
  [2, 'fine at the bottom', [...images].reverse()],
  [0, 'fine on top', images],
] as const) {
  t.test(`the tiles of the rule: ${treeDepth} zooms a subtree, ${name}`, async (t) => {
    const plan = { ...planOf(order, { resampling: 'nearest', depth: 'native', minZoom: 5 }), treeDepth }
    t.notOk(plan.isUniform)
    t.ok(plan.tiles > tilesByRule(order, 5).length, 'some planned tiles are in the hole')
    t.same(asList(await tilesOfPlan(plan, order)), tilesByRule(order, 5))
  })
}

t.test(
  'tiles above an empty part of a finer source do not exist, though a coarser one has pixels there',
  async (t) => {
    const base = placeImage(7, [12865, 11330, 160, 140])
    const corner = placeImage(10, [103000, 90800, 1000, 700], [[200, 0, 1000, 700]])
    for (const treeDepth of [4, 1, 0]) {
      const plan = { ...planOf([base, corner], { depth: 'native', minZoom: 5 }), treeDepth }
      const tiles = tilesByRule([base, corner], 5)
      const empty =
        plan.levels.find(({ zoom }) => zoom === 8)!.tiles - tiles.filter((key) => key.startsWith('8/')).length
      t.ok(empty > 0, `${empty} tiles of zoom 8 are planned in vain`)
      t.same(asList(await tilesOfPlan(plan, [base, corner])), tiles)
    }
  },
)

/** West, south, east, north of pixels of zoom 8. */
function degreesOf(minX: number, minY: number, endX: number, endY: number): [number, number, number, number] {
  const world = 256 * 2 ** 8
  const lat = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / world))) * 180) / Math.PI
  return [(minX / world) * 360 - 180, lat(endY), (endX / world) * 360 - 180, lat(minY)]
}

const [west, south, east, north] = degreesOf(25750.3, 22690.2, 25910.7, 22800.9)
const diamond = [
  [west, (south + north) / 2],
  [(west + east) / 2, south],
  [east, (south + north) / 2],
  [(west + east) / 2, north],
]
const cutline = { type: 'Polygon', coordinates: [[...diamond, diamond[0]]] }

for (const [name, options, line] of [
  ['feathered', { blend: 'feather' }, undefined],
  ['the first on top', { blend: 'first', overviewResampling: 'cubic' }, undefined],
  ['kernels that reach beyond a source', { resampling: 'average' }, undefined],
  ['a bbox', { bbox: [west, south, east, north] }, undefined],
  ['a cutline', { cutline: 'x' }, cutline],
  ['a soft cutline', { cutline: 'x', cutlineBlend: 40, overviewResampling: 'lanczos' }, cutline],
] as const) {
  t.test(`a tile exists when a source alone would have it: ${name}`, async (t) => {
    const all = { resampling: 'bilinear', depth: 'native', minZoom: 5, ...options }
    const alone = new Set<string>()
    for (const image of images) {
      // a soft edge is as wide in pixels of each zoom
      const narrow = 'cutlineBlend' in options ? { cutlineBlend: 40 / 2 ** (11 - image.zoom) } : {}
      const plan = planOf([image], { ...all, ...narrow }, [], line)
      t.ok(plan.isUniform)
      for (const key of (await tilesOfPlan(plan, [image])).keys()) alone.add(key)
    }
    const plan = planOf(images, all, [], line)
    t.notOk(plan.isUniform)
    for (const treeDepth of [4, 1]) {
      t.same(asList(await tilesOfPlan({ ...plan, treeDepth }, images)), [...alone].sort())
    }
  })
}

interface Difference {
  /** Tiles that both have. */
  tiles: number
  most: number
  psnr: number
  /** Pixels that only one has. */
  masks: number
}

/** How far the tiles of a zoom are from those of another build. */
async function differenceAt(zoom: number, found: Tiles, expected: Tiles): Promise<Difference> {
  const sum: Difference = { tiles: 0, most: 0, psnr: 0, masks: 0 }
  let [squares, count] = [0, 0]
  for (const [key, bytes] of found) {
    const other = expected.get(key)
    if (!key.startsWith(`${zoom}/`) || other === undefined) continue
    const [a, b] = await Promise.all([decodeTile(bytes), decodeTile(other)])
    sum.tiles++
    for (let p = 0; p < 65536; p++) {
      const isThere = (one: Pixels): boolean => one.mask === undefined || one.mask[p] !== 0
      if (isThere(a) !== isThere(b)) sum.masks++
      if (!isThere(a) || !isThere(b)) continue
      for (let c = 0; c < 3; c++) {
        const off = Math.abs(a.data[3 * p + c]! - b.data[3 * p + c]!)
        sum.most = Math.max(sum.most, off)
        squares += off * off
        count++
      }
    }
  }
  return { ...sum, psnr: 10 * Math.log10((255 * 255 * count) / Math.max(1, squares)) }
}

/**
 * Kernels for overviews, each with another for the warp, the zooms of a subtree, and the largest difference. The last
 * two choose one of four pixels, so that those of another zoom lie a part of a pixel elsewhere.
 */
const kernels = [
  ['average', 'bilinear', 2, 2],
  ['bilinear', 'cubic', 2, 2],
  ['cubic', 'lanczos', 1, 2],
  ['lanczos', 'average', 3, 2],
  ['lanczos', 'bilinear', 1, 2],
  ['cubicspline', 'cubicspline', 2, 2],
  ['med', 'bilinear', 2, 4],
  ['nearest', 'nearest', 2, 6],
] as const

for (const [overviewResampling, resampling, treeDepth, limit] of kernels) {
  t.test(`no step where the depth changes: ${overviewResampling}, ${resampling}`, async (t) => {
    const options = { resampling, overviewResampling, minZoom: 5 }
    const uniform = await tilesOfPlan(planOf(images, { ...options, depth: 'uniform' }), images)
    const plan = { ...planOf(images, { ...options, depth: 'native' }), treeDepth }
    const found = await tilesOfPlan(plan, images)
    for (let zoom = 5; zoom <= 11; zoom++) {
      const { tiles, most, psnr, masks } = await differenceAt(zoom, found, uniform)
      t.ok(tiles > 0 && most <= limit, `zoom ${zoom}: the largest difference is ${most}`)
      t.ok(psnr >= 45, `zoom ${zoom}: ${psnr.toFixed(1)} dB`)
      t.equal(masks, 0, `zoom ${zoom}: the same pixels are painted`)
    }
  })
}

t.test('kernels see the same pixels around the children of a tile as in a uniform build', async (t) => {
  const steep = (image: ImageOptions): ImageOptions => {
    const scale = 2 ** (image.zoom - 10)
    const wave = (a: number): number => Math.round(128 + 100 * Math.sin(a / 3))
    const at = (p: number, from: number): number => (from + p + 0.5) / scale
    return { ...image, paint: (x, y) => [wave(at(x, image.x)), wave(at(y, image.y)), 128, 255] }
  }
  const both = [placeImage(9, [51460, 45320, 800, 700]), placeImage(10, [103440, 91150, 400, 300])].map(steep)
  for (const overviewResampling of ['bilinear', 'cubicspline']) {
    const options = { resampling: 'bilinear', overviewResampling, zoom: [9, 10] }
    const uniform = await tilesOfPlan(planOf(both, { ...options, depth: 'uniform' }), both)
    const mixed = { ...planOf(both, { ...options, depth: 'native' }), treeDepth: 0 }
    const found = await tilesOfPlan(mixed, both)
    let [quarters, most] = [0, 0]
    for (const [key, bytes] of found) {
      const [z, x, y] = key.split('/').map(Number) as [number, number, number]
      if (z !== 9) continue
      const [a, b] = await Promise.all([decodeTile(bytes), decodeTile(uniform.get(key)!)])
      for (let p = 0; p < 65536; p++) {
        const [qx, qy] = [Math.floor((p % 256) / 128), Math.floor(p / 32768)]
        if (!found.has(`10/${2 * x + qx}/${2 * y + qy}`)) continue
        if (p % 128 === 0 && (p >> 8) % 128 === 0) quarters++
        for (let c = 0; c < 3; c++) most = Math.max(most, Math.abs(a.data[3 * p + c]! - b.data[3 * p + c]!))
      }
    }
    t.ok(quarters >= 4, `${quarters} quarters`)
    t.ok(most <= 1, `${overviewResampling}: the largest difference is ${most}`)
  }
})

t.test('a source that is shown from a zoom on leaves what lies below it', async (t) => {
  const base = placeImage(8, [25730, 22660, 220, 180])
  const white: ImageOptions = {
    ...placeImage(10, [102970, 90700, 600, 480]),
    paint: () => [255, 255, 255, 255],
  }
  const both = [base, white]
  const limits = [undefined, { minZoom: 9 }]
  for (const [overviewResampling, treeDepth] of [
    ['average', 4],
    ['lanczos', 4],
    ['lanczos', 0],
  ] as const) {
    const options = { resampling: 'bilinear', overviewResampling, minZoom: 5, depth: 'native' }
    const plan = { ...planOf(both, options, limits), treeDepth }
    const found = await tilesOfPlan(plan, both)
    t.same(asList(found), tilesByRule(both, 5, limits))
    const alone = await tilesOfPlan(planOf([base], options), [base])
    for (let zoom = 5; zoom <= 8; zoom++) {
      const { tiles, most, masks } = await differenceAt(zoom, found, alone)
      t.ok(tiles > 0 && most <= 1 && masks === 0, `zoom ${zoom}: ${most}, ${masks}`)
    }
    const nine = await differenceAt(
      9,
      found,
      await tilesOfPlan(planOf(both, { ...options, zoom: [5, 10] }), both),
    )
    t.ok(nine.tiles > 0 && nine.most <= 2 && nine.masks === 0, `${nine.most}`)
  }
})

t.test('a source between others that is shown at few zooms', async (t) => {
  const three = [images[0]!, images[1]!, placeImage(11, [211000, 181990, 300, 300])]
  const limits = [undefined, undefined, { minZoom: 10 }]
  for (const treeDepth of [4, 1, 0]) {
    const options = { resampling: 'nearest', depth: 'native', minZoom: 4, overviewResampling: 'cubic' }
    const plan = { ...planOf(three, options, limits), treeDepth }
    t.same(asList(await tilesOfPlan(plan, three)), tilesByRule(three, 4, limits))
  }
})
