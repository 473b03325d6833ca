// One datum, many surveys: the shift is that of the place where the image lies.
import t from 'tap'
import { crsFromText } from '../../src/grid/crs/crs-text.js'
import { crsFromEpsg } from '../../src/grid/crs/epsg.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'
import { crsAt, crsOfImage } from '../../src/grid/place/located.js'

const image = (code: number, x: number, y: number) => ({
  crs: crsFromEpsg(code)!,
  width: 100,
  height: 100,
  geotransform: [x - 50, 1, 0, y + 50, 0, -1] as const,
})

// As PROJ 9.1 without grids has them.
t.test('places on old datums', (t) => {
  const cases: [number, [number, number], [number, number]][] = [
    [23030, [500000, 4400000], [-3.0012815976884, 39.7480356974328]],
    [26712, [500000, 4300000], [-111.000742434571, 38.8506471923331]],
  ]
  const out = new Float64Array(2)
  for (const [code, [x, y], [lon, lat]] of cases) {
    const crs = crsOfImage(image(code, x, y))
    lonLatConverterOf(crs).toLonLat(x, y, out)
    t.ok(Math.hypot(out[0]! - lon, out[1]! - lat) < 1e-8, `EPSG:${code}: ${out}`)
    t.equal(crs.epsg, code)
  }
  const north = crsAt(crsFromEpsg(4230)!, 10, 62).definition
  const south = crsAt(crsFromEpsg(4230)!, -8, 39).definition
  t.not(north, south, 'ED50 in Norway is not ED50 in Portugal')
  t.end()
})

// As PROJ has it for an image: Merchich and Guam 1963 are shifted where an operation was made for the place only.
t.test('places that no shift was made for', (t) => {
  const at = (code: number, lon: number, lat: number): string =>
    crsAt(crsFromEpsg(code)!, lon, lat).definition
  t.match(at(26191, -5, 33), /towgs84=31,146,47/)
  t.notMatch(at(26191, -14, 24), /towgs84/, 'Western Sahara')
  t.match(at(102239, 144.8, 13.5), /towgs84=-100,-248,259/)
  t.notMatch(at(102238, 145.7, 15.2), /towgs84/, 'Saipan')
  t.notMatch(at(4277, 15, 52), /towgs84/, 'OSGB36 in Poland')
  t.match(at(4277, -8.83, 52), /towgs84=446/, 'the rim of an area that is kept rounded')
  t.match(at(4314, 10.5, 47.8), /towgs84/)
  t.equal(crsFromEpsg(4258)!.datum, undefined, 'a frame of the whole world')
  t.end()
})

t.test('what has one shift, or its own, keeps it', (t) => {
  const utm = image(32633, 500000, 5000000)
  t.equal(crsOfImage(utm), utm.crs)
  const own = crsFromText('+proj=utm +zone=30 +ellps=intl +towgs84=1,2,3')
  t.equal(crsAt(own, -3, 40), own)
  const wkt =
    'GEOGCS["ED50",DATUM["European_Datum_1950",SPHEROID["International 1924",6378388,297],TOWGS84[1,2,3,0,0,0,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
  t.equal(crsFromText(wkt).datum, undefined, 'a WKT that says its shift')
  t.equal(crsFromText(wkt.replace(',TOWGS84[1,2,3,0,0,0,0]', '')).datum, 4230, 'one that does not')
  t.end()
})
