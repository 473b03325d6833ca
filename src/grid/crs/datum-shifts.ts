// Datum shifts to WGS 84 for geographic CRSs, for use without grids: what PROJ falls back to when it has none.
import { SHIFTS } from './datum-shifts-data.js'

/** `towgs84` parameters for the geographic CRS `code` at a place (`lat` NaN: anywhere north or south), or undefined when none is known. */
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

/** Is any shift known? */
export const hasShift = (code: number): boolean => SHIFTS[code] !== undefined

/** As `datumShift`, and undefined also where no operation is made for the place: PROJ takes coordinates as they are there. */
export function datumShiftAt(code: number, lon: number, lat: number): string | undefined {
  const made = SHIFTS[code]?.split('; ').some((part) => holds(widened(parse(part)), lon, lat))
  return made ? datumShift(code, lon, lat) : undefined
}

/** Does it depend on the place whether there is a shift, or which? */
export const shiftIsLocal = (code: number): boolean =>
  SHIFTS[code] !== undefined && (shiftsDiffer(code) || !SHIFTS[code].includes(' -180 -90 180 90 '))

/** Are there several shifts, for several places? */
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
    // Across the antimeridian.
    east: Number(east) < Number(west) ? Number(east) + 360 : Number(east),
    north: Number(north),
    parameters: parameters!,
  }
}

/** Areas are kept rounded to a tenth of a degree. */
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

/** PROJ's order: made for this place, then accurate, then made for a small area; elsewhere for a large one. */
function isBetter(a: Operation, b: Operation, lon: number, lat: number): boolean {
  const inA = holds(a, lon, lat)
  if (inA !== holds(b, lon, lat)) return inA
  if (!inA) return extent(a) > extent(b)
  return a.accuracy === b.accuracy ? extent(a) < extent(b) : a.accuracy < b.accuracy
}
