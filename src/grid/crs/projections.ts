// Map projections and their parameters as PROJ strings: the part that GeoTIFF keys, all dialects of WKT, and PROJJSON
// have in common.

/** This project's own names of projections. */
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

/** Degrees and metres. A parameter that was not given is left out. */
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

/** '+proj=… +x_0=… +y_0=…', without datum and units; undefined when a required parameter is missing. */
export function projectionText(method: Method, p: ProjectionParameters): string | undefined {
  const body = BODIES[method](p)
  return body === undefined ? undefined : `${body} +x_0=${p.x0 ?? 0} +y_0=${p.y0 ?? 0}`
}

/** Parameters of most projections: central meridian, origin, and scale at the origin. */
const lon = (p: ProjectionParameters): string => `+lon_0=${p.lon0 ?? 0}`
const centre = (p: ProjectionParameters): string => `+lat_0=${p.lat0 ?? 0} ${lon(p)}`
const scale = (p: ProjectionParameters): string => `+k_0=${p.scale ?? 1}`
/** The scale only where it is given. */
const ownScale = (p: ProjectionParameters): string => (p.scale === undefined ? '' : ` ${scale(p)}`)

type Body = (p: ProjectionParameters) => string | undefined

const byMeridian =
  (name: string): Body =>
  (p) =>
    `+proj=${name} ${lon(p)}`
const byCentre =
  (name: string): Body =>
  (p) =>
    `+proj=${name} ${centre(p)}`
const byScale =
  (name: string): Body =>
  (p) =>
    `+proj=${name} ${centre(p)} ${scale(p)}`
const byTwoParallels =
  (name: string): Body =>
  (p) =>
    p.lat1 === undefined
      ? undefined
      : `+proj=${name} ${centre(p)} +lat_1=${p.lat1} +lat_2=${p.lat2 ?? p.lat1}`
const geostationary =
  (sweep: 'x' | 'y'): Body =>
  (p) =>
    p.height === undefined ? undefined : `+proj=geos ${lon(p)} +h=${p.height} +sweep=${sweep}`

const BODIES: Readonly<Record<Method, Body>> = {
  tmerc: byScale('tmerc'),
  'tmerc-south': byScale('tmerc +axis=wsu'),
  'merc-a': (p) => (near(p.lat0 ?? 0, 0) ? `+proj=merc ${lon(p)} ${scale(p)}` : undefined),
  'merc-b': (p) => `+proj=merc ${lon(p)} +lat_ts=${p.lat1 ?? p.lat0 ?? 0}${p.lat1 ? '' : ownScale(p)}`,
  'web-mercator': byMeridian('webmerc'),
  'lcc-1': (p) => `+proj=lcc ${centre(p)} +lat_1=${p.lat1 ?? p.lat0 ?? 0} ${scale(p)}`,
  'lcc-2': (p) => {
    const body = byTwoParallels('lcc')(p)
    return body === undefined ? undefined : `${body}${ownScale(p)}`
  },
  aea: byTwoParallels('aea'),
  eqdc: byTwoParallels('eqdc'),
  // Esri's and GDAL's 'Stereographic' at a pole is the polar stereographic
  stere: byScale('stere'),
  sterea: byScale('sterea'),
  'polar-a': polar,
  'polar-b': (p) => {
    const parallel = p.lat1 ?? p.lat0 ?? 90
    return `+proj=stere +lat_0=${parallel < 0 ? -90 : 90} +lat_ts=${parallel} ${lon(p)}`
  },
  'omerc-a': (p) => oblique('omerc-a', p),
  'omerc-b': (p) => oblique('omerc-b', p),
  somerc: byScale('somerc'),
  krovak: (p) => krovak('krovak', p),
  'krovak-south': (p) => krovak('krovak-south', p),
  cea: (p) => `+proj=cea ${lon(p)} +lat_ts=${p.lat1 ?? 0}`,
  behrmann: (p) => `+proj=cea ${lon(p)} +lat_ts=${p.lat1 ?? 30}`,
  eqc: (p) => `+proj=eqc ${centre(p)} +lat_ts=${p.lat1 ?? 0}`,
  'ortho-sphere': byCentre('ortho +f=0'),
  bonne: (p) => `+proj=bonne ${lon(p)} +lat_1=${p.lat1 ?? p.lat0 ?? 0}`,
  'geos-x': geostationary('x'),
  'geos-y': geostationary('y'),
  mill: byMeridian('mill +R_A'),
  vandg: byMeridian('vandg +R_A'),
  sinu: byMeridian('sinu'),
  moll: byMeridian('moll'),
  robin: byMeridian('robin'),
  eck6: byMeridian('eck6'),
  eqearth: byMeridian('eqearth'),
  laea: byCentre('laea'),
  aeqd: byCentre('aeqd'),
  cass: byCentre('cass'),
  gnom: byCentre('gnom'),
  ortho: byCentre('ortho'),
  poly: byCentre('poly'),
  nzmg: byCentre('nzmg'),
}

function polar(p: ProjectionParameters): string {
  const pole = (p.lat0 ?? p.lat1 ?? 0) < 0 ? -90 : 90
  // some writers give the parallel of true scale as the latitude of origin, instead of the pole
  const isParallel = Math.abs(Math.abs(p.lat0 ?? 90) - 90) > 1e-9
  return isParallel
    ? `+proj=stere +lat_0=${pole} +lat_ts=${p.lat0} ${lon(p)}`
    : `+proj=stere +lat_0=${pole} ${lon(p)} ${scale(p)}`
}

function oblique(method: 'omerc-a' | 'omerc-b', p: ProjectionParameters): string | undefined {
  if (p.azimuth === undefined) return undefined
  const gamma = p.gamma ?? p.azimuth
  // with an azimuth of 90° at the centre, it is the double projection of the Swiss grid
  if (method === 'omerc-b' && near(p.azimuth, 90) && near(gamma, 90)) return BODIES.somerc(p)
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
