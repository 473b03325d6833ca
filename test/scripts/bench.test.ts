// Every bench runs at a tiny size, measures what it says, and leaves nothing behind. No number is judged here.
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { withoutGdal } from '../helpers/gdal.js'
import { smallTiff } from '../helpers/small-tiff.js'

const run = fileURLToPath(new URL('../../scripts/bench/run.js', import.meta.url))

const index = fileURLToPath(new URL('../../src/index.js', import.meta.url))

interface Printed {
  readonly bench: string
  readonly machine: { readonly line: string; readonly fileSystem: string }
  readonly command: string
  readonly rows: readonly { name: string; unit: string; samples: number[]; median: number }[]
  readonly ratios: readonly { name: string; value: number; bar?: string }[]
  readonly notes: readonly string[]
}

function bench(...args: string[]) {
  return spawnSync(process.execPath, [run, ...args], { encoding: 'utf8' })
}

const made = t.testdir({
  // in the place of VersaTiles, so that no registry is asked
  node_modules: {
    '@versatiles': {
      'versatiles-rs-linux-x64-gnu': {
        'index.js': `exports.convert = async (source, out) =>
          (await import(${JSON.stringify(index)})).convert({ source, out })`,
      },
    },
  },
})
const image = join(made, 'image.tif')
writeFileSync(image, smallTiff({ width: 256, height: 256 }).bytes)

const CASES: Record<string, { readonly args?: string[]; readonly rows: readonly RegExp[] }> = {
  hilbert: { rows: [/^zxy → id, ours$/, /^id → zxy, pmtiles$/] },
  get: {
    rows: [/^all: ours get, zero-copy$/, /^hot: ours getInto/, /^hot: lmdb/, /^all: pmtiles/, /^all: SQLite/],
  },
  append: { rows: [/^100 B: ours$/, /^100 B: lmdb/, /^100 B: SQLite/, /^12 KB: ours$/, /^12 KB: the disk/] },
  growth: {
    rows: [/^relocation, 2 MB behind$/, /^relocation, 10 MB behind$/, /^copying into a larger file/],
  },
  open: { rows: [/^open, new process$/, /^open and first get, same process again$/] },
  convert: {
    args: ['--peers', made],
    rows: [/^200 tiles, MBTiles → PMTiles, ours$/, /^200 tiles, PMTiles → MBTiles, VersaTiles/],
  },
  ...(withoutGdal ? {} : { depth: { rows: [/^tiles, native$/, /^size, uniform$/, /^wall time, native$/] } }),
  build: { args: ['--source', image], rows: [/^wall time, ours$/, /^peak memory, ours$/] },
}

for (const [name, { args = [], rows }] of Object.entries(CASES)) {
  t.test(`bench ${name}`, (t) => {
    const dir = t.testdir()
    const ran = bench(name, '--tiny', '--rounds', '1', '--json', '--dir', dir, ...args)
    t.equal(ran.status, 0, ran.stderr)
    const printed = JSON.parse(ran.stdout) as Printed
    t.equal(printed.bench, name)
    t.match(printed.machine.line, /cores, .* GiB, .*node v/)
    t.match(printed.command, /^npm run bench -- /)
    for (const wanted of rows)
      t.ok(
        printed.rows.some((row) => wanted.test(row.name)),
        `${wanted} was measured`,
      )
    for (const row of printed.rows) {
      t.equal(row.median, [...row.samples].sort((a, b) => a - b)[row.samples.length >> 1], row.name)
      t.ok(row.samples.length % 2 === 1 && row.samples.every((sample) => sample >= 0), `${row.name}: samples`)
    }
    t.ok(printed.ratios.length > 0, 'ratios were printed')
    for (const ratio of printed.ratios) t.ok(Number.isFinite(ratio.value), ratio.name)
    t.same(readdirSync(dir), [], 'the scratch directory is empty again')
    t.end()
  })
}

t.test('as text: machine, command, medians with their spread, ratios with their bars', (t) => {
  const ran = bench('hilbert', '--tiny', '--rounds', '3', '--dir', t.testdir())
  t.equal(ran.status, 0, ran.stderr)
  t.match(ran.stdout, /^machine: .+\ncommand: npm run bench -- hilbert --tiny/m)
  t.match(ran.stdout, /zxy → id, ours +[\d.,]+ ns +\[[\d.,]+ … [\d.,]+, 3 rounds\]/)
  t.match(ran.stdout, /^ratio: pmtiles \/ ours, zxy → id = [\d.]+ {3}\(wanted > 1\)$/m)
  t.end()
})

t.test('what cannot be run is said', (t) => {
  const cases: [string[], RegExp][] = [
    [[], /one of build, depth, get, .* is wanted/],
    [['fly'], /one of build, depth, get, .* is wanted/],
    [['get', '--rounds', '0'], /--rounds wants a whole number above 0, not '0'/],
    [['get', '--fast'], /Unknown option '--fast'/],
  ]
  for (const [args, said] of cases) {
    const ran = bench(...args)
    t.equal(ran.status, 2)
    t.match(ran.stderr, said)
    t.equal(ran.stdout, '')
  }
  const ran = bench('build', '--tiny', '--source', 'nowhere.tif', '--dir', t.testdir())
  t.not(ran.status, 0)
  t.match(ran.stderr, /nowhere\.tif is not there/)
  t.end()
})
