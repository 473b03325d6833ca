// Remote sources against a server of this process: how many requests are made, and every way a server can fail.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import { isRemote, refuseForeignPath, remoteUrl, withoutSecrets } from '../../src/raster/remote-path.js'
import type { HttpOptions } from '../../src/raster/tiff/file/http-file.js'
import { openHttpSource } from '../../src/raster/tiff/file/http-source.js'
import { withoutGdal } from '../helpers/gdal.js'
import { fixture } from '../helpers/paths.js'
import { integersFrom } from '../helpers/random.js'
import { sameBytes } from '../helpers/same-bytes.js'
import { until } from '../helpers/waiting.js'
import { RangeServer, sendRange, type Trouble } from './http-server.js'

const PAGE = 65536
// far longer than a busy machine keeps a server of this process from answering
const quick: HttpOptions = { backoffMs: 1, timeoutMs: 60_000, tries: 4 }
/** 2 MB whose every byte is known. */
const file = Uint8Array.from({ length: 2_000_003 }, (_, i) => (i * 7 + (i >> 8) * 13) & 255)

const server = await RangeServer.start()
t.teardown(() => server.stop())
t.beforeEach(() => {
  server.asked.length = 0
  server.trouble = undefined
  server.etag = '"one"'
  server.files.clear()
  server.files.set('/a.tif', file)
})

const open = (options: HttpOptions = {}) => openHttpSource(server.url('/a.tif'), { ...quick, ...options })
const starts = (): string[] => server.asked.map(({ start, end }) => `${start / PAGE}…${end / PAGE}`)

t.test('the head is read once, neighbouring pages come together, and nothing comes twice', async (t) => {
  const source = await open()
  t.equal(source.sizeBytes, file.length)
  t.match(source.version, /2000003 bytes, "one"/)
  t.same(await source.read(8, 20), file.slice(8, 28))
  sameBytes(t, await source.read(60_000, 5000), file.slice(60_000, 65_000))
  t.same(starts(), ['0…1'], 'everything in the first 64 KiB came with opening')
  const wanted = [
    [3 * PAGE + 5, 100],
    [4 * PAGE - 50, 200],
    [5 * PAGE + 9, 10],
    [20 * PAGE, 3 * PAGE],
  ] as const
  const read = await Promise.all(wanted.map(([at, length]) => source.read(at, length)))
  for (const [i, [at, length]] of wanted.entries()) sameBytes(t, read[i], file.slice(at, at + length))
  t.same(starts().slice(1).sort(), ['20…23', '3…6'], 'two requests for four reads at once')
  await source.read(3 * PAGE, 3 * PAGE)
  t.equal(server.asked.length, 3, 'kept')
  t.same(await source.read(file.length - 10, 10), file.slice(-10), 'the last page is shorter')
  await t.rejects(source.read(file.length - 10, 11), { code: 'SOURCE_CORRUPT' })
  await source.close()
})

t.test('reads of every kind give the bytes of the file', async (t) => {
  const source = await open()
  const next = integersFrom(5)
  for (let i = 0; i < 60; i++) {
    const at = next(file.length)
    const length = next(Math.min(file.length - at, i % 3 === 0 ? 400_000 : 3000))
    if (!Buffer.from(await source.read(at, length)).equals(file.subarray(at, at + length)))
      t.fail(`${at}+${length}`)
  }
  await source.close()
  t.ok(server.asked.length <= 31, 'no page more than once')
})

t.test('what is announced comes in few requests', async (t) => {
  const source = await open()
  source.prefetch!(Array.from({ length: 20 }, (_, i) => [PAGE + i * 40_000, 40_000] as const))
  await until('two requests', () => server.asked.length >= 2)
  t.equal(server.asked.length, 2)
  sameBytes(t, await source.read(PAGE + 400_000, 40_000), file.slice(PAGE + 400_000, PAGE + 440_000))
  t.equal(server.asked.length, 2)
  await source.close()
})

t.test('a reading larger than the cache', async (t) => {
  const large = new Uint8Array(40 * 2 ** 20).map((_, i) => i >> 12)
  server.files.set('/large.tif', large)
  const source = await openHttpSource(server.url('/large.tif'), quick)
  const bytes = await source.read(100, large.length - 100)
  t.ok(Buffer.from(bytes).equals(large.subarray(100)))
  await source.close()
})

t.test('an empty file, and one smaller than the head', async (t) => {
  server.files.set('/empty.tif', new Uint8Array(0))
  server.files.set('/small.tif', file.subarray(0, 1000))
  const empty = await openHttpSource(server.url('/empty.tif'), quick)
  t.equal(empty.sizeBytes, 0)
  const small = await openHttpSource(server.url('/small.tif'), quick)
  t.same(await small.read(900, 100), file.slice(900, 1000))
})

/** Fails the first `times` requests behind the head. */
const failing =
  (times: number, how: Trouble): Trouble =>
  (request, response, count) =>
    count > 1 && count <= 1 + times ? how(request, response, count) : false

const PASSING: [string, Trouble][] = [
  ['500', (_, response) => Boolean(response.writeHead(500).end())],
  ['503 with Retry-After', (_, response) => Boolean(response.writeHead(503, { 'retry-after': '0' }).end())],
  ['429', (_, response) => Boolean(response.writeHead(429).end('slow down'))],
  ['a connection cut at once', (request) => Boolean(request.socket.destroy())],
  [
    'a body cut off',
    (_, response) => {
      response.writeHead(206, {
        'content-range': `bytes ${PAGE}-${2 * PAGE - 1}/${file.length}`,
        'content-length': PAGE,
      })
      response.write(file.subarray(PAGE, PAGE + 1000), () => response.destroy())
      return true
    },
  ],
  [
    'another range than asked for',
    (_, response) =>
      Boolean(response.writeHead(206, { 'content-range': `bytes 0-9/${file.length}` }).end('0123456789')),
  ],
  [
    'more bytes than said',
    (_, response) => {
      response.writeHead(206, { 'content-range': `bytes ${PAGE}-${2 * PAGE - 1}/${file.length}` })
      response.end(file.subarray(0, PAGE + 1))
      return true
    },
  ],
]
for (const [name, how] of PASSING) {
  t.test(`passing trouble: ${name}`, async (t) => {
    server.trouble = failing(2, how)
    const source = await open()
    t.same(await source.read(PAGE + 10, 100), file.slice(PAGE + 10, PAGE + 110))
    t.equal(server.asked.length, 4, 'the head, two failures, one success')
    server.asked.length = 1
    server.trouble = failing(99, how)
    await t.rejects(source.read(5 * PAGE, 10), { code: 'SOURCE_UNREADABLE', message: /\(tried 4 times\)/ })
    server.trouble = undefined
    t.same(await source.read(5 * PAGE, 10), file.slice(5 * PAGE, 5 * PAGE + 10), 'a failure is not kept')
    await source.close()
  })
}

t.test('a server that stops talking is given up, and one that is only slow is not', async (t) => {
  const pieces = 20
  const step = Math.ceil(PAGE / pieces)
  const patient = await open({ timeoutMs: 4000, tries: 2 })
  const source = await open({ timeoutMs: 1000, tries: 2 })
  server.trouble = failing(99, () => true)
  await t.rejects(source.read(PAGE, 10), { code: 'SOURCE_UNREADABLE', message: /sent nothing for 1 s/ })
  server.trouble = failing(99, async (_, response) => {
    response.writeHead(206, {
      'content-range': `bytes ${PAGE}-${2 * PAGE - 1}/${file.length}`,
      'content-length': PAGE,
    })
    for (let at = 0; at < PAGE; at += step) {
      response.write(file.subarray(PAGE + at, Math.min(PAGE + at + step, 2 * PAGE)))
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    response.end()
    return true
  })
  // a busy machine adds to each pause
  t.same(await patient.read(PAGE, 10), file.slice(PAGE, PAGE + 10), '5 s in pieces of 0.25')
  await patient.close()
  await source.close()
})

t.test('a server that sends a byte now and then is given up', async (t) => {
  const length = 8000
  server.files.set('/short.tif', file.subarray(0, PAGE + length))
  server.trouble = failing(99, async (_, response) => {
    response.writeHead(206, {
      'content-range': `bytes ${PAGE}-${PAGE + length - 1}/${PAGE + length}`,
      'content-length': length,
    })
    for (let at = 0; at < length && !response.destroyed; at++) {
      response.write('x')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return true
  })
  const source = await openHttpSource(server.url('/short.tif'), { ...quick, timeoutMs: 1000, tries: 1 })
  const start = performance.now()
  await t.rejects(source.read(PAGE, 10), { code: 'SOURCE_UNREADABLE', message: /too slow/ })
  // 2 s and 8 KB at 10 KB/s: the pieces alone would take more than six minutes.
  t.ok(performance.now() - start < 60_000)
  await source.close()
})

t.test('closing ends what is under way', async (t) => {
  server.trouble = failing(99, () => true)
  const source = await open()
  const rejected = t.rejects(source.read(PAGE, 10), { code: 'SOURCE_UNREADABLE', message: /closed/ })
  await until('the request for the page', () => server.asked.length >= 2)
  await source.close()
  await rejected
})

const FINAL: [string, Trouble, { code: string; message: RegExp }][] = [
  [
    '404',
    (_, r) => Boolean(r.writeHead(404).end()),
    { code: 'NOT_FOUND', message: /does not exist \(HTTP 404\)/ },
  ],
  [
    '403',
    (_, r) => Boolean(r.writeHead(403).end()),
    { code: 'SOURCE_UNREADABLE', message: /refuses access/ },
  ],
  ['400', (_, r) => Boolean(r.writeHead(400).end()), { code: 'SOURCE_UNREADABLE', message: /answered 400/ }],
  [
    'gzip',
    (_, r) =>
      Boolean(r.writeHead(206, { 'content-encoding': 'gzip', 'content-range': 'bytes 0-9/100' }).end()),
    { code: 'SOURCE_UNREADABLE', message: /compressed \(gzip\)/ },
  ],
  [
    'no Content-Range',
    (_, r) => Boolean(r.writeHead(206).end('hello')),
    { code: 'SOURCE_UNREADABLE', message: /does not say which part/ },
  ],
  [
    'no size in Content-Range',
    (_, r) => Boolean(r.writeHead(206, { 'content-range': 'bytes 0-4/*' }).end('hello')),
    { code: 'SOURCE_UNREADABLE', message: /does not say which part/ },
  ],
  [
    'a large file without ranges',
    (_, r) => Boolean(r.writeHead(200, { 'content-length': 2 ** 31 }).write('x')),
    { code: 'SOURCE_UNREADABLE', message: /cannot send parts of a file/ },
  ],
  [
    'redirects too many times',
    (q, r) => Boolean(r.writeHead(302, { location: q.url! }).end()),
    { code: 'SOURCE_UNREADABLE', message: /redirects too many times/ },
  ],
]
for (const [name, how, expected] of FINAL) {
  t.test(`final trouble when opening: ${name}`, async (t) => {
    server.trouble = how
    await t.rejects(open(), expected)
    t.ok(server.asked.length === 1 || name.startsWith('redirects'), 'asked once')
  })
}

t.test('a server nobody answers at', async (t) => {
  await t.rejects(openHttpSource('http://127.0.0.1:9/a.tif', quick), {
    code: 'SOURCE_UNREADABLE',
    message: /bad port/,
  })
  const gone = await RangeServer.start()
  const url = gone.url('/a.tif')
  await gone.stop()
  await t.rejects(openHttpSource(url, quick), {
    code: 'SOURCE_UNREADABLE',
    message: /connection failed \(ECONNREFUSED\) \(tried 4 times\)/,
  })
  await t.rejects(openHttpSource('http://no.such.host.invalid/a.tif', { ...quick, tries: 2 }), {
    code: 'SOURCE_UNREADABLE',
  })
  await t.rejects(openHttpSource('http://[bad/a.tif', quick), { message: /not a valid URL/ })
})

t.test('a small file of a server without ranges is taken whole', async (t) => {
  server.trouble = (_, response) =>
    Boolean(response.writeHead(200, { 'content-length': file.length }).end(file))
  const source = await open()
  t.equal(source.sizeBytes, file.length)
  t.same(await source.read(1_000_000, 1000), file.slice(1_000_000, 1_001_000))
  t.equal(server.asked.length, 1)
})

t.test('a redirect is followed', async (t) => {
  server.trouble = (request, response) =>
    request.url === '/a.tif' && Boolean(response.writeHead(302, { location: '/b.tif' }).end())
  server.files.set('/b.tif', file)
  const source = await open()
  t.same(await source.read(PAGE, 10), file.slice(PAGE, PAGE + 10))
})

const CHANGES: [string, () => void][] = [
  ['another ETag', () => (server.etag = '"two"')],
  ['another size', () => server.files.set('/a.tif', file.subarray(0, 1_500_000))],
  ['the whole file', () => (server.trouble = (_, r) => Boolean(r.writeHead(200).end(file)))],
  ['range not satisfiable', () => server.files.set('/a.tif', file.subarray(0, 100))],
]
for (const [name, change] of CHANGES) {
  t.test(`a file that changes: ${name}`, async (t) => {
    const source = await open()
    change()
    await t.rejects(source.read(PAGE, 10), {
      code: 'SOURCE_UNREADABLE',
      message: /changed on its server/,
    })
    await source.close()
  })
}

t.test('weak and strong ETags, and dates of mirrors, are no change', async (t) => {
  let date = 0
  server.trouble = (request, response) => {
    response.setHeader('last-modified', new Date(++date * 100_000).toUTCString())
    response.setHeader('etag', date % 2 ? '"one"' : 'W/"one"')
    sendRange(file, request, response)
    return true
  }
  const source = await open()
  t.same(await source.read(PAGE, 10), file.slice(PAGE, PAGE + 10))
})

t.test('a login goes into a header and into no message', async (t) => {
  let said = ''
  server.trouble = (request) => {
    said = request.headers.authorization ?? ''
    return false
  }
  const url = server.url('/none.tif').replace('http://', 'http://me:secret@')
  const error = await openHttpSource(url, quick).then(
    () => undefined,
    (cause: Error) => cause,
  )
  t.match(error, { code: 'NOT_FOUND' })
  t.notMatch(error?.message, /secret/)
  t.equal(said, `Basic ${Buffer.from('me:secret').toString('base64')}`)
})

t.test('paths', (t) => {
  t.equal(remoteUrl('/vsicurl/https://x/y.tif'), 'https://x/y.tif')
  t.equal(remoteUrl('HTTPS://x/y.tif'), 'HTTPS://x/y.tif')
  t.notOk(isRemote('/data/http/y.tif'))
  t.notOk(isRemote('http.tif'))
  t.equal(withoutSecrets('https://me:pw@x/y.tif?sig=1#a'), 'https://x/y.tif')
  t.equal(withoutSecrets('/data/a?b#c.tif'), '/data/a?b#c.tif')
  for (const path of [
    '/vsizip/a.zip/b.tif',
    '/vsigzip/a.tif.gz',
    '/vsis3/b/k.tif',
    '/vsicurl/ftp://x',
    '/vsicurl?url=x',
  ]) {
    t.throws(() => refuseForeignPath(path), /virtual file system of GDAL/)
  }
  for (const path of ['s3://b/k.tif', 'ftp://x/y.tif']) {
    t.throws(() => refuseForeignPath(path), /pass an http\(s\) URL/)
  }
  for (const path of ['a.tif', '/vsi/a.tif', 'C:\\a.tif', 'https://x/y.tif']) refuseForeignPath(path)
  t.end()
})

t.test('a GeoTIFF by URL is the one on the disk, here and in a worker', async (t) => {
  const name = 'jpeg-ycbcr-tables'
  const path = fixture('tiff', `${name}.tif`)
  server.files.set('/image.tif', readFileSync(path))
  const local = await openGeoTiff(path)
  const remote = await openGeoTiff(`/vsicurl/${server.url('/image.tif')}`)
  const { path: _, version, ...facts } = remote.info
  t.match(version, /"one"/)
  t.match(local.info, facts)
  const window = { x: 3, y: 5, width: local.info.width - 7, height: local.info.height - 9 }
  const pixels = await local.read(0, window)
  const { data: read, ...rest } = await remote.read(0, window)
  sameBytes(t, read, pixels.data)
  t.same({ ...rest, data: undefined }, { ...pixels, data: undefined })
  await local.close()
  await remote.close()
  t.ok(
    server.asked.every(({ path: asked }) => asked === '/image.tif'),
    'nothing else is looked for beside it',
  )
  const script = join(t.testdir(), 'worker.mjs')
  writeFileSync(
    script,
    `import { parentPort, workerData } from 'node:worker_threads'
const { openGeoTiff } = await import(workerData.module)
const source = await openGeoTiff(workerData.url)
parentPort.postMessage((await source.read(0, workerData.window)).data)
await source.close()`,
  )
  const module = new URL('../../src/raster/formats/geotiff.js', import.meta.url).href
  const worker = new Worker(script, { workerData: { module, window, url: server.url('/image.tif') } })
  const data = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
  t.same(data, pixels.data)
})

t.test('a window of many tiles takes few requests', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'many.tif')
  const bytes = Buffer.from(Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 2654435761) >>> 13))
  writeFileSync(join(dir, 'a.raw'), bytes)
  writeFileSync(
    join(dir, 'a.hdr'),
    'ENVI\nsamples = 1024\nlines = 1024\nbands = 1\ndata type = 1\ninterleave = bsq\n',
  )
  const place = [
    '-a_srs',
    'EPSG:3857',
    '-a_ullr',
    '0',
    '1024',
    '1024',
    '0',
    '-of',
    'COG',
    '-co',
    'BLOCKSIZE=128',
  ]
  execFileSync('gdal_translate', ['-q', join(dir, 'a.raw'), path, ...place, '-co', 'COMPRESS=DEFLATE'])
  server.files.set('/many.tif', readFileSync(path))
  const source = await openGeoTiff(server.url('/many.tif'))
  t.equal(server.asked.length, 1, 'one request to open a COG')
  const window = { x: 0, y: 256, width: 1024, height: 512 }
  const { data } = await source.read(0, window)
  t.ok(Buffer.from(data as Uint8Array).equals(bytes.subarray(1024 * 256, 1024 * 768)))
  t.ok(server.asked.length <= 3, `32 tiles in ${server.asked.length - 1} requests`)
  await source.close()
})
