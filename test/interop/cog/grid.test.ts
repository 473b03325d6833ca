// Which images a COG has: the corner is a corner of the smallest overview's tiles, and the rest of the frame is tight.
import t from 'tap'
import { planLevels } from '../../../src/interop/cog/grid.js'
import type { LevelOutline } from '../../../src/interop/transfer/outline.js'

const level = (zoom: number, minX: number, minY: number, maxX: number, maxY: number): LevelOutline => ({
  zoom,
  minX,
  minY,
  maxX,
  maxY,
  count: (maxX - minX + 1) * (maxY - minY + 1),
})
/** All zooms above a rectangle. */
const above = (deep: LevelOutline, low: number): LevelOutline[] =>
  Array.from({ length: deep.zoom - low + 1 }, (_, i) => {
    const by = 2 ** (deep.zoom - low - i)
    const [minX, minY, maxX, maxY] = [deep.minX, deep.minY, deep.maxX, deep.maxY].map((v) =>
      Math.floor(v / by),
    )
    return level(low + i, minX!, minY!, maxX!, maxY!)
  })
const plan = (levels: readonly LevelOutline[]): unknown[] =>
  planLevels(levels, 'x.tif').map(({ zoom, x, y, width, height, across, down, isFull }) => [
    zoom,
    [x, y],
    [width, height],
    [across, down],
    isFull,
  ])

t.test('the whole world: every zoom, nothing is padded', (t) => {
  t.same(plan(above(level(2, 0, 0, 3, 3), 0)), [
    [0, [0, 0], [1, 1], [1, 1], true],
    [1, [0, 0], [2, 2], [2, 2], true],
    [2, [0, 0], [4, 4], [4, 4], true],
  ])
  t.end()
})

t.test('a region: overviews down to 2 × 2 tiles; the east and south end with the last tile', (t) => {
  t.same(plan(above(level(8, 131, 85, 134, 86), 0)), [
    [6, [32, 21], [1.75, 0.75], [2, 1], true],
    [7, [64, 42], [3.5, 1.5], [4, 2], false],
    [8, [128, 84], [7, 3], [7, 3], false],
  ])
  t.end()
})

t.test('one tile needs no overview; zooms may be missing', (t) => {
  t.same(plan(above(level(8, 131, 85, 131, 85), 0)), [[8, [131, 85], [1, 1], [1, 1], true]])
  t.same(plan([level(3, 4, 4, 4, 4), level(6, 35, 35, 38, 37)]), [
    [3, [4, 4], [7 / 8, 6 / 8], [1, 1], true],
    [6, [32, 32], [7, 6], [7, 6], false],
  ])
  t.end()
})

t.test('a tile of an overview without tiles below it is in the frame', (t) => {
  t.same(plan([level(5, 8, 8, 9, 9), level(6, 16, 16, 17, 17)]), [
    [5, [8, 8], [2, 2], [2, 2], true],
    [6, [16, 16], [4, 4], [4, 4], false],
  ])
  t.end()
})

t.test('pixels of every overview are whole, however deep the pyramid is', (t) => {
  const levels = above(level(14, 8193, 4097, 8901, 5003), 4)
  for (const { width, height, zoom } of planLevels(levels, 'x.tif'))
    t.ok(Number.isInteger(width * 256) && Number.isInteger(height * 256), `zoom ${zoom}`)
  t.end()
})

t.test('too many tiles are refused', (t) => {
  const far = [level(20, 0, 0, 2 ** 20 - 1, 9)]
  t.throws(() => planLevels(far, 'x.tif'), { code: 'TOO_LARGE', message: /^x\.tif: .*1048576×10 tiles/ })
  t.end()
})
