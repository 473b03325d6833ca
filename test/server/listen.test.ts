// A server on a port: how it begins, what it lets clients hold, how it ends.
import { execFileSync, spawnSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { nodeHandler } from '../../src/server/adapters/node-handler.js'
import type { Core } from '../../src/server/core.js'
import { insideOf, openTileServer, type TileServer } from '../../src/server/handler.js'
import { freePort, type ListeningServer, listen } from '../../src/server/run/listen.js'
import type { ListenOptions } from '../../src/server/run/listen-options.js'
import { requestLog } from '../../src/server/run/request-log.js'
import { until } from '../helpers/waiting.js'
import { type RawAnswer, RawClient } from './raw-client.js'
import { vectorFile } from './served.js'

/** No test here waits for it: only the broken would. */
const LIMIT_MS = 60_000

const dir = t.testdir()
const file = join(dir, 'roads.pmtiles')
t.before(() => vectorFile(file, { name: 'Roads' }))

interface Started {
  readonly server: TileServer
  readonly listening: ListeningServer
  client(): RawClient
}

/** `answer`: instead of the tile server's own. */
async function start(
  t: Test,
  options: ListenOptions = {},
  answer?: RequestListener,
  server?: TileServer,
): Promise<Started> {
  const opened = server ?? (await openTileServer(file, { limits: { jobMs: 1 } }))
  const listening = await listen(answer === undefined ? opened : Object.assign(opened, { node: answer }), {
    port: 0,
    shutdownMs: 5000,
    ...options,
  })
  t.teardown(() => listening.close())
  return {
    server: opened,
    listening,
    client() {
      const client = new RawClient(listening.port)
      t.teardown(() => client.destroy())
      return client
    },
  }
}

const GET = 'GET /roads.json HTTP/1.1\r\nHost: a\r\n\r\n'

async function ask(client: RawClient, text = GET): Promise<RawAnswer | undefined> {
  client.send(text)
  return client.answer('GET', LIMIT_MS)
}

t.test('the address to open', async (t) => {
  const { listening } = await start(t)
  t.equal(listening.url, `http://127.0.0.1:${listening.port}/`)
  t.equal((await fetch(`${listening.url}roads.json`)).status, 200)

  const mounted = await openTileServer(file, { basePath: '/maps' })
  const { listening: everywhere } = await start(t, { host: '0.0.0.0' }, undefined, mounted)
  t.equal(everywhere.url, `http://localhost:${everywhere.port}/maps/`)
  t.equal((await fetch(`${everywhere.url}roads.json`)).status, 200)
})

t.test('what cannot be listened on is said in a sentence that helps', async (t) => {
  const { listening, server } = await start(t)
  const cases: [ListenOptions, string, RegExp][] = [
    [
      { port: listening.port },
      'SYSTEM',
      /^Port \d+ of 127\.0\.0\.1 is in use: stop the program that uses it, or .*--port/,
    ],
    [{ host: '192.0.2.1', port: 0 }, 'SYSTEM', /^192\.0\.2\.1 is not an address of this machine: use --host/],
    [{ port: 70_000 }, 'BAD_OPTION', /port/],
    [
      { port: 0, tls: { cert: join(dir, 'no.pem'), key: file } },
      'NOT_FOUND',
      /^The certificate .*no\.pem does not exist/,
    ],
    [{ port: 0, tls: { cert: file, key: file } }, 'BAD_OPTION', /cannot be used for TLS .* in PEM\.$/],
    [{ port: 0, tls: { cert: dir, key: file } }, 'SYSTEM', /cannot be read \(.*directory/],
  ]
  for (const [options, code, message] of cases) await t.rejects(listen(server, options), { code, message })
})

t.test('a request under way is finished, idle connections are closed, new ones are refused', async (t) => {
  let finish: (() => void) | undefined
  const { listening, client } = await start(t, {}, ({ url }, response) => {
    if (url === '/slow') finish = () => response.end('done')
    else response.end('fine')
  })
  const [busy, idle, late] = [client(), client(), client()]
  t.equal((await ask(idle))?.status, 200)
  t.equal((await ask(late))?.isLast, false, 'kept alive until then')
  busy.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the request to arrive', () => finish !== undefined)

  let isClosed = false
  const closed = listening.close().then(() => {
    isClosed = true
  })
  await turn()
  await turn()
  const last = await ask(late)
  t.match(last, { status: 200, isLast: true }, 'what an open connection asks now is answered, and the last')
  t.equal(await idle.answer('GET', LIMIT_MS), undefined, 'an idle one is closed')
  await t.rejects(fetch(listening.url), 'nobody new gets in')
  t.notOk(isClosed, 'it waits')
  finish?.()
  t.match(await busy.answer('GET', LIMIT_MS), { status: 200, body: Buffer.from('done') })
  await closed
  t.equal(listening.close(), listening.close(), 'closing twice is closing once')
})

t.test('an answer without an end does not keep the server', async (t) => {
  const { listening, client, server } = await start(t, { shutdownMs: 300 }, (_, response) => {
    response.writeHead(200, { 'Content-Length': 10 }).write('half')
  })
  const stuck = client()
  stuck.send(GET)
  await until('half of the answer', () => stuck.pending > 0)
  t.equal(insideOf(server).context.life.isClosing, false)
  const closed = listening.close()
  t.equal(insideOf(server).context.life.isClosing, true, 'health says so')
  await closed
  await t.rejects(stuck.answer('GET', LIMIT_MS), { name: 'Malformed' }, 'cut off')
})

t.test('clients that send slowly are answered 408', async (t) => {
  const { client } = await start(t, { headersMs: 200, requestMs: 200 }, (request, response) => {
    request.resume().once('end', () => response.end())
  })
  const [headers, body, silent] = [client(), client(), client()]
  headers.send('GET / HTTP/1.1\r\nHost: a\r\nX: ')
  const drip = setInterval(() => headers.send('x'), 50)
  t.teardown(() => clearInterval(drip))
  body.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
  t.match(await headers.answer('GET', LIMIT_MS), { status: 408, isLast: true })
  t.match(await body.answer('POST', LIMIT_MS), { status: 408, isLast: true })
  // who never says a thing gets no answer, or the same one
  const nothing = await silent.answer('GET', LIMIT_MS)
  t.ok(nothing === undefined || nothing.status === 408)
})

t.test('a download that is not taken is given up, and what it held is let go', async (t) => {
  let isFree = false
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield Buffer.alloc(1024 * 1024)
    } finally {
      isFree = true
    }
  }
  const core = { answer: () => ({ status: 200, headers: [], body: endless() }) } as unknown as Core
  const { client } = await start(t, { stallMs: 200 }, nodeHandler(core))
  const stalled = client()
  stalled.pause()
  stalled.send(GET)
  await until('the download to be given up', () => isFree)
  t.pass('its connection is closed')
})

t.test('headers have limits', async (t) => {
  const { client } = await start(t)
  const many = (count: number): string =>
    `GET /roads.json HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(count)}\r\n`
  t.equal((await ask(client(), many(99)))?.status, 200)
  t.match(await ask(client(), many(100)), { status: 431, isLast: true })
  t.match(await ask(client(), many(5000)), { status: 431, isLast: true })
  t.match(await ask(client(), `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`), {
    status: 431,
    isLast: true,
  })
})

t.test('requests that two servers would read differently are refused', async (t) => {
  const { client } = await start(t)
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'
  const chunked = `0\r\n\r\n${hidden}`
  for (const lines of [
    `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    `Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${chunked}`,
    `Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    `Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`,
    `Transfer-Encoding : chunked\r\n\r\n${chunked}`,
    `Content-Length: +0\r\n\r\n${hidden}`,
    `Content-Length : 0\r\n\r\n${hidden}`,
    `X: y\n\r\n${hidden}`,
  ]) {
    const asker = client()
    const answer = await ask(asker, `POST /roads/point HTTP/1.1\r\nHost: a\r\n${lines}`)
    t.match(answer, { status: 400, isLast: true }, JSON.stringify(lines.slice(0, 50)))
    t.equal(await asker.answer('GET', LIMIT_MS), undefined, 'and nothing of it is a second request')
  }
  t.match(await ask(client(), 'GET /roads.json HTTP/1.1\r\n\r\n'), { status: 400 }, 'without a host')
  for (const [first, second] of [
    ['Host: a', 'Host: b'],
    ['Host: a', 'hOST: a'],
  ]) {
    const answer = await ask(client(), `GET /roads/0/0/0 HTTP/1.1\r\n${first}\r\nX: y\r\n${second}\r\n\r\n`)
    t.equal(answer?.status, 400, `${first}, ${second}`)
  }
})

t.test('requests under other names than those allowed are refused, tiles too', async (t) => {
  const server = await openTileServer(file, { allowedHosts: ['tiles.example'] })
  const { client } = await start(t, {}, undefined, server)
  for (const path of ['/roads/0/0/0', '/roads.json', '/', '/health', '/nowhere']) {
    const refused = await ask(client(), `GET ${path} HTTP/1.1\r\nHost: evil.example\r\n\r\n`)
    t.equal(refused?.status, 403, path)
    t.match(refused?.body.toString(), /under the name evil\.example; add it to --allowed-hosts/)
  }
  const fine = await ask(client(), 'GET /roads/0/0/0 HTTP/1.1\r\nHost: tiles.example:8080\r\n\r\n')
  t.equal(fine?.status, 200)
})

t.test('what would follow a body that came with Upgrade is asked elsewhere', async (t) => {
  // node's parser throws away what it has read behind such a body: a client would wait for its answer
  const { client } = await start(t)
  const upgrade = 'Host: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n'
  const asker = client()
  const lines = [
    `Content-Length: 5\r\n\r\nxxxxx`,
    `Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n0\r\n\r\n`,
  ]
  for (const body of lines) {
    const answer = await ask(client(), `POST /roads/point HTTP/1.1\r\n${upgrade}${body}`)
    t.equal(answer?.isLast, true, body.slice(0, 20))
  }
  const bare = await ask(asker, `GET /roads.json HTTP/1.1\r\n${upgrade}\r\n`)
  t.match(bare, { status: 200, isLast: false }, 'without a body nothing is lost')
  t.match(await ask(asker), { status: 200 })
})

t.test('no more connections than allowed', async (t) => {
  const { client } = await start(t, { connections: 2 })
  const [one, two] = [client(), client()]
  t.equal((await ask(one))?.status, 200)
  t.equal((await ask(two))?.status, 200)
  t.equal(await ask(client()), undefined, 'the third is closed')
  one.destroy()
  const again = await until('room for one more', () => ask(client()))
  t.equal(again.status, 200, 'until there is room')
  t.equal((await ask(two))?.status, 200, 'those that are there notice nothing')
})

t.test('the request log', async (t) => {
  const lines: string[] = []
  const sink = { write: (line: string) => lines.push(line) }
  const asks = ['/roads/0/0/0', '/nowhere?a="b"\\', '/roads.json']
  const run = async (
    level: 'info' | 'warn' | 'error' | undefined,
    trustProxy: boolean,
  ): Promise<Record<string, unknown>[]> => {
    lines.length = 0
    const server = await openTileServer(file, { trustProxy, ...requestLog(sink, level, { trustProxy }) })
    const { client } = await start(t, {}, undefined, server)
    for (const path of asks) {
      await ask(client(), `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n\r\n`)
    }
    return lines.map((line) => JSON.parse(line))
  }
  const all = await run('info', false)
  t.match(all, [
    {
      level: 'info',
      msg: 'answered',
      pid: process.pid,
      method: 'GET',
      url: asks[0],
      remote: '127.0.0.1',
      route: 'tile',
      status: 200,
      bytes: 5,
      ms: Number,
    },
    { level: 'warn', url: asks[1], status: 404 },
    { level: 'info', url: asks[2], route: 'tilejson', status: 200 },
  ])
  t.equal(all.length, 3, 'a line a request')
  t.match((await run('info', true))[0], { remote: '203.0.113.7' }, 'the proxy’s word, when it is trusted')
  t.match(await run('warn', false), [{ status: 404 }])
  t.same(await run('error', false), [])
  t.same(await run(undefined, false), [], 'off unless asked for')
})

t.test('what a failure and its cause both say is logged once in a message', async (t) => {
  const lines: string[] = []
  const log = requestLog({ write: (line) => lines.push(line) }, 'error', { trustProxy: false })
  const cause = new Error('It is cut off.')
  const query = { method: 'GET', target: '/a/0/0/0', headers: {} }
  log.onError!(new Error('a.pmtiles: It is cut off.', { cause }), query as never)
  t.match(JSON.parse(lines[0]!), {
    err: { message: 'a.pmtiles: It is cut off.', stack: /^Error/, cause: { message: 'It is cut off.' } },
  })
})

t.test('what happens to watched files is logged', async (t) => {
  const lines: { msg: string; level: string; source?: string; problem?: string }[] = []
  const sink = { write: (line: string) => lines.push(JSON.parse(line)) }
  const folder = t.testdir()
  vectorFile(join(folder, 'old.pmtiles'), {})
  const server = await openTileServer(folder, {
    watch: true,
    watchSeconds: 0.1,
    ...requestLog(sink, 'info', { trustProxy: false }),
  })
  t.teardown(() => server.close())
  const said = async (msg: string, source: string): Promise<object> =>
    await until(
      () => `'${msg}' of ${source} in ${JSON.stringify(lines)}`,
      () => lines.find((line) => line.msg === msg && line.source === source),
    )
  vectorFile(join(folder, 'new.pmtiles'), {})
  t.match(await said('source added', 'new'), { level: 'info', path: join(folder, 'new.pmtiles') })
  vectorFile(join(folder, 'next'), { name: 'Next' })
  renameSync(join(folder, 'next'), join(folder, 'new.pmtiles'))
  t.match(await said('source changed', 'new'), { level: 'info' })
  writeFileSync(join(folder, 'bad.pmtiles'), 'no archive')
  t.match(await said('source has a problem', 'bad'), { level: 'warn', problem: /bad\.pmtiles: neither/ })
  rmSync(join(folder, 'old.pmtiles'))
  t.match(await said('source removed', 'old'), { level: 'info' })
  t.equal(lines.filter(({ source }) => source === 'bad').length, 1, 'a problem is said once')
})

t.test('failures are logged with their stacks, whatever the level', async (t) => {
  const lines: string[] = []
  const server = await openTileServer(
    file,
    requestLog({ write: (line) => lines.push(line) }, undefined, { trustProxy: false }),
  )
  Object.defineProperty(insideOf(server).context.catalog, 'list', {
    value: () => {
      throw new Error('the moon is full')
    },
  })
  const { client } = await start(t, {}, undefined, server)
  const answer = await ask(client(), 'GET /catalog HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal(answer?.status, 500)
  t.notMatch(answer?.body.toString(), /moon/, 'the client learns nothing of it')
  t.match(JSON.parse(lines[0]!), {
    level: 'error',
    msg: 'failed',
    url: '/catalog',
    err: { message: 'the moon is full', stack: /at / },
  })
})

const withoutOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl'

t.test('https, and a certificate that is renewed', { skip: withoutOpenssl }, async (t) => {
  const tls = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') }
  const make = (name: string): void => {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        tls.key,
        '-out',
        tls.cert,
      ],
      { stdio: 'ignore' },
    )
  }
  make('one.test')
  const { listening } = await start(t, { tls, shutdownMs: 500 })
  t.match(listening.url, /^https:\/\/127\.0\.0\.1:\d+\/$/)
  const get = (): Promise<{ status: number | undefined; name: string | undefined; text: string }> =>
    new Promise((resolve, reject) => {
      tlsRequest(`${listening.url}roads.json`, { rejectUnauthorized: false, agent: false }, (response) => {
        const name = (response.socket as TLSSocket).getPeerCertificate().subject.CN as string
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.on('end', () => resolve({ status: response.statusCode, name, text }))
      })
        .on('error', reject)
        .end()
    })
  const first = await get()
  t.match(first, { status: 200, name: 'one.test' })
  t.match(JSON.parse(first.text).tiles[0], /^https:\/\/127/, 'its addresses are https too')
  make('two.test')
  t.equal((await get()).name, 'one.test', 'not before it is told')
  listening.reload()
  t.equal((await get()).name, 'two.test')
  execFileSync('truncate', ['-s', '10', tls.cert])
  t.throws(() => listening.reload(), { code: 'BAD_OPTION' })
  t.equal((await get()).name, 'two.test', 'a bad one is not taken')

  const plain = new RawClient(listening.port)
  t.equal(await ask(plain), undefined, 'http on it is no answer')
  const silent = new RawClient(listening.port)
  await listening.close()
  t.equal(await silent.answer('GET', LIMIT_MS), undefined, 'a handshake that never begins does not keep it')
})

t.test('a probe for a free port leaves it free', async (t) => {
  const port = await freePort('127.0.0.1', 0)
  const { listening } = await start(t, { port })
  t.equal(listening.port, port)
  await t.rejects(freePort('127.0.0.1', port), { message: /is in use/ })
})
