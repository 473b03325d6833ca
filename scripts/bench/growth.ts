// What one growth of an index costs with 0.1, 1 and 4 GB of values behind it: made room for in place, moved to
// the end, or done by copying everything into a larger file, as a store without either would.
//
// The index has the same size each time (65,536 records, doubled); only the values behind it differ. Measured is
// the whole protocol of the store, syncs included.
import { closeSync, constants, copyFileSync, fdatasyncSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { RECORD_BYTES } from '../../src/format/layout.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { type Context, sized } from './context.js'
import { dropCache, settle } from './disk.js'
import { medianOf, type Report, type Row, ratios } from './report.js'
import { interleave, type Variant } from './rounds.js'
import { randomBytes, type Tiles, tilesOfZoom } from './workload.js'

/** Fills its region to the last byte. */
const RECORDS = 65_536
const ZOOM = 9
/** What may be dirty at most before the store commits by itself. */
const DIRTY_BYTES = 256 * 1024 * 1024

export async function benchGrowth(context: Context): Promise<Report> {
  const notes: string[] = []
  const { insertRange } = probeDirectory(context.scratch)
  if (!insertRange) notes.push('this file system has no INSERT_RANGE; here the store always relocates')
  const sizes = sized(context, [0.1e9, 1e9, 4e9], [0.02e9, 0.2e9], [0.002e9, 0.01e9])
  const tiles = tilesOfZoom(ZOOM, RECORDS + 1)
  const rows: Row[] = []
  for (const bytes of sizes)
    rows.push(
      ...(await interleave(
        variantsFor(context, tiles, bytes, insertRange),
        context.rounds ?? sized(context, 3, 3, 1),
        0,
        context.say,
      )),
    )
  rows.push(...(await growthShare(context)))

  const [first, last] = [label(sizes[0]!), label(sizes.at(-1)!)]
  const of = (way: string, size: string): number => medianOf(rows, `${way}, ${size} behind`)
  const compared = insertRange ? [INSERT, RELOCATE] : [RELOCATE]
  return {
    bench: 'growth',
    what: `an index of ${RECORDS.toLocaleString('en-US')} records (${(RECORDS * RECORD_BYTES) / 2 ** 20} MiB) grows to the double, with values behind it`,
    rows,
    ratios: ratios(
      ...compared.map((way) => ({
        name: `${way}: ${last} behind / ${first} behind`,
        value: of(way, last) / of(way, first),
        bar: 'about 1',
      })),
      { name: `${COPY}: ${last} behind / ${first} behind`, value: of(COPY, last) / of(COPY, first) },
      ...compared.map((way) => ({
        name: `${COPY} / ${way}, ${last} behind`,
        value: of(COPY, last) / of(way, last),
      })),
      { name: 'share of growth in a run of appends', value: medianOf(rows, SHARE) / 100, bar: '≤ 0.02' },
    ),
    notes: [
      'INSERT_RANGE writes out and forgets the cached pages of everything behind it: that is what it costs with values cached, and nothing of it depends on bytes that are only on the disk',
      'dirty: the last values (at most 256 MiB) are not on the disk yet and have to go there first, which their commit would have cost anyway',
      'copying: the file as it is, by copy_file_range or the like, and fdatasync; writing the doubled index is not counted',
      ...notes,
    ],
  }
}

const INSERT = 'INSERT_RANGE, values not cached'
const INSERT_CACHED = 'INSERT_RANGE, values cached'
const INSERT_DIRTY = 'INSERT_RANGE, values dirty'
const RELOCATE = 'relocation'
const CALL = 'the call INSERT_RANGE and a sync, values not cached'
const COPY = 'copying into a larger file'
const SHARE = 'growth in a run of appends'

function label(bytes: number): string {
  return bytes >= 1e8 ? `${bytes / 1e9} GB` : `${bytes / 1e6} MB`
}

function variantsFor(context: Context, tiles: Tiles, bytes: number, insertRange: boolean): Variant[] {
  const path = join(context.scratch, 'grows')
  const variant = (way: string, run: () => number): Variant => ({
    name: `${way}, ${label(bytes)} behind`,
    unit: 'ms',
    run: () => {
      try {
        return run() * 1000
      } finally {
        rmSync(path, { force: true })
        settle(context.scratch)
      }
    },
  })
  const ways: Variant[] = []
  if (insertRange)
    ways.push(
      variant(INSERT, () => oneGrowth(context, path, tiles, bytes, 'insert', 'not cached')),
      variant(INSERT_CACHED, () => oneGrowth(context, path, tiles, bytes, 'insert', 'cached')),
      variant(INSERT_DIRTY, () => oneGrowth(context, path, tiles, bytes, 'insert', 'dirty')),
    )
  ways.push(variant(RELOCATE, () => oneGrowth(context, path, tiles, bytes, 'relocate', 'cached')))
  if (insertRange) ways.push(variant(CALL, () => bareInsert(context, path, tiles, bytes)))
  ways.push(variant(COPY, () => copying(context, path, tiles, bytes)))
  return ways
}

/** A writer with a full index and `bytes` of values behind it, the last `dirtyBytes` of them not committed. */
function fullWriter(
  path: string,
  tiles: Tiles,
  bytes: number,
  growth: 'insert' | 'relocate',
  dirtyBytes: number,
): TileWriter {
  const writer = TileWriter.create(openRealFile(path, 'create'), {
    levels: [{ zoom: ZOOM, expectedTiles: RECORDS }],
    dedupe: false,
    growth,
    commitBytes: 0,
  })
  const value = randomBytes(Math.round(bytes / RECORDS), 5)
  const commitAt = Math.floor(((bytes - dirtyBytes) / bytes) * RECORDS)
  for (let i = 0; i < RECORDS; i++) {
    if (i === commitAt) writer.commit()
    writer.append(tiles.z[i]!, tiles.x[i]!, tiles.y[i]!, value)
  }
  if (dirtyBytes === 0) writer.commit()
  return writer
}

/** Seconds the store takes to make room for one more record. */
function oneGrowth(
  { scratch }: Context,
  path: string,
  tiles: Tiles,
  bytes: number,
  growth: 'insert' | 'relocate',
  values: 'not cached' | 'cached' | 'dirty',
): number {
  const dirtyBytes = values === 'dirty' ? Math.min(DIRTY_BYTES, bytes / 2) : 0
  const writer = fullWriter(path, tiles, bytes, growth, dirtyBytes)
  try {
    if (dirtyBytes === 0) settle(scratch)
    if (values === 'not cached' && !dropCache(path)) throw new Error('dd cannot drop the page cache here')
    const { seconds: before, inserts, relocations } = writer.stats.growth
    writer.append(tiles.z[RECORDS]!, tiles.x[RECORDS]!, tiles.y[RECORDS]!, randomBytes(100, 6))
    const after = writer.stats.growth
    const grown = growth === 'insert' ? after.inserts - inserts : after.relocations - relocations
    if (grown !== 1) throw new Error(`the index should have grown once (${growth}), not ${grown} times`)
    return after.seconds - before
  } finally {
    writer.close()
  }
}

/** Seconds of the system call and a sync, on such a file. */
function bareInsert({ scratch }: Context, path: string, tiles: Tiles, bytes: number): number {
  fullWriter(path, tiles, bytes, 'insert', 0).close()
  settle(scratch)
  dropCache(path)
  const file = openRealFile(path, 'readwrite')
  try {
    const unit = Math.max(4096, file.capabilities.growthUnitBytes)
    const length = Math.ceil((RECORDS * RECORD_BYTES) / unit) * unit
    const start = performance.now()
    file.fallocate(FALLOC.INSERT_RANGE, 8 * unit, length)
    file.sync()
    return (performance.now() - start) / 1000
  } finally {
    file.close()
  }
}

function copying({ scratch }: Context, path: string, tiles: Tiles, bytes: number): number {
  fullWriter(path, tiles, bytes, 'relocate', 0).close()
  settle(scratch)
  const copy = `${path}-copy`
  const start = performance.now()
  copyFileSync(path, copy, constants.COPYFILE_FICLONE)
  const fd = openSync(copy, 'r+')
  fdatasyncSync(fd)
  closeSync(fd)
  const seconds = (performance.now() - start) / 1000
  rmSync(copy)
  return seconds
}

/** How much of a run of 12 KB appends goes into growth, percent, when no level was announced. */
async function growthShare(context: Context): Promise<Row[]> {
  const tiles = tilesOfZoom(ZOOM, sized(context, 200_000, 20_000, 2_000))
  const value = randomBytes(12_000, 8)
  const path = join(context.scratch, 'grows')
  let times = 0
  const variant: Variant = {
    name: SHARE,
    unit: '%',
    run: () => {
      settle(context.scratch)
      const writer = TileWriter.create(openRealFile(path, 'create'), { dedupe: false })
      const start = performance.now()
      for (let i = 0; i < tiles.count; i++) writer.append(tiles.z[i]!, tiles.x[i]!, tiles.y[i]!, value)
      writer.commit()
      const seconds = (performance.now() - start) / 1000
      const { growth } = writer.stats
      times = growth.inserts + growth.relocations + growth.extensions
      writer.close()
      rmSync(path)
      return (growth.seconds / seconds) * 100
    },
    note: () => `(${tiles.count.toLocaleString('en-US')} tiles of 12 KB; ${times} growths)`,
  }
  return await interleave([variant], context.rounds ?? 3, 0, context.say)
}
