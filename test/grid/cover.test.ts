// Covers come in the order of PMTiles tile ids, and hold each tile of the range once.
import fc from 'fast-check'
import { zxyToTileId } from 'pmtiles'
import t from 'tap'
import { coverTileAt, parentRange, type TileRange, type TileXY } from '../../src/grid/tiles/cover.js'
import { countAll, unionRanges } from '../../src/grid/tiles/ranges.js'

const tilesOf = (zoom: number, ...ranges: TileRange[]): TileXY[] => {
  const union = unionRanges(ranges)
  return Array.from({ length: countAll(union) }, (_, n) => coverTileAt(zoom, union, n))
}

t.test('whole zooms are the Hilbert curve of the pmtiles package', async (t) => {
  for (let z = 0; z <= 5; z++) {
    const n = 2 ** z
    const ids = tilesOf(z, { minX: 0, minY: 0, maxX: n - 1, maxY: n - 1 }).map(([x, y]) =>
      zxyToTileId(z, x, y),
    )
    t.same(
      ids.map((id) => id - ids[0]!),
      Array.from({ length: n * n }, (_, i) => i),
      `zoom ${z}`,
    )
  }
})

t.test('any range: ascending, complete, nothing else', async (t) => {
  const coordinate = fc.integer({ min: 0, max: 63 })
  const range = fc.tuple(coordinate, coordinate, coordinate, coordinate).map(([a, b, c, d]) => ({
    minX: Math.min(a, b),
    maxX: Math.max(a, b),
    minY: Math.min(c, d),
    maxY: Math.max(c, d),
  }))
  fc.assert(
    fc.property(range, range, (r, other) => {
      let last = -1
      let count = 0
      for (const [x, y] of tilesOf(6, r)) {
        const id = zxyToTileId(6, x, y)
        if (id <= last || x < r.minX || x > r.maxX || y < r.minY || y > r.maxY) return false
        last = id
        count++
      }
      const both = new Set(tilesOf(6, r, other).map(([x, y]) => `${x} ${y}`))
      const wanted = new Set([...tilesOf(6, r), ...tilesOf(6, other)].map(([x, y]) => `${x} ${y}`))
      return count === countAll([r]) && both.size === wanted.size
    }),
    { numRuns: 60 },
  )
  t.pass('property holds')
})

t.test('deep zooms cost only their range', async (t) => {
  const corner = 2 ** 26 - 1
  const range = { minX: corner - 1, minY: corner, maxX: corner, maxY: corner }
  t.same(tilesOf(26, range).sort(), [
    [corner - 1, corner],
    [corner, corner],
  ])
  t.throws(() => coverTileAt(26, [range], 2), RangeError)
  t.throws(() => coverTileAt(3, [], 0), RangeError)
})

t.test('parents', async (t) => {
  t.same(parentRange({ minX: 5, minY: 6, maxX: 9, maxY: 7 }), { minX: 2, minY: 3, maxX: 4, maxY: 3 })
  t.same(parentRange({ minX: 0, minY: 0, maxX: 255, maxY: 17 }, 4), { minX: 0, minY: 0, maxX: 15, maxY: 1 })
})
