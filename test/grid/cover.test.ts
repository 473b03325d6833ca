// Covers come in the order of PMTiles tile ids, and hold each tile of the range once.
import fc from 'fast-check'
import { zxyToTileId } from 'pmtiles'
import t from 'tap'
import { coverTiles, parentRange } from '../../src/grid/tiles/cover.js'
import { countAll } from '../../src/grid/tiles/ranges.js'

t.test('whole zooms are the Hilbert curve of the pmtiles package', async (t) => {
  for (let z = 0; z <= 5; z++) {
    const n = 2 ** z
    const ids = [...coverTiles(z, { minX: 0, minY: 0, maxX: n - 1, maxY: n - 1 })].map(([x, y]) =>
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
      for (const [x, y] of coverTiles(6, r)) {
        const id = zxyToTileId(6, x, y)
        if (id <= last || x < r.minX || x > r.maxX || y < r.minY || y > r.maxY) return false
        last = id
        count++
      }
      const both = new Set([...coverTiles(6, [r, other])].map(([x, y]) => `${x} ${y}`))
      const wanted = new Set([...coverTiles(6, r), ...coverTiles(6, other)].map(([x, y]) => `${x} ${y}`))
      return count === countAll([r]) && both.size === wanted.size
    }),
    { numRuns: 60 },
  )
  t.pass('property holds')
})

t.test('deep zooms cost only their range', async (t) => {
  const corner = 2 ** 26 - 1
  const tiles = [...coverTiles(26, { minX: corner - 1, minY: corner, maxX: corner, maxY: corner })]
  t.equal(tiles.length, 2)
  t.throws(() => [...coverTiles(27, [])], RangeError)
  t.throws(() => [...coverTiles(-1, [])], RangeError)
  t.same([...coverTiles(3, [])], [])
})

t.test('parents', async (t) => {
  t.same(parentRange({ minX: 5, minY: 6, maxX: 9, maxY: 7 }), { minX: 2, minY: 3, maxX: 4, maxY: 3 })
  t.same(parentRange({ minX: 0, minY: 0, maxX: 255, maxY: 17 }, 4), { minX: 0, minY: 0, maxX: 15, maxY: 1 })
})
