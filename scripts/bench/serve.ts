// `bench serve`: requests a second and latency of tile servers on the same tiles, each loaded by wrk over keep-alive
// connections in turns, all on this machine's cores.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTileId, zoomBase } from '../../src/format/tile-id.js'
import { createTiles } from '../../src/store/paths.js'
import { type Context, sized } from './context.js'
import { medianOf, type Ratio, type Report, type Row, ratios } from './report.js'
import { nginx, npmPeers, ours, type Peer, type Server, startServer, type Tiles } from './serve-peers.js'
import { hasWrk, type Load, Wrk } from './wrk.js'

const ZOOM = 14
const CONNECTIONS = 32
const MEAN_BYTES = 12_000
const NGINX = 'nginx, static files'
const GL = 'tileserver-gl-light'
const VERSATILES = 'VersaTiles (Rust)'

type Zxy = readonly [z: number, x: number, y: number]

export async function benchServe(context: Context): Promise<Report> {
  if (!hasWrk()) throw new Error('wrk is wanted for this bench, and it is not installed')
  const { scratch, say } = context
  const places = makePlaces(sized(context, 6255, 500, 100))
  const tiles = makeTiles(scratch, places)
  const candidates = [
    nginx(tiles, scratch),
    ...npmPeers(tiles, context.peers ?? join(scratch, 'peers'), scratch, say),
    ours(tiles, 1),
    ours(tiles, 2),
  ]
  const notes = candidates.flatMap(({ missing }) => missing ?? [])
  const servers: Server[] = []
  try {
    for (const peer of candidates.filter((p) => p.missing === undefined)) {
      await start(peer, places[0]!, servers, notes)
    }
    const loads = await measure(context, servers, places)
    const rows = rowsOf(loads)
    return {
      bench: 'serve',
      what: `${places.length} tiles of ${MEAN_BYTES} bytes in the mean, each in turn, wrk -t1 -c${CONNECTIONS}, keep-alive, servers and wrk on the same cores`,
      rows,
      ratios: ratiosOf(rows),
      notes: [...notes, ...failures(loads)],
    }
  } finally {
    for (const server of servers) server.stop()
  }
}

async function start(peer: Peer, probe: Zxy, servers: Server[], notes: string[]): Promise<void> {
  try {
    servers.push(await startServer(peer, probe))
  } catch (error) {
    if (peer.name.startsWith('ours')) throw error
    notes.push(`${(error as Error).message}: it was not measured`)
  }
}

/** Neighbours along the Hilbert curve, as the tiles of an image are. */
function makePlaces(count: number): Zxy[] {
  const zxy: [number, number, number] = [0, 0, 0]
  return Array.from({ length: count }, (_, i) => {
    decodeTileId(zoomBase(ZOOM) + 123_456 + i, zxy)
    return [zxy[0], zxy[1], zxy[2]] as const
  })
}

/** Bytes that begin as a JPEG does and go on as noise, 4 to 20 KB: nobody looks into them. */
function makeTiles(scratch: string, places: readonly Zxy[]): Tiles {
  const archive = join(scratch, 'bench.pmtiles')
  const folder = join(scratch, 'tiles')
  const writer = createTiles(archive, { dedupe: false })
  let seed = 1
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed
  }
  for (const [z, x, y] of places) {
    const bytes = new Uint8Array(Math.round(MEAN_BYTES * (1 / 3 + (random() / 2 ** 32) * (4 / 3))))
    bytes.set([0xff, 0xd8, 0xff, 0xe0])
    for (let i = 4; i < bytes.length; i++) bytes[i] = random() >>> 24
    writer.append(z, x, y, bytes)
    mkdirSync(join(folder, `${z}/${x}`), { recursive: true })
    writeFileSync(join(folder, `${z}/${x}/${y}.jpg`), bytes)
  }
  writer.seal({ metadata: { name: 'bench', format: 'jpg', type: 'baselayer' } })
  writer.close()
  return { archive, folder, id: 'bench' }
}

async function measure(
  context: Context,
  servers: readonly Server[],
  places: readonly Zxy[],
): Promise<Map<string, Load[]>> {
  const { scratch, say } = context
  const wrk = new Wrk(scratch, CONNECTIONS)
  const loads = new Map<string, Load[]>(servers.map(({ name }) => [name, []]))
  const lists = servers.map((server, i) => {
    const list = join(scratch, `paths-${i}.txt`)
    writeFileSync(list, places.map((place) => server.pathOf(...place)).join('\n'))
    return list
  })
  const seconds = sized(context, 8, 2, 1)
  const rounds = context.rounds ?? sized(context, 5, 2, 1)
  // the first round warms up: caches, compilers
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { name, origin }] of servers.entries()) {
      say(`${round === 0 ? 'warm-up' : `round ${round}/${rounds}`}: ${name}`)
      const load = await wrk.load(origin, lists[i]!, round === 0 ? Math.ceil(seconds / 2) : seconds)
      if (round > 0) loads.get(name)!.push(load)
    }
  }
  return loads
}

function rowsOf(loads: Map<string, Load[]>): Row[] {
  const rowFor = (what: string, unit: string, of: (load: Load) => number): Row[] =>
    [...loads].map(([name, samples]) => ({ name: `${what}, ${name}`, unit, samples: samples.map(of) }))
  return [
    ...rowFor('requests', '/s', (load) => load.perSecond),
    ...rowFor('p50', 'ms', (load) => load.p50Ms),
    ...rowFor('p99', 'ms', (load) => load.p99Ms),
  ]
}

function ratiosOf(rows: readonly Row[]): Ratio[] {
  const found: Ratio[] = []
  for (const name of ['ours, 1 process', 'ours, 2 workers']) {
    const of = (server: string): number => medianOf(rows, `requests, ${server}`)
    found.push(
      { name: `${name} / ${NGINX}`, value: of(name) / of(NGINX), bar: '≥ 0.35, aim 0.55' },
      { name: `${name} / ${VERSATILES}`, value: of(name) / of(VERSATILES), bar: 'aim ≥ 1' },
      { name: `${name} / ${GL}`, value: of(name) / of(GL), bar: '≥ 6' },
      { name: `${name}, p99 ms`, value: medianOf(rows, `p99, ${name}`), bar: '< 10' },
    )
  }
  return ratios(...found)
}

const failures = (loads: Map<string, Load[]>): string[] =>
  [...loads].flatMap(([name, samples]) => {
    const failed = samples.reduce((sum, load) => sum + load.failed, 0)
    return failed === 0 ? [] : [`${name}: ${failed} requests failed`]
  })
