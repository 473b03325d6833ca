// Transforms: our closed forms equal proj4's, known places, and the edges of domains.

import fc from 'fast-check'
import proj4 from 'proj4'
import t, { type Test } from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import type { Crs } from '../../src/grid/crs/crs.js'
import { WEB_MERCATOR } from '../../src/grid/crs/epsg.js'
import { lonLatConverterOf, transformer } from '../../src/grid/crs/transform.js'

const crs = (definition: string, epsg?: number): Crs => ({ epsg, name: definition, definition })
const UTM17 = crs('+proj=utm +zone=17 +datum=NAD83 +units=m +no_defs', 26917)
const WGS84 = crs('EPSG:4326', 4326)

function close(t: Test, got: Float64Array, x: number, y: number, eps: number, what: string): void {
  const good = Math.abs(got[0]! - x) <= eps && Math.abs(got[1]! - y) <= eps
  t.ok(good, `${what}: ${got[0]}, ${got[1]} is ${x}, ${y}`)
}

t.test('shortcuts are what proj4 computes', async (t) => {
  const ours = transformer(WGS84, WEB_MERCATOR)
  const theirs = proj4('EPSG:4326', 'EPSG:3857')
  const out = new Float64Array(2)
  fc.assert(
    fc.property(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -85, max: 85, noNaN: true }),
      (lon, lat) => {
        ours.forward(lon, lat, out)
        const [x, y] = theirs.forward([lon, lat]) as [number, number]
        const forward = Math.abs(out[0]! - x) < 1e-7 && Math.abs(out[1]! - y) < 1e-7
        ours.inverse(x, y, out)
        return forward && Math.abs(out[0]! - lon) < 1e-9 && Math.abs(out[1]! - lat) < 1e-9
      },
    ),
  )
  t.pass('metres to 1e-7, degrees to 1e-9')
})

t.test('which systems are web mercator or plain degrees', async (t) => {
  const kinds: [Crs, string][] = [
    [WEB_MERCATOR, 'mercator'],
    [crs('EPSG:3857', 900913), 'mercator'],
    [
      crs('+proj=merc +a=6378137 +b=6378137 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null'),
      'mercator',
    ],
    [crs('+proj=merc +datum=WGS84', 3395), 'projected'],
    [crs('+proj=merc +a=6378137 +b=6378137 +lon_0=150'), 'projected'],
    [WGS84, 'lonlat'],
    [crs('+proj=longlat +datum=WGS84 +no_defs'), 'lonlat'],
    [crs('+proj=longlat +ellps=intl +pm=paris'), 'geographic'],
    [UTM17, 'projected'],
  ]
  for (const [c, kind] of kinds) t.equal(lonLatConverterOf(c).kind, kind, c.definition)
  t.equal(lonLatConverterOf(UTM17), lonLatConverterOf({ ...UTM17 }), 'cached by definition')
})

t.test('known places', async (t) => {
  const out = new Float64Array(2)
  // EPSG Guidance Note 7-2, 3.2.2 Lambert Conic Conformal (2SP): NAD27 / Texas South Central, US survey feet
  const texas = '+proj=lcc +lat_1=28.3833333333333 +lat_2=30.2833333333333 +lat_0=27.8333333333333 +lon_0=-99'
  const lcc = crs(`${texas} +x_0=609601.2192024384 +y_0=0 +ellps=clrk66 +units=us-ft`)
  lonLatConverterOf(lcc).fromLonLat(-96, 28.5, out)
  close(t, out, 2963503.91, 254759.8, 0.02, 'Texas South Central')
  // the same note, 3.5.1 Transverse Mercator: OSGB36 / British National Grid, without the datum shift
  const bng = crs('+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy')
  lonLatConverterOf(bng).fromLonLat(0.5, 50.5, out)
  close(t, out, 577274.99, 69740.5, 0.02, 'British National Grid')
  lonLatConverterOf(bng).toLonLat(577274.99, 69740.5, out)
  close(t, out, 0.5, 50.5, 1e-6, 'and back')
})

t.test('both ways, anywhere in the zone', async (t) => {
  const { forward, inverse } = transformer(UTM17, WEB_MERCATOR)
  const a = new Float64Array(2)
  fc.assert(
    fc.property(
      fc.double({ min: 1e5, max: 9e5, noNaN: true }),
      fc.double({ min: 0, max: 9e6, noNaN: true }),
      (x, y) => {
        forward(x, y, a)
        inverse(a[0]!, a[1]!, a)
        return Math.abs(a[0]! - x) < 1e-5 && Math.abs(a[1]! - y) < 1e-5
      },
    ),
  )
  t.pass('within 0.01 mm')
})

t.test('outside the domain is NaN, not a place', async (t) => {
  const out = new Float64Array(2)
  const cases: [string, number, number][] = [
    ['+proj=ortho +f=0 +lat_0=0 +lon_0=0 +datum=WGS84', 150, 10],
    ['+proj=gnom +lat_0=0 +lon_0=0 +datum=WGS84', 170, 0],
    ['+proj=lcc +lat_1=30 +lat_2=60 +datum=WGS84', Number.NaN, 1],
  ]
  for (const [definition, lon, lat] of cases) {
    lonLatConverterOf(crs(definition)).fromLonLat(lon, lat, out)
    t.ok(Number.isNaN(out[0]) && Number.isNaN(out[1]), `${definition} at ${lon}, ${lat}: ${out[0]}`)
  }
  transformer(WGS84, WEB_MERCATOR).forward(0, 91, out)
  t.ok(Number.isNaN(out[0]), 'no latitude 91')
})

t.test('parameters that a PROJ string leaves out are 0', async (t) => {
  const bare = [
    'aea +lat_1=29.5 +lat_2=45.5',
    'lcc +lat_1=30 +lat_2=45',
    'laea',
    'aeqd',
    'cea',
    'eqdc +lat_1=30 +lat_2=45',
  ]
  const full = '+lat_0=0 +lon_0=0 +x_0=0 +y_0=0'
  const a = new Float64Array(2)
  const b = new Float64Array(2)
  for (const p of bare) {
    lonLatConverterOf(crs(`+proj=${p} +ellps=GRS80`)).fromLonLat(5, 40, a)
    lonLatConverterOf(crs(`+proj=${p} ${full} +ellps=GRS80`)).fromLonLat(5, 40, b)
    t.ok(Number.isFinite(a[0]) && a[0] === b[0] && a[1] === b[1], `${p}: ${a}`)
  }
})

t.test('geographic longitudes keep their turn', async (t) => {
  const out = new Float64Array(2)
  // with a datum shift proj4 goes through geocentric coordinates, which forget turns
  const systems = ['+proj=longlat +datum=NAD83', '+proj=longlat +ellps=intl +towgs84=-87,-98,-121']
  for (const definition of systems) {
    const system = lonLatConverterOf(crs(definition))
    for (const lon of [190, 359.5, -190, 540]) {
      system.fromLonLat(lon, 40, out)
      close(t, out, lon, 40, 0.01, `${lon} in`)
      system.toLonLat(lon, 40, out)
      close(t, out, lon, 40, 0.01, `${lon} out`)
    }
  }
})

t.test('a system counted towards the south-west is followed', async (t) => {
  const out = new Float64Array(2)
  lonLatConverterOf(crs('+proj=tmerc +lat_0=0 +lon_0=19 +k=1 +axis=wsu +ellps=WGS84')).fromLonLat(
    20,
    -30,
    out,
  )
  t.ok(out[0]! < -90000 && out[1]! > 3e6, `westing ${out[0]}, southing ${out[1]}`)
})

t.test('orthographic maps are of spheres', async (t) => {
  const out = new Float64Array(2)
  for (const sphere of ['+R=6378137', '+f=0 +datum=WGS84', '+a=6378137 +b=6378137']) {
    lonLatConverterOf(crs(`+proj=ortho +lat_0=40 +lon_0=10 ${sphere}`)).toLonLat(300_000, 200_000, out)
    // of gdaltransform, with PROJ 9.1
    t.ok(
      Math.abs(out[0]! - 13.614210230662) < 1e-9 && Math.abs(out[1]! - 41.742244995919) < 1e-9,
      `${sphere}: ${out}`,
    )
  }
})

t.test('a system proj4 does not know says so', async (t) => {
  const flattened = '+proj=ortho +lat_0=40 +lon_0=10 +datum=WGS84'
  for (const definition of [
    '+proj=nonsense',
    'EPSG:99999',
    'GARBAGE',
    flattened,
    '+proj=ortho +ellps=GRS80',
  ]) {
    t.throws(() => lonLatConverterOf(crs(definition)), { code: 'CRS_UNSUPPORTED' }, definition)
  }
  try {
    lonLatConverterOf(crs('+proj=nonsense'))
  } catch (error) {
    t.ok(error instanceof FlagstoneError && /--s-srs/.test(error.message), 'and what to do')
  }
})
