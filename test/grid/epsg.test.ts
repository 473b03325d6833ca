// EPSG codes give definitions that put known points where the authorities say they are.
import t from 'tap'
import { datumShift } from '../../src/grid/crs/datum-shifts.js'
import { crsFromEpsg } from '../../src/grid/crs/epsg.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'

/** Metres between two places in degrees. */
const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.hypot((a[0]! - b[0]!) * Math.cos((b[1]! * Math.PI) / 180), a[1]! - b[1]!) * 111_320

// As PROJ 9.1 has them without grids; limits in metres, wider where several shifts serve the same place.
const POINTS: readonly (readonly [
  code: number,
  at: readonly [number, number],
  lonLat: readonly [number, number],
  limit: number,
])[] = [
  [32631, [500000, 0], [3, 0], 1e-3],
  [3857, [-11169055.58, 2800000], [-100.333333366944, 24.3817869187844], 1e-3],
  [3035, [4000000, 2800000], [5.67856118316548, 48.2289625866088], 1e-3],
  [2193, [1750000, 5430000], [174.7907800304, -41.2675073065693], 1e-3],
  [3031, [300000, 1000000], [16.6992442339936, -80.4126268514439], 1e-3],
  [3413, [200000, -2000000], [-39.2894068625004, 71.5987757121955], 1e-3],
  [27700, [400000, 300000], [-2.00143311551089, 52.5977924308338], 1e-3],
  [28992, [155000, 463000], [5.38720350841377, 52.1551723011922], 0.5],
  [31370, [150000, 170000], [4.36875214090419, 50.8404112831179], 0.5],
  [2056, [2600000, 1200000], [7.43863242087181, 46.9510827718711], 1e-3],
  [2263, [984250, 0], [-74, 40.1666666666667], 1e-3],
  [2048, [10000, 3319935], [18.8963600649491, -29.9983498795155], 1e-3],
  [5070, [0, 2000000], [-96, 41.0090117262528], 1e-3],
  [3375, [500000, 400000], [102.495284534527, 3.61642588556296], 1e-3],
  [5514, [-700000, -1050000], [15.0270830603824, 50.0761257723423], 6],
  [4267, [-80, 40], [-79.9997668992721, 40.0000255675756], 20],
  // shifts by way of WGS 72BE, Lao 1997 and ED50, and of ESRI's codes
  [2312, [340232.998, 1038759.627], [13.5438605025206, 9.3942575026694], 0.01],
  [2313, [459756.3, 1352445.747], [14.6292537299737, 12.2357489190797], 0.01],
  [3354, [771448.882, 9386523.92], [11.450426449542, -5.5459929758373], 0.01],
  [3374, [609926.681, 6861631.104], [-6.9155642561021, 61.8708183764249], 0.01],
  [4197, [13.545, 9.395], [13.5438605025206, 9.3942575026694], 0.01],
  [4198, [14.63, 12.235], [14.6292537299737, 12.2357489190797], 0.01],
  [4676, [103.865, 18.21], [103.864893700377, 18.2100642218349], 0.01],
  [4705, [11.45, -5.545], [11.450426449542, -5.5459929758373], 0.01],
  [4741, [-6.91, 61.87], [-6.9155642561021, 61.8708183764249], 0.01],
  [7410, [55.95, 21.585], [55.952762648875, 21.5853696853509], 0.01],
  [102062, [455639.809, 438584.863], [102.093491223579, 3.96475172622], 0.01],
  [102166, [656415.394, 4377804.933], [-31.1842682993868, 39.5363360044383], 0.01],
  [2000, [286871.689, 2014479.544], [-63.0687777777778, 18.215], 0.6],
  [4120, [23.935, 38.315], [23.9367866161427, 38.3159662901777], 5],
  [4677, [103.865, 18.21], [103.864890356506, 18.2100618684131], 0.01],
  [4681, [-12.42, 21.01], [-12.42, 21.01], 0.01],
  [4815, [0.2186625, 38.315], [23.9367866161427, 38.3159662901777], 5],
  [6990, [34.93, 31.365], [34.9306939825453, 31.3653732334288], 0.01],
  [102159, [26553.884, 12538.167], [113.602971231657, 22.1437744729506], 0.01],
  [102400, [85772.721, 34290.446], [-0.0496471652254962, 51.4997153182867], 0.05],
]

t.test('places', (t) => {
  for (const [code, at, lonLat, limit] of POINTS) {
    const crs = crsFromEpsg(code)
    t.ok(crs !== undefined, `EPSG:${code} is known`)
    const converter = lonLatConverterOf(crs!)
    const got = new Float64Array(2)
    converter.toLonLat(...at, got)
    t.ok(apart([...got], lonLat) < limit, `EPSG:${code}: ${apart([...got], lonLat)} m off, at ${got}`)
    // To a centimetre or so: the inverse of krovak is iterated.
    const back = new Float64Array(2)
    converter.fromLonLat(got[0]!, got[1]!, back)
    t.ok(Math.hypot(back[0]! - at[0], back[1]! - at[1]) < 0.02, `EPSG:${code}: there and back`)
  }
  t.end()
})

t.test('names and shortcuts', (t) => {
  t.same(crsFromEpsg(4326), { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' })
  for (const code of [3857, 900913, 102100, 3785]) t.equal(crsFromEpsg(code)?.definition, 'EPSG:3857')
  t.match(crsFromEpsg(25832), { epsg: 25832, name: 'EPSG:25832' })
  t.match(crsFromEpsg(102008), { epsg: undefined, name: 'ESRI:102008' })
  t.equal(crsFromEpsg(25832), crsFromEpsg(25832), 'looked up once')
  t.end()
})

t.test('what cannot be done is undefined', (t) => {
  for (const code of [0, -1, 1.5, Number.NaN, 99999999, 5703, 4978, 3139, 6244, 54012]) {
    t.equal(crsFromEpsg(code), undefined, String(code))
  }
  t.end()
})

t.test('no definition asks for a grid', (t) => {
  for (const code of [27700, 26717, 4267, 31467, 27200, 20255]) {
    const { definition } = crsFromEpsg(code)!
    t.notMatch(definition, /nadgrids|datum=NAD/, definition)
    t.match(definition, /towgs84/)
  }
  t.end()
})

t.test('the datum shift is the one made for the place', (t) => {
  const britain = '446.448,-125.157,542.06,0.15,0.247,0.842,-20.489'
  t.equal(datumShift(4277, -1.5, 52.5), britain)
  t.not(datumShift(4230, 10, 60), datumShift(4230, -8, 40), 'ED50 in Norway and in Portugal')
  t.equal(datumShift(4258, 10, 50), '0,0,0')
  t.equal(datumShift(1, 0, 0), undefined)
  t.ok(datumShift(4277, 100, -50), 'outside of all areas: the largest one')
  t.end()
})
