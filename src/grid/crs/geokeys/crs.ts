// GeoTIFF keys → CRS, with the projection parameters as libgeotiff reads them (writers disagree about which of
// several keys holds the origin, so all spellings are accepted).
//
// Invariant: keys that do not say a CRS in full give a problem or nothing, never the part that is understood.
import type { Crs } from '../crs.js'
import { crsFromName } from '../crs-name.js'
import { crsFromText } from '../crs-text.js'
import { sameDatum } from '../datum-names.js'
import { shiftIsLocal } from '../datum-shifts.js'
import { crsFromEpsg } from '../epsg.js'
import { lonLatConverterOf } from '../transform.js'
import { datumOf } from './datum.js'
import { GeoKey, type GeoKeys, numberKey, textKey, USER_DEFINED } from './geokeys.js'
import { projectionOf } from './projection.js'
import { angularUnit, linearUnit, unitOf, units, verticalUnit } from './units.js'

/** What came of the keys: a CRS, nothing said, or a reason why not (for a message). */
export type GeoKeyCrs = { readonly crs: Crs } | { readonly problem: string } | undefined

/** The CRS that the keys describe. */
export function crsFromGeoKeys(keys: GeoKeys): GeoKeyCrs {
  const found = describedCrs(keys)
  if (found === undefined || !('crs' in found)) return found
  try {
    lonLatConverterOf(found.crs)
    const metres = keysHeightMetres(keys)
    return metres === undefined ? found : { crs: { ...found.crs, heightMetres: metres } }
  } catch (error) {
    return { problem: `its CRS, ${found.crs.name}, cannot be computed${reason(error)}` }
  }
}

/** As GDAL, which looks at the vertical system of files of GeoTIFF 1.1 only. */
function keysHeightMetres(keys: GeoKeys): number | undefined {
  return keys.get(GeoKey.MinorRevision) === 1 ? verticalUnit(keys) : undefined
}

const reason = (error: unknown): string => {
  const said = error instanceof Error ? /computed: ([^;]*)/.exec(error.message)?.[1] : undefined
  return said === undefined ? '' : ` (${said})`
}

function describedCrs(keys: GeoKeys): GeoKeyCrs {
  const esri = esriString(keys)
  if (esri !== undefined) return esri
  const model = numberKey(keys, GeoKey.ModelType)
  const projected = numberKey(keys, GeoKey.ProjectedType)
  if (model === 1 || (model === undefined && projected !== undefined)) return projectedCrs(keys, projected)
  if (model === 3) return { problem: 'its CRS is geocentric' }
  const geographic = numberKey(keys, GeoKey.GeographicType)
  if (model === 2 || (model === undefined && geographic !== undefined)) return geographicCrs(keys, geographic)
  // "user-defined" model: what a text says, or nothing
  return namedCrs(keys, GeoKey.Citation, GeoKey.ProjectedCitation)
}

/** Esri's programs, and GDAL for projections that GeoTIFF has no code for, put a whole WKT into a citation. */
function esriString(keys: GeoKeys): GeoKeyCrs {
  for (const key of [GeoKey.ProjectedCitation, GeoKey.Citation, GeoKey.GeogCitation]) {
    const text = textKey(keys, key)
    const at = text?.indexOf('ESRI PE String = ') ?? -1
    if (text === undefined || at < 0) continue
    // GDAL shortens geographic ones of projected systems
    if (key === GeoKey.GeogCitation && numberKey(keys, GeoKey.ModelType) === 1) continue
    return fromText(text.slice(at + 'ESRI PE String = '.length).replace(/\|.*$/s, ''))
  }
  return undefined
}

function fromText(text: string): GeoKeyCrs {
  try {
    return { crs: crsFromText(text) }
  } catch (error) {
    return { problem: `its CRS cannot be computed${reason(error)}` }
  }
}

/** From citations alone: a WKT, a PROJ string, or a name that EPSG knows. */
function namedCrs(keys: GeoKeys, ...candidates: number[]): GeoKeyCrs {
  for (const key of candidates) {
    const text = textKey(keys, key)
    if (text === undefined) continue
    if (/^(PROJ|GEOG|COMP|BOUND)\w*\s*[[(]/i.test(text) || /^\+proj=/.test(text)) return fromText(text)
    // Imagine writes several, 'PCS Name = …|GCS Name = …'
    const names = text.split(/[|\n]/).map((part) => part.replace(/^.*?\b(PCS |Projection )?Name\s*=\s*/i, ''))
    for (const name of names) {
      const crs = crsFromName(name.trim())
      if (crs !== undefined) return { crs }
    }
  }
  return undefined
}

function geographicCrs(keys: GeoKeys, code: number | undefined): GeoKeyCrs {
  if (code !== undefined && code !== USER_DEFINED) {
    const crs = crsFromEpsg(code)
    return crs === undefined ? { problem: `its CRS, EPSG:${code}, is not supported` } : { crs }
  }
  const datum = datumOf(keys, undefined)
  const named = datum === undefined ? namedCrs(keys, GeoKey.GeogCitation, GeoKey.Citation) : undefined
  if (named !== undefined) return named
  if (datum === undefined) return { problem: 'the datum of its CRS is not supported' }
  const name = textKey(keys, GeoKey.GeogCitation, GeoKey.Citation) ?? 'user-defined geographic CRS'
  const degrees = angularUnit(keys)
  const unit = degrees === 1 ? '' : ` +to_degree=${degrees}`
  const definition = `+proj=longlat ${datum}${unit} +no_defs`
  return { crs: { epsg: undefined, name, definition, ...locatedDatum(keys, definition) } }
}

function projectedCrs(keys: GeoKeys, code: number | undefined): GeoKeyCrs {
  const known = code !== undefined && code !== USER_DEFINED ? crsFromEpsg(code) : undefined
  if (known !== undefined) return { crs: withUnits(known, keys) }
  const projection = projectionOf(keys)
  const datum = datumOf(keys, projection?.place)
  if (projection !== undefined && datum !== undefined) {
    const name = textKey(keys, GeoKey.ProjectedCitation, GeoKey.Citation) ?? 'user-defined projected CRS'
    const definition = `${projection.text} ${datum} ${units(keys)} +no_defs`
    return { crs: { epsg: undefined, name, definition, ...locatedDatum(keys, definition) } }
  }
  if (code !== undefined && code !== USER_DEFINED) {
    return { problem: `its CRS, EPSG:${code}, is not supported` }
  }
  const method = numberKey(keys, GeoKey.Method) ?? numberKey(keys, GeoKey.Projection)
  // a name counts where there is nothing else; parameters that are not understood may say something else
  const named =
    method === undefined || method === USER_DEFINED
      ? namedCrs(keys, GeoKey.ProjectedCitation, GeoKey.Citation)
      : undefined
  if (named !== undefined) return 'crs' in named ? { crs: withUnits(named.crs, keys) } : named
  return {
    problem: `its CRS is user-defined with parameters that are not supported (method ${method ?? 'missing'})`,
  }
}

/** The datum when its shift depends on the place, for located.ts. */
function locatedDatum(keys: GeoKeys, definition: string): { datum?: number } {
  const code = sameDatum(numberKey(keys, GeoKey.GeographicType) ?? USER_DEFINED)
  return definition.includes('+towgs84=') && shiftIsLocal(code) ? { datum: code } : {}
}

/** Some files say "this code, but in feet": the unit key wins, as in GDAL. False origins stay in metres. */
function withUnits(crs: Crs, keys: GeoKeys): Crs {
  if (numberKey(keys, GeoKey.LinearUnits) === undefined || !crs.definition.startsWith('+')) return crs
  const metres = linearUnit(keys)
  const own = unitOf(crs.definition)
  if (own === undefined || Math.abs(metres / own - 1) < 1e-7) return crs
  const definition = crs.definition.replace(/\+(units|to_meter)=\S+/, `+to_meter=${metres}`)
  return { ...crs, epsg: undefined, name: `${crs.name} in units of ${metres} m`, definition }
}
