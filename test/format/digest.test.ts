// The digest of tiles: its hash against values of the reference implementation, and what it must not depend on.
import t from 'tap'
import { TilesDigest } from '../../src/format/digest.js'
import { murmur3 } from '../../src/format/murmur3.js'
import { TileType } from '../../src/format/tile-type.js'

t.test('the hash is MurmurHash3_x86_128', (t) => {
  // computed with the reference implementation from the bytes of five little-endian words
  const known = [
    [
      [0, 0, 0, 0, 0],
      [1220839572, 1272125489, 722421086, 2928541644],
    ],
    [
      [1, 2, 3, 4, 5],
      [231376647, 422103021, 1385689081, 3582854583],
    ],
    [
      [0xffffffff, 0x1fffff, 17, 0x7fffffff, 0xdeadbeef],
      [3568490855, 1164800483, 2189213641, 1732328682],
    ],
  ] as const
  const out = new Uint32Array(4)
  for (const [[w0, w1, w2, w3, w4], expected] of known) {
    murmur3(w0, w1, w2, w3, w4, out)
    t.same([...out], expected)
  }
  t.end()
})

t.test('order does not matter, and everything else does', (t) => {
  const tiles = [
    [5, 2, 100, 0xdeadbeef],
    [2 ** 40 + 7, 3, 7, 1],
    [0, 3, 100, 0xffffffff],
  ] as const
  const of = (list: readonly (readonly [number, number, number, number])[]): string => {
    const digest = new TilesDigest()
    for (const tile of list) digest.add(...tile)
    return digest.hex
  }
  const all = of(tiles)
  t.match(all, /^[0-9a-f]{32}$/)
  t.equal(of([...tiles].reverse()), all)
  t.equal(of([]), '0'.repeat(32))
  for (const field of [0, 1, 2, 3]) {
    const [first, ...rest] = tiles
    const other = [...first] as [number, number, number, number]
    other[field]!++
    t.not(of([other, ...rest]), all, `field ${field}`)
  }
  t.not(of(tiles.slice(1)), all)
  t.end()
})

t.test('types that containers do not keep apart count as one', (t) => {
  const of = (type: number): string => {
    const digest = new TilesDigest()
    digest.add(5, type, 100, 7)
    return digest.hex
  }
  for (const type of [TileType.mvt, TileType.mlt, TileType.rawInt16]) t.equal(of(type), of(TileType.unknown))
  t.not(of(TileType.elevation), of(TileType.unknown))
  t.end()
})

t.test('a run counts as its tiles', (t) => {
  const [run, single] = [new TilesDigest(), new TilesDigest()]
  run.add(10, 3, 5, 9, 4)
  for (let key = 10; key < 14; key++) single.add(key, 3, 5, 9)
  t.equal(run.hex, single.hex)
  t.equal(run.tiles, 4)
  t.end()
})
