// Datum shifts to WGS 84 for geographic CRSs, without grids: those that PROJ falls back to when it has no grids.
import { SHIFTS } from './datum-shifts-data.js'

/**
 * The `towgs84` parameters of the geographic CRS `code` at a place, in degrees. A `lat` of NaN means any latitude.
 * Undefined when no shift is known.
 */
export function datumShift(code: number, lon: number, lat: number): string | undefined {
  const text = SHIFTS[code]
  if (text === undefined) return undefined
  let best: Operation | undefined
  for (const part of text.split('; ')) {
    const operation = parse(part)
    if (best === undefined || isBetter(operation, best, lon, lat)) best = operation
  }
  return best?.parameters
}

/** Whether any shift is known. */
export const hasShift = (code: number): boolean => SHIFTS[code] !== undefined

/** As `datumShift`, but also undefined where no operation covers the place: PROJ leaves coordinates unshifted there. */
export function datumShiftAt(code: number, lon: number, lat: number): string | undefined {
  const made = SHIFTS[code]?.split('; ').some((part) => holds(widened(parse(part)), lon, lat))
  return made ? datumShift(code, lon, lat) : undefined
}

/** Whether the place decides if there is a shift, or which one applies. */
export const shiftIsLocal = (code: number): boolean =>
  SHIFTS[code] !== undefined && (shiftsDiffer(code) || !SHIFTS[code].includes(' -180 -90 180 90 '))

/** Whether there are several shifts for different places. */
export const shiftsDiffer = (code: number): boolean => SHIFTS[code]?.includes(';') ?? false

interface Operation {
  readonly accuracy: number
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
  readonly parameters: string
}

function parse(part: string): Operation {
  const [accuracy, west, south, east, north, parameters] = part.split(' ')
  return {
    accuracy: Number(accuracy),
    west: Number(west),
    south: Number(south),
    // the area crosses the antimeridian
    east: Number(east) < Number(west) ? Number(east) + 360 : Number(east),
    north: Number(north),
    parameters: parameters!,
  }
}

/** The stored areas are rounded to a tenth of a degree. */
const widened = (o: Operation): Operation => ({
  ...o,
  west: o.west - 0.05,
  south: o.south - 0.05,
  east: o.east + 0.05,
  north: o.north + 0.05,
})

const holds = (o: Operation, lon: number, lat: number): boolean =>
  !(lat < o.south || lat > o.north) && ((lon >= o.west && lon <= o.east) || lon + 360 <= o.east)

const extent = (o: Operation): number => (o.east - o.west) * (o.north - o.south)

/**
 * PROJ's order: operations for this place first, then the more accurate, then those for a smaller area (or, away from
 * all areas, for a larger one).
 */
function isBetter(a: Operation, b: Operation, lon: number, lat: number): boolean {
  const inA = holds(a, lon, lat)
  if (inA !== holds(b, lon, lat)) return inA
  if (!inA) return extent(a) > extent(b)
  return a.accuracy === b.accuracy ? extent(a) < extent(b) : a.accuracy < b.accuracy
}
