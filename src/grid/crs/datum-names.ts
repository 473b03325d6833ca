// Finds geodetic datums by the names used in WKT files, Esri's .prj files and GeoTIFF citations. A name stands for the
// geographic CRS whose shift in datum-shifts.ts applies.
import { NAMES, SAME } from './datum-names-data.js'

/** A name without prefix, case and punctuation: 'D_North_American_1927' → 'northamerican1927'. */
function datumKey(name: string): string {
  return name
    .replace(/^(D|GCS)_/i, '')
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z0-9+]/g, '')
}

let byName: Map<string, number> | undefined

/** EPSG code of the geographic CRS (degrees from Greenwich) for the name of a datum or of a geographic CRS. */
export function geographicOfName(name: string): number | undefined {
  if (byName === undefined) {
    byName = new Map()
    for (const [code, text] of Object.entries(NAMES)) {
      for (const key of text.split(' ')) byName.set(key, Number(code))
    }
  }
  return byName.get(datumKey(name))
}

/**
 * The geographic CRS whose shift applies to `code`: one on the same datum, with another prime meridian, unit or
 * dimension.
 */
export const sameDatum = (code: number): number => SAME[code] ?? code
