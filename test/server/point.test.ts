// Points and profiles over HTTP: against heights that are known by a formula, against `sample`, against GDAL.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { encodeElevation } from '../../src/format/elevation.js'
import { TileType } from '../../src/format/tile-type.js'
import {
  boundsToLonLat,
  LIMIT_LATITUDE,
  latToMetres,
  lonToMetres,
  metresToLat,
  metresToLon,
  metresToPixelX,
  metresToPixelY,
  pixelToMetresX,
  pixelToMetresY,
} from '../../src/grid/tiles/mercator.js'
import { build } from '../../src/pyramid/build.js'
import type { TerrainEncoding } from '../../src/raster/tiles/terrain.js'
import { sample, sampleHeights } from '../../src/sampling/sample.js'
import type { PointAnswer } from '../../src/server/points/point.js'
import type { Profile } from '../../src/server/points/profile.js'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import type { TileWriter } from '../../src/store/write/writer.js'
import { withoutGdal } from '../helpers/gdal.js'
import { sharedData } from '../helpers/paths.js'
import { randomFrom } from '../helpers/random.js'
import { pictureFile, serve, vectorFile } from './served.js'

const SIZE = 64

/** Degrees of a place in pixels of a zoom with tiles of SIZE. */
const placeOf = (zoom: number, column: number, row: number): [number, number] => [
  metresToLon(pixelToMetresX(column, zoom, SIZE)),
  metresToLat(pixelToMetresY(row, zoom, SIZE)),
]

interface Tile {
  readonly z: number
  readonly x: number
  readonly y: number
  /** Of a pixel of the zoom's grid; NaN: none. */
  readonly height: (column: number, row: number) => number
}

const STEP = 0.25

function putElevation(writer: TileWriter, { z, x, y, height }: Tile): void {
  const samples = new Int16Array(SIZE * SIZE)
  const mask = new Uint8Array(SIZE * SIZE).fill(255)
  for (let p = 0; p < samples.length; p++) {
    const value = height(x * SIZE + (p % SIZE), y * SIZE + Math.floor(p / SIZE))
    if (Number.isNaN(value)) mask[p] = 0
    else samples[p] = Math.round(value / STEP)
  }
  const bytes = encodeElevation({ width: SIZE, height: SIZE, samples, mask, step: STEP, offset: 0 })
  writer.append(z, x, y, bytes, TileType.elevation)
}

function elevationFile(path: string, tiles: readonly Tile[]): void {
  const writer = createTiles(path)
  for (const tile of tiles) putElevation(writer, tile)
  writer.commit()
  writer.close()
}

const json = async <T = PointAnswer>(response: Promise<Response>): Promise<T> =>
  (await (await response).json()) as T

interface Batch {
  readonly points: readonly PointAnswer[]
}

t.test('a plane is read as it is, within tiles and over their borders', async (t) => {
  const path = join(t.testdir(), 'plane.pmtiles')
  const z = 5
  const height = (c: number, r: number): number => 2 * (c - 1000) - 3 * (r - 600) + 50
  const range = [16, 17, 18]
  elevationFile(
    path,
    range.flatMap((x) => [9, 10].map((y) => ({ z, x, y, height }))),
  )
  const { get } = await serve(t, path)
  const random = randomFrom(1)
  for (let i = 0; i < 200; i++) {
    // some on borders and corners of tiles to the digit
    const column = i % 5 === 0 ? 17 * SIZE : 16 * SIZE + 1 + random() * (3 * SIZE - 2)
    const row = i % 7 === 0 ? 10 * SIZE : 9 * SIZE + 1 + random() * (2 * SIZE - 2)
    const [lon, lat] = placeOf(z, column, row)
    const answer = await json(get(`/plane/point/${lon},${lat}`))
    // a pixel's value is that of its centre
    const wanted = height(column - 0.5, row - 0.5)
    if (Math.abs(answer.elevation! - wanted) > 1e-6 * Math.abs(wanted) + 1e-5) {
      t.fail(`${column},${row}: ${answer.elevation}, not ${wanted}`)
    }
  }
  const [lon, lat] = placeOf(z, 17 * SIZE + 10.25, 9 * SIZE + 20.75)
  const nearest = await json(get(`/plane/point/${lon},${lat}?interpolation=nearest`))
  t.equal(nearest.elevation, height(17 * SIZE + 10, 9 * SIZE + 20), 'the stored number')
  t.match(nearest, { lon, lat, zoom: z, tile: [5, 17, 9] })
  const ground = (40075016.68557849 / (SIZE * 32)) * Math.cos((lat * Math.PI) / 180)
  t.ok(Math.abs(nearest.resolution! / ground - 1) < 1e-5, 'metres a pixel there')
})

t.test('holes, edges and nothing at all', async (t) => {
  const path = join(t.testdir(), 'holes.pmtiles')
  const z = 4
  const hole = (c: number, r: number): boolean =>
    c >= 8 * SIZE + 10 && c < 8 * SIZE + 20 && r >= 5 * SIZE + 10
  elevationFile(path, [{ z, x: 8, y: 5, height: (c, r) => (hole(c, r) ? Number.NaN : 100) }])
  const { get } = await serve(t, path)
  const ask = async (c: number, r: number, search = ''): Promise<PointAnswer> =>
    json(get(`/holes/point/${placeOf(z, c, r)}${search}`))
  const within = [8 * SIZE + 15.5, 5 * SIZE + 30.5] as const
  t.match(await ask(...within), { elevation: null, zoom: z, tile: [4, 8, 5] }, 'in the hole')
  t.equal((await ask(8 * SIZE + 9.9, 5 * SIZE + 30)).elevation, 100, 'beside the hole: it is no zero')
  t.equal((await ask(8 * SIZE + 10.1, 5 * SIZE + 30)).elevation, null, 'in it by a tenth of a pixel')
  t.equal((await ask(8 * SIZE + 0.1, 5 * SIZE + 0.1)).elevation, 100, 'the corner of what is stored')
  const nothing = { elevation: null, zoom: null, tile: null, resolution: null }
  t.match(await ask(7 * SIZE, 5 * SIZE), nothing, 'no tile')
  for (const lat of [90, -90, 85.06, -85.06]) {
    t.match(await json(get(`/holes/point/10,${lat}`)), nothing, `latitude ${lat} is not on the map`)
  }
  t.equal((await get(`/holes/point/10,90.01`)).status, 400)
})

t.test('the deepest tile that covers a point answers', async (t) => {
  const path = join(t.testdir(), 'mixed.pmtiles')
  const flat = (value: number) => () => value
  elevationFile(path, [
    { z: 0, x: 0, y: 0, height: flat(10) },
    { z: 3, x: 4, y: 2, height: flat(30) },
    { z: 6, x: 32, y: 16, height: flat(60) },
  ])
  const { get } = await serve(t, path)
  const ask = async (z: number, x: number, y: number, search = ''): Promise<PointAnswer> =>
    json(get(`/mixed/point/${placeOf(z, (x + 0.5) * SIZE, (y + 0.5) * SIZE)}${search}`))
  t.match(await ask(6, 32, 16), { elevation: 60, zoom: 6, tile: [6, 32, 16] })
  t.match(await ask(6, 33, 16), { elevation: 30, zoom: 3, tile: [3, 4, 2] })
  t.match(await ask(6, 1, 1), { elevation: 10, zoom: 0, tile: [0, 0, 0] })
  t.match(await ask(6, 32, 16, '?zoom=5'), { elevation: 30, zoom: 3 }, 'not deeper than asked')
  t.match(await ask(6, 32, 16, '?zoom=0'), { elevation: 10, zoom: 0 })
  const { points } = await json<Batch>(
    get('/mixed/point', {
      method: 'POST',
      body: JSON.stringify({ points: [placeOf(6, 32.5 * SIZE, 16.5 * SIZE)], zoom: 4 }),
    }),
  )
  t.match(points, [{ elevation: 30, zoom: 3 }], 'in a body too')
})

t.test('the world is round', async (t) => {
  const path = join(t.testdir(), 'round.pmtiles')
  const z = 2
  elevationFile(
    path,
    [0, 1, 2, 3].map((x) => ({
      z,
      x,
      y: 1,
      height: (c: number) => (c === 0 || c === 4 * SIZE - 1 ? 400 : 0),
    })),
  )
  const { get } = await serve(t, path)
  const lat = placeOf(z, 0, 1.5 * SIZE)[1]
  for (const lon of [180, -180, 540, -540, 179.9999, -179.9999]) {
    const { elevation } = await json(get(`/round/point/${lon},${lat}`))
    t.ok(Math.abs(elevation! - 400) < 0.01, `${lon}: between the pixels on both sides, ${elevation}`)
  }
  const pixel = 360 / (4 * SIZE)
  const [east, west] = await Promise.all(
    [180 - pixel, 180 + pixel].map(async (lon) => (await json(get(`/round/point/${lon},${lat}`))).elevation),
  )
  t.ok(Math.abs(east! - 200) < 0.01 && Math.abs(west! - 200) < 0.01, 'halfway down on both sides')
  const [a, b] = await Promise.all(
    [`${10 + 360},${lat}`, `10,${lat}`].map((place) => json(get(`/round/point/${place}`))),
  )
  t.match(a, { ...b, lon: 370 })
})

t.test('many points are as many single ones', async (t) => {
  const path = join(t.testdir(), 'many.pmtiles')
  const height = (c: number, r: number): number => ((c * 7 + r * 13) % 97) - 40
  elevationFile(path, [
    ...[0, 1, 2, 3].map((i) => ({ z: 3, x: 2 + (i & 1), y: 3 + (i >> 1), height })),
    { z: 5, x: 9, y: 13, height },
  ])
  const { get } = await serve(t, path)
  const random = randomFrom(7)
  const points = Array.from({ length: 300 }, () =>
    placeOf(3, (1.9 + 2.2 * random()) * SIZE, (2.9 + 2.2 * random()) * SIZE),
  )
  for (const interpolation of ['bilinear', 'nearest']) {
    const body = JSON.stringify({ points, interpolation })
    const response = await get('/many/point', { method: 'POST', body })
    t.equal(response.headers.get('cache-control'), 'no-store')
    const batch = ((await response.json()) as Batch).points
    const single = await Promise.all(
      points.map(([lon, lat]) => json(get(`/many/point/${lon},${lat}?interpolation=${interpolation}`))),
    )
    t.strictSame(batch, single, interpolation)
    t.ok(new Set(batch.map(({ zoom }) => zoom)).size === 3, 'two zooms and nothing')
  }
})

t.test('colours and heights are those of sample', async (t) => {
  const dir = t.testdir()
  await pictureFile(join(dir, 'rgb.pmtiles'), { isHole: (z, x) => z === 4 && x === 9 })
  elevationFile(join(dir, 'dem.pmtiles'), [
    { z: 4, x: 8, y: 5, height: (c, r) => ((c * 31 + r * 17) % 1000) - 300 },
  ])
  const { get } = await serve(t, [join(dir, 'rgb.pmtiles'), join(dir, 'dem.pmtiles')])
  for (const [id, size] of [
    ['rgb', 256],
    ['dem', SIZE],
  ] as const) {
    const reader = openTiles(join(dir, `${id}.pmtiles`))
    const [x, y, n] = [8 * size + 20, 5 * size + 30, 12]
    const bounds = boundsToLonLat({
      west: pixelToMetresX(x, 4, size),
      south: pixelToMetresY(y + n, 4, size),
      east: pixelToMetresX(x + n, 4, size),
      north: pixelToMetresY(y, 4, size),
    })
    const bbox = [bounds.west, bounds.south, bounds.east, bounds.north] as const
    const options = { bbox, width: n, height: n, zoom: 4, resampling: 'nearest' as const }
    const pixels = id === 'rgb' ? await sample(reader, options) : (await sampleHeights(reader, options))!
    const points = Array.from({ length: n * n }, (_, p) => [
      metresToLon(pixelToMetresX(x + (p % n) + 0.5, 4, size)),
      metresToLat(pixelToMetresY(y + Math.floor(p / n) + 0.5, 4, size)),
    ])
    const { points: answers } = await json<Batch>(
      get(`/${id}/point`, { method: 'POST', body: JSON.stringify({ points }) }),
    )
    const found = answers.map(({ color, elevation }) => color ?? [elevation])
    const wanted = Array.from({ length: n * n }, (_, p) =>
      id === 'rgb' ? [...pixels.data.subarray(3 * p, 3 * p + 3), 255] : [pixels.data[p]],
    )
    t.strictSame(found, wanted, id)
    reader.close()
  }
  // in the hole of zoom 4 its overview answers
  const place = `${metresToLon(pixelToMetresX(9.5 * 256, 4))},${metresToLat(pixelToMetresY(5.5 * 256, 4))}`
  t.match(await json(get(`/rgb/point/${place}`)), { zoom: 3, tile: [3, 4, 2] })
})

t.test('profiles', async (t) => {
  const path = join(t.testdir(), 'hill.pmtiles')
  // a ridge: 1000 m at column 32 of each tile, down to both sides
  const height = (c: number): number => 1000 - 10 * Math.abs((c % SIZE) - 32)
  elevationFile(
    path,
    [16, 17, 18].map((x) => ({ z: 5, x, y: 12, height })),
  )
  const { get } = await serve(t, path)
  const row = 12 * SIZE + 20
  const [from, to] = [placeOf(5, 16 * SIZE + 0.5, row), placeOf(5, 17 * SIZE + 63.5, row)]
  const profile = await json<Profile>(get(`/hill/profile?path=${from};${to}&samples=401`))
  t.equal(profile.points.length, 401)
  // haversine and law of cosines agree
  const [p, q, d] = [from[1], to[1], to[0] - from[0]].map((x) => (x * Math.PI) / 180) as [
    number,
    number,
    number,
  ]
  const wanted = 6371008.8 * Math.acos(Math.sin(p) * Math.sin(q) + Math.cos(p) * Math.cos(q) * Math.cos(d))
  t.ok(Math.abs(profile.distance - wanted) < 0.01)
  t.ok(Math.abs(profile.points[1]!.distance - wanted / 400) < 0.002, 'evenly spaced')
  t.ok(profile.max! > 995 && profile.max! <= 1000 && profile.min! >= 680 && profile.min! < 690)
  // up 320, down 310, up 310 (over the border), down 310
  t.ok(Math.abs(profile.ascent - 640) < 15, `${profile.ascent} up`)
  t.ok(Math.abs(profile.descent - 630) < 15, `${profile.descent} down`)
  const elevations = profile.points.map(({ elevation }) => elevation!)
  const net = elevations.at(-1)! - elevations[0]!
  t.ok(Math.abs(profile.ascent - profile.descent - net) < 1e-6, 'up minus down is the difference of the ends')
  for (const point of [profile.points[7], profile.points[200]]) {
    const { elevation } = await json(get(`/hill/point/${point!.lon},${point!.lat}`))
    t.ok(Math.abs(elevation! - point!.elevation!) < 1e-4, 'as a point query has it')
  }
  const post = (body: unknown): Promise<Response> =>
    get('/hill/profile', { method: 'POST', body: JSON.stringify(body) })
  t.strictSame(await json<Profile>(post({ path: [from, to], samples: 401 })), profile, 'the same by POST')
  const line = { type: 'LineString', coordinates: [[...from, 5], to] }
  t.strictSame(await json<Profile>(post({ path: line, samples: 401 })), profile, 'a LineString')
  const feature = { type: 'Feature', properties: {}, geometry: line }
  t.strictSame(await json<Profile>(post({ path: feature, samples: 401 })), profile, 'a Feature')
  t.equal((await json<Profile>(post({ path: [from, to] }))).points.length, 200)
  const csv = await get(`/hill/profile?path=${from};${to}&samples=3&format=csv`)
  t.match(csv.headers.get('content-type'), 'text/csv')
  const lines = (await csv.text()).split('\n')
  t.equal(lines[0], 'distance,lon,lat,elevation')
  t.equal(lines.length, 5)
  t.match(lines[1], /^0,[\d.-]+,[\d.-]+,[\d.]+$/)
  const away = await json<Profile>(get('/hill/profile?path=-100,-50;-90,-60&samples=5'))
  t.match(away, { min: null, max: null, ascent: 0, descent: 0 })
  t.strictSame(
    away.points.map(({ elevation }) => elevation),
    [null, null, null, null, null],
  )
})

t.test('asked for wrongly', async (t) => {
  const dir = t.testdir()
  elevationFile(join(dir, 'dem.pmtiles'), [{ z: 1, x: 0, y: 0, height: () => 1 }])
  await pictureFile(join(dir, 'rgb.pmtiles'))
  vectorFile(join(dir, 'roads.pmtiles'), {})
  const { get } = await serve(
    t,
    ['dem', 'rgb', 'roads'].map((id) => join(dir, `${id}.pmtiles`)),
    { limits: { points: 50, bodyBytes: 4000 } },
  )
  const expectError = async (response: Promise<Response>, status: number, message: RegExp, label: string) => {
    const answer = await response
    const { error } = (await answer.json()) as { error: string }
    t.equal(answer.status, status, label)
    t.match(error, message)
  }
  const places = [
    '1',
    '1,2,3',
    ',',
    'a,b',
    '1,',
    'NaN,1',
    'Infinity,0',
    '0x10,1',
    '1e999,0',
    '1,1e999',
    '%20,1',
    '--1,2',
    '1_0,2',
  ]
  for (const place of places)
    await expectError(get(`/dem/point/${place}`), 400, /longitude|latitude/, `place ${place}`)
  await expectError(get(`/dem/point/${'1'.repeat(3000)},1`), 400, /longitude/, 'many digits')
  await expectError(get('/dem/point/0,91'), 400, /latitude/, 'a latitude of 91')
  for (const zoom of ['-1', '27', '1.5', 'x', '', '1e1'])
    await expectError(get(`/dem/point/1,1?zoom=${zoom}`), 400, /zoom/, `zoom ${zoom}`)
  await expectError(get('/dem/point/1,1?interpolation=cubic'), 400, /bilinear/, 'cubic')
  t.equal((await get('/dem/point/+1.5e1,.5')).status, 200)
  t.equal((await get('/dem/point/1,1', { method: 'DELETE' })).status, 405)
  const post = (body: string | Uint8Array, path = '/dem/point'): Promise<Response> =>
    get(path, { method: 'POST', body: body as string })
  const bodies: [body: string | Uint8Array, message: RegExp][] = [
    ['', /not JSON/],
    ['{', /not JSON/],
    ['NaN', /not JSON/],
    ['null', /not a JSON object/],
    ['[[1,2]]', /not a JSON object/],
    ['"x"', /not a JSON object/],
    [Uint8Array.of(0x22, 0xff, 0xfe, 0x22), /not JSON/],
    ['{}', /no points/],
    ['{"points":5}', /points is not a list/],
    ['{"points":{"length":5}}', /points is not a list/],
    ['{"points":[[1,2],[3]]}', /points\[1\]/],
    ['{"points":[[1,2],3]}', /points\[1\]/],
    ['{"points":[["1","2"]]}', /points\[0\]/],
    ['{"points":[[1,2],[3,4],[null,4]]}', /points\[2\]/],
    ['{"points":[[1,2],[3,4],[1e999,4]]}', /points\[2\]/],
    ['{"points":[[1,2],[[3],4]]}', /points\[1\]/],
    ['{"points":[[1,-90.5]]}', /points\[0\]/],
    [`{"points":[${'[1,2],'.repeat(50)}[1,2]]}`, /at most 50/],
    ['{"points":[[1,2]],"zoom":1.5}', /zoom/],
    ['{"points":[[1,2]],"zoom":"x"}', /zoom/],
    ['{"points":[[1,2]],"interpolation":["nearest"]}', /bilinear/],
    ['['.repeat(4000), /not JSON/],
    [`{"points":${'['.repeat(1900)}${']'.repeat(1900)}}`, /points\[0\]/],
  ]
  for (const [body, message] of bodies) await expectError(post(body), 400, message, String(body).slice(0, 50))
  await expectError(post(`{"points":[${'[1,2],'.repeat(5000)}]}`), 413, /4000/, 'too long')
  t.strictSame(await json(post('{"points":[]}')), { points: [] }, 'no points are no error')
  const paths: [search: string, message: RegExp][] = [
    ['', /no path/],
    ['?path=', /path\[0\]/],
    ['?path=1,1', /two points/],
    ['?path=1,1;2', /path\[1\]/],
    ['?path=0,0;180,0', /opposite/],
    [`?path=${'1,1;'.repeat(60)}2,2`, /more than 50/],
    ['?path=1,1;2,2&samples=1', /samples/],
    ['?path=1,1;2,2&samples=51', /samples/],
    ['?path=1,1;2,2&samples=1e1', /samples/],
    ['?path=1,1;2,2&format=xml', /csv/],
  ]
  for (const [search, message] of paths)
    await expectError(get(`/dem/profile${search}`), 400, message, search.slice(0, 50))
  for (const path of [
    5,
    'x',
    [],
    [[1, 1]],
    { type: 'Point', coordinates: [1, 1] },
    { type: 'Feature', geometry: null },
  ]) {
    await expectError(post(JSON.stringify({ path }), '/dem/profile'), 400, /./, JSON.stringify(path))
  }
  await expectError(get('/rgb/profile?path=1,1;2,2'), 400, /has images/, 'pictures have no heights')
  await expectError(get('/roads/point/1,1'), 400, /not images/, 'vector tiles have no colours')
  t.equal((await get('/nothing/point/1,1')).status, 404)
})

t.test('what a writer commits is what is answered', async (t) => {
  const path = join(t.testdir(), 'live.pmtiles')
  const tile = (height: number): Tile => ({ z: 1, x: 0, y: 0, height: () => height })
  elevationFile(path, [tile(10)])
  const { get } = await serve(t, path)
  const ask = async (headers: Record<string, string> = {}) => get('/live/point/-100,45', { headers })
  const first = await ask()
  t.equal(((await first.json()) as PointAnswer).elevation, 10)
  const writer = reopenTiles(path)
  for (const height of [20, 30]) {
    putElevation(writer, tile(height))
    writer.commit()
    t.equal((await json(ask())).elevation, height, 'a tile that was decoded before is not believed')
  }
  putElevation(writer, { z: 2, x: 1, y: 1, height: () => 40 })
  writer.commit()
  t.match(await json(ask()), { elevation: 30, zoom: 1 })
  t.match(await json(get('/live/point/-10,45')), { elevation: 40, zoom: 2 }, 'a deeper tile is found')
  t.equal((await ask({ 'If-None-Match': first.headers.get('etag')! })).status, 200)
  writer.close()
})

t.test('a tag without computing', async (t) => {
  const path = join(t.testdir(), 'dem.pmtiles')
  elevationFile(path, [{ z: 1, x: 0, y: 0, height: () => 1 }])
  const { get } = await serve(t, path)
  for (const address of ['/dem/point/-90,45', '/dem/profile?path=-90,45;-91,45']) {
    const first = await get(address)
    const etag = first.headers.get('etag')!
    t.ok(etag)
    t.equal((await get(address, { headers: { 'If-None-Match': etag } })).status, 304)
    t.not((await get(address.replace('45', '46'))).headers.get('etag'), etag)
    t.equal((await get(address, { method: 'HEAD' })).status, 200)
  }
})

const noDem = withoutGdal || (sharedData === undefined && 'needs the shared data')

t.test('against GDAL', { skip: noDem }, async (t) => {
  const dir = t.testdir()
  const dem = join(sharedData!, 'dem', 'dem25.tif')
  // the very pixels of 2 × 2 tiles of zoom 13, so that tiles and TIFF hold the same numbers
  const zoom = 13
  const [x, y] = [
    Math.floor(metresToPixelX(lonToMetres(-5.72), zoom, 1)),
    Math.floor(metresToPixelY(latToMetres(40.26), zoom, 1)),
  ]
  const edge = (n: number) => ({ x: pixelToMetresX(x + n, zoom, 1), y: pixelToMetresY(y + n, zoom, 1) })
  const aligned = join(dir, 'aligned.tif')
  const fine = join(dir, 'fine.tif')
  const warp = (from: string, to: string, size: number): void => {
    const te = [edge(0).x, edge(2).y, edge(2).x, edge(0).y].map(String)
    const options = ['-r', 'bilinear', '-et', '0', '-ot', 'Float32', '-ts', `${size}`, `${size}`]
    execFileSync('gdalwarp', ['-q', '-t_srs', 'EPSG:3857', '-te', ...te, ...options, from, to])
  }
  warp(dem, aligned, 512)
  warp(aligned, fine, 512 * 8)
  const random = randomFrom(3)
  const anywhere = Array.from({ length: 400 }, () => [x + 0.02 + 1.96 * random(), y + 0.02 + 1.96 * random()])
  // centres of the fine pixels: GDAL's own bilinear interpolation at known places
  const centres = anywhere.map(([c, r]) =>
    [Math.floor(c! * 2048), Math.floor(r! * 2048)].map((v) => (v + 0.5) / 2048),
  )
  const lonLatOf = ([c, r]: number[]): [number, number] => [
    metresToLon(pixelToMetresX(c!, zoom, 1)),
    metresToLat(pixelToMetresY(r!, zoom, 1)),
  ]
  const gdalAt = (file: string, places: [number, number][]): number[] => {
    const input = places.map((place) => place.join(' ')).join('\n')
    return execFileSync('gdallocationinfo', ['-wgs84', '-valonly', file], { input, encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number)
  }
  const steps: [TerrainEncoding, number][] = [
    ['mapbox', 0.1],
    ['terrarium', 1 / 256],
    ['int16', 0.5],
    ['float32', 0],
  ]
  for (const [terrain, step] of steps) {
    const out = join(dir, `${terrain}.pmtiles`)
    const stepOf = terrain === 'int16' ? { terrainStep: step } : {}
    await build({ sources: [aligned], out, terrain, resampling: 'nearest', ...stepOf })
  }
  const { get } = await serve(
    t,
    steps.map(([terrain]) => join(dir, `${terrain}.pmtiles`)),
  )
  for (const [terrain, step] of steps) {
    await expectAgreement(
      t,
      get,
      terrain,
      'nearest',
      anywhere.map(lonLatOf),
      gdalAt(aligned, anywhere.map(lonLatOf)),
      step,
    )
    await expectAgreement(
      t,
      get,
      terrain,
      'bilinear',
      centres.map(lonLatOf),
      gdalAt(fine, centres.map(lonLatOf)),
      step,
    )
  }
})

async function expectAgreement(
  t: Test,
  get: (path: string, init?: RequestInit) => Promise<Response>,
  id: string,
  interpolation: string,
  points: [number, number][],
  wanted: number[],
  step: number,
): Promise<void> {
  const body = JSON.stringify({ points, interpolation })
  const { points: answers } = await json<Batch>(get(`/${id}/point`, { method: 'POST', body }))
  t.equal(wanted.length, points.length)
  let worst = 0
  for (const [i, { elevation }] of answers.entries()) {
    worst = Math.max(worst, Math.abs(elevation! - wanted[i]!))
  }
  // GDAL prints and keeps 32-bit floats; its weights are such floats too
  const tolerance = step / 2 + (interpolation === 'nearest' ? 1e-4 : 1e-3)
  t.ok(worst <= tolerance, `${id}, ${interpolation}: ${worst} m at most, ${tolerance} allowed`)
}

t.test('the edge of the map', async (t) => {
  const path = join(t.testdir(), 'edge.pmtiles')
  elevationFile(
    path,
    [0, 1].flatMap((x) => [0, 1].map((y) => ({ z: 1, x, y, height: () => 7 }))),
  )
  const { get } = await serve(t, path)
  for (const lat of [LIMIT_LATITUDE, -LIMIT_LATITUDE]) {
    for (const lon of [-180, 180])
      t.equal((await json(get(`/edge/point/${lon},${lat}`))).elevation, 7, `${lon},${lat}`)
  }
})
