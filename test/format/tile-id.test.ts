import fc from 'fast-check'
import * as peer from 'pmtiles'
import t from 'tap'
import { decodeTileId, tileId, tileIdToZxy, zoomBase, zoomOfTileId } from '../../src/format/tile-id.js'

t.test('the table in the PMTiles specification', async (t) => {
  for (const [z, x, y, id] of [
    [0, 0, 0, 0],
    [1, 0, 0, 1],
    [1, 0, 1, 2],
    [1, 1, 1, 3],
    [1, 1, 0, 4],
    [2, 0, 0, 5],
    [12, 3423, 1763, 19078479],
  ] as const) {
    t.equal(tileId(z, x, y), id)
    t.same(tileIdToZxy(id), [z, x, y])
  }
})

t.test('every tile of zooms 0 to 8, in order', async (t) => {
  const out = new Int32Array(3)
  let wrong = 0
  for (let id = 0; id < zoomBase(9); id++) {
    decodeTileId(id, out)
    if (tileId(out[0]!, out[1]!, out[2]!) !== id) wrong++
    if (peer.zxyToTileId(out[0]!, out[1]!, out[2]!) !== id) wrong++
  }
  t.equal(wrong, 0)
})

t.test('every zoom agrees with the pmtiles package, corners included', async (t) => {
  for (let z = 0; z <= 26; z++) {
    const last = 2 ** z - 1
    for (const x of new Set([0, last >> 1, Math.min(last, (last >> 1) + 1), last]))
      for (const y of new Set([0, last >> 1, Math.min(last, (last >> 1) + 1), last])) {
        const id = tileId(z, x, y)
        if (id !== peer.zxyToTileId(z, x, y)) t.fail(`${z}/${x}/${y} is not ${id}`)
        t.same(tileIdToZxy(id), [z, x, y])
      }
    t.equal(zoomOfTileId(zoomBase(z)), z)
    t.equal(zoomOfTileId(zoomBase(z + 1) - 1), z)
  }
  t.ok(Number.isSafeInteger(zoomBase(27)))
})

t.test('random tiles there and back', async () => {
  const tile = fc
    .integer({ min: 0, max: 26 })
    .chain((z) =>
      fc.tuple(
        fc.constant(z),
        fc.integer({ min: 0, max: 2 ** z - 1 }),
        fc.integer({ min: 0, max: 2 ** z - 1 }),
      ),
    )
  fc.assert(
    fc.property(tile, ([z, x, y]) => {
      const id = tileId(z, x, y)
      const back = tileIdToZxy(id)
      return id === peer.zxyToTileId(z, x, y) && back[0] === z && back[1] === x && back[2] === y
    }),
    { numRuns: 20000 },
  )
})

t.test('outside the grid is a RangeError', async (t) => {
  for (const [z, x, y] of [
    [-1, 0, 0],
    [27, 0, 0],
    [1.5, 0, 0],
    [Number.NaN, 0, 0],
    [3, 8, 0],
    [3, 0, 8],
    [3, -1, 0],
    [3, 0, -1],
    [3, 0.5, 0],
    [3, 0, Number.NaN],
    [26, 2 ** 26, 0],
    [3, 2 ** 32, 0],
    [3, 0, Number.POSITIVE_INFINITY],
  ] as const)
    t.throws(() => tileId(z, x, y), RangeError, `${z}/${x}/${y}`)
  for (const id of [-1, 0.5, Number.NaN, zoomBase(27), 2 ** 53, Number.POSITIVE_INFINITY])
    t.throws(() => tileIdToZxy(id), RangeError, `${id}`)
  t.throws(() => zoomBase(28), RangeError)
  t.throws(() => zoomBase(-1), RangeError)
})
