// `flagstone serve` as a process: it listens, answers, is told to stop under load, loses a worker.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { run } from '../../src/cli/run.js'
import { Child, sleep, startChild } from '../helpers/processes.js'
import { until, within } from '../helpers/waiting.js'
import { RawClient } from '../server/raw-client.js'
import { vectorFile } from '../server/served.js'

// every wait in it has an end of its own, and says what it waited for
t.setTimeout(1_800_000)

const LIMIT_MS = 60_000
const BIN = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const dir = t.testdir()
const file = join(dir, 'roads.pmtiles')
t.before(() => vectorFile(file, { name: 'Roads' }))

interface Server {
  readonly child: Child
  readonly url: string
  readonly port: number
}

async function start(t: Test, ...args: (string | number)[]): Promise<Server> {
  const child = startChild(new URL('../../src/cli/bin.js', import.meta.url), [
    'serve',
    ...args,
    '-p',
    0,
    '--json',
  ])
  t.teardown(() => child.kill())
  const { url, port } = JSON.parse(await child.line('{')) as { url: string; port: number }
  return { child, url, port }
}

/** Clients on connections of their own, asking without a pause until told to stop or refused. */
class Load {
  answers = 0
  /** Connections that ended in the middle of a request or an answer. */
  readonly dropped: string[] = []
  #isOver = false
  readonly #clients: Promise<void>[]

  constructor(port: number, clients = 8) {
    this.#clients = Array.from({ length: clients }, () => this.#run(port))
  }

  async #run(port: number): Promise<void> {
    while (!this.#isOver) {
      const client = new RawClient(port)
      let asked = 0
      for (;;) {
        client.send('GET /roads/0/0/0 HTTP/1.1\r\nHost: a\r\n\r\n')
        const answer = await client.answer('GET', LIMIT_MS).catch((error: Error) => {
          this.dropped.push(error.message)
        })
        // nobody listens any more: not a connection that was dropped
        if (answer === undefined && asked === 0 && client.wasRefused) return
        if (answer === undefined) this.dropped.push(`after ${asked} answers`)
        else {
          if (answer.status !== 200) this.dropped.push(`status ${answer.status}`)
          this.answers++
          asked++
        }
        if (answer === undefined || answer.isLast || this.#isOver) break
      }
      client.destroy()
    }
  }

  async until(answers: number): Promise<void> {
    await until(
      () => `${answers} answers: ${this.answers}, dropped ${this.dropped}`,
      () => this.answers >= answers,
    )
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.ended()
  }

  /** Until the server is gone. */
  async ended(): Promise<void> {
    await within('the clients to be sent away', Promise.all(this.#clients))
  }
}

/** Processes of which this one is the parent. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

t.test('one process: answers, and stops under load without dropping a request', async (t) => {
  const { child, url, port } = await start(t, file, '--log', 'error')
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  const tile = await fetch(`${url}roads/0/0/0`)
  t.equal(tile.status, 200)
  t.equal(tile.headers.get('content-type'), 'application/vnd.mapbox-vector-tile')
  const load = new Load(port)
  await load.until(200)
  child.kill('SIGTERM')
  await load.ended()
  t.same(await child.end(), { code: 0, signal: null })
  t.same(load.dropped, [])
  t.match(child.stderr, /^Finishing open requests; press Ctrl-C again to stop now\.\n$/)
})

t.test('Ctrl-C is the same, a source has the name it is given', async (t) => {
  const { child, url } = await start(t, `streets=${file}`)
  t.equal((await fetch(`${url}streets/0/0/0`)).status, 200)
  t.equal((await fetch(`${url}roads/0/0/0`)).status, 404)
  child.kill('SIGINT')
  t.same(await child.end(), { code: 0, signal: null })
})

t.test('for people: the address alone on stdout, the rest on stderr', async (t) => {
  const child = startChild(new URL('../../src/cli/bin.js', import.meta.url), [
    'serve',
    file,
    '-p',
    0,
    '--missing',
    'roads=404',
    '--log',
  ])
  t.teardown(() => child.kill())
  const url = await child.line('http')
  t.match(url, /\/$/, 'as --json says it')
  t.equal((await fetch(`${url}roads/3/0/0`)).status, 404)
  child.kill('SIGTERM')
  await child.end()
  t.same(child.lines, [url])
  const [serving, ...lines] = child.stderr.trim().split('\n')
  t.equal(serving, 'Serving roads; press Ctrl-C to stop.')
  t.match(JSON.parse(lines[0]!), {
    level: 'warn',
    method: 'GET',
    url: '/roads/3/0/0',
    status: 404,
    bytes: Number,
    ms: Number,
  })
})

for (const workers of [1, 2]) {
  t.test(
    `a log that nobody reads, ${workers} at work: requests are answered, and the end is no later`,
    async (t) => {
      const child = spawn(
        process.execPath,
        [BIN, 'serve', file, '-p', '0', '--json', '--log', 'info', '--workers', `${workers}`],
        // the pipe of the log is full after some hundred lines
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      t.teardown(() => child.kill('SIGKILL'))
      const ended = once(child, 'exit')
      const [said] = await within('the address', once(child.stdout, 'data'))
      const { url } = JSON.parse(String(said)) as { url: string }
      for (let i = 0; i < 400; i++) {
        const answer = await fetch(`${url}roads/0/0/0?a=${'x'.repeat(2000)}`)
        await answer.arrayBuffer()
        if (answer.status !== 200) t.fail(`status ${answer.status}`)
      }
      child.kill('SIGTERM')
      t.same(await within('the end of a server whose log is not read', ended), [0, null])
    },
  )
}

t.test('workers: one is killed under load, replaced, all are counted and stopped', async (t) => {
  const { child, url, port } = await start(t, file, '--workers', 2)
  const supervisor = child.process.pid!
  const before = childrenOf(supervisor)
  t.equal(before.length, 2)
  const load = new Load(port)
  await load.until(200)
  t.same(load.dropped, [])
  process.kill(before[0]!, 'SIGKILL')
  await until('another worker', () => childrenOf(supervisor).some((pid) => !before.includes(pid)))
  const seen = load.answers
  await load.until(seen + 200)
  t.ok(load.dropped.length <= 8, 'only connections of the one that was killed broke')
  await load.stop()

  // two requests meet two workers, and both know of each other
  const totals = await Promise.all([1, 2].map(() => tilesCounted(url)))
  t.ok(Math.min(...totals) > 0)
  t.equal(totals[0], totals[1], 'whoever is asked, the sum is the same')

  const load2 = new Load(port)
  await load2.until(50)
  const replaced = childrenOf(supervisor)
  child.kill('SIGHUP')
  await until(
    () => `all of ${replaced} to be replaced: ${childrenOf(supervisor)}; ${child.stderr}`,
    () => !childrenOf(supervisor).some((pid) => replaced.includes(pid)),
  )
  const then = load2.answers
  await load2.until(then + 50)
  t.same(load2.dropped, [], 'workers replaced one by one drop nothing')
  t.equal(childrenOf(supervisor).length, 2)
  child.kill('SIGTERM')
  await load2.ended()
  t.same(load2.dropped, [], 'nor does the end')
  t.same(await child.end(), { code: 0, signal: null })
  t.match(child.stderr, /^Worker \d+ ended \(SIGKILL\); a new worker replaces it\.\nFinishing/)
})

async function tilesCounted(url: string): Promise<number> {
  const text = await (await fetch(`${url}metrics`)).text()
  const lines = [...text.matchAll(/^flagstone_requests_total\{[^}]*route="tile"[^}]*\} (\d+)/gm)]
  return lines.reduce((sum, line) => sum + Number(line[1]), 0)
}

t.test('workers that cannot be replaced go on', async (t) => {
  const path = join(dir, 'moved.pmtiles')
  vectorFile(path, { name: 'Moved' })
  const { child, url } = await start(t, path, '--workers', 2)
  const [first, second] = childrenOf(child.process.pid!)
  const says = async (what: RegExp, times = 1): Promise<void> => {
    await until(
      () => `${times} times ${what} in ${child.stderr}`,
      () => [...child.stderr.matchAll(what)].length >= times,
    )
  }
  renameSync(path, `${path}.away`)
  child.kill('SIGHUP')
  await says(/^Not reloaded: .*moved\.pmtiles: there is no such file/gm)
  process.kill(first!, 'SIGTERM')
  await says(/^Not replaced: .*moved\.pmtiles: there is no such file/gm)
  const workers = (): string => childrenOf(child.process.pid!).sort().join()
  const both = [first!, second!].sort().join()
  await until(
    () => `${both} to go on alone: ${workers()}`,
    () => workers() === both,
  )
  process.kill(first!, 'SIGKILL')
  await says(/^Worker \d+ ended \(.*no such file.*a new worker replaces it\.$/gm, 3)
  t.equal((await fetch(`${url}moved/0/0/0`)).status, 200, 'one is left, and serves')
  renameSync(`${path}.away`, path)
  await until(
    () => `two workers: ${workers()}; ${child.stderr}`,
    () => childrenOf(child.process.pid!).length === 2,
  )
  child.kill('SIGTERM')
  t.same(await child.end(), { code: 0, signal: null })
})

t.test('workers go when the supervisor is killed', async (t) => {
  const { child } = await start(t, file, '--workers', 2)
  const workers = childrenOf(child.process.pid!)
  child.kill('SIGKILL')
  await child.end()
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  await until(`the workers ${workers} to end`, () => !workers.some(isAlive))
  t.pass('they are gone')
})

t.test('workers that die at their start are given up', async (t) => {
  const { child } = await start(t, file, '--workers', 2)
  const killing = setInterval(() => {
    try {
      for (const pid of childrenOf(child.process.pid!)) process.kill(pid, 'SIGKILL')
    } catch {
      // gone by itself just now
    }
  }, 20)
  t.teardown(() => clearInterval(killing))
  child.process.once('exit', () => clearInterval(killing))
  t.same(await child.end(), { code: 1, signal: null })
  t.match(
    child.stderr,
    /"SYSTEM","message":"Worker \d+ ended \(SIGKILL\), as 6 others before it .*: the server gives up\. The messages above/,
  )
  // one that served for seconds before it was hit, on a busy machine, is none of the six in a row
  const replaced = child.stderr.match(/a new worker replaces it/g)?.length ?? 0
  t.ok(replaced >= 6, `${replaced} replaced`)
})

t.test('few file descriptors: those that cannot be served are refused, the others go on', async (t) => {
  const bin = new URL('../../src/cli/bin.js', import.meta.url).pathname
  const child = new Child(
    spawn('sh', ['-c', `ulimit -n 300; exec "${process.execPath}" "${bin}" serve "${file}" -p 0 --json`], {
      stdio: 'pipe',
    }),
  )
  t.teardown(() => child.kill())
  const { port } = JSON.parse(await child.line('{')) as { port: number }
  const first = new RawClient(port)
  const get = 'GET /roads/0/0/0 HTTP/1.1\r\nHost: a\r\n\r\n'
  first.send(get)
  t.match(await first.answer('GET', LIMIT_MS), { status: 200 })
  const crowd = Array.from({ length: 400 }, () => new RawClient(port))
  for (const client of crowd) client.send(get)
  await sleep(300)
  first.send(get)
  t.match(await first.answer('GET', LIMIT_MS), { status: 200 }, 'a connection that is there is served')
  for (const client of [first, ...crowd]) client.destroy()
  const again = (): Promise<Response | undefined> =>
    fetch(`http://127.0.0.1:${port}/roads/0/0/0`).catch(() => undefined)
  await until('new ones to be served, now that there is room', async () => (await again())?.status === 200)
  child.kill('SIGTERM')
  t.same(await child.end(), { code: 0, signal: null })
})

async function flagstone(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  const code = await run(argv, {
    stdout: {
      write: (text) => {
        stdout += text
      },
    },
    stderr: {
      write: (text) => {
        stderr += text
      },
    },
    isTerminal: false,
    signal: AbortSignal.abort(),
  })
  return { code, stdout, stderr }
}

t.test('wrong usage is said in a sentence', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [[], 2, /missing required argument 'sources'/],
    [[file, '--prot', '1'], 2, /Did you mean --port/],
    [[file, '-p', '70000'], 2, /from 0 to 65535/],
    [[file, '--missing', 'blue'], 2, /expected auto, 204, 404, transparent, overzoom, or ID=/],
    [[file, '--missing', 'rods=404'], 2, /no source has the id rods; give a file that id/],
    [[file, '--cors', 'example.org'], 2, /'example.org' is not an origin; expected \* or/],
    [[file, '--public-url', 'tiles.example.org'], 2, /expected a URL such as https/],
    [[file, '--base-path', '/a/../b'], 2, /expected a path such as \/maps/],
    [[file, '--allowed-hosts', 'https://a.example'], 2, /'https:\/\/a\.example' is not a host name/],
    [[file, '--log', 'loud'], 2, /expected one of error, warn, info/],
    [[file, '--tls-cert', file], 2, /HTTPS needs both --tls-cert and --tls-key/],
    [[join(dir, 'nothing.pmtiles')], 1, /nothing\.pmtiles: there is no such file/],
    [
      [join(dir, 'nothing.pmtiles'), '--workers', '2', '-p', '0'],
      1,
      /nothing\.pmtiles: there is no such file/,
    ],
    [[file, '--host', '192.0.2.1', '--workers', '2'], 1, /192\.0\.2\.1 is not an address of this machine/],
  ]
  for (const [argv, code, message] of cases) {
    const ran = await flagstone('serve', ...argv)
    t.equal(ran.code, code, ran.stderr)
    t.match(ran.stderr, message)
    t.equal(ran.stdout, '')
    t.notMatch(ran.stderr, /\n +at /, 'no stack')
  }
})

t.test('SIGHUP is listened to before anybody is told that there is a server', async (t) => {
  // it would end a process that does not listen to it, and clients wait for the address, not for more
  const told: string[] = []
  const stop = new AbortController()
  const ran = run(['serve', file, '-p', '0', '--json'], {
    stdout: {
      write: (text) => {
        told.push(String(text))
        stop.abort()
      },
    },
    stderr: { write: () => {} },
    isTerminal: false,
    signal: stop.signal,
    onHangup: () => void told.push('listens'),
  })
  t.equal(await within('the server to stop', ran), 0)
  t.match(told, ['listens', /^\{"url"/])
})

/** The command in this process, where its own is not what is tested; stopped when the test ends. */
async function startHere(t: Test, ...args: string[]): Promise<{ url: string; port: number }> {
  const stop = new AbortController()
  let failed = ''
  let tell: (text: string) => void
  const told = new Promise<string>((resolve) => {
    tell = resolve
  })
  const ran = run(['serve', ...args, '-p', '0', '--json'], {
    stdout: { write: (text) => tell(String(text)) },
    stderr: {
      write: (text) => {
        failed += text
      },
    },
    isTerminal: false,
    signal: stop.signal,
  })
  t.teardown(async () => {
    stop.abort()
    const code = await within('the server to stop', ran)
    if (code !== 0) throw new Error(`the server ended with ${code}: ${failed}`)
  })
  const ended = ran.then((code) => Promise.reject(new Error(`ended with ${code}: ${failed}`)))
  ended.catch(() => {})
  return JSON.parse(await within('the address', Promise.race([told, ended])))
}

t.test('with --cors on this machine, names that lead here from elsewhere are refused', async (t) => {
  const status = async (port: number, host: string): Promise<number | undefined> => {
    const client = new RawClient(port)
    client.send(`GET /roads/0/0/0 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    const answer = await client.answer('GET', LIMIT_MS)
    client.destroy()
    return answer?.status
  }
  const guarded = await startHere(t, file, '--cors', 'https://example.org')
  for (const host of ['localhost', '127.0.0.1:8080', '[::1]', 'maps.localhost:1']) {
    t.equal(await status(guarded.port, host), 200, host)
  }
  t.equal(await status(guarded.port, 'evil.example'), 403)
  const asked = await startHere(t, file, '--no-cors', '--allowed-hosts', 'tiles.example.org,.example.com')
  t.equal(await status(asked.port, 'tiles.example.org'), 200)
  t.equal(await status(asked.port, 'a.example.com'), 200)
  t.equal(await status(asked.port, 'localhost'), 403, 'what is given counts alone')
  const open = await startHere(t, file)
  t.equal(await status(open.port, 'evil.example'), 200, 'whoever may read anyway may ask under any name')
})

t.test('options reach the server', async (t) => {
  const { url } = await startHere(
    t,
    file,
    '--base-path',
    'maps/',
    '--cors',
    'https://example.org',
    '--cache-control',
    'no-cache',
    '--missing',
    '404',
    '--trust-proxy',
  )
  t.match(url, /\/maps\/$/)
  const tile = await fetch(`${url}roads/0/0/0`, { headers: { Origin: 'https://example.org' } })
  t.equal(tile.headers.get('access-control-allow-origin'), 'https://example.org')
  t.equal(tile.headers.get('cache-control'), 'no-cache')
  t.equal((await fetch(`${url}roads/5/0/0`)).status, 404)
  const headers = { 'X-Forwarded-Host': 'tiles.example.org', 'X-Forwarded-Proto': 'https' }
  const { tiles } = (await (await fetch(`${url}roads.json`, { headers })).json()) as { tiles: string[] }
  t.match(tiles[0], /^https:\/\/tiles\.example\.org\/maps\/roads\//)

  const silent = await startHere(t, file, '--no-cors', '--public-url', 'https://cdn.example.org/t')
  const answer = await fetch(`${silent.url}roads.json`)
  t.equal(answer.headers.get('access-control-allow-origin'), null)
  t.match(((await answer.json()) as { tiles: string[] }).tiles[0], /^https:\/\/cdn\.example\.org\/t\/roads\//)
})
