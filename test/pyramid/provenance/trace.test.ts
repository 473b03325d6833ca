// Outlines of rasters, and with fewer points: every cell stays on its side.
import t from 'tap'
import {
  type DegreeRing,
  polygonsOf,
  signedArea,
  simplifyPolygons,
} from '../../../src/pyramid/provenance/simplify.js'
import { type Cells, halved, traceRings } from '../../../src/pyramid/provenance/trace.js'
import { randomFrom } from '../../helpers/random.js'

const cellsOf = (rows: readonly string[]): Cells => ({
  width: rows[0]!.length,
  height: rows.length,
  inside: Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0)),
})

/** By the even-odd rule. */
function ringHolds(ring: DegreeRing, x: number, y: number): boolean {
  let isInside = false
  for (let i = 0; i < ring.length; i += 2) {
    const j = (i + 2) % ring.length
    const [u, v, s, w] = [ring[i]!, ring[i + 1]!, ring[j]!, ring[j + 1]!]
    if (v > y !== w > y && x < u + ((y - v) / (w - v)) * (s - u)) isInside = !isInside
  }
  return isInside
}

const holds = (rings: readonly DegreeRing[], x: number, y: number): boolean =>
  rings.filter((ring) => ringHolds(ring, x, y)).length % 2 === 1

/** y upwards, as degrees are. */
const upright = (ring: DegreeRing): DegreeRing => ring.map((value, i) => (i % 2 === 1 ? -value : value))

/** A thousandth of a degree a cell, in polygons. */
function polygonsIn(cells: Cells): DegreeRing[][] {
  const rings = traceRings(cells, 1_000_000)!.map((ring) => upright(ring).map((value) => value / 1000))
  const areas = rings.filter((ring) => signedArea(ring) < 0)
  const holes = rings.filter((ring) => signedArea(ring) > 0)
  return polygonsOf(areas, holes) as DegreeRing[][]
}

const countOf = (polygons: readonly (readonly DegreeRing[])[]): number =>
  polygons.flat().reduce((sum, ring) => sum + ring.length / 2, 0)

t.test('a square, its hole, and a cell that touches it at a corner', (t) => {
  const rings = traceRings(cellsOf(['####.', '#..#.', '####.', '....#']), 100)!
  const lengths = rings.map((ring) => ring.length / 2)
  t.same(lengths, [14, 6, 4])
  const [outer, hole, single] = rings.map(upright) as [DegreeRing, DegreeRing, DegreeRing]
  t.ok(signedArea(outer) < 0 && signedArea(hole) > 0 && signedArea(single) < 0, 'clockwise around areas')
  const found = polygonsOf([outer, single], [hole]).map((one) =>
    one.map((ring) => [ring.length / 2, signedArea(ring) > 0]),
  )
  const small = [[4, true]]
  const large = [
    [14, true],
    [6, false],
  ]
  t.same(found, [small, large], 'as in GeoJSON: areas counterclockwise, holes clockwise')
  t.equal(traceRings(cellsOf(['#.#.#']), 11), undefined, 'no more points than are allowed')
  t.same(traceRings(cellsOf(['...']), 1), [])
  t.end()
})

t.test('each cell of any raster is on its side of the outlines', (t) => {
  const random = randomFrom(3)
  for (let run = 0; run < 300; run++) {
    const [width, height] = [1 + Math.floor(random() * 12), 1 + Math.floor(random() * 9)]
    const share = random()
    const inside = new Uint8Array(width * height).map(() => (random() < share ? 1 : 0))
    const rings = traceRings({ width, height, inside }, 10_000)!
    const isWrong = (is: number, i: number): boolean =>
      holds(rings, (i % width) + 0.5, Math.floor(i / width) + 0.5) !== (is === 1)
    t.notOk([...inside].some(isWrong), `${width} × ${height}: ${inside.join('')}`)
  }
  t.end()
})

t.test('cells are made larger by what most of them are', (t) => {
  const { width, height, inside } = halved(cellsOf(['##..#', '#...#', '#####']))
  t.same([width, height, [...inside].join('')], [3, 2, '101111'])
  t.end()
})

/** Discs, and discs cut out of them. */
function blob(seed: number, side: number): Cells {
  const random = randomFrom(seed)
  const inside = new Uint8Array(side * side)
  for (let disc = 0; disc < 12; disc++) {
    const [x, y, r] = [random() * side, random() * side, (random() * side) / 4]
    for (let i = 0; i < inside.length; i++) {
      const distance = Math.hypot((i % side) + 0.5 - x, Math.floor(i / side) + 0.5 - y)
      if (distance < r) inside[i] = disc % 3 === 2 ? 0 : 1
    }
  }
  return { width: side, height: side, inside }
}

/** Whether all cells within three are alike. */
function isAway({ width, height, inside }: Cells, x: number, y: number): boolean {
  for (let v = y - 3; v <= y + 3; v++) {
    for (let u = x - 3; u <= x + 3; u++) {
      const there = u >= 0 && v >= 0 && u < width && v < height ? inside[v * width + u] : 0
      if (there !== inside[y * width + x]) return false
    }
  }
  return true
}

t.test('few points, and cells away from the edge stay on their side', (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    const cells = blob(seed, 160)
    const polygons = polygonsIn(cells)
    const simple = simplifyPolygons(polygons, 0.001, 200)
    const points = countOf(simple)
    t.ok(points <= 200 && points < countOf(polygons) / 5, `${points} points instead of ${countOf(polygons)}`)
    let wrong = 0
    for (const [i, is] of cells.inside.entries()) {
      const [x, y] = [i % 160, Math.floor(i / 160)]
      if (!isAway(cells, x, y)) continue
      if (holds(simple.flat(), (x + 0.5) / 1000, -(y + 0.5) / 1000) !== (is === 1)) wrong++
    }
    t.equal(wrong, 0, `seed ${seed}: cells on the wrong side`)
  }
  t.end()
})

t.test('noise ends in few points too', (t) => {
  const random = randomFrom(7)
  const inside = new Uint8Array(300 * 300).map(() => (random() < 0.6 ? 1 : 0))
  const points = countOf(simplifyPolygons(polygonsIn({ width: 300, height: 300, inside }), 0.001, 40))
  t.ok(points >= 4 && points <= 40, `${points} points`)
  const speck = [Float64Array.of(0, 0, 1e-9, 0, 1e-9, 1e-9)]
  t.equal(countOf(simplifyPolygons([speck], 1, 100)), 4, 'the largest area never vanishes')
  t.end()
})
