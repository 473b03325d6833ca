// Reading single tiles, warm, in random order. Everybody gives the bytes to the same use: the first, the middle and
// the last byte of the value are added up, and the sums have to be equal.
//
// Two sets of tiles: all of them (a gigabyte: each value comes from memory that no processor cache and no page table
// cache knows, which costs everybody some 0.4 µs), and a hot set of 24 MB, as the tiles everybody looks at are.
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { openRealFile } from '../../src/platform/real-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { type Context, sized } from './context.js'
import {
  loadLmdb,
  loadPmtiles,
  MBTILES_INSERT,
  MBTILES_SCHEMA,
  MBTILES_SELECT,
  openLmdb,
  openPmtiles,
  openSqlite,
} from './peers.js'
import { digits, median, medianOf, type Report, ratios } from './report.js'
import { cpuMilliseconds, interleave, type Variant } from './rounds.js'
import { consecutiveTiles, distinctValues, pick, shuffle, type Tiles } from './workload.js'

const VALUE_BYTES = 12_000
/** Tiles of the hot set. */
const HOT = 2_000
const MIDDLE = VALUE_BYTES >> 1
const LAST = VALUE_BYTES - 1

interface Work {
  /** In the order they are written. */
  readonly tiles: Tiles
  readonly values: readonly Uint8Array[]
}

/** What is read in one round, in this order. */
interface Wanted extends Tiles {
  readonly name: 'all' | 'hot'
  /** What the touched bytes add up to. */
  readonly sum: number
}

/** A peer with its file written and open. */
interface Peer {
  readonly slow?: boolean
  variants(wanted: Wanted): readonly Variant[]
  close(): unknown
}

export async function benchGet(context: Context): Promise<Report> {
  const zooms = sized(context, 8, 6, 4)
  // A whole pyramid.
  const tiles = consecutiveTiles(0, (4 ** (zooms + 1) - 1) / 3)
  const values = distinctValues(tiles.count, VALUE_BYTES)
  const work: Work = { tiles, values }
  const sets = [wantedOf(work, 'all'), wantedOf(work, 'hot')]

  const notes: string[] = []
  const peers: Peer[] = []
  for (const open of [flagstone, lmdb, pmtilesPackage, sqlite]) {
    const peer = await open(context, work, notes)
    if (peer !== undefined) peers.push(peer)
  }
  const rounds = context.rounds ?? sized(context, 9, 5, 1)
  // Neither pmtiles nor SQLite comes near: once is enough for them.
  const variants = sets.flatMap((wanted) =>
    peers.flatMap((peer) => (wanted.name === 'hot' && peer.slow ? [] : peer.variants(wanted))),
  )
  const rows = await interleave(variants, rounds, sized(context, 2, 2, 0), context.say)
  for (const peer of peers) await peer.close()

  const of = (name: string): number => medianOf(rows, name)
  return {
    bench: 'get',
    what: `${tiles.count.toLocaleString('en-US')} tiles of ${VALUE_BYTES.toLocaleString('en-US')} bytes (zooms 0–${zooms}), as many random reads a round, warm; all: each tile once; hot: ${HOT.toLocaleString('en-US')} of them over and over`,
    rows,
    ratios: ratios(
      ...(['all', 'hot'] as const).flatMap((set) => [
        {
          name: `${set}: lmdb getBinary / ours get, both copying into new memory`,
          value: of(`${set}: ${LMDB_COPY}`) / of(`${set}: ${GET}`),
          bar: '≥ 1',
        },
        {
          name: `${set}: lmdb getBinaryFast / ours get, zero-copy`,
          value: of(`${set}: ${LMDB}`) / of(`${set}: ${GET_VIEW}`),
          bar: '≥ 3',
        },
        {
          name: `${set}: lmdb getBinaryFast / ours getInto, both copying into one buffer`,
          value: of(`${set}: ${LMDB}`) / of(`${set}: ${GET_INTO}`),
          bar: '≥ 1',
        },
      ]),
      { name: 'all: pmtiles / ours get', value: of(`all: ${PMTILES}`) / of(`all: ${GET}`) },
      { name: 'all: SQLite / ours get', value: of(`all: ${SQLITE}`) / of(`all: ${GET}`) },
    ),
    notes: [
      'CPU time of the process, garbage collection included; that of pmtiles, which waits for other threads, by the clock',
      'every variant adds up the first, middle and last byte of each value; the sums were equal',
      'ours compares each value with its CRC once, the first time it is read (in the warm-up), as is the default',
      'lmdb is given its keys ready as 32-bit numbers; ours and SQLite get z, x, y',
      ...notes,
    ],
  }
}

const GET = 'ours get (a copy of its own)'
const GET_VIEW = 'ours get, zero-copy'
const GET_INTO = 'ours getInto, one buffer'
const LMDB = 'lmdb getBinaryFast (copies into its one buffer)'
const LMDB_COPY = 'lmdb getBinary (a copy of its own)'
const PMTILES = 'pmtiles getZxy (async)'
const SQLITE = 'SQLite, MBTiles schema'

function wantedOf({ tiles, values }: Work, name: 'all' | 'hot'): Wanted {
  const order = Int32Array.from({ length: tiles.count }, (_, i) => i)
  shuffle(order, 7)
  if (name === 'hot') {
    // Tiles from all over the pyramid, and every one of them as often as the others.
    const few = order.slice(0, HOT)
    for (let i = 0; i < order.length; i++) order[i] = few[i % few.length]!
    shuffle(order, 9)
  }
  let sum = 0
  for (const i of order) sum += touch(values[i]!)
  return { ...pick(tiles, order), name, sum }
}

function touch(value: Uint8Array): number {
  return value[0]! + value[MIDDLE]! + value[LAST]!
}

/**
 * Nanoseconds a tile: what the process spent on the processors, so that others on the machine do not count; by
 * the clock for what waits for other threads.
 */
function timed(name: string, wanted: Wanted, read: () => number | Promise<number>): Variant {
  const { count } = wanted
  const clock: number[] = []
  return {
    name: `${wanted.name}: ${name}`,
    unit: 'ns',
    run: async () => {
      const before = cpuMilliseconds()
      const start = performance.now()
      const answer = read()
      const sum = typeof answer === 'number' ? answer : await answer
      const wall = ((performance.now() - start) * 1e6) / count
      const after = cpuMilliseconds()
      if (sum !== wanted.sum) throw new Error(`${name} read bytes that add up to ${sum}, not ${wanted.sum}`)
      if (typeof answer !== 'number') return wall
      clock.push(wall)
      return ((after - before) * 1e6) / count
    },
    note: () => (clock.length === 0 ? undefined : `(by the clock: ${digits(median(clock))} ns)`),
  }
}

async function flagstone({ scratch, say }: Context, work: Work): Promise<Peer> {
  say('writing: ours')
  const path = join(scratch, 'ours.pmtiles')
  const writer = TileWriter.create(openRealFile(path, 'create'))
  const { tiles, values } = work
  for (let i = 0; i < tiles.count; i++) writer.append(tiles.z[i]!, tiles.x[i]!, tiles.y[i]!, values[i]!)
  writer.seal()
  writer.close()

  const copying = FlatReader.open(openRealFile(path, 'read'))
  const viewing = FlatReader.open(openRealFile(path, 'read'), { zeroCopy: true })
  if (!viewing.zeroCopy) throw new Error('a sealed file should be read without copying')
  const into = new Uint8Array(64 * 1024)
  return {
    variants: (wanted) => [
      timed(GET, wanted, () => sumOfGets(copying, wanted)),
      timed(GET_VIEW, wanted, () => sumOfGets(viewing, wanted)),
      timed(GET_INTO, wanted, () => {
        const { count, z, x, y } = wanted
        let sum = 0
        for (let i = 0; i < count; i++) {
          const length = copying.getInto(z[i]!, x[i]!, y[i]!, into)
          sum += into[0]! + into[length >> 1]! + into[length - 1]!
        }
        return sum
      }),
    ],
    close: () => {
      copying.close()
      viewing.close()
    },
  }
}

function sumOfGets(reader: FlatReader, { count, z, x, y }: Wanted): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const bytes = reader.get(z[i]!, x[i]!, y[i]!)!.bytes
    sum += bytes[0]! + bytes[MIDDLE]! + bytes[LAST]!
  }
  return sum
}

async function lmdb({ scratch, say }: Context, work: Work, notes: string[]): Promise<Peer | undefined> {
  const module = await loadLmdb(notes)
  if (module === undefined) return undefined
  say('writing: lmdb')
  const { tiles, values } = work
  const db = openLmdb(module, join(scratch, 'lmdb'), tiles.count * 20_000 + 2 ** 26)
  db.transactionSync(() => {
    for (let i = 0; i < tiles.count; i++) db.putSync(tiles.ids[i]!, values[i] as Buffer, { append: true })
  })
  await db.flushed
  return {
    variants: (wanted) => [
      timed(LMDB, wanted, () => {
        const { count, ids } = wanted
        let sum = 0
        for (let i = 0; i < count; i++) {
          const bytes = db.getBinaryFast(ids[i]!)!
          const length = bytes.length
          sum += bytes[0]! + bytes[length >> 1]! + bytes[length - 1]!
        }
        return sum
      }),
      timed(LMDB_COPY, wanted, () => {
        const { count, ids } = wanted
        let sum = 0
        for (let i = 0; i < count; i++) {
          const bytes = db.getBinary(ids[i]!)!
          sum += bytes[0]! + bytes[MIDDLE]! + bytes[LAST]!
        }
        return sum
      }),
    ],
    close: () => db.close(),
  }
}

async function pmtilesPackage({ scratch }: Context, _work: Work, notes: string[]): Promise<Peer | undefined> {
  const module = await loadPmtiles(notes)
  if (module === undefined) return undefined
  const fd = openSync(join(scratch, 'ours.pmtiles'), 'r')
  const archive = openPmtiles(module, fd, 'ours')
  notes.push('the pmtiles package reads the same file that ours does')
  return {
    slow: true,
    variants: (wanted) => [
      timed(PMTILES, wanted, async () => {
        const { count, z, x, y } = wanted
        let sum = 0
        for (let i = 0; i < count; i++)
          sum += touch(new Uint8Array((await archive.getZxy(z[i]!, x[i]!, y[i]!))!.data))
        return sum
      }),
    ],
    close: () => closeSync(fd),
  }
}

async function sqlite({ scratch, say }: Context, work: Work, notes: string[]): Promise<Peer | undefined> {
  const db = await openSqlite(join(scratch, 'tiles.mbtiles'), notes)
  if (db === undefined) return undefined
  say('writing: SQLite')
  const { tiles, values } = work
  db.exec(MBTILES_SCHEMA)
  db.exec('BEGIN')
  const insert = db.prepare(MBTILES_INSERT)
  for (let i = 0; i < tiles.count; i++) insert.run(tiles.z[i], tiles.x[i], tiles.y[i], values[i])
  db.exec('COMMIT')
  db.pragma(`mmap_size = ${2 ** 32}`)
  const select = db.prepare(MBTILES_SELECT)
  return {
    slow: true,
    variants: (wanted) => [
      timed(SQLITE, wanted, () => {
        const { count, z, x, y } = wanted
        let sum = 0
        for (let i = 0; i < count; i++)
          sum += touch((select.get(z[i], x[i], y[i]) as { tile_data: Uint8Array }).tile_data)
        return sum
      }),
    ],
    close: () => db.close(),
  }
}
