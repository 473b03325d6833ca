// Hostile requests by the thousand against a server in a process of its own. Whatever comes in: well-formed HTTP comes
// out, no 500 but where a disk fails, nothing of outside the folder that is served, and it is there afterwards.
// A few seconds, two minutes in test:long; FLAGSTONE_FUZZ_SECONDS=1200 for longer, FLAGSTONE_FUZZ_SEED=n for the same again.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { encodeImage } from '../../src/raster/tiles/codec.js'
import { createTiles } from '../../src/store/paths.js'
import { type Child, sleep, startChild } from '../helpers/processes.js'
import { randomFrom } from '../helpers/random.js'
import { rounds } from '../helpers/rounds.js'
import { type Case, goodCases, nextCase } from './fuzz-grammar.js'
import { INJECTED, isOfIll, MARKUP, Random } from './fuzz-words.js'
import { Malformed, type RawAnswer, RawClient } from './raw-client.js'
import { pictureFile, vectorFile } from './served.js'

const SECONDS = rounds(4, 120, 'FLAGSTONE_FUZZ_SECONDS')
const SEED = Number(process.env.FLAGSTONE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const CLIENTS = 6
/** Generous: the machine may be busy. A job has 5 s there, and 16 may wait before it. */
const ANSWER_MS = 90_000
const SECRET = 'f4d1c0ffee-nobody-may-read-this'
const RSS_MIB = 700

const dir = t.testdir()

/** A small PNG of one colour. */
async function pictureOf(value: number): Promise<Uint8Array> {
  const picture = {
    width: 256,
    height: 256,
    bands: 3,
    data: new Uint8Array(256 * 256 * 3).fill(value * 20),
    mask: undefined,
  }
  return (await encodeImage(picture, { format: 'png' })).bytes
}

async function makeArchives(): Promise<void> {
  const tiles = join(dir, 'tiles')
  mkdirSync(tiles)
  await pictureFile(join(tiles, 'pictures.pmtiles'), {
    isHole: (z, x, y) => z > 3 && (x + y) % 3 === 0,
    metadata: { name: `A ${MARKUP} & "name"`, attribution: MARKUP },
  })
  await pictureFile(join(tiles, 'terrain.pmtiles'), { metadata: { encoding: 'terrarium' } })
  vectorFile(join(tiles, 'vector.pmtiles'), { name: 'Roads', vector_layers: [{ id: 'roads', fields: {} }] })
  const growing = createTiles(join(tiles, 'growing.pmtiles'))
  for (const x of [8, 9, 11]) growing.append(4, x, 4, await pictureOf(x))
  growing.commit()
  growing.close()
  // values flipped behind the index
  const bytes = readFileSync(join(tiles, 'pictures.pmtiles'))
  for (let at = Math.floor(bytes.length / 2); at < bytes.length - 5000; at += 97) bytes[at]! ^= 0x55
  writeFileSync(join(tiles, 'damaged.pmtiles'), bytes)
  writeFileSync(join(tiles, 'secret.txt'), SECRET)
  writeFileSync(join(dir, 'secret.txt'), SECRET)
  vectorFile(join(dir, 'secret.pmtiles'), { name: SECRET })
}

/** What is wrong with an answer, if anything. */
function complaint(asked: Case, { status, headers, body }: RawAnswer): string | undefined {
  if (status === 500 && !asked.mayFail) return `500: ${body.toString().slice(0, 300)}`
  if (headers.has(INJECTED)) return 'a header was smuggled in'
  const text = body.toString('latin1')
  if (text.includes(SECRET) || text.includes('root:x:0')) return 'a file outside came out'
  if (text.includes(dir)) return `a path of this machine came out: ${text.slice(0, 300)}`
  const type = headers.get('content-type') ?? ''
  const isText = headers.get('content-encoding') === undefined
  if (isText && /html|xml/.test(type) && text.includes(MARKUP)) return 'markup came back as it went in'
  if (isText && status < 300 && status !== 206 && /json/.test(type) && body.length > 0) {
    try {
      JSON.parse(body.toString())
    } catch {
      return `no JSON: ${text.slice(0, 300)}`
    }
  }
  return undefined
}

class Fuzzer {
  readonly statuses = new Map<string, number>()
  readonly complaints: string[] = []
  readonly #port: number
  readonly #random: Random
  /** Of the last answers. */
  readonly #etags: string[] = []
  #count = 0

  constructor(port: number, random: Random) {
    this.#port = port
    this.#random = random
  }

  get count(): number {
    return this.#count
  }

  async run(until: number): Promise<void> {
    let client = new RawClient(this.#port)
    let before: Case | undefined
    while (performance.now() < until && this.complaints.length < 10) {
      const asked = nextCase(this.#random, this.#etags)
      const number = ++this.#count
      try {
        if (!asked.isHttp) await this.#broken(asked)
        else if (this.#random.chance(0.03)) await this.#aborted(asked)
        else if (!(await this.#asked(client, asked))) {
          client.destroy()
          client = new RawClient(this.#port)
          before = undefined
        } else before = asked
      } catch (error) {
        if (!(error instanceof Malformed)) throw error
        this.#complain(asked, number, `${error.message}; ${client.told}, after ${spell(before)}`)
        before = undefined
        client.destroy()
        client = new RawClient(this.#port)
      }
    }
    client.destroy()
  }

  /** Whether the connection can be used again. */
  async #asked(client: RawClient, asked: Case): Promise<boolean> {
    client.send(asked.bytes)
    const answer = await client.answer(asked.method, ANSWER_MS)
    if (answer === undefined) throw new Malformed('closed without an answer')
    this.#judge(asked, answer)
    return !answer.isLast
  }

  /** Any number of answers, and the end. */
  async #broken(asked: Case): Promise<void> {
    const client = new RawClient(this.#port)
    try {
      client.send(asked.bytes)
      // else it is on the server to answer what is cut off
      const isEnded = this.#random.chance(0.98)
      if (isEnded) client.end()
      for (let answers = 0; answers < 100; answers++) {
        const answer = await client.answer('GET', ANSWER_MS)
        if (answer === undefined) return this.#tally('closed')
        this.#judge(asked, answer)
        if (answer.isLast || !isEnded) return
      }
    } finally {
      client.destroy()
    }
  }

  async #aborted(asked: Case): Promise<void> {
    const client = new RawClient(this.#port)
    client.send(asked.bytes.subarray(0, 1 + this.#random.int(asked.bytes.length)))
    if (this.#random.chance(0.5)) await sleep(this.#random.int(20))
    client.destroy()
    this.#tally('aborted')
  }

  #judge(asked: Case, answer: RawAnswer): void {
    this.#tally(String(answer.status))
    const etag = answer.headers.get('etag')
    if (etag !== undefined && this.#etags.push(etag) > 50) this.#etags.shift()
    const wrong = complaint(asked, answer)
    if (wrong !== undefined) this.#complain(asked, this.#count, wrong)
  }

  #tally(what: string): void {
    this.statuses.set(what, (this.statuses.get(what) ?? 0) + 1)
  }

  #complain(asked: Case, number: number, wrong: string): void {
    this.complaints.push(`seed ${SEED}, about request ${number}: ${wrong}\n  ${spell(asked)}`)
  }
}

const spell = (asked: Case | undefined): string =>
  asked === undefined
    ? 'nothing'
    : JSON.stringify(
        asked.bytes
          .toString('latin1')
          .replace(/(.{1,6}?)\1{9,}/gs, '$1…')
          .slice(0, 1500),
      )

const memoryMib = (pid: number): { now: number; most: number } => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024)
  return { now: of('VmRSS'), most: of('VmHWM') }
}

/** Lines of the server's log that tell of something else than the ill archives. */
function unexpected(stderr: string): string[] {
  return stderr.split('\n').filter((line) => {
    if (line === '') return false
    if (!line.startsWith('{')) return true
    return !isOfIll(String((JSON.parse(line) as { url?: string }).url ?? ''))
  })
}

t.before(makeArchives)
t.comment(`seed ${SEED}`)

async function startServer(): Promise<{ child: Child; port: number }> {
  const child = startChild(new URL('./fuzz-child.js', import.meta.url), [dir, SEED])
  t.teardown(() => child.kill())
  const { port } = JSON.parse(await child.line('{')) as { port: number }
  return { child, port }
}

t.test('whatever comes in, HTTP comes out', { timeout: (SECONDS + 1200) * 1000 }, async (t) => {
  const { child, port } = await startServer()
  const random = new Random(randomFrom(SEED))

  // good requests of every route: a fuzzer that gets nothing but 404 tests nothing
  const client = new RawClient(port)
  for (const { name, method, target, bytes } of goodCases(random)) {
    client.send(bytes)
    const answer = await client.answer(method, ANSWER_MS)
    const isThere = answer !== undefined && answer.status < 500 && answer.status !== 405
    if (!isThere) t.fail(`${name}: ${method} ${target} is answered`, { answer })
  }
  client.destroy()

  const fuzzer = new Fuzzer(port, random)
  const until = performance.now() + SECONDS * 1000
  await Promise.all(Array.from({ length: CLIENTS }, () => fuzzer.run(until)))

  const counts = [...fuzzer.statuses].sort().map(([status, count]) => `${status}: ${count}`)
  const memory = memoryMib(child.process.pid!)
  t.comment(`${fuzzer.count} requests; ${counts.join(', ')}; ${memory.now} MiB, at most ${memory.most}`)
  t.same(fuzzer.complaints, [])
  t.same(unexpected(child.stderr), [], 'the log tells of nothing else')
  t.ok(
    fuzzer.statuses.get('200')! > 0 && fuzzer.statuses.get('400')! > 0,
    'good and bad ones were among them',
  )
  t.ok(memory.most < RSS_MIB, `no more than ${RSS_MIB} MiB`)

  t.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200, 'it is there')
  child.process.stdin!.end()
  t.same(await child.end(), { code: 0, signal: null }, 'and ends when told')
})
