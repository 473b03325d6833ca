// A whole build, image to sealed tile file, against GDAL's MBTiles driver with gdaladdo: the programs as users
// run them, each a process of its own, two threads each.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeTiles } from '../../src/store/describe.js'
import { openTiles } from '../../src/store/paths.js'
import { inSequence, measure, type Usage } from './child.js'
import { type Context, sized } from './context.js'
import { settle } from './disk.js'
import { benchImage } from './image.js'
import { openSqlite } from './peers.js'
import { medianOf, type Report, type Row, ratios } from './report.js'

const CLI = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const THREADS = '2'
const CLEAN_UP = ['', '-journal', '-wal', '-shm']

interface Program {
  readonly name: string
  readonly out: string
  run(): Promise<Usage>
  /** What it made: tiles by zoom. */
  count(): Promise<Map<number, number> | undefined>
}

export async function benchBuild(context: Context): Promise<Report> {
  const size = context.size ?? sized(context, 20_480, 4096, 1024)
  context.say('making the image')
  const image = benchImage(context.scratch, size, context.source)
  if ('problem' in image) throw new Error(image.problem)
  const notes: string[] = []
  const programs = [ours(context, image.path)]
  if (spawnSync('gdal_translate', ['--version']).status === 0) programs.push(gdal(context, image.path))
  else notes.push('gdal_translate is not installed, so GDAL was not measured')

  const usages = programs.map(() => [] as Usage[])
  const rounds = context.rounds ?? sized(context, 3, 3, 1)
  for (let round = 1; round <= rounds; round++)
    for (const [i, program] of programs.entries()) {
      context.say(`round ${round}/${rounds}: ${program.name}`)
      removeOutput(program.out)
      readThrough(image.path)
      settle(context.scratch)
      usages[i]!.push(await program.run())
    }
  for (const program of programs) notes.push(describeCounts(program.name, await program.count()))

  const rows = programs.flatMap(({ name }, i) => rowsOf(name, usages[i]!))
  const of = (name: string): number => medianOf(rows, name)
  return {
    bench: 'build',
    what: `${image.what}; 256 px tiles, JPEG quality 75, bilinear, overviews by average, ${THREADS} threads, image in the page cache`,
    rows,
    ratios: ratios(
      {
        name: 'ours / GDAL MBTiles + gdaladdo, wall time',
        value: of('wall time, ours') / of('wall time, GDAL MBTiles + gdaladdo'),
        bar: '≤ 0.35',
      },
      {
        name: 'ours / GDAL MBTiles + gdaladdo, CPU time',
        value: of('CPU time, ours') / of('CPU time, GDAL MBTiles + gdaladdo'),
      },
      { name: 'peak memory of ours, GiB', value: of('peak memory, ours') / 1024, bar: '≤ 1' },
    ),
    notes: [
      'ours makes WebP of the tiles at the rim, which are partly transparent; GDAL makes JPEG of them, black where the image ends',
      ...notes,
    ],
  }
}

function ours({ scratch }: Context, source: string): Program {
  const out = join(scratch, 'ours.pmtiles')
  const args = [CLI, 'build', source, out, '--quiet', '--threads', THREADS]
  return {
    name: 'ours',
    out,
    run: () => measure(process.execPath, [...args, '--quality', '75', '--resampling', 'bilinear']),
    count: async () => {
      const reader = openTiles(out)
      try {
        return new Map(describeTiles(reader).levels.map((level) => [level.zoom, level.count]))
      } finally {
        reader.close()
      }
    },
  }
}

function gdal({ scratch }: Context, source: string): Program {
  const out = join(scratch, 'gdal.mbtiles')
  const environment = { GDAL_NUM_THREADS: THREADS }
  const options = ['TILE_FORMAT=JPEG', 'QUALITY=75', 'RESAMPLING=BILINEAR'].flatMap((option) => [
    '-co',
    option,
  ])
  return {
    name: 'GDAL MBTiles + gdaladdo',
    out,
    run: async () => {
      const translated = ['-q', '-of', 'MBTILES', ...options, source, out]
      const base = await measure('gdal_translate', translated, environment)
      return inSequence(base, await measure('gdaladdo', ['-q', '-r', 'average', out], environment))
    },
    count: async () => {
      const db = await openSqlite(out, [])
      if (db === undefined) return undefined
      const rows = db
        .prepare('SELECT zoom_level AS zoom, COUNT(*) AS count FROM tiles GROUP BY zoom_level')
        .all() as { zoom: number; count: number }[]
      db.close()
      return new Map(rows.map(({ zoom, count }) => [zoom, count]))
    },
  }
}

function rowsOf(name: string, usages: readonly Usage[]): Row[] {
  return [
    { name: `wall time, ${name}`, unit: 's', samples: usages.map((usage) => usage.wallSeconds) },
    { name: `CPU time, ${name}`, unit: 's', samples: usages.map((usage) => usage.cpuSeconds) },
    { name: `peak memory, ${name}`, unit: 'MiB', samples: usages.map((usage) => usage.peakMiB) },
  ]
}

function describeCounts(name: string, counts: Map<number, number> | undefined): string {
  if (counts === undefined) return `${name}: tiles were not counted`
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const zooms = [...counts].sort(([a], [b]) => b - a).map(([zoom, count]) => `z${zoom} ${count}`)
  return `${name}: ${total.toLocaleString('en-US')} tiles: ${zooms.join(', ')}`
}

/** Into the page cache: the disk's speed is not what is compared here. */
function readThrough(path: string): void {
  const fd = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(1 << 22)
  while (readSync(fd, buffer) > 0);
  closeSync(fd)
}

function removeOutput(path: string): void {
  for (const suffix of CLEAN_UP) rmSync(path + suffix, { force: true })
}
