// Great circles against vectors: the same sphere by another formula.
import fc from 'fast-check'
import t from 'tap'
import {
  areOpposite,
  distanceBetween,
  type LonLat,
  MEAN_RADIUS,
  pointBetween,
  stationsAlong,
} from '../../src/grid/tiles/great-circle.js'

type Vector = [number, number, number]
const vectorOf = ([lon, lat]: LonLat): Vector => {
  const [l, p] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180]
  return [Math.cos(p) * Math.cos(l), Math.cos(p) * Math.sin(l), Math.sin(p)]
}
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
]
/** atan2 of sine and cosine: exact for small and for large angles. */
const angleOf = (a: LonLat, b: LonLat): number => {
  const [u, v] = [vectorOf(a), vectorOf(b)]
  return Math.atan2(Math.hypot(...cross(u, v)), dot(u, v))
}

const lonLat = fc.tuple(
  fc.double({ min: -180, max: 180, noNaN: true }),
  fc.double({ min: -90, max: 90, noNaN: true }),
)

t.test('distances', async (t) => {
  fc.assert(
    fc.property(lonLat, lonLat, (a, b) => {
      const wanted = MEAN_RADIUS * angleOf(a, b)
      // haversines lose digits near the antipode
      return Math.abs(distanceBetween(a, b) - wanted) < (wanted > 19_900_000 ? 0.5 : 1e-6 * wanted + 1e-6)
    }),
  )

  t.ok(Math.abs(distanceBetween([13.4, 52.5], [139.7, 35.7]) - byCosines(13.4, 52.5, 139.7, 35.7)) < 0.001)
  t.equal(distanceBetween([1, 2], [1, 2]), 0)
  t.ok(Math.abs(distanceBetween([0, 0], [0, 90]) - (Math.PI / 2) * MEAN_RADIUS) < 1e-6)
  t.ok(Math.abs(distanceBetween([179.5, 0], [-179.5, 0]) - (Math.PI / 180) * MEAN_RADIUS) < 1e-6, 'over 180°')
})

/** The spherical law of cosines. */
function byCosines(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const [p, q, d] = [lat1, lat2, lon2 - lon1].map((x) => (x * Math.PI) / 180) as Vector
  return MEAN_RADIUS * Math.acos(Math.sin(p) * Math.sin(q) + Math.cos(p) * Math.cos(q) * Math.cos(d))
}

t.test('points between', async (t) => {
  fc.assert(
    fc.property(lonLat, lonLat, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, fraction) => {
      if (areOpposite(a, b)) return true
      const point = pointBetween(a, b, fraction)
      const whole = angleOf(a, b)
      const tolerance = 1e-9 + 1e-14 / Math.max(1e-9, Math.PI - whole)
      return (
        Math.abs(angleOf(a, point) - fraction * whole) < tolerance &&
        Math.abs(angleOf(point, b) - (1 - fraction) * whole) < tolerance
      )
    }),
  )
  t.strictSame(pointBetween([5, 6], [5, 6], 0.5), [5, 6])
  t.ok(areOpposite([10, 20], [-170, -20]))
  t.notOk(areOpposite([10, 20], [-170, -19]))
})

t.test('stations', async (t) => {
  const line: LonLat[] = [
    [170, -10],
    [-175, 5],
    [-175, 5],
    [-160, 30],
  ]
  const stations = stationsAlong(line, 101)
  const total = distanceBetween(line[0]!, line[1]!) + distanceBetween(line[2]!, line[3]!)
  t.equal(stations.length, 101)
  t.strictSame(stations[0], { lonLat: line[0], distance: 0 })
  t.strictSame(stations[100]!.lonLat, line[3], 'the end is what was given')
  t.ok(Math.abs(stations[100]!.distance - total) < 1e-6)
  const corner = distanceBetween(line[0]!, line[1]!)
  for (let i = 1; i < stations.length; i++) {
    const [a, b] = [stations[i - 1]!, stations[i]!]
    const step = MEAN_RADIUS * angleOf(a.lonLat, b.lonLat)
    const isAtCorner = a.distance < corner && corner < b.distance
    if (isAtCorner ? step > total / 100 : Math.abs(step - total / 100) > 0.01) t.fail(`step ${i}: ${step}`)
  }
  const still = stationsAlong(
    [
      [1, 2],
      [1, 2],
    ],
    3,
  )
  t.strictSame(
    still.map(({ distance, lonLat }) => [distance, ...lonLat]),
    [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ],
    'a line without length',
  )
  const two = stationsAlong(line, 2)
  t.strictSame(
    two.map(({ lonLat }) => lonLat),
    [line[0], line[3]],
  )
})
