// GeoTIFF keys → CRS. The projection parameters are read as libgeotiff reads them: writers disagree about which of
// several keys holds the origin, so all spellings are accepted.
//
// Invariant: keys that do not fully describe a CRS give a problem or nothing, never the part that was understood.
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

/** What the keys describe: a CRS, nothing, or a problem (for a message). */
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
    return { problem: `its CRS, ${found.crs.name}, is not supported${reason(error)}` }
  }
}

/** As in GDAL, only files of GeoTIFF 1.1 have a vertical system. */
function keysHeightMetres(keys: GeoKeys): number | undefined {
  return keys.get(GeoKey.MinorRevision) === 1 ? verticalUnit(keys) : undefined
}

const reason = (error: unknown): string => {
  const said = error instanceof Error ? /not supported: ([^;]*)/.exec(error.message)?.[1] : undefined
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
  // a "user-defined" model: only a text can describe it
  return namedCrs(keys, GeoKey.Citation, GeoKey.ProjectedCitation)
}

/** Esri's programs put a whole WKT into a citation, and so does GDAL for projections without a GeoTIFF code. */
function esriString(keys: GeoKeys): GeoKeyCrs {
  for (const key of [GeoKey.ProjectedCitation, GeoKey.Citation, GeoKey.GeogCitation]) {
    const text = textKey(keys, key)
    const at = text?.indexOf('ESRI PE String = ') ?? -1
    if (text === undefined || at < 0) continue
    // GDAL truncates this citation in projected systems
    if (key === GeoKey.GeogCitation && numberKey(keys, GeoKey.ModelType) === 1) continue
    return fromText(text.slice(at + 'ESRI PE String = '.length).replace(/\|.*$/s, ''))
  }
  return undefined
}

function fromText(text: string): GeoKeyCrs {
  try {
    return { crs: crsFromText(text) }
  } catch (error) {
    return { problem: `its CRS is not supported${reason(error)}` }
  }
}

/** The CRS from citations alone: a WKT, a PROJ string, or an EPSG name. */
function namedCrs(keys: GeoKeys, ...candidates: number[]): GeoKeyCrs {
  for (const key of candidates) {
    const text = textKey(keys, key)
    if (text === undefined) continue
    if (/^(PROJ|GEOG|COMP|BOUND)\w*\s*[[(]/i.test(text) || /^\+proj=/.test(text)) return fromText(text)
    // Erdas Imagine writes several names, 'PCS Name = …|GCS Name = …'
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
  // a name counts only without a projection method: parameters that we do not understand may contradict the name
  const named =
    method === undefined || method === USER_DEFINED
      ? namedCrs(keys, GeoKey.ProjectedCitation, GeoKey.Citation)
      : undefined
  if (named !== undefined) return 'crs' in named ? { crs: withUnits(named.crs, keys) } : named
  return {
    problem: `its CRS is user-defined with parameters that are not supported (method ${method ?? 'missing'})`,
  }
}

/** The datum if its shift depends on the place, for located.ts. */
function locatedDatum(keys: GeoKeys, definition: string): { datum?: number } {
  const code = sameDatum(numberKey(keys, GeoKey.GeographicType) ?? USER_DEFINED)
  return definition.includes('+towgs84=') && shiftIsLocal(code) ? { datum: code } : {}
}

/**
 * Some files have a code and another unit, such as feet. The unit key wins, as in GDAL. False origins stay in metres.
 */
function withUnits(crs: Crs, keys: GeoKeys): Crs {
  if (numberKey(keys, GeoKey.LinearUnits) === undefined || !crs.definition.startsWith('+')) return crs
  const metres = linearUnit(keys)
  const own = unitOf(crs.definition)
  if (own === undefined || Math.abs(metres / own - 1) < 1e-7) return crs
  const definition = crs.definition.replace(/\+(units|to_meter)=\S+/, `+to_meter=${metres}`)
  return { ...crs, epsg: undefined, name: `${crs.name} in units of ${metres} m`, definition }
}
