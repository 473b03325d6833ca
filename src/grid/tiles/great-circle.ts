// Lines over a spherical earth: distances, and points along them.
//
// Sources: the haversine formula, R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984), 159;
// intermediate points, E. Williams, "Aviation Formulary" V1.46, "Intermediate points on a great circle". A geodesic on
// the WGS 84 ellipsoid is up to 0.56 % longer or shorter.

/** Mean radius (2a + b)/3 of the GRS 80 ellipsoid, metres: H. Moritz, "Geodetic Reference System 1980". */
export const MEAN_RADIUS = 6371008.8

/** Longitude and latitude, degrees. */
export type LonLat = readonly [lon: number, lat: number]

const RADIANS = Math.PI / 180

/** Central angle between two points, radians, 0…π. */
function angleBetween([lon1, lat1]: LonLat, [lon2, lat2]: LonLat): number {
  const h =
    haversine((lat2 - lat1) * RADIANS) +
    Math.cos(lat1 * RADIANS) * Math.cos(lat2 * RADIANS) * haversine((lon2 - lon1) * RADIANS)
  return 2 * Math.asin(Math.min(1, Math.sqrt(h)))
}

const haversine = (angle: number): number => Math.sin(angle / 2) ** 2

/** Distance along the great circle, metres. */
export function distanceBetween(a: LonLat, b: LonLat): number {
  return MEAN_RADIUS * angleBetween(a, b)
}

/** With angles this close to π (6 m), there is no unique shortest line. */
const ANTIPODAL = 1e-6

/** Whether two points are antipodal, so that no unique great circle joins them. */
export const areOpposite = (a: LonLat, b: LonLat): boolean => angleBetween(a, b) > Math.PI - ANTIPODAL

/** The point at a fraction of the shortest line from a to b; longitude −180…180. The points must not be antipodal. */
export function pointBetween(a: LonLat, b: LonLat, fraction: number): LonLat {
  const angle = angleBetween(a, b)
  if (angle === 0) return a
  const [lon1, lat1, lon2, lat2] = [a[0] * RADIANS, a[1] * RADIANS, b[0] * RADIANS, b[1] * RADIANS]
  const from = Math.sin((1 - fraction) * angle) / Math.sin(angle)
  const to = Math.sin(fraction * angle) / Math.sin(angle)
  const x = from * Math.cos(lat1) * Math.cos(lon1) + to * Math.cos(lat2) * Math.cos(lon2)
  const y = from * Math.cos(lat1) * Math.sin(lon1) + to * Math.cos(lat2) * Math.sin(lon2)
  const z = from * Math.sin(lat1) + to * Math.sin(lat2)
  return [Math.atan2(y, x) / RADIANS, Math.atan2(z, Math.hypot(x, y)) / RADIANS]
}

/** A place along a line of several points. */
export interface Station {
  readonly lonLat: LonLat
  /** Distance from the start along the line, metres. */
  readonly distance: number
}

/** `count` ≥ 2 places at equal distances along a line of two or more points, both ends included. */
export function stationsAlong(line: readonly LonLat[], count: number): Station[] {
  const ends = [0]
  for (let i = 1; i < line.length; i++) ends.push(ends[i - 1]! + distanceBetween(line[i - 1]!, line[i]!))
  const total = ends.at(-1)!
  const stations: Station[] = []
  let segment = 1
  for (let i = 0; i < count; i++) {
    const distance = (total * i) / (count - 1)
    while (segment < line.length - 1 && ends[segment]! < distance) segment++
    const [start, end] = [ends[segment - 1]!, ends[segment]!]
    const fraction = end > start ? Math.min(1, (distance - start) / (end - start)) : 0
    const [a, b] = [line[segment - 1]!, line[segment]!]
    // the ends exactly as given, to the last digit
    const isEnd = i === 0 || i === count - 1
    const lonLat = isEnd ? (i === 0 ? line[0]! : line.at(-1)!) : pointBetween(a, b, fraction)
    stations.push({ lonLat, distance })
  }
  return stations
}
