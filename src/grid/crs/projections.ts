// Map projections by the names that GDAL, Esri and EPSG give them, with their parameters, as PROJ strings.
// What GeoTIFF keys, WKT of any dialect and PROJJSON have in common.

/** Of the whole project: how a projection is called here. */
export type Method =
  | 'tmerc'
  | 'tmerc-south'
  | 'merc-a'
  | 'merc-b'
  | 'web-mercator'
  | 'lcc-1'
  | 'lcc-2'
  | 'aea'
  | 'laea'
  | 'aeqd'
  | 'stere'
  | 'sterea'
  | 'polar-a'
  | 'polar-b'
  | 'omerc-a'
  | 'omerc-b'
  | 'somerc'
  | 'krovak'
  | 'krovak-south'
  | 'cass'
  | 'gnom'
  | 'ortho'
  | 'ortho-sphere'
  | 'cea'
  | 'behrmann'
  | 'eqc'
  | 'eqdc'
  | 'poly'
  | 'nzmg'
  | 'mill'
  | 'sinu'
  | 'moll'
  | 'robin'
  | 'eck6'
  | 'vandg'
  | 'eqearth'
  | 'bonne'
  | 'geos-x'
  | 'geos-y'

/** Degrees and metres. Left out: not said. */
export interface ProjectionParameters {
  readonly lat0?: number
  readonly lon0?: number
  readonly lat1?: number
  readonly lat2?: number
  readonly scale?: number
  readonly azimuth?: number
  readonly gamma?: number
  readonly height?: number
  readonly x0?: number
  readonly y0?: number
}

const near = (a: number | undefined, b: number): boolean => a !== undefined && Math.abs(a - b) < 1e-7

/** '+proj=… +x_0=… +y_0=…', without datum and units; undefined when a parameter it cannot do without is missing. */
export function projectionText(method: Method, p: ProjectionParameters): string | undefined {
  const body = bodyOf(method, p)
  return body === undefined ? undefined : `${body} +x_0=${p.x0 ?? 0} +y_0=${p.y0 ?? 0}`
}

function bodyOf(method: Method, p: ProjectionParameters): string | undefined {
  const lon = `+lon_0=${p.lon0 ?? 0}`
  const centre = `+lat_0=${p.lat0 ?? 0} ${lon}`
  const scale = `+k_0=${p.scale ?? 1}`
  const pole = (p.lat0 ?? p.lat1 ?? 0) < 0 ? -90 : 90
  switch (method) {
    case 'tmerc':
    case 'sterea':
      return `+proj=${method} ${centre} ${scale}`
    case 'tmerc-south':
      return `+proj=tmerc +axis=wsu ${centre} ${scale}`
    case 'merc-a':
      return near(p.lat0, 0) || p.lat0 === undefined ? `+proj=merc ${lon} ${scale}` : undefined
    case 'merc-b':
      return `+proj=merc ${lon} +lat_ts=${p.lat1 ?? p.lat0 ?? 0}${p.scale === undefined || p.lat1 ? '' : ` ${scale}`}`
    case 'web-mercator':
      return `+proj=webmerc ${lon}`
    case 'lcc-1':
      return `+proj=lcc ${centre} +lat_1=${p.lat1 ?? p.lat0 ?? 0} ${scale}`
    case 'lcc-2':
      if (p.lat1 === undefined) return undefined
      return `+proj=lcc ${centre} +lat_1=${p.lat1} +lat_2=${p.lat2 ?? p.lat1}${p.scale === undefined ? '' : ` ${scale}`}`
    case 'aea':
    case 'eqdc':
      if (p.lat1 === undefined) return undefined
      return `+proj=${method} ${centre} +lat_1=${p.lat1} +lat_2=${p.lat2 ?? p.lat1}`
    case 'stere':
      // Esri's and GDAL's 'Stereographic' at a pole is the polar one
      return `+proj=stere ${centre} ${scale}`
    case 'polar-a':
      // some writers put the parallel of true scale where the pole belongs
      if (Math.abs(Math.abs(p.lat0 ?? 90) - 90) > 1e-9)
        return `+proj=stere +lat_0=${pole} +lat_ts=${p.lat0} ${lon}`
      return `+proj=stere +lat_0=${pole} ${lon} ${scale}`
    case 'polar-b':
      return `+proj=stere +lat_0=${(p.lat1 ?? p.lat0 ?? 90) < 0 ? -90 : 90} +lat_ts=${p.lat1 ?? p.lat0 ?? 90} ${lon}`
    case 'omerc-a':
    case 'omerc-b':
      return oblique(method, p)
    case 'somerc':
      return `+proj=somerc ${centre} ${scale}`
    case 'krovak':
    case 'krovak-south':
      return krovak(method, p)
    case 'cea':
      return `+proj=cea ${lon} +lat_ts=${p.lat1 ?? 0}`
    case 'behrmann':
      return `+proj=cea ${lon} +lat_ts=${p.lat1 ?? 30}`
    case 'eqc':
      return `+proj=eqc ${centre} +lat_ts=${p.lat1 ?? 0}`
    case 'ortho-sphere':
      return `+proj=ortho +f=0 ${centre}`
    case 'bonne':
      return `+proj=bonne ${lon} +lat_1=${p.lat1 ?? p.lat0 ?? 0}`
    case 'geos-x':
    case 'geos-y':
      return p.height === undefined ? undefined : `+proj=geos ${lon} +h=${p.height} +sweep=${method.at(-1)}`
    case 'mill':
      return `+proj=mill +R_A ${lon}`
    case 'vandg':
      return `+proj=vandg +R_A ${lon}`
    case 'sinu':
    case 'moll':
    case 'robin':
    case 'eck6':
    case 'eqearth':
      return `+proj=${method} ${lon}`
    default:
      return `+proj=${method} ${centre}`
  }
}

function oblique(method: 'omerc-a' | 'omerc-b', p: ProjectionParameters): string | undefined {
  if (p.azimuth === undefined) return undefined
  const gamma = p.gamma ?? p.azimuth
  // azimuth 90 at the centre is the Swiss grid's double projection
  if (method === 'omerc-b' && near(p.azimuth, 90) && near(gamma, 90)) return bodyOf('somerc', p)
  const place = `+lat_0=${p.lat0 ?? 0} +lonc=${p.lon0 ?? 0} +alpha=${p.azimuth} +gamma=${gamma}`
  return `+proj=omerc ${place} +k_0=${p.scale ?? 1}${method === 'omerc-a' ? ' +no_uoff' : ''}`
}

function krovak(method: 'krovak' | 'krovak-south', p: ProjectionParameters): string | undefined {
  if (p.lat1 !== undefined && !near(p.lat1, 78.5)) return undefined
  const cone = `+lat_0=${p.lat0 ?? 49.5} +lon_0=${p.lon0 ?? 24.8333333333333}`
  const alpha = p.azimuth === undefined ? '' : ` +alpha=${p.azimuth}`
  const axes = method === 'krovak-south' ? ' +axis=swu' : ''
  return `+proj=krovak${axes} ${cone}${alpha} +k_0=${p.scale ?? 0.9999}`
}
