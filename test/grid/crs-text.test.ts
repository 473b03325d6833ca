// Coordinate systems in all the ways people and files write them; what is not understood is refused, never guessed.
import t from 'tap'
import { crsFromText } from '../../src/grid/crs/crs-text.js'
import { crsFromEpsg } from '../../src/grid/crs/epsg.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'

const at = (text: string, lon: number, lat: number): [number, number] => {
  const out = new Float64Array(2)
  lonLatConverterOf(crsFromText(text)).fromLonLat(lon, lat, out)
  return [out[0]!, out[1]!]
}

const apart = (a: readonly number[], b: readonly number[]): number => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)

t.test('codes', (t) => {
  const utm = [
    'EPSG:25832',
    ' epsg:25832 ',
    '25832',
    'EPSG::25832',
    'urn:ogc:def:crs:EPSG::25832',
    'urn:ogc:def:crs:EPSG:9.9:25832',
    'http://www.opengis.net/def/crs/EPSG/0/25832',
    'https://www.opengis.net/def/crs/EPSG/0/25832',
    '+init=epsg:25832',
  ]
  for (const text of utm) t.equal(crsFromText(text), crsFromEpsg(25832), text)
  t.same(crsFromText('EPSG:25832+5783'), { ...crsFromEpsg(25832), heightMetres: 1 }, 'with heights')
  for (const text of ['OGC:CRS84', 'urn:ogc:def:crs:OGC:1.3:CRS84', 'WGS84']) {
    t.equal(crsFromText(text).epsg, 4326, text)
  }
  t.equal(crsFromText('ESRI:54009').name, 'ESRI:54009')
  t.equal(crsFromText('ESRI:102100').definition, 'EPSG:3857')
  t.end()
})

const ESRI_UTM =
  'PROJCS["NAD_1983_UTM_Zone_17N",GEOGCS["GCS_North_American_1983",DATUM["D_North_American_1983",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-81.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
const ESRI_TEXAS =
  'PROJCS["NAD_1983_StatePlane_Texas_Central_FIPS_4203_Feet",GEOGCS["GCS_North_American_1983",DATUM["D_North_American_1983",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",2296583.333333333],PARAMETER["False_Northing",9842500.0],PARAMETER["Central_Meridian",-100.3333333333333],PARAMETER["Standard_Parallel_1",30.11666666666667],PARAMETER["Standard_Parallel_2",31.88333333333333],PARAMETER["Latitude_Of_Origin",29.66666666666667],UNIT["Foot_US",0.3048006096012192]]'
const GDAL_PARIS =
  'PROJCS["NTF (Paris) / Lambert zone II",GEOGCS["NTF (Paris)",DATUM["Nouvelle_Triangulation_Francaise_Paris",SPHEROID["Clarke 1880 (IGN)",6378249.2,293.4660212936269]],PRIMEM["Paris",2.33722917],UNIT["grad",0.01570796326794897]],PROJECTION["Lambert_Conformal_Conic_1SP"],PARAMETER["latitude_of_origin",52],PARAMETER["central_meridian",0],PARAMETER["scale_factor",0.99987742],PARAMETER["false_easting",600000],PARAMETER["false_northing",2200000],UNIT["metre",1]]'
const WKT2_UTM =
  'PROJCRS["somebody\'s",BASEGEOGCRS["WGS 84",ENSEMBLE["World Geodetic System 1984 ensemble",MEMBER["World Geodetic System 1984 (Transit)"],ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]],ENSEMBLEACCURACY[2.0]],PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]]],CONVERSION["UTM zone 33N",METHOD["Transverse Mercator",ID["EPSG",9807]],PARAMETER["Latitude of natural origin",0,ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8801]],PARAMETER["Longitude of natural origin",15,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["Scale factor at natural origin",0.9996,SCALEUNIT["unity",1]],PARAMETER["False easting",500000,LENGTHUNIT["metre",1]],PARAMETER["False northing",0,LENGTHUNIT["metre",1]]],CS[Cartesian,2],AXIS["(N)",north,ORDER[1],LENGTHUNIT["metre",1]],AXIS["(E)",east,ORDER[2],LENGTHUNIT["metre",1]]]'

t.test('WKT of every dialect is the code it describes', (t) => {
  const cases: [string, number, number, number][] = [
    [ESRI_UTM, 26917, -80.2, 40.1],
    [ESRI_TEXAS, 2277, -99, 31],
    [WKT2_UTM, 32633, 14, 50],
    [`COMPD_CS["a",${ESRI_UTM},VERT_CS["h",VERT_DATUM["x",2005],UNIT["m",1]]]`, 26917, -80.2, 40.1],
    [`COMPOUNDCRS["a",${WKT2_UTM},VERTCRS["h",VDATUM["x"],CS[vertical,1],AXIS["up",up]]]`, 32633, 14, 50],
    [`${ESRI_UTM},VERTCS["h"]`, 26917, -80.2, 40.1],
    [ESRI_UTM.replaceAll('[', '(').replaceAll(']', ')'), 26917, -80.2, 40.1],
    [ESRI_UTM.replaceAll(',', ',\n   '), 26917, -80.2, 40.1],
  ]
  for (const [text, code, lon, lat] of cases) {
    const off = apart(at(text, lon, lat), at(`EPSG:${code}`, lon, lat))
    t.ok(off < 1e-3, `EPSG:${code}: ${off} off`)
  }
  const paris = apart(at(GDAL_PARIS, 3, 46.5), at('EPSG:27572', 3, 46.5))
  t.ok(paris < 1e-2, `grads from Paris: ${paris} off`)
  t.equal(crsFromText(ESRI_UTM).name, 'NAD_1983_UTM_Zone_17N')
  t.end()
})

t.test('a code inside a WKT counts when it means the same map, the text when not', (t) => {
  const coded = (code: number): string => ESRI_UTM.replace(/\]$/, `,AUTHORITY["EPSG","${code}"]]`)
  t.equal(crsFromText(coded(26917)), crsFromEpsg(26917))
  const other = crsFromText(coded(26918))
  t.equal(other.epsg, undefined)
  t.ok(apart(at(coded(26918), -80.2, 40.1), at('EPSG:26917', -80.2, 40.1)) < 1e-3)
  t.end()
})

t.test('shifts that a text brings along', (t) => {
  const own = ESRI_UTM.replace('298.257222101]', '298.257222101],TOWGS84[100,0,0,0,0,0,0]')
  const moved = apart(at(own, -80.2, 40.1), at(ESRI_UTM, -80.2, 40.1))
  t.ok(moved > 50 && moved < 110, `${moved} m`)
  const bound = `BOUNDCRS[SOURCECRS[${WKT2_UTM}],TARGETCRS[${WKT2_UTM}],ABRIDGEDTRANSFORMATION["x",METHOD["Geocentric translations (geog2D domain)",ID["EPSG",9603]],PARAMETER["X-axis translation",100,ID["EPSG",8605]],PARAMETER["Y-axis translation",0,ID["EPSG",8606]],PARAMETER["Z-axis translation",0,ID["EPSG",8607]]]]`
  const by = apart(at(bound, 14, 50), at(WKT2_UTM, 14, 50))
  t.ok(by > 50 && by < 110, `${by} m`)
  t.end()
})

t.test('datums whose shifts go by way of others are known by their names', (t) => {
  const named = (name: string, ellipsoid: string): string =>
    `GEOGCS["${name}",DATUM["D_${name}",SPHEROID["${ellipsoid}]],PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]`
  const cases: [number, string, string, number, number][] = [
    [4197, 'Garoua', 'Clarke_1880_RGS",6378249.145,293.465', 13.5, 9.4],
    [4741, 'Faroe_Datum_1954', 'International_1924",6378388,297', -6.9, 61.9],
    [4677, 'Lao_1993', 'Krasovsky_1940",6378245,298.3', 103.9, 18.2],
    [104126, 'Observatorio_Meteorologico_1965', 'International_1924",6378388,297', 113.6, 22.1],
  ]
  for (const [code, name, ellipsoid, lon, lat] of cases) {
    const text = named(name, ellipsoid)
    t.match(crsFromText(text).definition, /towgs84/, name)
    const off = apart(at(text, lon, lat), at(code > 1e5 ? `ESRI:${code}` : `EPSG:${code}`, lon, lat))
    t.ok(off < 1e-3, `${name}: ${off} off`)
  }
  t.end()
})

t.test('PROJJSON', (t) => {
  const json = {
    type: 'ProjectedCRS',
    name: 'mine',
    base_crs: {
      name: 'ETRS89',
      datum: {
        type: 'GeodeticReferenceFrame',
        name: 'European Terrestrial Reference System 1989',
        ellipsoid: { name: 'GRS 1980', semi_major_axis: 6378137, inverse_flattening: 298.257222101 },
      },
    },
    conversion: {
      name: 'x',
      method: { name: 'Lambert Azimuthal Equal Area' },
      parameters: [
        { name: 'Latitude of natural origin', value: 52, unit: 'degree' },
        { name: 'Longitude of natural origin', value: 10, unit: 'degree' },
        {
          name: 'False easting',
          value: 4321,
          unit: { type: 'LinearUnit', name: 'km', conversion_factor: 1000 },
        },
        { name: 'False northing', value: 3210000, unit: 'metre' },
      ],
    },
    coordinate_system: {
      subtype: 'Cartesian',
      axis: [
        { name: 'Y', direction: 'north', unit: 'metre' },
        { name: 'X', direction: 'east', unit: 'metre' },
      ],
    },
  }
  t.ok(apart(at(JSON.stringify(json), 15, 48), at('EPSG:3035', 15, 48)) < 1e-3)
  t.throws(() => crsFromText('{"type":"ProjectedCRS"}'), { code: 'CRS_UNSUPPORTED' })
  t.end()
})

t.test('what PROJ strings may leave to be guessed', (t) => {
  const near = (a: string, b: string, eps = 1e-6): void => {
    t.ok(apart(at(a, 5, 52), at(b, 5, 52)) < eps, `${a} is ${b}`)
  }
  near('+proj=utm +zone=31', '+proj=utm +zone=31 +ellps=GRS80')
  near('proj=utm zone=31 datum=WGS84', 'EPSG:32631')
  near(
    '+proj=lcc +lat_1=50 +lat_0=50 +lon_0=5 +ellps=intl',
    '+proj=lcc +lat_1=50 +lat_2=50 +lat_0=50 +lon_0=5 +a=6378388 +rf=297',
  )
  near('+proj=laea +lat_0=52d +lon_0=10dE +R=6371000', '+proj=laea +lat_0=52 +lon_0=10 +a=6371000 +b=6371000')
  near('+proj=merc +ellps=WGS72 +units=km', '+proj=merc +a=6378135 +rf=298.26 +to_meter=1000')
  near('+proj=longlat +pm=paris +ellps=intl', '+proj=longlat +pm=2.33722916666667 +ellps=intl', 1e-9)
  near('+proj=webmerc +datum=WGS84', 'EPSG:3857')
  const [w, s] = at('+proj=tmerc +lon_0=19 +axis=wsu +ellps=WGS84', 20, -30)
  t.ok(w < -90000 && s > 3e6, `counted west and south: ${w}, ${s}`)
  const [grads] = at('+proj=longlat +ellps=intl +to_degree=0.9', 9, 45)
  t.ok(Math.abs(grads - 10) < 1e-9, 'grads')
  t.end()
})

t.test('what cannot be computed, or would be guessed, is refused with a sentence', (t) => {
  const texts = [
    'EPSG:999999',
    'nonsense',
    '',
    '{"a":1}',
    'PROJCS["a"',
    `${'['.repeat(1000)}`,
    `${'A['.repeat(5000)}`,
    'VERT_CS["h",VERT_DATUM["x",2005],UNIT["m",1]]',
    'LOCAL_CS["here",UNIT["m",1]]',
    'GEOCCS["x",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["metre",1]]',
    ESRI_UTM.replace('Transverse_Mercator', 'Aitoff'),
    ESRI_UTM.replace('False_Northing', 'False_Nothing'),
    ESRI_UTM.replace('6378137.0', '-1'),
    '+proj=wintri',
    '+proj=utm',
    '+proj=utm +zone=99',
    '+proj=tmerc +ellps=nosuch',
    '+proj=tmerc +datum=nosuch',
    '+proj=tmerc +lon_0=east',
    '+proj=tmerc +towgs84=1,2',
    '+proj=tmerc +nadgrids=conus',
    '+proj=cass +hyperbolic +ellps=intl',
    '+proj=tmerc +units=cubit',
    '+proj=tmerc +pm=atlantis',
    '+proj=tmerc +a=1e400',
    '+proj=pipeline +step +proj=utm +zone=3',
    '+proj=tmerc +axis=xyz',
  ]
  for (const text of texts) {
    t.throws(
      () => crsFromText(text),
      { code: 'CRS_UNSUPPORTED', message: /^The coordinate system.{20}/s },
      text.slice(0, 60),
    )
  }
  t.throws(() => crsFromText(`PROJCS["${'x'.repeat(1e6)}`), { code: 'CRS_UNSUPPORTED' })
  t.end()
})
