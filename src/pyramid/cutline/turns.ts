// Polygons in degrees that cross the antimeridian without being cut there.
//
// GeoJSON lines are straight in degrees (RFC 7946, 3.1.1), so a polygon over the antimeridian should be cut there or
// continue past 180. Many files instead have longitudes that jump from 179 to −179. An outline is taken to mean this if
// an edge is longer than half a turn and only the unwrapped outline runs counterclockwise, as outlines should (3.1.6).

const turnOf = (from: number, to: number): number => 360 * Math.round((from - to) / 360)

/** The rings of a polygon, the outline first. Longitudes are made continuous where a jump was not intended. */
export function ringWithTurns(rings: readonly Float64Array[], isDegrees: boolean): readonly Float64Array[] {
  const [outline, ...holes] = rings
  if (!isDegrees || outline === undefined || !jumps(outline)) return rings
  const continuous = unwrapped(outline)
  if (continuous === undefined || signedArea(outline) > 0 || signedArea(continuous) <= 0) return rings
  const like = middleOf(continuous)
  return [continuous, ...holes.map((hole) => near(unwrapped(hole) ?? hole, like))]
}

function jumps(ring: Float64Array): boolean {
  const n = ring.length
  for (let i = 0; i < n; i += 2) if (Math.abs(ring[i]! - ring[(i + 2) % n]!) > 180) return true
  return false
}

/** Unwraps longitudes, each to within half a turn of the previous one; undefined when the ring then does not close. */
function unwrapped(ring: Float64Array): Float64Array | undefined {
  const found = ring.slice()
  for (let i = 2; i < found.length; i += 2) found[i] = found[i]! + turnOf(found[i - 2]!, found[i]!)
  return Math.abs(found.at(-2)! - found[0]!) > 180 ? undefined : found
}

/** Positive for counterclockwise rings. */
function signedArea(ring: Float64Array): number {
  let sum = 0
  const n = ring.length
  for (let i = 0; i < n; i += 2) {
    sum += ring[i]! * ring[(i + 3) % n]! - ring[(i + 2) % n]! * ring[i + 1]!
  }
  return sum
}

function middleOf(ring: Float64Array): number {
  let west = Number.POSITIVE_INFINITY
  let east = Number.NEGATIVE_INFINITY
  for (let i = 0; i < ring.length; i += 2) {
    west = Math.min(west, ring[i]!)
    east = Math.max(east, ring[i]!)
  }
  return (west + east) / 2
}

function near(ring: Float64Array, like: number): Float64Array {
  const turn = turnOf(like, middleOf(ring))
  return ring.map((value, i) => (i % 2 === 0 ? value + turn : value))
}
