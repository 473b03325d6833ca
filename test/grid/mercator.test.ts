// Web mercator against published numbers, and its inverses against each other.
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  boundsFromLonLat,
  boundsToLonLat,
  EARTH_RADIUS,
  LIMIT_LATITUDE,
  LIMIT_METRES,
  latToMetres,
  lonLatToTile,
  lonToMetres,
  metresToLat,
  metresToLon,
  metresToPixelX,
  metresToPixelY,
  pixelToMetresX,
  pixelToMetresY,
  resolution,
  tileBounds,
  tileBoundsLonLat,
} from '../../src/grid/tiles/mercator.js'

const near = (t: Test, a: number, b: number, eps: number, what: string): boolean =>
  t.ok(Math.abs(a - b) <= eps, `${what}: ${a} is ${b}`)

t.test('constants are those everybody uses', async (t) => {
  t.equal(LIMIT_METRES, 20037508.342789244)
  t.equal(EARTH_RADIUS, 6378137)
  near(t, LIMIT_LATITUDE, 85.0511287798066, 1e-13, 'limit latitude')
  near(t, resolution(0), 156543.03392804097, 1e-9, 'OGC 17-083r2 GoogleMapsCompatible, zoom 0')
  near(t, resolution(18), 0.5971642834779395, 1e-15, 'zoom 18')
  t.equal(resolution(3, 512), resolution(4, 256))
})

t.test('known places', async (t) => {
  // EPSG Guidance Note 7-2, the worked example of method 1024
  const lon = -(100 + 20 / 60)
  const lat = 24 + 22 / 60 + 54.433 / 3600
  near(t, lonToMetres(lon), -11169055.58, 0.005, 'easting')
  near(t, latToMetres(lat), 2800000.0, 0.005, 'northing')
  t.same(lonLatToTile(13.4, 52.5, 10), [550, 335])
  t.same(lonLatToTile(-180, 85.06, 5), [0, 0])
  t.same(lonLatToTile(180, -90, 5), [31, 31])
  t.equal(latToMetres(0), 0)
  near(t, latToMetres(LIMIT_LATITUDE), LIMIT_METRES, 1e-6, 'the square ends at the limit')
})

t.test('tiles tile the world', async (t) => {
  const b = tileBounds(1, 0, 0)
  t.same(b, { west: -LIMIT_METRES, south: 0, east: 0, north: LIMIT_METRES })
  t.equal(tileBounds(7, 12, 30).east, tileBounds(7, 13, 30).west)
  for (let z = 0; z <= 26; z++) {
    const { west, south, north } = tileBoundsLonLat(z, 0, 0)
    t.same(
      [west, tileBoundsLonLat(z, 2 ** z - 1, 0).east],
      [-180, 180],
      `zoom ${z} ends at the antimeridian exactly`,
    )
    t.ok(north <= 90 && south < north)
  }
  t.match(tileBoundsLonLat(4, 8, 7), { west: 0, east: 22.5 })
  t.equal(tileBoundsLonLat(4, 11, 7).east, 90)
  const d = tileBoundsLonLat(1, 1, 0)
  t.equal(d.west, 0)
  near(t, d.north, LIMIT_LATITUDE, 1e-12, 'north')
  const back = boundsFromLonLat(boundsToLonLat(tileBounds(9, 100, 200)))
  near(t, back.north, tileBounds(9, 100, 200).north, 1e-6, 'there and back')
  t.ok(boundsFromLonLat({ west: 0, south: -90, east: 1, north: 90 }).north <= LIMIT_METRES * (1 + 1e-12))
})

t.test('inverses', async (t) => {
  const zoom = fc.integer({ min: 0, max: 26 })
  fc.assert(
    fc.property(
      fc.double({ min: -400, max: 400, noNaN: true }),
      fc.double({ min: -89, max: 89, noNaN: true }),
      zoom,
      (lon, lat, z) => {
        const x = lonToMetres(lon)
        const y = latToMetres(lat)
        return (
          Math.abs(metresToLon(x) - lon) < 1e-11 &&
          Math.abs(metresToLat(y) - lat) < 1e-11 &&
          Math.abs(pixelToMetresX(metresToPixelX(x, z), z) - x) < 1e-7 &&
          Math.abs(pixelToMetresY(metresToPixelY(y, z, 512), z, 512) - y) < 1e-7
        )
      },
    ),
  )
  t.pass('round trips')
})
