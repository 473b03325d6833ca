// `bench convert`: the same tiles from MBTiles to PMTiles and back, beside VersaTiles' `convert`. Every conversion is a
// process of its own, from its start to its end.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { digest } from '../../src/index.js'
import { measure } from './child.js'
import { type Context, sized } from './context.js'
import { MBTILES_INSERT, MBTILES_SCHEMA, npmPackages, openSqlite } from './peers.js'
import { digits, median, medianOf, type Report, type Row, ratios } from './report.js'
import { interleave, type Variant } from './rounds.js'
import { randomBytes } from './workload.js'

const CLI = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const VERSATILES = '@versatiles/versatiles-rs-linux-x64-gnu'
/** Bytes of a tile: half of these to one and a half of them. */
const TILE_BYTES = 1024
const WAYS = [
  { name: 'MBTiles → PMTiles', from: 'source.mbtiles', to: 'pmtiles' },
  { name: 'PMTiles → MBTiles', from: 'source.pmtiles', to: 'mbtiles' },
] as const

/** Something that converts an archive. */
interface Converter {
  readonly name: string
  command(source: string, out: string): readonly [command: string, ...args: string[]]
}

const OURS: Converter = {
  name: 'ours',
  command: (source, out) => [process.execPath, CLI, 'convert', source, out, '--quiet', '--overwrite'],
}

const CONVERT = `
const [folder, source, out] = process.argv.slice(1)
require(folder).convert(source, out).catch((error) => {
  console.error(error)
  process.exitCode = 1
})`

export async function benchConvert(context: Context): Promise<Report> {
  const notes: string[] = [
    'each time is that of a process, from its start to its end; ours syncs the file before it gets its name',
  ]
  const converters = [OURS, ...versatiles(context, notes)]
  const counts = sized(context, [100_000, 1_000_000], [10_000], [200])
  const rounds = context.rounds ?? sized(context, 3, 3, 1)
  const rows: Row[] = []
  for (const count of counts) {
    const sources = await makeSources(context, count, notes)
    if (sources === undefined) break
    const variants = WAYS.flatMap((way) =>
      converters.map((one) => variantOf(context, count, way, one, notes)),
    )
    rows.push(...(await interleave(variants, rounds, 0, context.say)))
  }
  const named = (count: number, way: string, who: string): number =>
    medianOf(rows, `${labelOf(count, way)}, ${who}`)
  return {
    bench: 'convert',
    what: `${counts.map((count) => count.toLocaleString('en-US')).join(' and ')} tiles of ${TILE_BYTES / 2} to ${1.5 * TILE_BYTES} bytes that zlib cannot compress, no two the same, whole zooms from 0 on`,
    rows,
    ratios: ratios(
      ...counts.flatMap((count) =>
        WAYS.map(({ name }) => ({
          name: `${labelOf(count, name)}: VersaTiles / ours`,
          value: named(count, name, 'VersaTiles (Rust)') / named(count, name, 'ours'),
          bar: '≥ 1',
        })),
      ),
    ),
    notes,
  }
}

const labelOf = (count: number, way: string): string => `${count.toLocaleString('en-US')} tiles, ${way}`

/** VersaTiles, if it is there and its binary can be loaded. */
function versatiles({ peers, scratch, peerNode, say }: Context, notes: string[]): Converter[] {
  const folder = npmPackages([VERSATILES], peers ?? scratch, say)(VERSATILES)
  const node = peerNode ?? process.execPath
  const loaded = spawnSync(node, ['-e', 'require(process.argv[1])', folder], { encoding: 'utf8' })
  if (loaded.status !== 0) {
    const why = /Error: (.*)/.exec(loaded.stderr)?.[1] ?? 'it is not installed'
    notes.push(`VersaTiles was not measured: ${why.replaceAll(folder, VERSATILES)}`)
    return []
  }
  return [{ name: 'VersaTiles (Rust)', command: (source, out) => [node, '-e', CONVERT, folder, source, out] }]
}

/** The source of each way; undefined without SQLite. */
async function makeSources(
  { scratch, say }: Context,
  count: number,
  notes: string[],
): Promise<true | undefined> {
  const [mbtiles, pmtiles] = WAYS.map(({ from }) => join(scratch, from)) as [string, string]
  rmSync(mbtiles, { force: true })
  const db = await openSqlite(mbtiles, notes)
  if (db === undefined) return undefined
  say(`writing ${count.toLocaleString('en-US')} tiles`)
  db.exec(MBTILES_SCHEMA)
  db.exec('CREATE TABLE metadata (name TEXT, value TEXT)')
  db.exec(`INSERT INTO metadata VALUES ('name', 'bench'), ('format', 'png')`)
  db.exec('BEGIN')
  const insert = db.prepare(MBTILES_INSERT)
  const random = randomBytes(count + 2 * TILE_BYTES, 1)
  let n = 0
  for (let z = 0; n < count; z++)
    for (let x = 0; x < 2 ** z && n < count; x++)
      for (let row = 0; row < 2 ** z && n < count; row++, n++) {
        const length = TILE_BYTES / 2 + ((n * 7919) % (TILE_BYTES + 1))
        insert.run(z, x, row, Buffer.concat([PNG, random.subarray(n, n + length - PNG.length)]))
      }
  db.exec('COMMIT')
  db.close()
  const [command, ...args] = OURS.command(mbtiles, pmtiles)
  await measure(command, args)
  return true
}

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

function variantOf(
  { scratch }: Context,
  count: number,
  { name, from, to }: (typeof WAYS)[number],
  converter: Converter,
  notes: string[],
): Variant {
  const source = join(scratch, from)
  const out = join(scratch, `out.${to}`)
  const usages: { cpuSeconds: number; peakMiB: number }[] = []
  return {
    name: `${labelOf(count, name)}, ${converter.name}`,
    unit: 's',
    async run() {
      rmSync(out, { force: true })
      const [command, ...args] = converter.command(source, out)
      const usage = await measure(command, args)
      if (usages.length === 0 && (await digest(out)).digest !== (await digest(source)).digest)
        notes.push(`${labelOf(count, name)}: ${converter.name} wrote other tiles than it read`)
      rmSync(out, { force: true })
      usages.push(usage)
      return usage.wallSeconds
    },
    note: () =>
      `(processors ${digits(median(usages.map(({ cpuSeconds }) => cpuSeconds)))} s, memory ${digits(median(usages.map(({ peakMiB }) => peakMiB)))} MiB)`,
  }
}
