// Coordinate reference systems by EPSG (and ESRI) code, as PROJ strings for proj4, with the datum shifts that PROJ
// uses without grids (datum-shifts.ts).
import type { Crs } from './crs.js'
import { sameDatum } from './datum-names.js'
import { datumShift, shiftIsLocal } from './datum-shifts.js'
import { type EpsgRow, epsgRow, type GeographicRow, type ProjectedRow } from './epsg-table.js'
import { readProj } from './proj-text.js'

/** Codes of web mercator: 3857, those used before it, and ESRI's. */
const WEB_MERCATOR_CODES: readonly number[] = [3857, 3785, 900913, 102100, 102113]

export const WGS84: Crs = { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' }
export const WEB_MERCATOR: Crs = { epsg: 3857, name: 'EPSG:3857', definition: 'EPSG:3857' }

const cache = new Map<number, Crs | undefined>()

/**
 * The CRS of a code, with easting or longitude first (as in images) and in its own unit. Undefined when the code is
 * unknown or proj4 does not support it (vertical, geocentric, rare projections). Deprecated codes work too. It is exact
 * where the datum is WGS 84 or equal to it within a metre. Otherwise the accuracy is that of the published parameters:
 * 1–5 m in most national systems, 5–20 m for NAD27, ED50, Pulkovo and the like.
 */
export function crsFromEpsg(code: number): Crs | undefined {
  if (code === 4326) return WGS84
  if (WEB_MERCATOR_CODES.includes(code)) return WEB_MERCATOR
  if (!cache.has(code)) cache.set(code, lookUp(code))
  return cache.get(code)
}

/** Metres per unit of height of a vertical system; undefined when the code is not a known vertical system. */
export function verticalMetres(code: number): number | undefined {
  const row = Number.isInteger(code) ? epsgRow(code) : undefined
  return row?.kind === 'vertical' ? row.heightMetres : undefined
}

function lookUp(code: number): Crs | undefined {
  const row = Number.isInteger(code) && code > 0 ? epsgRow(code) : undefined
  if (row === undefined || row.kind === 'vertical') return undefined
  // ESRI's codes lie in ranges that EPSG does not use.
  const isEsri = code >= 100000 || (code >= 53000 && code < 55000) || (code >= 37000 && code < 38000)
  const named = { epsg: isEsri ? undefined : code, name: `${isEsri ? 'ESRI' : 'EPSG'}:${code}` }
  if (row.kind === 'compound') {
    const horizontal = crsFromEpsg(row.horizontal)
    return horizontal && { ...horizontal, ...named, heightMetres: row.heightMetres }
  }
  const found = row.kind === 'geographic' ? geographic(row) : projected(row)
  if (found === undefined || !isKnown(found.definition)) return undefined
  return { ...named, ...found }
}

const isKnown = (definition: string): boolean => {
  try {
    readProj(definition)
    return true
  } catch {
    return false
  }
}

type Found = Pick<Crs, 'definition' | 'datum' | 'heightMetres'>

function geographic(row: GeographicRow): Found {
  const unit = row.degrees === 1 ? '' : ` +to_degree=${row.degrees}`
  const { definition, ...datum } = shifted(`+proj=longlat ${row.figure}`, row, row.centre)
  const height = row.heightMetres === undefined ? {} : { heightMetres: row.heightMetres }
  return { definition: definition + unit, ...datum, ...height }
}

function projected({ base, conversion, unit, axis, centre }: ProjectedRow): Found | undefined {
  if (typeof base === 'string') return { definition: `${conversion} ${base} ${unit}` }
  const row: EpsgRow | undefined = epsgRow(base)
  if (row?.kind !== 'geographic') return undefined
  return shifted(`${conversion}${axis} ${row.figure} ${unit}`, row, centre)
}

/** Adds the shift to WGS 84 for the centre of the area of use. */
function shifted(text: string, row: GeographicRow, centre: GeographicRow['centre']): Found {
  if (text.includes('+datum=WGS84')) return { definition: text }
  const datum = sameDatum(row.datum)
  const [lon, lat] = centre ?? [0, 0]
  const shift = datumShift(datum, lon, lat)
  if (shift === undefined) return { definition: text }
  return { definition: `${text} +towgs84=${shift}`, ...(shiftIsLocal(datum) ? { datum } : {}) }
}
