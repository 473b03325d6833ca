// Rings of degrees with fewer points, and as GeoJSON (RFC 7946) orders them.
//
// Source: D. Douglas, T. Peucker, "Algorithms for the reduction of the number of points required to represent a
// digitized line", Cartographica 10 (1973). Distances are measured where the point is, with degrees of latitude
// stretched as in web mercator, because the tolerance is that of its pixels.

/** Longitude and latitude of each point, one after another, degrees. The last point is joined to the first. */
export type DegreeRing = Float64Array

/** An outer ring, counterclockwise, and its holes, clockwise. */
export type DegreePolygon = readonly DegreeRing[]

const RADIANS = Math.PI / 180

/** Twice the area, in square degrees; positive when counterclockwise. */
export function signedArea(ring: DegreeRing): number {
  let sum = 0
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    sum +=
      (ring[j]! - ring[0]!) * (ring[i + 1]! - ring[1]!) - (ring[i]! - ring[0]!) * (ring[j + 1]! - ring[1]!)
  }
  return sum
}

/** Whether a place lies inside a ring, by the even-odd rule. */
function ringHolds(ring: DegreeRing, x: number, y: number): boolean {
  let isInside = false
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [yi, yj] = [ring[i + 1]!, ring[j + 1]!]
    if (yi > y === yj > y) continue
    if (x < ring[i]! + ((y - yi) / (yj - yi)) * (ring[j]! - ring[i]!)) isInside = !isInside
  }
  return isInside
}

function reversed(ring: DegreeRing): DegreeRing {
  const to = new Float64Array(ring.length)
  for (let i = 0; i < ring.length; i += 2) {
    to[i] = ring[ring.length - 2 - i]!
    to[i + 1] = ring[ring.length - 1 - i]!
  }
  return to
}

/**
 * The polygons with points left out that are within `tolerance` degrees of longitude of the outline. While more than
 * `most` points are left, the tolerance is raised. Areas and holes smaller than a square of it vanish, except the
 * largest area.
 */
export function simplifyPolygons(
  polygons: readonly DegreePolygon[],
  tolerance: number,
  most: number,
): DegreePolygon[] {
  const largest = indexOfLargest(polygons)
  for (let now = tolerance; ; now *= 1.25) {
    const simple: DegreePolygon[] = []
    for (const [i, [outer, ...holes]] of polygons.entries()) {
      const ring = simplifyRing(outer!, now) ?? (i === largest ? boxOf(outer!) : undefined)
      if (ring === undefined) continue
      simple.push([
        ring,
        ...holes.map((hole) => simplifyRing(hole, now)).filter((hole) => hole !== undefined),
      ])
    }
    const points = simple.reduce((sum, rings) => sum + rings.reduce((n, { length }) => n + length / 2, 0), 0)
    if (points <= most) return simple
  }
}

function indexOfLargest(polygons: readonly DegreePolygon[]): number {
  let largest = 0
  let most = 0
  for (const [i, [outer]] of polygons.entries()) {
    const area = Math.abs(signedArea(outer!))
    if (area <= most) continue
    most = area
    largest = i
  }
  return largest
}

/** The rectangle around a ring, counterclockwise. */
function boxOf(ring: DegreeRing): DegreeRing {
  let [w, e, s, n] = [ring[0]!, ring[0]!, ring[1]!, ring[1]!]
  for (let i = 0; i < ring.length; i += 2) {
    w = Math.min(w, ring[i]!)
    e = Math.max(e, ring[i]!)
    s = Math.min(s, ring[i + 1]!)
    n = Math.max(n, ring[i + 1]!)
  }
  return Float64Array.of(w, s, e, s, e, n, w, n)
}

/** Undefined when less than a square of the tolerance is left. The direction stays. */
function simplifyRing(ring: DegreeRing, tolerance: number): DegreeRing | undefined {
  const kept = keptPoints(ring, tolerance)
  const points: number[] = []
  for (let i = 0; i < kept.length; i++) if (kept[i] === 1) points.push(ring[2 * i]!, ring[2 * i + 1]!)
  if (points.length < 6) return undefined
  const simple = Float64Array.from(points)
  const area = signedArea(simple)
  const square = tolerance * tolerance * Math.cos(simple[1]! * RADIANS)
  return area * signedArea(ring) > 0 && Math.abs(area) >= 2 * square ? simple : undefined
}

function keptPoints(ring: DegreeRing, tolerance: number): Uint8Array {
  const count = ring.length / 2
  const kept = new Uint8Array(count)
  // two points that certainly stay: far from the first one, and far from each other
  const a = farthest(ring, 0)
  const b = farthest(ring, a)
  kept[a] = 1
  kept[b] = 1
  const waiting: [from: number, to: number][] = [
    [a, b],
    [b, a],
  ]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const [from, to] = part
    let worst = -1
    let most = tolerance
    for (let i = (from + 1) % count; i !== to; i = (i + 1) % count) {
      const distance = distanceFrom(ring, i, from, to)
      if (distance <= most) continue
      most = distance
      worst = i
    }
    if (worst < 0) continue
    kept[worst] = 1
    waiting.push([from, worst], [worst, to])
  }
  return kept
}

function farthest(ring: DegreeRing, from: number): number {
  let most = -1
  let found = from
  for (let i = 0; i < ring.length / 2; i++) {
    const distance = Math.hypot(ring[2 * i]! - ring[2 * from]!, ring[2 * i + 1]! - ring[2 * from + 1]!)
    if (distance <= most) continue
    most = distance
    found = i
  }
  return found
}

/** Of a point from the line between two others, in degrees of longitude. */
function distanceFrom(ring: DegreeRing, i: number, from: number, to: number): number {
  const stretch = 1 / Math.max(0.01, Math.cos(ring[2 * i + 1]! * RADIANS))
  const x = ring[2 * i]! - ring[2 * from]!
  const y = (ring[2 * i + 1]! - ring[2 * from + 1]!) * stretch
  const dx = ring[2 * to]! - ring[2 * from]!
  const dy = (ring[2 * to + 1]! - ring[2 * from + 1]!) * stretch
  const length = dx * dx + dy * dy
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, (x * dx + y * dy) / length))
  return Math.hypot(x - t * dx, y - t * dy)
}

/** Orders rings into polygons: each hole belongs to the smallest area around it. Rings may have any direction. */
export function polygonsOf(outers: readonly DegreeRing[], holes: readonly DegreeRing[]): DegreePolygon[] {
  const polygons = outers
    .map((ring) => ({ ring: signedArea(ring) < 0 ? reversed(ring) : ring, holes: [] as DegreeRing[] }))
    .sort((a, b) => signedArea(a.ring) - signedArea(b.ring))
  const boxes = polygons.map(({ ring }) => boxOf(ring))
  for (const hole of holes) {
    const [x, y] = [hole[0]!, hole[1]!]
    const owner = polygons.find(({ ring }, i) => {
      const [west, south, east, , , north] = boxes[i]!
      return x >= west! && x <= east! && y >= south! && y <= north! && ringHolds(ring, x, y)
    })
    owner?.holes.push(signedArea(hole) > 0 ? reversed(hole) : hole)
  }
  return polygons.map(({ ring, holes: own }) => [ring, ...own])
}
