// Coordinate systems that are given by name only: "WGS 84 / UTM zone 17N", "NAD_1983_UTM_Zone_17N".

import type { Crs } from './crs.js'
import { crsFromEpsg } from './epsg.js'
import { epsgNames } from './epsg-table.js'
import { nameKey } from './projection-names.js'

/** The code before that of zone 1, north and south, by datum. Source: EPSG's numbering. */
const UTM: readonly (readonly [datum: RegExp, north: number, south: number | undefined])[] = [
  [/^(wgs|world geodetic system)?\s*(19)?84\b/, 32600, 32700],
  [/^wgs\s*(19)?72\b/, 32200, 32300],
  [/^nad\s*(19)?83\b|^north american( datum)? 1983/, 26900, undefined],
  [/^nad\s*(19)?27\b|^north american( datum)? 1927/, 26700, undefined],
  [/^etrs\s*(19)?89\b|^euref/, 25800, undefined],
  [/^ed\s*(19)?50\b|^european( datum)? 1950/, 23000, undefined],
  [/^wgs/, 32600, 32700],
]

let byName: ReadonlyMap<string, number> | undefined

/** The CRS of this name; undefined when there is none. */
export function crsFromName(name: string): Crs | undefined {
  const utm = utmOf(name)
  if (utm !== undefined) return utm
  const key = nameKey(name)
  if (key.length < 5 || key.length > 200) return undefined
  byName ??= epsgNames()
  const code = byName.get(key)
  return code === undefined ? undefined : crsFromEpsg(code)
}

function utmOf(name: string): Crs | undefined {
  const text = name
    .toLowerCase()
    .replace(/[_/,|()-]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const found = /^(.*?) ?utm,? ?(?:zone)? ?(\d{1,2}) ?(north|south|[ns])?(?: hemisphere)?$/.exec(text)
  if (found === null) return undefined
  const zone = Number(found[2])
  const isSouth = found[3]?.startsWith('s') ?? false
  const datum = UTM.find(([pattern]) => pattern.test(found[1]!))
  const first = isSouth ? datum?.[2] : datum?.[1]
  return first === undefined || zone < 1 || zone > 60 ? undefined : crsFromEpsg(first + zone)
}
