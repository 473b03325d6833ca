// Geodetic datums by the names that WKT files, Esri's .prj files and GeoTIFF citations give them.
// A name stands for the geographic CRS whose shift in datum-shifts.ts it shares.
import { NAMES, SAME } from './datum-names-data.js'

/** A name without its marks: 'D_North_American_1927' → 'northamerican1927'. */
function datumKey(name: string): string {
  return name
    .replace(/^(D|GCS)_/i, '')
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z0-9+]/g, '')
}

let byName: Map<string, number> | undefined

/** EPSG code of the geographic CRS (from Greenwich, in degrees) on a datum or geographic CRS of this name. */
export function geographicOfName(name: string): number | undefined {
  if (byName === undefined) {
    byName = new Map()
    for (const [code, text] of Object.entries(NAMES)) {
      for (const key of text.split(' ')) byName.set(key, Number(code))
    }
  }
  return byName.get(datumKey(name))
}

/** The geographic CRS whose shift serves `code`: another prime meridian, unit or dimension of the same datum. */
export const sameDatum = (code: number): number => SAME[code] ?? code
