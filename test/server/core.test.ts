// What is answered to requests for tiles, asked of the core itself: a table of requests × what they get.
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import type { ServerHooks } from '../../src/server/context.js'
import { insideOf, openTileServer, type TileServer } from '../../src/server/handler.js'
import type { ServerOptions } from '../../src/server/options.js'
import { createTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { type Answered, type Asked, makeWorld, overFetch, VECTOR } from './world.js'

const dir = t.testdir()
const sources = await makeWorld(dir)
const pics = openTiles(sources[0]!)
t.teardown(() => pics.close())
const TILE = pics.get(1, 0, 1)!

type Ask = (target: string, asked?: Asked) => Promise<Answered>

async function served(
  t: Tap,
  options: ServerOptions & ServerHooks = {},
): Promise<Ask & { server: TileServer }> {
  const server = await openTileServer(sources, options)
  t.teardown(() => server.close())
  return Object.assign(overFetch(server).ask, { server })
}
type Tap = { teardown(f: () => unknown): void }

const sentenceOf = ({ body }: Answered): string => (JSON.parse(body.toString()) as { error: string }).error

t.test('a tile as it is stored', async (t) => {
  const ask = await served(t)
  for (const target of [
    '/pics/1/0/1',
    '/pics/1/0/1.jpg',
    '/pics/1/0/1.png',
    '/pics/1/0/1@1x.webp',
    '/pics/1/0/-0',
    '/tiles/pics/1/0/1.jpg',
    '/data/pics/1/0/1.jpeg',
    '/%70ics/1/0/1',
    '/pics/1/0/0.jpg?scheme=tms',
    '/pics/1/0/1?key=of+a%20proxy&v=old',
  ]) {
    const { status, headers, body } = await ask(target)
    t.equal(status, 200, target)
    t.same(body, Buffer.from(TILE.bytes), target)
    t.strictSame(headers, {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': headers['access-control-expose-headers'],
      'cache-control': 'public, max-age=60, stale-while-revalidate=3600',
      'content-length': String(TILE.bytes.length),
      'content-type': 'image/jpeg',
      etag: TILE.etag,
    })
  }
  const png = await ask('/pics/2/0/0.jpg')
  t.equal(png.headers['content-type'], 'image/png', 'the type is the true one')
})

t.test('what can be no tile', async (t) => {
  const ask = await served(t)
  const bad = [
    '/pics/27/0/0',
    '/pics/99/0/0',
    '/pics/1e3/0/0',
    '/pics/01/0/0',
    '/pics/1/00/0',
    '/pics/1/0/01.png',
    '/pics/1/0/',
    '/pics/1/0/x',
    '/pics/1/-1/0',
    '/pics/1/0/--1',
    '/pics/1/0/+1',
    '/pics/1/0/1.',
    '/pics/1/0/1.123456789',
    '/pics/1/0/1@x',
    '/pics/1/0/1@2',
    '/pics/1/0/1@2y',
    '/pics/1/0/1@0x',
    '/pics/1/0/1@9x',
    '/pics/1/0/1%00',
    '/pics/1/0/%31',
    '/pics/1/999999999/0',
    '/pics/1/0/99999999999999999999999999',
    '/pics/1/0.5/0',
    '/pics/1/0/0?missing=no',
    '/pics/1/0/0?scheme=zyx',
    '/pics/1/0/0?format=gif',
    '/pics/1/0/0?quality=0',
    '/pics/1/0/0?quality=101',
    '/pics/1/0/0?quality=-1',
    '/pics/1/0/0?tileSize=257',
    '/pics/1/0/0?tileSize=1e9',
    '/%ff/1/0/0',
    '/pics/%/0/0',
  ]
  const absent = [
    '/pics/1/2/0',
    '/pics/1/0/2',
    '/pics/1/0/-2',
    '/pics/0/99999999/0',
    '/pics/1/0/1.exe',
    '/nobody/1/0/0',
    '/nobody/27/0/0',
    '//pics/1/0/0',
    '/pics//1/0/0',
    '/pics/1/0/0/',
    '/pics/1/0',
    '/pics/-1/0/0',
    '/pics%2f1/0/0',
    '/pics%00/1/0/0',
    '/other/pics/1/0/0',
    '/tiles/tiles/pics/1/0/0',
    '/__proto__/1/0/0',
    '/pics.constructor',
  ]
  for (const [targets, expected] of [
    [bad, 400],
    [absent, 404],
  ] as const) {
    for (const target of targets) {
      const reply = await ask(target)
      t.equal(reply.status, expected, target)
      t.match(sentenceOf(reply), /^[A-Za-z].*\.$/, 'in a sentence')
      t.equal(reply.headers['cache-control'], 'no-store', 'that is not kept')
      t.equal(reply.headers['access-control-allow-origin'], '*', 'and that scripts may read')
    }
  }
})

t.test('HEAD and If-None-Match read no value', async (t) => {
  const ask = await served(t)
  const source = insideOf(ask.server).context.catalog.get('pics')!
  let reads = 0
  const get = source.get.bind(source)
  source.get = (z, x, y) => {
    reads++
    return get(z, x, y)
  }
  const full = await ask('/pics/1/0/1')
  t.equal(reads, 1, 'the counting counts')
  const head = await ask('/pics/1/0/1', { method: 'HEAD' })
  t.equal(head.status, 200)
  t.strictSame(head.headers, full.headers)
  t.equal(head.body.length, 0)
  for (const known of [
    TILE.etag,
    `W/${TILE.etag}`,
    '*',
    `"other", ${TILE.etag}`,
    ` "other" ,W/${TILE.etag} , "more"`,
    `"a,b", ${TILE.etag}`,
  ]) {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await ask('/pics/1/0/1', {
        method,
        headers: { 'If-None-Match': known },
      })
      t.equal(status, 304, known)
      t.equal(body.length, 0)
      t.equal(headers['etag'], TILE.etag)
      t.equal(headers['cache-control'], full.headers['cache-control'])
      t.equal(headers['content-length'], undefined)
      t.equal(headers['content-type'], undefined)
    }
  }
  t.equal(reads, 1)
  const bare = TILE.etag.slice(1, -1)
  for (const known of [
    '"other"',
    bare,
    `"x${bare}"`,
    `"${bare}x"`,
    `"${bare}`,
    '',
    ',',
    '"*"',
    `x${TILE.etag}`,
  ]) {
    t.equal((await ask('/pics/1/0/1', { headers: { 'If-None-Match': known } })).status, 200, known)
  }
})

t.test('methods', async (t) => {
  const ask = await served(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const reply = await ask('/pics/1/0/1', { method })
    t.equal(reply.status, 405, method)
    t.equal(reply.headers['allow'], 'GET, HEAD, OPTIONS')
  }
  const { status, headers } = await ask('/pics/1/0/1', { method: 'OPTIONS' })
  t.equal(status, 204)
  t.equal(headers['allow'], 'GET, HEAD, OPTIONS')
  t.equal(headers['access-control-allow-methods'], undefined, 'that was no preflight')
  t.match((await ask('/pics.json', { method: 'DELETE' })).headers, { allow: 'GET, HEAD, OPTIONS' })
  t.equal((await ask('/nobody', { method: 'DELETE' })).status, 404)
})

t.test('CORS', async (t) => {
  const asked = (origin: string, more: Record<string, string> = {}): Asked => ({
    headers: { Origin: origin, ...more },
  })
  const preflight = { 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'range' }
  const open = await served(t)
  t.match((await open('/pics/1/0/1', asked('http://a.example'))).headers, {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': /ETag.*Content-Range/,
    vary: undefined,
  })
  const answer = await open('/pics.pmtiles', { method: 'OPTIONS', ...asked('http://a.example', preflight) })
  t.equal(answer.status, 204)
  t.match(answer.headers, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    'access-control-allow-headers': /Range/,
    'access-control-max-age': /^\d+$/,
  })

  const some = await served(t, { cors: ['https://a.example', 'https://b.example'] })
  const intoPrivate = { ...preflight, 'Access-Control-Request-Private-Network': 'true' }
  const allows = async (
    ask: typeof some,
    origin: string,
    headers: Record<string, string>,
  ): Promise<unknown> =>
    (await ask('/pics/1/0/1', { method: 'OPTIONS', ...asked(origin, headers) })).headers[
      'access-control-allow-private-network'
    ]
  t.equal(await allows(open, 'https://c.example', intoPrivate), 'true', 'asked from a public network')
  t.equal(await allows(some, 'https://a.example', intoPrivate), 'true')
  t.equal(await allows(some, 'https://c.example', intoPrivate), undefined, 'not for those who may not read')
  t.equal(await allows(open, 'https://c.example', preflight), undefined, 'not asked for')
  for (const target of ['/pics/1/0/1', '/pics/9/0/0', '/nobody', '/pics/1/0/x']) {
    const a = await some(target, asked('https://b.example'))
    t.equal(a.headers['access-control-allow-origin'], 'https://b.example', target)
    t.equal(a.headers['vary'], 'Origin')
    for (const other of [{}, asked('https://c.example'), asked('https://a.example.evil'), asked('null')]) {
      const { headers } = await some(target, other)
      t.equal(headers['access-control-allow-origin'], undefined)
      t.equal(headers['vary'], 'Origin', 'a cache must not give this to another')
    }
  }
  const none = await served(t, { cors: [] })
  t.match((await none('/pics/1/0/1', asked('https://a.example'))).headers, {
    'access-control-allow-origin': undefined,
    vary: undefined,
  })
})

t.test('Cache-Control', async (t) => {
  const ask = await served(t, { cacheControl: 'public, max-age=7' })
  const { version } = insideOf(ask.server).context.catalog.get('pics')!
  const kept = async (target: string): Promise<string | undefined> =>
    (await ask(target)).headers['cache-control']
  const forEver = 'public, max-age=31536000, immutable'
  t.equal(await kept('/pics/1/0/1'), 'public, max-age=7')
  t.equal(await kept(`/pics/1/0/1?v=${version}`), forEver)
  t.equal(await kept(`/pics/1/0/1?missing=404&v=${encodeURIComponent(version)}`), forEver)
  t.equal(await kept('/pics/1/0/1?v=another'), 'public, max-age=7', 'not the version that is meant')
  t.equal(await kept('/pics/1/0/1?v='), 'public, max-age=7')
  t.equal(await kept(`/pics/9/0/0?v=${version}`), forEver, 'missing in this version for ever')
  t.equal(await kept('/pics/9/0/0?missing=404'), 'public, max-age=7')
  t.equal(await kept(`/pics/1/0/x?v=${version}`), 'no-store')
  t.equal(await kept(`/pics.json?v=${version}`), forEver)

  // a version that passes while the answer is made: it may be of the one or the other
  const source = insideOf(ask.server).context.catalog.get('pics')!
  for (const target of [
    '/pics/1/0/1',
    '/pics/1/0/1?format=webp',
    '/pics/2/3/3?missing=overzoom',
    '/pics/9/0/0',
    '/pics.json',
  ]) {
    let looks = 0
    Object.defineProperty(source, 'version', {
      configurable: true,
      get: () => (looks++ === 0 ? version : 'next'),
    })
    t.equal(
      await kept(`${target}${target.includes('?') ? '&' : '?'}v=${version}`),
      'public, max-age=7',
      target,
    )
    t.ok(looks > 1)
  }
})

t.test('missing tiles, by URL, source and server', async (t) => {
  const policies = { auto: 200, 204: 204, 404: 404, transparent: 200, overzoom: 200 } as const
  for (const [missing, status] of Object.entries(policies) as [keyof typeof policies & string, number][]) {
    const ask = await served(t, { missing: missing as never })
    t.equal((await ask('/pics/2/3/3')).status, status, `${missing}, of the server`)
    for (const [other, expected] of Object.entries(policies)) {
      const reply = await ask(`/pics/2/3/3?missing=${other}`)
      t.equal(reply.status, expected, `${missing}, ${other} of the URL`)
      const head = await ask(`/pics/2/3/3?missing=${other}`, { method: 'HEAD' })
      t.equal(head.status, expected)
      t.strictSame(head.headers, reply.headers)
      const etag = reply.headers['etag']
      t.equal(etag === undefined, expected !== 200)
      if (etag === undefined) continue
      t.equal(reply.headers['content-length'], String(reply.body.length))
      const known = { headers: { 'If-None-Match': etag } }
      t.equal((await ask(`/pics/2/3/3?missing=${other}`, known)).status, 304)
    }
    const server = await openTileServer([{ path: sources[0]!, missing: '404' }], {
      missing: missing as never,
    })
    t.equal((await overFetch(server).ask('/pics/2/3/3')).status, 404, 'the source is asked before the server')
    await server.close()
  }
  const ask = await served(t)
  const clear = await ask('/pics/2/3/3.png?missing=transparent')
  const { channels } = await sharp(clear.body).stats()
  t.equal(channels[3]?.max, 0, 'transparent it is')
  const enlarged = await ask('/pics/2/3/3?missing=overzoom')
  t.equal((await sharp(enlarged.body).metadata()).width, 256)
  t.ok(Math.abs((await sharp(enlarged.body).stats()).channels[0]!.mean - 140) < 4, 'of its parent 1/1/1')
  for (const policy of ['transparent', 'overzoom']) {
    t.equal((await ask(`/vector/1/0/0?missing=${policy}`)).status, 204, 'no picture among vector tiles')
  }
  t.equal((await ask('/pics/2/3/3?missing=404', { method: 'HEAD' })).status, 404)
})

t.test('by default a client gets what it can show', async (t) => {
  const ask = await served(t)
  const shown = await ask('/pics/2/3/3')
  t.match(shown, { status: 200, headers: { 'content-type': 'image/jpeg' } }, 'as its parent is stored')
  t.same(shown.body, (await ask('/pics/2/3/3?missing=overzoom')).body)
  const deep = await ask('/pics/9/511/511')
  t.equal(deep.status, 200, 'below the deepest level too')
  t.ok(Math.abs((await sharp(deep.body).stats()).channels[0]!.mean - 140) < 4, 'from 1/1/1')
  t.equal((await ask('/vector/1/0/0')).status, 204, 'vector tiles are not enlarged')

  // one tile, whose west is transparent, and none above it
  const path = join(t.testdir(), 'half.pmtiles')
  const writer = createTiles(path)
  const { width, height } = { width: 256, height: 256 }
  const half = Buffer.alloc(width * height * 4)
  for (let i = 0; i < half.length; i += 4)
    if ((i / 4) % width >= 128) half.fill(200, i, i + 4).fill(255, i + 3, i + 4)
  const png = await sharp(half, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer()
  writer.append(2, 1, 1, png, TileType.png)
  writer.seal()
  writer.close()
  const server = await openTileServer([path])
  t.teardown(() => server.close())
  const of = overFetch(server).ask
  const { cache } = insideOf(server).context
  t.equal((await of('/half/2/0/0')).status, 204, 'nothing is stored above')
  t.equal((await of('/half/1/0/0')).status, 204)
  t.same([cache.misses, cache.hits], [0, 0], 'and nothing was computed for that')
  t.equal((await of('/half/4/7/4')).status, 200, 'in the east of its ancestor')
  const empty = await of('/half/4/4/4')
  t.equal(empty.status, 204, 'nothing is in the west')
  t.equal(empty.headers['cache-control'], 'public, max-age=60, stale-while-revalidate=3600')
  const { misses } = cache
  t.equal((await of('/half/4/4/4')).status, 204)
  t.equal(cache.misses, misses, 'which is found out once')
  const clear = await of('/half/4/4/4?missing=auto-transparent')
  t.match(clear, { status: 200, headers: { 'content-type': 'image/png' } }, 'where clients need a picture')
  t.equal((await sharp(clear.body).stats()).channels[3]!.max, 0)
  t.equal((await of('/half/2/0/0?missing=auto-transparent')).status, 200)
  t.same((await of('/half/4/7/4?missing=auto-transparent')).body, (await of('/half/4/7/4')).body)
})

t.test('enlarged tiles of a file that grows, and under load', async (t) => {
  const flat = (red: number): Promise<Buffer> =>
    sharp({ create: { width: 256, height: 256, channels: 3, background: { r: red, g: 9, b: 9 } } })
      .png()
      .toBuffer()
  const path = join(t.testdir(), 'growing.pmtiles')
  const writer = createTiles(path)
  t.teardown(() => writer.close())
  writer.append(3, 1, 1, await flat(40), TileType.png)
  writer.commit()
  const server = await openTileServer([path])
  t.teardown(() => server.close())
  const { ask } = overFetch(server)
  const redAt = async ({ body }: Answered): Promise<number> =>
    Math.round((await sharp(body).stats()).channels[0]!.mean)
  const before = await ask('/growing/6/8/8')
  t.equal(await redAt(before), 40)
  const { version } = insideOf(server).context.catalog.get('growing')!
  const forEver = 'public, max-age=31536000, immutable'
  t.equal((await ask(`/growing/6/8/8?v=${version}`)).headers['cache-control'], forEver)
  t.equal((await ask(`/growing/6/63/63?v=${version}`)).headers['cache-control'], forEver, 'a 204 as well')
  writer.append(4, 2, 2, await flat(200), TileType.png)
  writer.commit()
  const known = { headers: { 'If-None-Match': before.headers['etag']! } }
  const after = await ask('/growing/6/8/8', known)
  t.same([after.status, await redAt(after)], [200, 200], 'from the tile that is nearer now')
  t.not((await ask(`/growing/6/8/8?v=${version}`)).headers['cache-control'], forEver)

  // over HTTP/2 a large screen asks at once
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, i) => ask(`/growing/9/${64 + (i % 16)}/${64 + (i >> 4)}`)),
  )
  t.same([...new Set(all.map(({ status }) => status))], [200])
  const narrow = await openTileServer([path], { limits: { jobs: 1, waiting: 2 } })
  t.teardown(() => narrow.close())
  const some = await Promise.all(
    Array.from({ length: 20 }, (_, i) => overFetch(narrow).ask(`/growing/9/${64 + i}/64`)),
  )
  const refused = some.filter(({ status }) => status === 503)
  t.ok(refused.length > 0 && refused.length < 20, `${refused.length} were too many`)
  t.same([...new Set(refused.map(({ headers }) => headers['retry-after']))], ['2'])
})

t.test('other forms', async (t) => {
  const formatOf = async ({ status, headers, body }: Answered): Promise<string> => {
    if (status !== 200) return String(status)
    const { format, width } = await sharp(body).metadata()
    t.equal(headers['content-type'], `image/${format === 'heif' ? 'avif' : format}`)
    return `${format} ${width}`
  }
  const plain = await served(t)
  t.equal(await formatOf(await plain('/pics/1/0/1.webp')), 'jpeg 256', 'as it is stored')
  t.equal(await formatOf(await plain('/pics/1/0/1?format=webp')), 'webp 256', 'unless it is asked for')
  t.equal(await formatOf(await plain('/pics/1/0/1?format=jpg')), 'jpeg 256')
  t.same((await plain('/pics/1/0/1?format=jpg')).body, Buffer.from(TILE.bytes), 'which is what is stored')
  t.equal(await formatOf(await plain('/pics/1/0/1@2x.png')), 'jpeg 512')
  t.equal(await formatOf(await plain('/pics/1/0/1?tileSize=512&format=png')), 'png 512')
  t.equal((await plain('/vector/0/0/0?format=png')).status, 400, 'of vector tiles there are no pictures')

  const ask = await served(t, { transcode: true })
  t.equal(await formatOf(await ask('/pics/1/0/1.webp')), 'webp 256')
  t.equal(await formatOf(await ask('/pics/1/0/1.jpg')), 'jpeg 256')
  t.same((await ask('/pics/1/0/1.jpg')).body, Buffer.from(TILE.bytes))
  t.equal(await formatOf(await ask('/pics/2/0/0.jpg')), 'jpeg 256')
  t.equal((await ask('/vector/0/0/0.png')).status, 200, 'vector tiles are sent as they are')
  const browser = 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8'
  for (const [accept, expected] of [
    ['*/*', 'jpeg 256'],
    ['image/png', 'png 256'],
    ['image/webp;q=0.9,image/*;q=0.5', 'webp 256'],
    ['image/png;q=0, image/jpeg', 'jpeg 256'],
    ['text/html', 'jpeg 256'],
    [browser, 'jpeg 256'],
  ] as const) {
    const reply = await ask('/pics/1/0/1', { headers: { Accept: accept } })
    t.equal(await formatOf(reply), expected, accept)
    t.equal(reply.headers['vary'], 'Accept')
  }
  t.equal((await ask('/pics/1/0/1.png')).headers['vary'], undefined, 'only where it varies')
  const made = await ask('/pics/1/0/1.webp')
  const again = await ask('/pics/1/0/1.webp', { headers: { 'If-None-Match': made.headers['etag']! } })
  t.equal(again.status, 304)
  t.equal((await ask('/pics/1/0/1.webp', { headers: { 'If-None-Match': '*' } })).status, 304)

  // what a client has is not made again to be thrown away, also when the cache has forgotten it
  const forgetful = await served(t, { transcode: true, limits: { cacheBytes: 0 } })
  const { cache } = insideOf(forgetful.server).context
  for (const target of ['/pics/1/0/1.webp', '/pics/2/3/3?missing=overzoom']) {
    const { headers } = await forgetful(target)
    const before = cache.misses
    t.ok(before > 0)
    const known = await forgetful(target, { headers: { 'If-None-Match': headers['etag']! } })
    t.equal(known.status, 304)
    t.equal(known.headers['etag'], headers['etag'])
    t.equal(cache.misses, before, target)
  }
  const nothing = { headers: { 'If-None-Match': '*' } }
  t.equal((await forgetful('/vector/1/0/0?missing=overzoom', nothing)).status, 204)
})

t.test('vector tiles, gzipped as they are stored', async (t) => {
  const ask = await served(t)
  for (const accepted of ['gzip, deflate, br', 'br;q=1, *;q=0.1', 'x-gzip']) {
    const { headers, body } = await ask('/vector/0/0/0.pbf', { headers: { 'Accept-Encoding': accepted } })
    t.equal(headers['content-encoding'], 'gzip')
    t.equal(headers['content-type'], 'application/vnd.mapbox-vector-tile')
    t.equal(headers['vary'], 'Accept-Encoding')
    t.same(body.subarray(0, 2), Buffer.of(0x1f, 0x8b))
    t.equal(headers['content-length'], String(body.length))
  }
  for (const headers of [{}, { 'Accept-Encoding': 'br, gzip;q=0' }] as Record<string, string>[]) {
    const reply = await ask('/vector/0/0/0.pbf', { headers })
    t.same(reply.body, VECTOR)
    t.equal(reply.headers['content-encoding'], undefined)
    t.equal(reply.headers['content-length'], String(VECTOR.length))
    t.match(reply.headers['etag'], /^W\//, 'not the bytes of the strong tag')
    const head = await ask('/vector/0/0/0.pbf', { headers, method: 'HEAD' })
    t.equal(head.headers['etag'], reply.headers['etag'])
    const same = await ask('/vector/0/0/0.pbf', {
      headers: { ...headers, 'If-None-Match': reply.headers['etag']! },
    })
    t.equal(same.status, 304)
    t.equal(head.headers['content-encoding'], undefined)
    t.equal(head.headers['content-length'], undefined, 'not known before')
  }
})

t.test('under a base path', async (t) => {
  const ask = await served(t, { basePath: '/maps/a' })
  t.equal((await ask('/maps/a/pics/1/0/1')).status, 200)
  t.equal((await ask('/maps/a/tiles/pics/1/0/1?v=1')).status, 200)
  t.equal((await ask('/maps/a')).status, 308, 'to /maps/a/')
  t.equal((await ask('/maps/a/')).status, 200)
  for (const target of ['/pics/1/0/1', '/maps/pics/1/0/1', '/maps/ab/pics/1/0/1', '/maps', '/']) {
    t.equal((await ask(target)).status, 404, target)
  }
})

t.test('damage is 500 and a sentence, and the log hears more', async (t) => {
  const path = join(t.testdir(), 'broken.pmtiles')
  const writer = createTiles(path)
  writer.append(0, 0, 0, new Uint8Array(100).fill(7))
  writer.append(1, 0, 0, new Uint8Array(100).fill(9))
  writer.seal()
  writer.close()
  const { readFileSync, utimesSync, writeFileSync } = await import('node:fs')
  const bytes = readFileSync(path)
  bytes[bytes.lastIndexOf(Buffer.alloc(100, 9)) + 50] = 0
  writeFileSync(path, bytes)
  const errors: unknown[] = []
  const server = await openTileServer(path, { onError: (error) => errors.push(error) })
  t.teardown(() => server.close())
  const { ask } = overFetch(server)
  t.equal((await ask('/broken/0/0/0')).status, 200)
  for (let i = 0; i < 2; i++) {
    const reply = await ask('/broken/1/0/0')
    t.equal(reply.status, 500)
    t.match(sentenceOf(reply), /damaged/)
    t.notMatch(reply.body.toString(), /broken\.pmtiles|at .*:\d+/, 'no path, no stack')
  }
  t.match(errors, [{ code: 'DAMAGED' }, { code: 'DAMAGED' }])
  for (const cutTo of [0, 2000]) {
    writeFileSync(path, Buffer.alloc(cutTo, 7))
    // a file is looked at anew when its times say that nobody is writing to it
    utimesSync(path, 1, 1)
    const reply = await ask('/broken/0/0/0')
    t.match(
      [reply.status, sentenceOf(reply)],
      [500, /damaged/],
      `written over with ${cutTo} bytes of something else`,
    )
  }
})

t.test('what nobody foresaw', async (t) => {
  const errors: unknown[] = []
  const ask = await served(t, { onError: (error) => errors.push(error) })
  const source = insideOf(ask.server).context.catalog.get('pics')!
  for (const error of [
    new Error('secret'),
    new RangeError('Invalid typed array length: -1'),
    new TypeError('x'),
  ]) {
    source.get = () => {
      throw error
    }
    const reply = await ask('/pics/1/0/1')
    t.equal(reply.status, 500)
    t.notMatch(reply.body.toString(), /secret|Invalid/)
    t.equal(errors.pop(), error)
  }
  source.get = () => {
    throw new RangeError('zoom 99 is outside')
  }
  t.equal((await ask('/pics/1/0/1')).status, 400)
  t.same(errors, [])
})

t.test('answers are counted', async (t) => {
  const told: object[] = []
  const ask = await served(t, { onAnswer: (_query, answer) => told.push(answer) })
  await ask('/pics/1/0/1')
  await ask('/pics/1/0/1', { method: 'HEAD' })
  await ask('/pics/9/0/0?missing=204')
  await ask('/pics/1/0/x')
  await ask('/pics.json')
  await ask('/nowhere')
  const { requests } = insideOf(ask.server).context.metrics
  const tiles = requests.of('tile')
  t.strictSame(tiles.statuses, [
    [200, 2],
    [204, 1],
    [400, 1],
  ])
  t.ok(tiles.bytes > TILE.bytes.length && tiles.bytes < TILE.bytes.length + 200, 'with the bytes of one tile')
  t.ok(tiles.seconds > 0)
  t.strictSame(requests.of('none').statuses, [[404, 1]])
  t.strictSame(requests.of('tilejson').statuses, [[200, 1]])
  t.match(told, [
    { route: 'tile', status: 200, bytes: TILE.bytes.length },
    { route: 'tile', status: 200, bytes: 0 },
    { route: 'tile', status: 204, bytes: 0 },
    { route: 'tile', status: 400 },
    { route: 'tilejson', status: 200 },
    { route: 'none', status: 404 },
  ])
})
