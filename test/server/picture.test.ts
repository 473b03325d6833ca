import sharp from 'sharp'
import type Tap from 'tap'
import t from 'tap'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { coverageOf, crop } from '../../src/raster/canvas.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { sample } from '../../src/sampling/sample.js'
import type { ServerContext } from '../../src/server/context.js'
import { insideOf, openTileServer } from '../../src/server/handler.js'
import { until } from '../helpers/waiting.js'
import {
  block,
  decoded,
  type Paint,
  pixelOf,
  together,
  worstOf,
  writeHeights,
  writePictures,
} from './drawn.js'
import { pictureFile, vectorFile } from './served.js'
import { deferred, turns } from './waiting.js'

interface Client {
  readonly context: ServerContext
  ask(path: string, init?: RequestInit): Promise<Response>
  picture(path: string): Promise<Pixels>
}

async function serve(
  t: Pick<typeof Tap, 'teardown'>,
  dir: string,
  options: Parameters<typeof openTileServer>[1] = {},
): Promise<Client> {
  const server = await openTileServer([dir], options)
  t.teardown(() => server.close())
  const ask = async (path: string, init?: RequestInit): Promise<Response> =>
    server.fetch(new Request(`http://localhost${path}`, init))
  return {
    context: insideOf(server).context,
    ask,
    async picture(path) {
      const reply = await ask(path)
      if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
      return decoded({ bytes: new Uint8Array(await reply.arrayBuffer()) })
    },
  }
}

const busy: Paint = (x, y, z) => [
  (x * 5 + y * 3 + z) & 255,
  (Math.imul(x, 2654435761) >>> 24) & 255,
  ((x >> 3) ^ (y >> 3)) & 1 ? 230 : 20,
  255,
]
/** West, south, east, north of a rectangle of tiles, degrees. */
function bboxOf(z: number, x: number, y: number, across = 1, down = 1): [number, number, number, number] {
  const { west, north } = tileBoundsLonLat(z, x, y)
  const { east, south } = tileBoundsLonLat(z, x + across - 1, y + down - 1)
  return [west, south, east, north]
}

t.test('bbox is what sample says, with every kernel, however many pieces it is drawn in', async (t) => {
  const dir = t.testdir()
  const holes: Paint = (x, y, z) => [...busy(x, y, z).slice(0, 3), (x >> 6) % 3 === 0 ? 0 : 255] as never
  await writePictures(`${dir}/a.pmtiles`, [...block(5, 10, 12, 3, 3), ...block(4, 5, 6, 2, 2)], holes)
  const { context, picture } = await serve(t, dir)
  const { tiles } = context.catalog.get('a')!
  const [w, s, e, n] = bboxOf(5, 10, 12, 3, 3)
  const windows: [number, number, number, number][] = [
    [w, s, e, n],
    [w + 1, s + 1, w + 4, s + 3],
    [w - 10, s - 5, e + 3, n + 1],
  ]
  for (const resampling of ['nearest', 'bilinear', 'cubic', 'lanczos', 'average', 'mode'] as const) {
    for (const bbox of windows) {
      const expected = await sample(tiles, { bbox, width: 300, height: 220, resampling })
      const made = await picture(`/a/bbox/${bbox}/300x220.png?resampling=${resampling}`)
      // positions are summed up from other corners: what lies between two pixels may round to the other one
      const most = resampling === 'nearest' || resampling === 'mode' ? 255 : 2
      t.ok(worstOf(made, expected) <= most, `${resampling} ${bbox}`)
      t.ok(differing(made, expected) < 0.001, `${resampling} ${bbox}`)
    }
  }
})

/** Share of pixels that differ by more than rounding. */
function differing(a: Pixels, b: Pixels): number {
  let count = 0
  for (let y = 0; y < a.height; y++) {
    for (let x = 0; x < a.width; x++) {
      const [p, q] = [pixelOf(a, x, y), pixelOf(b, x, y)]
      const far = Math.max(...p.map((v, c) => (p[3] === 0 && q[3] === 0 ? 0 : Math.abs(v - q[c]!))))
      if (far > 2) count++
    }
  }
  return count / (a.width * a.height)
}

t.test('static: the middle, the zoom, @2x from deeper tiles', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [...block(5, 10, 12, 2, 2), ...block(6, 20, 24, 4, 4)], busy)
  const { context, picture } = await serve(t, dir)
  const { tiles } = context.catalog.get('a')!
  const { east, south } = tileBoundsLonLat(5, 10, 12)
  const place = `${east},${south}`
  const own = []
  for (const [z, x, y] of block(5, 10, 12, 2, 2)) own.push(await decoded(tiles.get(z, x, y)))
  const all = together(own, 2)
  t.ok(worstOf(await picture(`/a/static/${place},5/200x100.png`), crop(all, 156, 206, 200, 100)) <= 1)
  const deeper = []
  for (const [z, x, y] of block(6, 20, 24, 4, 4)) deeper.push(await decoded(tiles.get(z, x, y)))
  const double = await picture(`/a/static/${place},5/200x100@2x.png`)
  t.ok(worstOf(double, crop(together(deeper, 4), 312, 412, 400, 200)) <= 1)
  t.equal((await picture(`/a/static/${place},4.5/99x100.webp`)).width, 99)
})

t.test('the antimeridian, and longitudes on any turn of the world', async (t) => {
  const dir = t.testdir()
  await writePictures(
    `${dir}/a.pmtiles`,
    [
      [3, 0, 3],
      [3, 7, 3],
    ],
    busy,
  )
  const { context, picture } = await serve(t, dir)
  const { tiles } = context.catalog.get('a')!
  const both = together([await decoded(tiles.get(3, 7, 3)), await decoded(tiles.get(3, 0, 3))], 2)
  const [, south, , north] = bboxOf(3, 0, 3)
  for (const [west, east] of [
    [135, -135],
    [135, 225],
    [-225, -135],
    [495, 540 - 315 + 360],
  ] as const) {
    if (east > 540) continue
    const made = await picture(`/a/bbox/${west},${south},${east},${north}/512x256.png`)
    t.equal(worstOf(made, both), 0, `${west} … ${east}`)
  }
  const middle = await picture('/a/static/180,11,3/128x64.png')
  t.equal(worstOf(middle, await picture('/a/static/-180,11,3/128x64.png')), 0)
  t.equal(worstOf(middle, await picture('/a/static/540,11,3/128x64.png')), 0)
  t.equal(coverageOf(middle.mask), 'full')
  const beyond = await picture('/a/static/170,85,1/256x256.png')
  t.equal(pixelOf(beyond, 128, 0)[3], 0, 'north of the world there is nothing')
})

t.test('formats, backgrounds, what is transparent', async (t) => {
  const dir = t.testdir()
  const half: Paint = (x) => [200, 100, 50, x % 256 < 128 ? 255 : 0]
  const dim: Paint = (x) => [200, 100, 50, x % 256 < 128 ? 128 : 0]
  await writePictures(`${dir}/half.pmtiles`, [[3, 3, 3]], half)
  await writePictures(`${dir}/dim.pmtiles`, [[3, 3, 3]], dim)
  await writePictures(
    `${dir}/grey.pmtiles`,
    [[3, 3, 3]],
    (x, y) => [x & 255, 0, 0, y % 256 < 128 ? 255 : 0],
    {
      bands: 1,
    },
  )
  const { ask, picture } = await serve(t, dir)
  const bbox = bboxOf(3, 3, 3)
  for (const [ext, type] of [
    ['png', 'png'],
    ['jpg', 'jpeg'],
    ['jpeg', 'jpeg'],
    ['webp', 'webp'],
    ['avif', 'avif'],
  ]) {
    const reply = await ask(`/half/bbox/${bbox}/64x64.${ext}`)
    t.equal(reply.headers.get('content-type'), `image/${type}`)
    t.equal((await sharp(await reply.arrayBuffer()).metadata()).width, 64)
  }
  t.equal((await ask(`/half/bbox/${bbox}/64x64`)).headers.get('content-type'), 'image/png')
  t.equal((await ask(`/half/bbox/${bbox}/64x64.png?format=webp`)).headers.get('content-type'), 'image/webp')
  const at = async (path: string, x: number): Promise<number[]> => [...pixelOf(await picture(path), x, 20)]
  t.same(await at(`/half/bbox/${bbox}/256x256.png`, 200), [0, 0, 0, 0])
  t.match(await at(`/half/bbox/${bbox}/256x256.jpg`, 200), [255, 255, 255, 255])
  t.same(await at(`/half/bbox/${bbox}/256x256.png?background=2040ff`, 200), [0x20, 0x40, 0xff, 255])
  t.same(await at(`/half/bbox/${bbox}/256x256.png?background=%232040ff`, 20), [200, 100, 50, 255])
  t.same(
    await at(`/dim/bbox/${bbox}/256x256.png?background=000000`, 20),
    [100, 50, 25, 255],
    'half of it shows through',
  )
  const empty = await picture('/half/bbox/0,0,1,1/20x10.png')
  t.same([empty.width, empty.height, coverageOf(empty.mask)], [20, 10, 'none'])
  t.same(await at('/half/bbox/0,0,1,1/40x40.png?background=102030', 5), [16, 32, 48, 255])
  const small = await (await ask(`/half/bbox/${bbox}/256x256.jpg?quality=5`)).arrayBuffer()
  const large = await (await ask(`/half/bbox/${bbox}/256x256.jpg?quality=95`)).arrayBuffer()
  t.ok(small.byteLength < large.byteLength)
  const [w, , e, n] = bbox
  const top = await ask(`/grey/bbox/${w},${(bbox[1] + n) / 2 + 2},${e},${n}/64x32.png`)
  t.equal((await sharp(await top.arrayBuffer()).metadata()).channels, 1, 'grey stays grey')
  const tiny = await ask('/half/bbox/-1e-7,0.0000,1e-7,1.5E-7/4x4.png')
  t.equal(tiny.status, 200, 'small numbers as JavaScript writes them')
  const auto = await picture('/half/bbox/auto/32x32.png')
  t.equal(worstOf(auto, await picture(`/half/bbox/${bbox}/32x32.png`)), 0)
})

t.test('auto shows all of a source that covers the world, whatever it says of its bounds', async (t) => {
  const dir = t.testdir()
  await pictureFile(`${dir}/none.pmtiles`, { zoom: 2, range: [0, 0, 4, 4], metadata: { bounds: undefined } })
  for (const [id, lon] of [
    ['our', 180.00000000000003],
    ['wide', 180.1],
  ] as const) {
    const bounds = [-lon, -85.0511, lon, 85.0511]
    await pictureFile(`${dir}/${id}.pmtiles`, { zoom: 2, range: [0, 0, 4, 4], metadata: { bounds } })
  }
  const { ask } = await serve(t, dir)
  for (const id of ['none', 'our', 'wide']) {
    const reply = await ask(`/${id}/bbox/auto/32x32.png`)
    t.equal(reply.status, 200, `${id}: ${reply.headers.get('content-type')}`)
  }
})

t.test('heights: shade, grey, encoded', async (t) => {
  const dir = t.testdir()
  const hills = (x: number, y: number): number => 400 + 300 * Math.sin(x / 40) * Math.cos(y / 31)
  await writeHeights(`${dir}/num.pmtiles`, block(6, 30, 30, 2, 2), hills, 'float32')
  await writeHeights(`${dir}/rgb.pmtiles`, block(6, 30, 30, 2, 2), hills, 'terrarium')
  await writePictures(`${dir}/pic.pmtiles`, [[6, 30, 30]], busy)
  const { context, ask, picture } = await serve(t, dir)
  const bbox = bboxOf(6, 30, 30, 2, 2)
  for (const [id, elevation] of [
    ['num', 'shade'],
    ['num', 'grey'],
    ['rgb', 'shade'],
    ['rgb', 'grey'],
    ['rgb', 'encoded'],
  ] as const) {
    const { tiles } = context.catalog.get(id)!
    const expected = await sample(tiles, { bbox, width: 400, height: 380, elevation })
    const made = await picture(`/${id}/bbox/${bbox}/400x380.png?elevation=${elevation}`)
    // at its rim the whole picture's shade knows no neighbours, pieces do
    const inner = (p: Pixels): Pixels => crop(p, 1, 1, 398, 378)
    t.ok(worstOf(inner(made), inner(expected)) <= 1, `${id} ${elevation}`)
  }
  const usual = await picture(`/num/bbox/${bbox}/100x100.png`)
  t.equal(worstOf(usual, await picture(`/num/bbox/${bbox}/100x100.png?elevation=shade`)), 0)
  t.ok(
    worstOf(usual, await picture(`/num/bbox/${bbox}/100x100.png?azimuth=135&z=300`)) > 20,
    'lit from the other side',
  )
  for (const path of [
    `/pic/bbox/${bbox}/10x10.png?elevation=shade`,
    `/num/bbox/${bbox}/10x10.png?elevation=relief`,
    `/rgb/bbox/${bbox}/10x10.jpg`,
    `/rgb/bbox/${bbox}/10x10.png?background=ffffff`,
    `/num/bbox/${bbox}/10x10.png?azimuth=north`,
    `/num/bbox/${bbox}/10x10.png?altitude=91`,
  ]) {
    t.equal((await ask(path)).status, 400, path)
  }
})

t.test('hostile addresses: 400 and a sentence, and nothing is computed', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [[3, 3, 3]], busy)
  vectorFile(`${dir}/v.pmtiles`, {})
  const { context, ask } = await serve(t, dir, { limits: { pixels: 1_000_000 } })
  const sizes = [
    '0x1',
    '1x0',
    '-1x5',
    '1e3x5',
    '99999x1',
    '16384x1',
    '1001x1000',
    '501x500@2x',
    '5',
    'x',
    '5x5@5x',
    '5x5@0x',
    '5x5@2',
    '5x5.gif',
    '5x5.pmtiles',
    '5x5.',
    '٣x٣',
    '0x10x10',
    '5 x5',
  ]
  const places = [
    'bbox/1,2,3',
    'bbox/1,2,3,4,5',
    'bbox/,,,',
    'bbox/1,2,1,4',
    'bbox/1,4,3,2',
    'bbox/1,2,3,2',
    'bbox/NaN,2,3,4',
    'bbox/Infinity,2,3,4',
    'bbox/1e9,2,3,4',
    'bbox/-600,2,3,4',
    'bbox/1,2,600,4',
    'bbox/-300,2,300,4',
    'bbox/1,86,3,89',
    'bbox/1,-99999999999999999999,3,4',
    'bbox/0x1,2,3,4',
    'bbox/automatic',
    'static/1,2',
    'static/1,2,3,4',
    'static/1,91,3',
    'static/1,2,-1',
    'static/1,2,31',
    'static/1,2,1e300',
    'static/999,2,3',
    'static/auto',
    'static/0,0,0',
  ]
  const queries = [
    'resampling=best',
    'resampling=',
    'quality=0',
    'quality=101',
    'quality=high',
    'quality=',
    'background=red',
    'background=12345',
    'format=gif',
    'elevation=shade',
    'elevation=',
  ]
  const paths = [
    ...sizes.map((size) => `/a/bbox/1,2,3,4/${encodeURIComponent(size)}`),
    ...places.map((place) => `/a/${place}/300x300.png`),
    ...queries.map((query) => `/a/bbox/1,2,3,4/5x5.png?${query}`),
  ]
  for (const path of paths) {
    const reply = await ask(path)
    t.equal(reply.status, 400, path)
    t.match(await reply.json(), { error: /^.*\.$/ }, path)
  }
  const metres = await ask('/a/bbox/500000,4000000,600000,4100000/300x300.png')
  t.match(await metres.json(), {
    error: /look like metres, and as web mercator \(EPSG:3857\) they are 4\.49158,/,
  })
  t.equal((await ask('/v/bbox/auto/5x5.png')).status, 404)
  t.equal((await ask('/none/bbox/auto/5x5.png')).status, 404)
  t.equal((await ask('/a/bbox/1,2,3,4/5x5.png', { method: 'POST' })).status, 405)
  t.same([context.cache.misses, context.work.running, context.work.waiting], [0, 0, 0])
})

t.test('a picture that needs too many tiles is refused with the reason', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/deep.pmtiles`, [[14, 8000, 6000]], busy, { size: 16 })
  const { ask } = await serve(t, dir)
  const reply = await ask('/deep/bbox/-30,20,30,60/512x512.png')
  t.equal(reply.status, 400)
  t.match(await reply.json(), { error: /needs about \d+ tiles of zoom 14, more than 4096.*overviews\.$/ })
})

t.test('the tag is known before the picture', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [[3, 3, 3]], busy)
  const { context, ask } = await serve(t, dir, { limits: { cacheBytes: 0 } })
  const paths = [
    '/a/bbox/auto/64x64.png',
    '/a/bbox/auto/64x64.jpg',
    '/a/bbox/auto/64x64.png?background=ffffff',
    '/a/bbox/auto/64x65.png',
    '/a/static/0,0,3/64x64.png',
  ]
  const tags = []
  for (const path of paths) tags.push((await ask(path)).headers.get('etag')!)
  t.equal(new Set(tags).size, paths.length)
  const made = context.cache.misses
  for (const [i, path] of paths.entries()) {
    const reply = await ask(path, { headers: { 'if-none-match': `"x", W/${tags[i]}` } })
    t.equal(reply.status, 304, path)
  }
  t.equal(context.cache.misses, made, 'nothing was drawn')
  t.equal((await ask('/a/bbox/auto/0x0.png', { headers: { 'if-none-match': '*' } })).status, 400)
  const head = await ask(paths[0]!, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.ok(Number(head.headers.get('content-length')) > 100)
})

t.test('when there is too much to do: 503 with Retry-After; tiles are answered all the same', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [[3, 3, 3]], busy)
  const { context, ask } = await serve(t, dir, { limits: { jobs: 1, waiting: 0 } })
  const busyJob = deferred<void>()
  const work = context.work.run(new AbortController().signal, () => busyJob.promise)
  const refused = await ask('/a/bbox/auto/64x64.png')
  t.equal(refused.status, 503)
  t.match(refused.headers.get('retry-after'), /^\d+$/)
  t.match(await refused.json(), { error: /\.$/ })
  t.equal((await ask('/a/3/3/3.png')).status, 200)
  busyJob.resolve()
  await work
  t.equal((await ask('/a/bbox/auto/64x64.png')).status, 200)
})

t.test('one client leaves, the other gets the picture; when all have left, drawing stops', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, block(5, 10, 12, 4, 4), busy)
  const { context, ask } = await serve(t, dir)
  const path = '/a/bbox/auto/1500x1500.png'
  const [one, two] = [new AbortController(), new AbortController()]
  const first = ask(path, { signal: one.signal }).catch(() => undefined)
  const second = ask(path, { signal: two.signal })
  await turns(5)
  t.equal(context.work.running, 1)
  one.abort()
  t.equal((await second).status, 200)
  await first
  t.equal(context.cache.misses, 1)

  let outcome: unknown
  const { work } = context
  const run = work.run.bind(work)
  work.run = (client, job, slots) =>
    run(
      client,
      async (signal) => {
        try {
          return await job(signal)
        } catch (error) {
          outcome = error
          throw error
        }
      },
      slots,
    )
  const gone = new AbortController()
  const path2 = '/a/bbox/auto/3000x3000.png?resampling=lanczos'
  const third = ask(path2, { signal: gone.signal }).catch(() => undefined)
  await turns(5)
  t.equal(work.running, 1)
  gone.abort(new Error('gone'))
  await third
  await until('the job to give up', () => work.running === 0)
  t.match(outcome, { message: 'gone' }, 'the job itself gave up')
})

t.test('a picture leaves turns of the event loop to others, with every kernel', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, block(5, 10, 12, 2, 2), busy)
  const { ask } = await serve(t, dir)
  for (const [resampling, least] of [
    ['bilinear', 10],
    ['lanczos', 40],
  ] as const) {
    let count = 0
    let going = true
    const spin = (): void => {
      count++
      if (going) setImmediate(spin)
    }
    setImmediate(spin)
    t.equal((await ask(`/a/bbox/auto/900x900.jpg?resampling=${resampling}`)).status, 200)
    going = false
    t.ok(count > least, `${count} turns`)
  }
})
