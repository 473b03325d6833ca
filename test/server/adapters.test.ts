// One core behind four libraries: every request gets the same answer, mounted at the root or elsewhere; and what only
// happens on a socket: aborts, streams that fail, bodies that are too long, old and odd HTTP.
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import fastify from 'fastify'
import t from 'tap'
import { nodeHandler } from '../../src/server/adapters/node-handler.js'
import { Core } from '../../src/server/core.js'
import { flagstoneFastify } from '../../src/server/fastify.js'
import { insideOf, openTileServer } from '../../src/server/handler.js'
import type { Query, Reply, ServerRequest } from '../../src/server/http/message.js'
import { flagstoneHandler } from '../../src/server/mount.js'
import { createTiles } from '../../src/store/paths.js'
import { sleep } from '../helpers/processes.js'
import { until, within } from '../helpers/waiting.js'
import {
  type Answered,
  type Asked,
  express,
  makeWorld,
  overFetch,
  overNode,
  WAYS,
  type Way,
} from './world.js'

const sources = await makeWorld(t.testdir())

const REQUESTS: [target: string, asked?: Asked][] = [
  ['/pics/1/0/1'],
  ['/pics/1/0/1.png', { method: 'HEAD' }],
  ['/tiles/pics/2/0/0'],
  ['/pics/1/0/1', { headers: { 'If-None-Match': '*' } }],
  ['/pics/1/0/1', { headers: { Origin: 'https://a.example' } }],
  ['/pics/1/0/1', { method: 'OPTIONS' }],
  ['/pics/1/0/1', { method: 'OPTIONS', headers: { Origin: 'x', 'Access-Control-Request-Method': 'GET' } }],
  ['/pics/1/0/1', { method: 'PUT', body: 'x' }],
  ['/pics/1/0/1', { method: 'DELETE' }],
  ['/pics/1/0/1', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }],
  ['/pics/2/3/3'],
  ['/pics/2/3/3?missing=404'],
  ['/pics/2/3/3?missing=transparent'],
  ['/pics/2/3/3?missing=overzoom'],
  ['/pics/1/0/1?format=png'],
  ['/pics/1/0/x'],
  ['/pics/27/0/0'],
  ['/pics/1/0/1?missing=%zz'],
  ['/vector/0/0/0'],
  ['/vector/0/0/0', { headers: { 'Accept-Encoding': 'gzip' } }],
  ['/vector/0/0/0', { method: 'HEAD', headers: { 'Accept-Encoding': 'gzip' } }],
  ['/pics.json', { headers: { Host: 'tiles.example:81' } }],
  ['/pics.json', { method: 'HEAD', headers: { Host: 'tiles.example:81' } }],
  ['/pics/sources'],
  ['/pics/sources?point=nowhere'],
  ['/catalog'],
  ['/pics/wmts', { headers: { 'Accept-Encoding': 'gzip', Host: 'tiles.example' } }],
  ['/pics.pmtiles'],
  ['/pics.pmtiles', { headers: { Range: 'bytes=0-126' } }],
  ['/pics.pmtiles', { headers: { Range: 'bytes=99999999-' } }],
  ['/pics.pmtiles', { method: 'HEAD' }],
]

t.test('the same answers', async (t) => {
  const ways = new Map<string, Way>()
  for (const [name, open] of Object.entries(WAYS)) {
    const way = await open(sources, { cors: ['https://a.example'] })
    ways.set(name, way)
    t.teardown(() => way.close())
  }
  const statuses = new Set<number>()
  for (const [target, asked] of REQUESTS) {
    const expected = await ways.get('node')!.ask(target, asked)
    statuses.add(expected.status)
    for (const [name, way] of ways) {
      const got = await way.ask(target, asked)
      t.strictSame(comparable(got), comparable(expected), `${name}: ${asked?.method ?? 'GET'} ${target}`)
    }
  }
  for (const status of [200, 204, 206, 304, 400, 404, 405, 416])
    t.ok(statuses.has(status), `${status} is among them`)
})

/** Fetch has no say in the length of what has no body. */
function comparable({ status, headers, body }: Answered): object {
  const { 'content-length': length, ...others } = headers
  return { status, headers: others, body, ...(body.length > 0 && { length }) }
}

t.test('mounted by an outer router', async (t) => {
  const handler = flagstoneHandler({ sources })
  t.teardown(() => handler.close())
  const app = express().disable('x-powered-by')
  app.use('/maps', handler)
  app.get('/tiles/*rest', handler)
  app.use((_request: unknown, response: { end(text: string): void }) => response.end('another page'))
  const outer = await overNode(app as never)
  t.teardown(() => outer.close())
  const host = { headers: { Host: 'a.example' } }
  t.equal((await outer.ask('/maps/pics/1/0/1')).status, 200)
  t.equal((await outer.ask('/tiles/pics/1/0/1')).status, 200)
  for (const path of ['/tiles/pics.json', '/tiles/pics/style.json', '/tiles/pics/WMTSCapabilities.xml']) {
    const { body } = await outer.ask(path, host)
    t.match(body.toString(), '"http://a.example/tiles/pics', `${path} leads where this router listens`)
  }
  t.match((await outer.ask('/maps/pics.json', host)).body.toString(), /"http:\/\/a\.example\/maps\/pics\//)
  t.equal(
    (await outer.ask('/maps/nobody/1/0/1')).body.toString(),
    'another page',
    'next() for what is not ours',
  )
  t.equal((await outer.ask('/maps/pics/nothing')).body.toString(), 'another page')
  t.equal((await outer.ask('/pics/1/0/1')).body.toString(), 'another page')
  t.equal((await outer.ask('/maps/pics/1/0/x')).status, 400, 'what is ours is answered')
  t.equal((await outer.ask('/maps/pics/9/0/0?missing=404')).status, 404)

  const plugin = fastify()
  await plugin.register(flagstoneFastify, { sources, prefix: '/maps' })
  plugin.get('/maps/other', async () => 'another page')
  plugin.post('/echo', async (request) => request.body)
  t.teardown(() => plugin.close())
  const inject = async (url: string): Promise<string> => {
    const { statusCode, body } = await plugin.inject({ url, headers: { host: 'a.example' } })
    return `${statusCode} ${body}`
  }
  t.match(await inject('/maps/pics/1/0/1'), /^200/)
  t.match(await inject('/maps/pics.json'), /"http:\/\/a\.example\/maps\/pics\//)
  t.equal(await inject('/maps/other'), '200 another page')
  t.match(await inject('/maps/nobody/1/0/0'), /^404 .*Route/, 'its own 404')
  t.match(await inject('/pics/1/0/1'), /^404/)
  const echo = await plugin.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })
  t.equal(echo.body, '{"a":1}', 'parsers outside the plugin are left alone')
})

t.test('a body that the outer app has read already', async (t) => {
  const handler = flagstoneHandler({ sources, limits: { bodyBytes: 200 } })
  t.teardown(() => handler.close())
  const app = express()
  app.use(express.json(), handler)
  const outer = await overNode(app as never)
  t.teardown(() => outer.close())
  const post = (points: unknown[]): Promise<Answered> =>
    outer.ask('/pics/point', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ points }),
    })
  const { status, body } = await post([[-90, 40]])
  t.equal(status, 200)
  t.match(JSON.parse(body.toString()), { points: [{ lon: -90, lat: 40, color: [20, 90, 30, 255] }] })
  t.equal((await post(Array(50).fill([-90, 40]))).status, 413)
})

t.test('a plugin below a path with parameters', async (t) => {
  const plugin = fastify()
  await plugin.register(flagstoneFastify, { sources, prefix: '/of/:tenant' })
  t.teardown(() => plugin.close())
  const { statusCode, body } = await plugin.inject({ url: '/of/m%C3%BCller/pics.json?missing=404' })
  t.equal(statusCode, 200)
  t.match(body, '/of/m%C3%BCller/pics/{z}/{x}/{y}.')
  t.equal((await plugin.inject({ url: '/of/you/pics/1/0/1' })).statusCode, 200)
  t.equal((await plugin.inject({ url: '/of/you' })).statusCode, 308)
})

t.test('the catalogue page is where its relative links lead somewhere', async (t) => {
  const handler = flagstoneHandler({ sources })
  t.teardown(() => handler.close())
  const outer = await overNode(express().use('/a/maps', handler) as never)
  t.teardown(() => outer.close())
  const based = await WAYS['node']!(sources, { basePath: '/a/maps' })
  t.teardown(() => based.close())
  const plugin = fastify()
  await plugin.register(flagstoneFastify, { sources, prefix: '/a/maps' })
  t.teardown(() => plugin.close())
  const injected: Pick<Way, 'ask'> = {
    ask: async (url) => {
      const { statusCode, headers, rawPayload } = await plugin.inject({ url })
      return { status: statusCode, headers: headers as Record<string, string>, body: rawPayload }
    },
  }
  for (const [name, way] of Object.entries({ express: outer, 'base path': based, fastify: injected })) {
    for (const search of ['', '?a=1/2']) {
      const { status, headers } = await way.ask(`/a/maps${search}`)
      t.equal(status, 308, name)
      const { pathname, search: kept } = new URL(headers.location!, 'http://a.example/a/maps')
      t.equal(pathname + kept, `/a/maps/${search}`)
      t.equal((await way.ask(pathname + kept)).status, 200, `${name}: no circle`)
    }
  }
})

t.test('Connect takes the mount point off the URL', async (t) => {
  const server = await openTileServer(sources)
  t.teardown(() => server.close())
  for (const [url, originalUrl, expected] of [
    ['/pics.json', '/maps/pics.json', '/maps/pics/'],
    ['/pics.json?missing=404', '/a/b/pics.json?missing=404', '/a/b/pics/'],
    ['/pics.json', '/pics.json', '/pics/'],
  ] as const) {
    const way = await overNode((request, response) => {
      server.node(Object.assign(request, { url, originalUrl }), response)
    })
    const { body } = await way.ask('/any', { headers: { Host: 'a.example' } })
    t.match(body.toString(), `"http://a.example${expected}`, originalUrl)
    await way.close()
  }
})

t.test('one handler for both kinds of requests, opened when it is needed', async (t) => {
  const handler = flagstoneHandler({ sources: sources[0]! })
  t.teardown(() => handler.close())
  const response = await handler(new Request('http://a.example/pics/1/0/1'), { params: {} })
  t.equal(response.status, 200)
  const way = await overNode(handler)
  t.teardown(() => way.close())
  t.equal((await way.ask('/pics/1/0/1')).status, 200)
  t.equal(insideOf(await handler.ready).context.catalog.list().length, 1)

  const misspelt = flagstoneHandler({ sources, limits: { job: 3 } as never })
  await t.rejects(misspelt.ready, {
    message: "server option: limits: there is no 'job'; did you mean 'jobs'?",
  })
  const errors: unknown[] = []
  const onError = (error: unknown, { target }: ServerRequest): unknown => errors.push([error, target])
  const bad = flagstoneHandler({ sources, cacheControl: 'two\nlines', onError })
  await t.rejects(bad.ready, { code: 'BAD_OPTION' })
  const refused = await overNode(bad)
  t.teardown(() => refused.close())
  const { status, headers, body } = await refused.ask('/pics/1/0/1')
  t.match({ status, headers }, { status: 503, headers: { 'retry-after': /\d/ } })
  t.match(body.toString(), /cannot be opened/)
  t.match(errors, [[{ code: 'BAD_OPTION' }, '/pics/1/0/1']], 'whoever runs it hears why')
  const answered = await bad(new Request('http://a.example/pics/1/0/1'))
  t.equal(answered.status, 503, 'a Request is answered the same, not rejected')
  t.match(answered.headers.get('retry-after'), /\d/)
  t.match(await answered.text(), /cannot be opened/)
  t.equal(errors.length, 2)
  await bad.close()
})

t.test('without onError, a warning says once why the sources cannot be opened', async (t) => {
  const warnings: string[] = []
  const heard = ({ message }: Error): unknown => warnings.push(message)
  process.on('warning', heard)
  t.teardown(() => process.off('warning', heard))
  const bad = flagstoneHandler({ sources, mising: 'overzoom' } as never)
  const way = await overNode(bad)
  t.teardown(() => way.close())
  t.equal((await way.ask('/pics/1/0/1')).status, 503)
  t.equal((await bad(new Request('http://a.example/pics/1/0/1'))).status, 503)
  const gone = flagstoneHandler({ sources: join(t.testdir(), 'gone.pmtiles') })
  t.equal((await gone(new Request('http://a.example/gone/1/0/1'))).status, 503)
  await until('both reasons were heard', () => warnings.length >= 2)
  t.match(warnings, [
    /there is no 'mising'; did you mean 'missing'\?/,
    /gone\.pmtiles: there is no such file/,
  ])
  t.equal(warnings.length, 2, 'once for each reason')
})

/** A core whose answers are these. */
function fake(answer: (query: Query) => Reply | Promise<Reply>, errors: unknown[] = []): Core {
  const core = Object.create(Core.prototype) as Core
  return Object.assign(core, {
    answer,
    report: (_query: Query, error: unknown) => errors.push(error),
    failed: (): Reply => ({ status: 500, headers: ['Content-Length', '6'], body: Buffer.from('failed') }),
  })
}

const say = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let heard = ''
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
    socket.on('error', () => {}).on('close', () => resolve(heard))
    socket.write(text)
  })

t.test('a stream that fails', async (t) => {
  const errors: unknown[] = []
  const failure = new Error('the disk is gone')
  const after = (chunks: number, headers: string[] = []): Reply => ({
    status: 200,
    headers,
    body: (async function* () {
      for (let i = 0; i < chunks; i++) yield Buffer.from('chunk')
      throw failure
    })(),
  })
  let reply = after(0)
  const way = await overNode(nodeHandler(fake(() => reply, errors)))
  t.teardown(() => way.close())
  const { status, body } = await way.ask('/')
  t.equal(`${status} ${body}`, '500 failed', 'before anything was sent: an answer that says so')
  for (const headers of [[], ['Content-Length', '20']]) {
    reply = after(2, headers)
    await t.rejects(way.ask('/'), { code: 'ECONNRESET' }, 'in the middle: cut, not ended')
  }
  t.same(errors, [failure, failure])
  reply = { status: 200, headers: ['X', 'a\nb'], body: Buffer.from('never') }
  t.equal((await way.ask('/')).body.toString(), 'failed', 'a header that is none')
  const wrong = (length: number): Reply => ({
    status: 200,
    headers: ['Content-Length', String(length)],
    body: (async function* () {
      yield Buffer.from('chunk')
    })(),
  })
  for (const length of [4, 6]) {
    reply = wrong(length)
    await t.rejects(way.ask('/'), { code: 'ECONNRESET' }, 'of another length than was said')
  }
  reply = wrong(5)
  t.equal((await way.ask('/')).body.toString(), 'chunk')
})

t.test('a client that goes away ends the work and the stream', async (t) => {
  let returned = 0
  let pulled = 0
  let aborted = 0
  const endless: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        pulled++
        return { done: false, value: Buffer.alloc(65536) }
      },
      async return() {
        returned++
        return { done: true, value: undefined }
      },
    }),
  }
  const way = await overNode(
    nodeHandler(
      fake((query) => {
        query.signal.addEventListener('abort', () => aborted++)
        return { status: 200, headers: [], body: endless }
      }),
    ),
  )
  t.teardown(() => way.close())
  const socket = connect({ port: way.port, host: '127.0.0.1' })
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  // never reads: what is pulled has to stop by itself
  socket.pause()
  await until('no more to be pulled for who does not read', async () => {
    const before = pulled
    await sleep(200)
    return before > 0 && pulled === before
  })
  t.ok(pulled < 1000, `${pulled} chunks`)
  socket.destroy()
  await until('the stream and the work to be told', () => returned > 0 && aborted > 0)
  t.ok(returned >= 1, 'the stream was told')
  t.equal(aborted, 1, 'and the work')

  const cancelled = { returned: 0 }
  const { fetch } = { fetch: await fetchOf(endless, () => cancelled.returned++) }
  const response = await fetch(new Request('http://a.example/'))
  const reader = response.body!.getReader()
  await reader.read()
  await reader.cancel()
  t.equal(cancelled.returned, 1, 'through fetch too')
})

async function fetchOf(body: AsyncIterable<Uint8Array>, onReturn: () => void) {
  const { fetchHandler } = await import('../../src/server/adapters/fetch-handler.js')
  const watched: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      const inner = body[Symbol.asyncIterator]()
      const over = async (): Promise<IteratorResult<Uint8Array>> => {
        onReturn()
        return { done: true, value: undefined }
      }
      return { next: () => inner.next(), return: over }
    },
  }
  return fetchHandler(fake(() => ({ status: 200, headers: [], body: watched })))
}

t.test('bodies', async (t) => {
  const core = fake(async (query) => {
    try {
      const body = await query.body(1000)
      return { status: 200, headers: [], body: Buffer.from(`${body.length} bytes`) }
    } catch (error) {
      const { status, headers, message } = error as { status: number; headers: string[]; message: string }
      return { status, headers, body: Buffer.from(message) }
    }
  })
  const way = await overNode(nodeHandler(core))
  t.teardown(() => way.close())
  const post = async (length: number, headers: Record<string, string> = {}): Promise<string> => {
    const { status, body } = await way.ask('/', { method: 'POST', body: 'x'.repeat(length), headers })
    return `${status} ${body}`
  }
  const chunked = { 'Transfer-Encoding': 'chunked' }
  t.equal(await post(0), '200 0 bytes')
  t.equal(await post(1000), '200 1000 bytes')
  t.equal(await post(1000, chunked), '200 1000 bytes')
  t.match(await post(1001), /^413 .*limit of 1000 bytes/)
  t.match(await post(1001, chunked), /^413/)
  t.match(await post(3_000_000, chunked), /^413/, 'the client gets to read it')
  const announced = await say(
    way.port,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nonly a little',
  )
  t.match(announced, /^HTTP\/1\.1 413 [\s\S]*Connection: close/i, 'far too much: said at once, and closed')
  const cut = new Promise<void>((resolve) => {
    const socket = connect({ port: way.port, host: '127.0.0.1' }, () => {
      socket.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nonly a little')
    })
    socket
      .on('close', () => resolve())
      .on('error', () => {})
      .resume()
  })
  await cut
  t.equal(await post(5), '200 5 bytes', 'and the server goes on')

  const { fetchHandler } = await import('../../src/server/adapters/fetch-handler.js')
  const fetch = fetchHandler(core)
  const ask = async (body: string): Promise<string> => {
    const response = await fetch(new Request('http://a.example', { method: 'POST', body }))
    return `${response.status} ${await response.text()}`
  }
  t.equal(await ask('x'.repeat(1000)), '200 1000 bytes')
  t.match(await ask('x'.repeat(1001)), /^413/)
})

t.test('HTTP as it comes', async (t) => {
  const server = await openTileServer(sources)
  t.teardown(() => server.close())
  const way = await overNode(server.node)
  t.teardown(() => way.close())
  const get = (line: string, ...headers: string[]): string => [line, ...headers, '', ''].join('\r\n')
  const last = 'Connection: close'
  const statuses = async (text: string): Promise<string[]> =>
    [...(await say(way.port, text)).matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status!)
  const path = '/pics/1/0/1'
  t.same(await statuses(get(`GET ${path} HTTP/1.0`)), ['200'], 'HTTP/1.0, which closes by itself')
  t.same(await statuses(get(`GET ${path} HTTP/1.1`)), ['400'], 'HTTP/1.1 needs a Host')
  t.same(
    await statuses(get(`GET http://a.example${path} HTTP/1.1`, 'Host: b', last)),
    ['200'],
    'absolute form',
  )
  const said = await say(way.port, get('GET http://a.example:81/pics.json HTTP/1.1', 'Host: b', last))
  t.match(said, '"http://a.example:81/pics/', 'whose host counts, not that of Host')
  t.same(await statuses(get('OPTIONS * HTTP/1.1', 'Host: a', last)), ['204'])
  t.same(await statuses(get('GET * HTTP/1.1', 'Host: a', last)), ['404'])
  t.same(await statuses(get(`BREW ${path} HTTP/1.1`, 'Host: a', last)), ['400'], 'no method at all')
  t.same(await statuses(get(`PROPFIND ${path} HTTP/1.1`, 'Host: a', last)), ['405'])
  t.same(
    await statuses(`${get(`GET ${path} HTTP/1.1`, 'Host: a', 'Content-Length: 4', last)}body`),
    ['200'],
    'a GET with a body',
  )
  t.same(
    await statuses(
      `${get(`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Length: 4', 'Expect: 100-continue', last)}body`,
    ),
    ['100', '405'],
  )
  const many = get(`GET ${path} HTTP/1.1`, 'Host: a').repeat(20) + get('GET /x HTTP/1.1', 'Host: a', last)
  t.same(await statuses(many), [...new Array<string>(20).fill('200'), '404'], 'pipelined, in order')
  const { etag } = (await way.ask(path)).headers
  const twice = await say(
    way.port,
    get(`GET ${path} HTTP/1.1`, 'Host: a', 'If-None-Match: "a"', `If-None-Match: ${etag}`, last),
  )
  t.match(twice, /^HTTP\/1\.1 304/, 'a header in two lines is one list')
})

t.test('memory is used again only when the system has taken what was in it', async (t) => {
  const path = join(t.testdir(), 'large.pmtiles')
  const writer = createTiles(path)
  const tileOf = (x: number, y: number): Buffer => Buffer.alloc(60_000 + x * 8 + y, `${x}/${y} `)
  for (let x = 0; x < 8; x++) for (let y = 0; y < 8; y++) writer.append(3, x, y, tileOf(x, y))
  writer.seal()
  writer.close()
  const server = await openTileServer(path)
  t.teardown(() => server.close())
  const way = await overNode(server.node)
  t.teardown(() => way.close())
  // each asks for everything at once, four megabytes, and reads nothing until all have asked
  const read = async (x: number): Promise<void> => {
    const heard: Buffer[] = []
    const socket = connect({ port: way.port, host: '127.0.0.1' }).pause()
    const over = new Promise<void>((resolve) => socket.on('close', resolve))
    const asked = [...new Array(64).keys()].map((i) => [x, (x + i) % 8] as const)
    for (const [i, [column, row]] of asked.entries()) {
      const last = i === 63 ? 'Connection: close\r\n' : ''
      socket.write(`GET /large/3/${column}/${row} HTTP/1.1\r\nHost: a\r\n${last}\r\n`)
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    socket.on('data', (chunk: Buffer) => heard.push(chunk)).resume()
    await within('the connection to close', over)
    let rest = Buffer.concat(heard)
    for (const [column, row] of asked) {
      const head = rest.indexOf('\r\n\r\n') + 4
      const expected = tileOf(column, row)
      if (!rest.subarray(head, head + expected.length).equals(expected))
        t.fail(`${column}/${row} is another tile`)
      rest = rest.subarray(head + expected.length)
    }
    t.equal(rest.length, 0, 'all were whole')
  }
  await Promise.all([...new Array(8).keys()].map(read))
})

t.test('nothing listens to a response that is over', async (t) => {
  const server = await openTileServer(sources)
  t.teardown(() => server.close())
  const listeners: number[] = []
  const way = await overNode((request, response) => {
    server.node(request, response)
    listeners.push(response.listenerCount('close'))
  })
  t.teardown(() => way.close())
  const bare = createServer()
  t.teardown(() => bare.close())
  await way.ask('/pics/1/0/1')
  await way.ask('/pics/1/0/1')
  t.same(listeners, [0, 0], 'a tile leaves no listener for the end of its connection')
})

t.test('fetch is asked with whole URLs', async (t) => {
  const server = await openTileServer(sources)
  const { ask } = overFetch(server)
  t.teardown(() => server.close())
  t.equal((await ask('/pics/1/0/1#fragment')).status, 200)
  t.equal((await ask('')).status, (await ask('/')).status)
  const { body } = await ask('/pics.json')
  t.match(body.toString(), '"http://127.0.0.1/pics/', 'which say who is asked')
})
