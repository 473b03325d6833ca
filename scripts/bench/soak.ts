// `bench soak`: minutes of mixed load on a server that watches its folder, while the file is replaced again and
// again: tiles that are there and that are not, conditional requests, pieces of the archive, pictures, and clients
// that hang up. Every answer is looked at: a tile has to be, byte for byte, that of one version of the file.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { crc32 } from '../../src/format/crc.js'
import { encodeImage } from '../../src/raster/tiles/codec.js'
import { createTiles } from '../../src/store/paths.js'
import { type Context, sized } from './context.js'
import { median, type Report } from './report.js'
import { ours, type Server, startServer } from './serve-peers.js'

const ZOOM = 10
const SIDE = 40
const CLIENTS = 32
const REPLACE_MS = 2000
const LOOK_MS = 1000
const VERSIONS = 2
const ID = 'soak'

interface Tally {
  answers: number
  aborted: number
  replaced: number
  readonly problems: Map<string, number>
  readonly latenciesMs: number[]
}

export async function benchSoak(context: Context): Promise<Report> {
  const folder = join(context.scratch, 'served')
  mkdirSync(folder)
  const versions = await Promise.all(
    Array.from({ length: VERSIONS }, (_, version) => makeVersion(context.scratch, version)),
  )
  const served = join(folder, `${ID}.pmtiles`)
  copyFileSync(versions[0]!.path, served)
  const peer = ours({ archive: folder, folder, id: ID }, 1, ['--watch'])
  const server = await startServer(peer, [ZOOM, 0, 0])
  const tally: Tally = { answers: 0, aborted: 0, replaced: 0, problems: new Map(), latenciesMs: [] }
  const seconds = context.minutes === undefined ? sized(context, 600, 20, 5) : context.minutes * 60
  const until = Date.now() + seconds * 1000
  const looks: { readonly mib: number; readonly files: number }[] = []
  const watch = setInterval(() => looks.push(lookAt(server.pid)), LOOK_MS)
  const replace = setInterval(() => {
    const next = join(folder, '.next')
    copyFileSync(versions[++tally.replaced % VERSIONS]!.path, next)
    renameSync(next, served)
  }, REPLACE_MS)
  try {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    const crcs = versions.map((version) => version.crcs)
    context.say(`${CLIENTS} clients for ${seconds} s`)
    await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => client(i + 1, server, agent, crcs, until, tally)),
    )
    agent.destroy()
  } finally {
    clearInterval(watch)
    clearInterval(replace)
    server.stop()
  }
  return reportOf(tally, looks, seconds)
}

/** A file of SIDE × SIDE tiles, every one different from that of the other versions. One in ten is not there. */
async function makeVersion(
  scratch: string,
  version: number,
): Promise<{ path: string; crcs: Map<string, number> }> {
  const path = join(scratch, `version-${version}.pmtiles`)
  const crcs = new Map<string, number>()
  const writer = createTiles(path)
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      if (isMissing(x, y)) continue
      const data = Uint8Array.from(
        { length: 64 * 64 * 3 },
        (_, i) => (i * (x + 1) + y * 7 + version * 101) % 251,
      )
      const { bytes } = await encodeImage(
        { width: 64, height: 64, bands: 3, data, mask: undefined },
        { format: 'png' },
      )
      writer.append(ZOOM, x, y, bytes)
      crcs.set(`${x}/${y}`, crc32(bytes))
    }
  }
  writer.seal({ metadata: { name: ID, format: 'png' } })
  writer.close()
  return { path, crcs }
}

const isMissing = (x: number, y: number): boolean => (x + y) % 10 === 9

async function client(
  seed: number,
  server: Server,
  agent: Agent,
  crcs: readonly Map<string, number>[],
  until: number,
  tally: Tally,
): Promise<void> {
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  let known = { x: 0, y: 0, etag: '' }
  while (Date.now() < until) {
    const dice = random(100)
    const isAgain = dice >= 8 && dice < 20 && known.etag !== ''
    const { x, y } = isAgain ? known : { x: random(SIDE), y: random(SIDE) }
    const tile = server.pathOf(ZOOM, x, y).replace('.jpg', '.png')
    try {
      if (dice < 3) {
        await ask(server, agent, tile, {}, true)
        tally.aborted++
        continue
      }
      if (dice < 5) {
        // inside of what is stored: tiles of zoom 10 in the world's north-western corner
        const picture = `/${ID}/bbox/-180,84,${-175 + random(5)},85/200x200.png`
        const { status } = await ask(server, agent, picture)
        expect(tally, `picture: ${status}`, status === 200)
        continue
      }
      if (dice < 8) {
        const { status, bytes } = await ask(server, agent, `/${ID}.pmtiles`, { Range: 'bytes=0-511' })
        expect(
          tally,
          'range',
          status === 206 && bytes.length === 512 && bytes.toString('latin1', 0, 7) === 'PMTiles',
        )
        continue
      }
      const start = performance.now()
      const { status, bytes, headers } = await ask(
        server,
        agent,
        tile,
        isAgain ? { 'If-None-Match': known.etag } : {},
      )
      tally.latenciesMs.push(performance.now() - start)
      if (isMissing(x, y)) expect(tally, `missing tile: ${status}`, status === 204)
      else if (status === 304) expect(tally, '304 for who had nothing', isAgain)
      else {
        const crc = crc32(bytes)
        expect(tally, `tile: ${status}`, status === 200)
        expect(
          tally,
          'tile of no version',
          crcs.some((of) => of.get(`${x}/${y}`) === crc),
        )
        known = { x, y, etag: String(headers.etag) }
      }
    } catch (error) {
      expect(tally, `${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`, false)
    }
  }
}

function expect(tally: Tally, what: string, isTrue: boolean): void {
  tally.answers++
  if (!isTrue) tally.problems.set(what, (tally.problems.get(what) ?? 0) + 1)
}

interface Got {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly bytes: Buffer
}

function ask(
  server: Server,
  agent: Agent,
  path: string,
  headers: Record<string, string> = {},
  hangUp = false,
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(server.origin + path, { agent, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, bytes: Buffer.concat(chunks) }),
      )
    })
    sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within 10 s')))
    sent.once('error', hangUp ? () => resolve({ status: 0, headers: {}, bytes: Buffer.alloc(0) }) : reject)
    sent.end()
    if (hangUp) setTimeout(() => sent.destroy(), 1)
  })
}

function lookAt(pid: number): { mib: number; files: number } {
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return { mib: Number(resident?.[1]) / 1024, files: readdirSync(`/proc/${pid}/fd`).length }
}

function reportOf(tally: Tally, looks: readonly { mib: number; files: number }[], seconds: number): Report {
  const quarter = Math.floor(looks.length / 4)
  const part = (from: number, of: 'mib' | 'files'): number =>
    median(looks.slice(from, from + quarter).map((look) => look[of]))
  const sorted = Float64Array.from(tally.latenciesMs).sort()
  const failed = [...tally.problems.values()].reduce((sum, count) => sum + count, 0)
  return {
    bench: 'soak',
    what: `${seconds} s, ${CLIENTS} clients, the file replaced ${tally.replaced} times`,
    rows: [
      { name: 'answers looked at', unit: '', samples: [tally.answers] },
      { name: 'hung up on', unit: '', samples: [tally.aborted] },
      { name: 'wrong answers', unit: '', samples: [failed] },
      { name: 'tile, p99', unit: 'ms', samples: [sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN] },
      { name: 'resident, second quarter', unit: 'MiB', samples: [part(quarter, 'mib')] },
      { name: 'resident, last quarter', unit: 'MiB', samples: [part(3 * quarter, 'mib')] },
      { name: 'open files, second quarter', unit: '', samples: [part(quarter, 'files')] },
      { name: 'open files, last quarter', unit: '', samples: [part(3 * quarter, 'files')] },
    ],
    ratios: [
      {
        name: 'resident memory, last quarter / second',
        value: part(3 * quarter, 'mib') / part(quarter, 'mib'),
        bar: '≤ 1.05',
      },
    ],
    notes: [...tally.problems].map(([what, count]) => `${count} × ${what}`),
  }
}
