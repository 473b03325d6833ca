import type Tap from 'tap'
import t from 'tap'
import { latToMetres, tileBoundsLonLat, WORLD_METRES } from '../../src/grid/tiles/mercator.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { decodeHeights } from '../../src/raster/tiles/terrain.js'
import { openTileServer } from '../../src/server/handler.js'
import { block, decoded, pixelOf, together, worstOf, writeHeights, writePictures } from './drawn.js'

async function serve(
  t: Pick<typeof Tap, 'teardown'>,
  dir: string,
): Promise<{ ask: (path: string) => Promise<Response>; picture: (path: string) => Promise<Pixels> }> {
  const server = await openTileServer([dir])
  t.teardown(() => server.close())
  const ask = (path: string): Promise<Response> => server.fetch(new Request(`http://localhost${path}`))
  const picture = async (path: string): Promise<Pixels> => {
    const reply = await ask(path)
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return decoded({ bytes: new Uint8Array(await reply.arrayBuffer()) })
  }
  return { ask, picture }
}

const hills = (x: number, y: number): number =>
  40_000 + 30_000 * Math.sin(x / 17) * Math.cos(y / 13) + 6000 * Math.sin(x / 3.1 + y / 5.3)

t.test('shade has no seams between tiles, stored, larger and deeper than stored', async (t) => {
  const dir = t.testdir()
  await writeHeights(
    `${dir}/h.pmtiles`,
    [...block(5, 10, 12, 2, 2), ...block(4, 5, 6, 1, 1)],
    hills,
    'float32',
  )
  const { picture } = await serve(t, dir)
  for (const [z, x, y, n, scale] of [
    [5, 10, 12, 2, 1],
    [4, 5, 6, 1, 2],
    [5, 10, 12, 2, 2],
    [6, 21, 25, 2, 1],
    [9, 175, 207, 2, 1],
  ] as const) {
    const suffix = scale === 1 ? '' : `@${scale}x`
    const parts = []
    for (const [, column, row] of block(z, x, y, n, n)) {
      parts.push(await picture(`/h/hillshade/${z}/${column}/${row}${suffix}.png`))
    }
    const { west, north } = tileBoundsLonLat(z, x, y)
    const { east, south } = tileBoundsLonLat(z, x + n - 1, y + n - 1)
    const side = 256 * scale * n
    const whole = await picture(
      `/h/bbox/${west},${south},${east},${north}/${side}x${side}.png?elevation=shade`,
    )
    const joined = together(parts, n)
    t.equal(joined.width, side)
    t.ok(worstOf(joined, whole) <= 1, `${n}×${n} tiles of zoom ${z}${suffix}`)
  }
})

t.test('the light on a slope is as Horn says', async (t) => {
  const dir = t.testdir()
  const side = WORLD_METRES / (256 * 2 ** 10)
  const ground = Math.cos((40.45 * Math.PI) / 180)
  // rises to the east by a slope of 1/2 on the ground at 40.45° north
  await writeHeights(
    `${dir}/h.pmtiles`,
    block(10, 500, 385, 3, 3),
    (x) => (x - 500 * 256) * side * ground * 0.5,
    'float32',
  )
  const { west, east, north, south } = tileBoundsLonLat(10, 501, 386)
  t.ok(west < east && latToMetres(north) > latToMetres(south))
  const { picture } = await serve(t, dir)
  for (const [azimuth, altitude, z] of [
    [315, 45, 1],
    [90, 30, 1],
    [270, 30, 1],
    [0, 60, 3],
    [45, 90, 1],
    [270, 45, 0],
  ] as const) {
    const made = await picture(`/h/hillshade/10/501/386.png?azimuth=${azimuth}&altitude=${altitude}&z=${z}`)
    for (const y of [0, 128, 255]) {
      const world = (386 + (y + 0.5) / 256) / 2 ** 10
      const latitude = Math.atan(Math.sinh(Math.PI * (1 - 2 * world)))
      const slope = (0.5 * z * ground) / Math.cos(latitude)
      const [a, h] = [(azimuth * Math.PI) / 180, (altitude * Math.PI) / 180]
      // by angles: slope angle and the way the slope faces, which is west
      const angle = Math.atan(slope)
      const light =
        Math.sin(h) * Math.cos(angle) + Math.cos(h) * Math.sin(angle) * Math.cos(a - (3 * Math.PI) / 2)
      const expected = Math.max(1, 1 + 254 * light)
      for (const x of [0, 77, 255]) {
        const [value] = pixelOf(made, x, y)
        t.ok(
          Math.abs(value - expected) <= 1,
          `azimuth ${azimuth}, altitude ${altitude}, z ${z}: ${value}, ${expected.toFixed(1)}`,
        )
      }
    }
  }
})

t.test('deeper than stored, slopes do not jump at the stored pixels', async (t) => {
  const dir = t.testdir()
  const bump = (x: number, y: number): number => 60_000 * Math.sin(x / 6) * Math.sin(y / 6)
  await writeHeights(`${dir}/h.pmtiles`, block(5, 10, 12, 2, 2), bump, 'float32')
  const { picture } = await serve(t, dir)
  const made = await picture('/h/hillshade/9/168/200.png')
  // second differences along a row: a facet is an edge of them
  let worst = 0
  for (let y = 20; y < 230; y += 7) {
    for (let x = 2; x < 254; x++) {
      const [a, b, c] = [x - 1, x, x + 1].map((i) => pixelOf(made, i, y)[0])
      worst = Math.max(worst, Math.abs(a! - 2 * b! + c!))
    }
  }
  t.ok(worst <= 4, `${worst} levels`)
})

t.test('holes, edges, what is nowhere', async (t) => {
  const dir = t.testdir()
  const holed = (x: number, y: number): number => (x % 256 < 100 ? Number.NaN : hills(x, y))
  await writeHeights(`${dir}/h.pmtiles`, [[5, 10, 12]], holed, 'mapbox')
  await writePictures(`${dir}/p.pmtiles`, [[5, 10, 12]], () => [1, 2, 3, 255])
  const { ask, picture } = await serve(t, dir)
  const made = await picture('/h/hillshade/5/10/12.png')
  t.equal(pixelOf(made, 50, 50)[3], 0)
  t.equal(pixelOf(made, 150, 50)[3], 255)
  t.equal(made.bands, 1, 'grey')
  const jpeg = await ask('/h/hillshade/5/10/12.jpg')
  t.equal(jpeg.headers.get('content-type'), 'image/jpeg')
  const status = async (path: string): Promise<number> => (await ask(path)).status
  t.equal(await status('/h/hillshade/5/11/12.png'), 204)
  const none = await ask('/h/hillshade/5/11/12.png?missing=404')
  t.equal(none.status, 404)
  t.match(none.headers.get('cache-control'), /^public, max-age=60/, 'kept as a tile is')
  t.equal((await picture('/h/hillshade/5/11/12.png?missing=transparent')).mask?.[0], 0)
  t.equal(await status('/h/hillshade/7/40/48.png'), 204, 'its part of the ancestor is a hole')
  t.equal(await status('/h/hillshade/4/5/6.png'), 204, 'above what is stored')
  t.equal(await status('/p/hillshade/5/10/12.png'), 404)
  t.equal(await status('/p/terrain/5/10/12.png'), 404)
  for (const path of ['27/0/0', '5/32/0', '5/0/32', '3/9/9.png'])
    t.equal(await status(`/h/hillshade/${path}`), 404, path)
  for (const path of [
    '5/10/a',
    '5/10/12@9x',
    '5/10/12@2',
    'x/10/12',
    '5/1e1/12',
    '5/10/12?z=-1',
    '5/10/12?z=x',
    '5/10/12?azimuth=1e9',
    '5/10/12?altitude=-1',
    '5/10/12?tileSize=300',
    '5/10/12?quality=0',
    '5/10/12?encoding=x',
  ]) {
    const kind = path.includes('encoding') ? 'terrain' : 'hillshade'
    t.equal(await status(`/h/${kind}/${path}`), 400, path)
  }
  const tms = await picture(`/h/hillshade/5/10/${31 - 12}.png?scheme=tms`)
  t.equal(worstOf(tms, made), 0)
  const first = await ask('/h/hillshade/5/10/12.png')
  const again = await (await ask('/h/hillshade/5/10/12.png?azimuth=315')).headers.get('etag')
  t.equal(first.headers.get('etag'), again, 'the usual sun is the same picture')
})

t.test('terrain tiles: any kind of heights in the encoding that is asked for', async (t) => {
  const dir = t.testdir()
  const soft = (x: number, y: number): number =>
    y % 256 < 9 ? Number.NaN : 500 + 200 * Math.sin(x / 30) + y / 10
  for (const kind of ['mapbox', 'terrarium', 'int16', 'float32'] as const) {
    await writeHeights(`${dir}/${kind}.pmtiles`, block(6, 30, 30, 2, 1), soft, kind)
  }
  const { ask } = await serve(t, dir)
  const near = { mapbox: 0.051, terrarium: 0.003, int16: 0.126, float32: 0.001 }
  for (const kind of ['mapbox', 'terrarium', 'int16', 'float32'] as const) {
    for (const encoding of ['mapbox', 'terrarium', undefined] as const) {
      for (const extension of ['png', 'webp', undefined]) {
        const query = encoding === undefined ? '' : `?encoding=${encoding}`
        const path = `/${kind}/terrain/6/30/30${extension === undefined ? '' : `.${extension}`}${query}`
        const reply = await ask(path)
        t.equal(reply.headers.get('content-type'), `image/${extension ?? 'png'}`, path)
        const own = kind === 'terrarium' ? 'terrarium' : 'mapbox'
        const heights = await decodeHeights(new Uint8Array(await reply.arrayBuffer()), encoding ?? own)
        let worst = 0
        for (let p = 0; p < 256 * 256; p++) {
          const expected = soft(30 * 256 + (p % 256), 30 * 256 + Math.floor(p / 256))
          if (Number.isNaN(expected) !== (heights.mask![p] === 0)) worst = Number.POSITIVE_INFINITY
          else if (heights.mask![p] !== 0) worst = Math.max(worst, Math.abs(heights.data[p]! - expected))
        }
        const most = near[kind] + near[encoding ?? own]
        t.ok(worst <= most, `${path}: ${worst.toFixed(4)} of ${most}`)
      }
    }
  }
  const stored = await ask('/mapbox/6/30/30.png')
  const same = await ask('/mapbox/terrain/6/30/30.png')
  t.same(await same.arrayBuffer(), await stored.arrayBuffer(), 'as it is stored')
  for (const extension of ['jpg', 'avif'])
    t.equal((await ask(`/int16/terrain/6/30/30.${extension}`)).status, 400)
  const deep = await ask('/int16/terrain/8/121/121.png')
  const heights = await decodeHeights(new Uint8Array(await deep.arrayBuffer()), 'mapbox')
  t.ok(Math.abs(heights.data[128 * 256 + 128]! - soft(121 * 64 + 32, 121 * 64 + 32)) < 2, 'enlarged')
})
