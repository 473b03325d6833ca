// Appending until everything is durable: small values by number, 12 KB values against the speed of the disk.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openRealFile } from '../../src/platform/real-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { type Context, sized } from './context.js'
import { settle, writeDirectly, writeSequentially } from './disk.js'
import { type LmdbModule, loadLmdb, MBTILES_INSERT, MBTILES_SCHEMA, openLmdb, openSqlite } from './peers.js'
import { medianOf, type Report, type Row, ratios } from './report.js'
import { interleave, type Variant } from './rounds.js'
import { distinctValues, shuffled, type Tiles, tilesOfZoom } from './workload.js'

const SMALL_BYTES = 100
const TILE_BYTES = 12_000
/** Puts a transaction of LMDB with tiles in it: its list of dirty pages stays short. */
const LMDB_BATCH = 5_000

interface Work {
  readonly tiles: Tiles
  readonly values: readonly Uint8Array[]
}

interface Grown {
  share: number
  times: number
}

export async function benchAppend(context: Context): Promise<Report> {
  const notes: string[] = []
  const lmdb = await loadLmdb(notes)
  const small = await appendSmall(context, lmdb, notes)
  const large = await appendTiles(context, lmdb, notes)
  const rows = [...small.rows, ...large.rows]
  const of = (name: string): number => medianOf(rows, name)
  const ours = of('100 B: ours')
  const disk = Math.max(of('12 KB: the disk, 4 MiB writes'), of('12 KB: the disk, direct I/O') || 0)
  return {
    bench: 'append',
    what: `${small.what}; ${large.what}; each to the end of its last sync`,
    rows,
    ratios: ratios(
      { name: '100 B: ours, appends/s', value: ours, bar: '≥ 1,000,000' },
      { name: '100 B: ours / lmdb, transactionSync', value: ours / of('100 B: lmdb, transactionSync') },
      { name: '100 B: ours / lmdb, async put', value: ours / of('100 B: lmdb, async put') },
      { name: '100 B: ours / SQLite', value: ours / of('100 B: SQLite, one transaction') },
      { name: '12 KB: ours / the disk, sequentially', value: of('12 KB: ours') / disk, bar: '≥ 0.6' },
      { name: '12 KB: ours / lmdb', value: of('12 KB: ours') / of('12 KB: lmdb, transactionSync') },
    ),
    notes: [
      'values are random, all distinct, made beforehand; ours by default options: dedupe on, no level announced, so indexes grow on the way',
      'lmdb gets its keys as ready 32-bit numbers in ascending order with the append flag; ours and SQLite get z, x, y',
      ...notes,
    ],
  }
}

async function appendSmall(
  context: Context,
  lmdb: LmdbModule | undefined,
  notes: string[],
): Promise<{ rows: Row[]; what: string }> {
  const zoom = sized(context, 10, 8, 6)
  const tiles = tilesOfZoom(zoom, 4 ** zoom)
  const work: Work = { tiles, values: distinctValues(tiles.count, SMALL_BYTES) }
  const anyOrder: Work = { tiles: shuffled(tiles, 11), values: work.values }
  const perSecond = (name: string, run: () => Promise<number> | number): Variant =>
    rateVariant(context, `100 B: ${name}`, 'appends/s', tiles.count, run)
  const variants = [
    oursVariant(context, '100 B: ours', 'appends/s', tiles.count, work),
    oursVariant(context, '100 B: ours, dedupe off', 'appends/s', tiles.count, work, { dedupe: false }),
    oursVariant(context, '100 B: ours, random order', 'appends/s', tiles.count, anyOrder),
  ]
  if (lmdb !== undefined)
    variants.push(
      perSecond('lmdb, transactionSync', () => lmdbInTransactions(lmdb, context, work, tiles.count)),
      perSecond('lmdb, async put', () => lmdbByPuts(lmdb, context, work)),
    )
  const sqlite = await openSqlite(':memory:', notes)
  sqlite?.close()
  if (sqlite !== undefined)
    variants.push(perSecond('SQLite, one transaction', () => sqliteInOneTransaction(context, work)))
  const rows = await interleave(variants, context.rounds ?? sized(context, 5, 3, 1), 1, context.say)
  return { rows, what: `${tiles.count.toLocaleString('en-US')} values of ${SMALL_BYTES} bytes` }
}

async function appendTiles(
  context: Context,
  lmdb: LmdbModule | undefined,
  notes: string[],
): Promise<{ rows: Row[]; what: string }> {
  const zoom = 9
  const tiles = tilesOfZoom(zoom, sized(context, 250_000, 25_000, 1_000))
  const work: Work = { tiles, values: distinctValues(tiles.count, TILE_BYTES) }
  const megabytes = (tiles.count * TILE_BYTES) / 1e6
  const path = join(context.scratch, 'disk')
  const variants = [
    oursVariant(context, '12 KB: ours', 'MB/s', megabytes, work),
    rateVariant(context, '12 KB: the disk, 4 MiB writes', 'MB/s', megabytes, () =>
      writeSequentially(path, megabytes * 1e6),
    ),
  ]
  if (writeDirectly(path, 4096) === undefined)
    notes.push('this file system has no direct I/O, so the disk was measured through the page cache only')
  else
    variants.push(
      rateVariant(
        context,
        '12 KB: the disk, direct I/O',
        'MB/s',
        megabytes,
        () => writeDirectly(path, megabytes * 1e6)!,
      ),
    )
  if (lmdb !== undefined)
    variants.push(
      rateVariant(context, '12 KB: lmdb, transactionSync', 'MB/s', megabytes, () =>
        lmdbInTransactions(lmdb, context, work, LMDB_BATCH),
      ),
    )
  const rows = await interleave(variants, context.rounds ?? sized(context, 3, 3, 1), 0, context.say)
  return {
    rows,
    what: `${tiles.count.toLocaleString('en-US')} values of ${TILE_BYTES.toLocaleString('en-US')} bytes (${Math.round(megabytes)} MB)`,
  }
}

/** `amount` a second, with a quiet disk before. */
function rateVariant(
  context: Context,
  name: string,
  unit: string,
  amount: number,
  run: () => Promise<number> | number,
  note?: () => string,
): Variant {
  return {
    name,
    unit,
    run: async () => {
      settle(context.scratch)
      return amount / (await run())
    },
    ...(note === undefined ? {} : { note }),
  }
}

function oursVariant(
  context: Context,
  name: string,
  unit: string,
  amount: number,
  work: Work,
  options: WriterOptions = {},
): Variant {
  const grown: Grown = { share: 0, times: 0 }
  return rateVariant(
    context,
    name,
    unit,
    amount,
    () => flagstone(context, work, options, grown),
    () => `(growth: ${grown.times} times, ${(grown.share * 100).toFixed(1)} % of the time)`,
  )
}

/** Seconds from an empty file to the end of the last commit. */
function flagstone({ scratch }: Context, work: Work, options: WriterOptions, grown: Grown): number {
  const path = join(scratch, 'ours')
  const { count, z, x, y } = work.tiles
  const { values } = work
  const file = openRealFile(path, 'create')
  const start = performance.now()
  const writer = TileWriter.create(file, options)
  for (let i = 0; i < count; i++) writer.append(z[i]!, x[i]!, y[i]!, values[i]!)
  writer.commit()
  const seconds = (performance.now() - start) / 1000
  const { growth } = writer.stats
  grown.share = growth.seconds / seconds
  grown.times = growth.inserts + growth.relocations + growth.extensions + growth.merges
  writer.close()
  rmSync(path)
  return seconds
}

async function lmdbInTransactions(
  lmdb: LmdbModule,
  { scratch }: Context,
  work: Work,
  batch: number,
): Promise<number> {
  const path = join(scratch, 'lmdb')
  const { count, ids } = work.tiles
  const { values } = work
  const db = openLmdb(lmdb, path, mapSize(work))
  const start = performance.now()
  for (let from = 0; from < count; from += batch) {
    const to = Math.min(count, from + batch)
    db.transactionSync(() => {
      for (let i = from; i < to; i++) db.putSync(ids[i]!, values[i] as Buffer, { append: true })
    })
  }
  await db.flushed
  const seconds = (performance.now() - start) / 1000
  await db.close()
  rmSync(path, { recursive: true })
  return seconds
}

async function lmdbByPuts(lmdb: LmdbModule, { scratch }: Context, work: Work): Promise<number> {
  const path = join(scratch, 'lmdb')
  const { count, ids } = work.tiles
  const { values } = work
  const db = openLmdb(lmdb, path, mapSize(work))
  const start = performance.now()
  let last: Promise<boolean> | undefined
  for (let i = 0; i < count; i++) last = db.put(ids[i]!, values[i] as Buffer)
  await last
  await db.flushed
  const seconds = (performance.now() - start) / 1000
  await db.close()
  rmSync(path, { recursive: true })
  return seconds
}

function mapSize({ tiles, values }: Work): number {
  return tiles.count * (values[0]!.length + 5000) + 2 ** 28
}

async function sqliteInOneTransaction({ scratch }: Context, work: Work): Promise<number> {
  const path = join(scratch, 'tiles.mbtiles')
  const db = (await openSqlite(path, []))!
  const { count, z, x, y } = work.tiles
  const { values } = work
  const start = performance.now()
  db.exec(MBTILES_SCHEMA)
  const insert = db.prepare(MBTILES_INSERT)
  db.exec('BEGIN')
  for (let i = 0; i < count; i++) insert.run(z[i], x[i], y[i], values[i])
  db.exec('COMMIT')
  const seconds = (performance.now() - start) / 1000
  db.close()
  rmSync(path)
  return seconds
}
