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

/** A name without case, spaces and marks. */
export const nameKey = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

const METHODS: Readonly<Record<string, Method>> = {
  // EPSG's names (WKT2, PROJJSON)
  transversemercator: 'tmerc',
  transversemercatorsouthorientated: 'tmerc-south',
  transversemercator3d: 'tmerc',
  mercatorvarianta: 'merc-a',
  mercatorvariantb: 'merc-b',
  popularvisualisationpseudomercator: 'web-mercator',
  lambertconicconformal1sp: 'lcc-1',
  lambertconicconformal2sp: 'lcc-2',
  // the Belgian variant's turn of 29.3" is in the published longitudes of origin, as PROJ takes them
  lambertconicconformal2spbelgium: 'lcc-2',
  lambertconicconformal2spmichigan: 'lcc-2',
  albersequalarea: 'aea',
  lambertazimuthalequalarea: 'laea',
  lambertazimuthalequalareaspherical: 'laea',
  obliquestereographic: 'sterea',
  polarstereographicvarianta: 'polar-a',
  polarstereographicvariantb: 'polar-b',
  hotineobliquemercatorvarianta: 'omerc-a',
  hotineobliquemercatorvariantb: 'omerc-b',
  krovaknorthorientated: 'krovak',
  krovak: 'krovak-south',
  cassinisoldner: 'cass',
  americanpolyconic: 'poly',
  lambertcylindricalequalarea: 'cea',
  lambertcylindricalequalareaspherical: 'cea',
  equidistantcylindrical: 'eqc',
  equidistantcylindricalspherical: 'eqc',
  equidistantconic: 'eqdc',
  newzealandmapgrid: 'nzmg',
  modifiedazimuthalequidistant: 'aeqd',
  orthographicspherical: 'ortho-sphere',
  stereographic: 'stere',
  geostationarysatellitesweepx: 'geos-x',
  geostationarysatellitesweepy: 'geos-y',
  // GDAL's (WKT1)
  mercator1sp: 'merc-a',
  mercator2sp: 'merc-b',
  lambertconformalconic1sp: 'lcc-1',
  lambertconformalconic2sp: 'lcc-2',
  albersconicequalarea: 'aea',
  azimuthalequidistant: 'aeqd',
  polarstereographic: 'polar-a',
  hotineobliquemercator: 'omerc-a',
  hotineobliquemercatorazimuthcenter: 'omerc-b',
  swissobliquecylindrical: 'somerc',
  swissobliquemercator: 'somerc',
  equirectangular: 'eqc',
  polyconic: 'poly',
  cylindricalequalarea: 'cea',
  vandergrinten: 'vandg',
  millercylindrical: 'mill',
  mollweide: 'moll',
  robinson: 'robin',
  sinusoidal: 'sinu',
  eckertvi: 'eck6',
  gnomonic: 'gnom',
  orthographic: 'ortho',
  bonne: 'bonne',
  equalearth: 'eqearth',
  geostationarysatellite: 'geos-y',
  // Esri's
  gausskruger: 'tmerc',
  transversemercatorcomplex: 'tmerc',
  lambertconformalconic: 'lcc-2',
  mercator: 'merc-b',
  mercatorauxiliarysphere: 'web-mercator',
  albers: 'aea',
  doublestereographic: 'sterea',
  stereographicnorthpole: 'polar-b',
  stereographicsouthpole: 'polar-b',
  hotineobliquemercatorazimuthnaturalorigin: 'omerc-a',
  rectifiedskeworthomorphicnaturalorigin: 'omerc-a',
  rectifiedskeworthomorphiccenter: 'omerc-b',
  cassini: 'cass',
  platecarree: 'eqc',
  equidistantcylindricalellipsoidal: 'eqc',
  behrmann: 'behrmann',
  vandergrinteni: 'vandg',
}

export const methodOfName = (name: string): Method | undefined => {
  const key = nameKey(name)
  return Object.hasOwn(METHODS, key) ? METHODS[key] : undefined
}

export type ParameterName = keyof ProjectionParameters

const PARAMETERS: Readonly<Record<string, ParameterName | 'ignored'>> = {
  latitudeoforigin: 'lat0',
  latitudeofnaturalorigin: 'lat0',
  latitudeoffalseorigin: 'lat0',
  latitudeofcenter: 'lat0',
  latitudeofcentre: 'lat0',
  latitudeofprojectioncentre: 'lat0',
  centralparallel: 'lat0',
  centralmeridian: 'lon0',
  longitudeoforigin: 'lon0',
  longitudeofnaturalorigin: 'lon0',
  longitudeoffalseorigin: 'lon0',
  longitudeofcenter: 'lon0',
  longitudeofcentre: 'lon0',
  longitudeofprojectioncentre: 'lon0',
  standardparallel1: 'lat1',
  latitudeof1ststandardparallel: 'lat1',
  latitudeofstandardparallel: 'lat1',
  latitudeofpseudostandardparallel: 'lat1',
  pseudostandardparallel1: 'lat1',
  standardparallel2: 'lat2',
  latitudeof2ndstandardparallel: 'lat2',
  scalefactor: 'scale',
  scalefactoratnaturalorigin: 'scale',
  scalefactoroninitialline: 'scale',
  scalefactoratprojectioncentre: 'scale',
  scalefactoronpseudostandardparallel: 'scale',
  ellipsoidscalingfactor: 'scale',
  azimuth: 'azimuth',
  azimuthofinitialline: 'azimuth',
  azimuthatprojectioncentre: 'azimuth',
  colatitudeofconeaxis: 'azimuth',
  rectifiedgridangle: 'gamma',
  anglefromrectifiedtoskewgrid: 'gamma',
  xyplanerotation: 'gamma',
  satelliteheight: 'height',
  height: 'height',
  falseeasting: 'x0',
  eastingatfalseorigin: 'x0',
  eastingatprojectioncentre: 'x0',
  falsenorthing: 'y0',
  northingatfalseorigin: 'y0',
  northingatprojectioncentre: 'y0',
  verticalshift: 'ignored',
  direction: 'ignored',
  auxiliaryspheretype: 'ignored',
  xscale: 'ignored',
  yscale: 'ignored',
}

/** 'ignored': says nothing about places; undefined: not one we know. */
export const parameterOfName = (name: string): ParameterName | 'ignored' | undefined => {
  const key = nameKey(name)
  return Object.hasOwn(PARAMETERS, key) ? PARAMETERS[key] : undefined
}
