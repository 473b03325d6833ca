// Whole builds, image to sealed tile file, against GDAL's MBTiles driver with gdaladdo: the programs as users
// run them, each a process of its own, two threads each. One case a kind of image (build-cases.ts), and how the
// time a tile takes changes with the size of the image.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openTiles } from '../../src/store/read/open.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { type BuildCase, CASES, runAll, THREADS } from './build-cases.js'
import { measure, type Usage } from './child.js'
import { type Context, sized } from './context.js'
import { settle } from './disk.js'
import { benchImage, derive } from './image.js'
import { openSqlite } from './peers.js'
import { medianOf, type Ratio, type Report, type Row, ratios } from './report.js'

export const CLI = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const CLEAN_UP = ['', '-journal', '-wal', '-shm']
const GDAL = 'GDAL MBTiles + gdaladdo'
/** Cases when none is named, and the one that makes many images. */
const USUAL = ['deflate', 'jpeg']
const SCALING = 'scaling'

interface Program {
  readonly name: string
  readonly out: string
  run(): Promise<Usage>
  /** What it made: tiles by zoom. */
  count(): Promise<Map<number, number> | undefined>
}

interface Part {
  readonly rows: Row[]
  readonly ratios: Ratio[]
  readonly notes: string[]
}

export async function benchBuild(context: Context): Promise<Report> {
  const names = wantedOf(context)
  const size = context.size ?? sized(context, 20_480, 4096, 1024)
  const hasGdal = spawnSync('gdal_translate', ['--version']).status === 0
  const parts: Part[] = []
  const whats: string[] = []
  if (context.source !== undefined && !existsSync(context.source)) {
    throw new Error(`${context.source} is not there`)
  }
  const base = context.source ?? (await baseImage(context, size))
  for (const name of names) {
    if (name === SCALING) {
      parts.push(await scaling(context))
      whats.push(`${SCALING}: time a tile, small to large images`)
      continue
    }
    const one = CASES.find((c) => c.name === name)!
    const image = context.source ?? (await imageOf(context, one, base, size))
    // the only one has no need of a name
    const prefix = names.length === 1 ? '' : `${name}: `
    parts.push(await compare(context, one, image, prefix, hasGdal))
    whats.push(context.source === undefined ? `${prefix}${size}² ${one.what}` : context.source)
    if (image !== base) rmSync(image, { force: true })
  }
  const notes = [
    'ours makes WebP of the tiles at the rim, which are partly transparent; GDAL makes JPEG of them, black where the image ends',
    ...(hasGdal ? [] : ['gdal_translate is not installed, so GDAL was not measured']),
  ]
  return {
    bench: 'build',
    what: `256 px tiles, bilinear, overviews by average, ${THREADS} threads, image in the page cache; ${whats.join('; ')}`,
    rows: parts.flatMap((part) => part.rows),
    ratios: ratios(...parts.flatMap((part) => part.ratios)),
    notes: [...notes, ...parts.flatMap((part) => part.notes)],
  }
}

function wantedOf({ cases, source }: Context): readonly string[] {
  if (source !== undefined) return [CASES[0]!.name]
  const all = [...CASES.map((c) => c.name), SCALING]
  if (cases === undefined) return USUAL
  if (cases === 'all') return all
  const unknown = cases.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new Error(`there is no case '${unknown}'; there are ${all.join(', ')}`)
  return cases
}

async function baseImage(context: Context, size: number): Promise<string> {
  context.say(`making the image of ${size}²`)
  const image = benchImage(context.scratch, size, undefined)
  if ('problem' in image) throw new Error(image.problem)
  return image.path
}

async function imageOf(context: Context, one: BuildCase, base: string, size: number): Promise<string> {
  const path = join(context.scratch, `${one.name}.tif`)
  const steps = one.image(base, path, size)
  if (steps.length === 0) return base
  context.say(`making the image for ${one.name}`)
  derive(base, steps)
  return path
}

async function compare(
  context: Context,
  one: BuildCase,
  image: string,
  prefix: string,
  hasGdal: boolean,
): Promise<Part> {
  const programs = [ours(context, image, one.ours)]
  if (hasGdal && one.gdal !== undefined) programs.push(gdal(context, image, one))
  const usages = programs.map(() => [] as Usage[])
  const rounds = context.rounds ?? sized(context, 3, 3, 1)
  for (let round = 1; round <= rounds; round++)
    for (const [i, program] of programs.entries()) {
      context.say(`${prefix}round ${round}/${rounds}: ${program.name}`)
      removeOutput(program.out)
      readThrough(image)
      settle(context.scratch)
      usages[i]!.push(await program.run())
    }
  const notes: string[] = []
  for (const program of programs)
    notes.push(describeCounts(`${prefix}${program.name}`, await program.count()))
  if (one.gdal === undefined) notes.push(`${prefix}GDAL has nothing that makes the same`)
  for (const program of programs) removeOutput(program.out)
  const rows = programs.flatMap(({ name }, i) => rowsOf(prefix, name, usages[i]!))
  const of = (name: string): number => medianOf(rows, prefix + name)
  const found: Ratio[] = [
    {
      name: `${prefix}ours / ${GDAL}, wall time`,
      value: of('wall time, ours') / of(`wall time, ${GDAL}`),
      ...(one.bar === undefined ? {} : { bar: one.bar }),
    },
    {
      name: `${prefix}ours / ${GDAL}, CPU time`,
      value: of('CPU time, ours') / of(`CPU time, ${GDAL}`),
    },
    { name: `${prefix}peak memory of ours, GiB`, value: of('peak memory, ours') / 1024, bar: '≤ 1' },
  ]
  return { rows, ratios: found, notes }
}

/** Ours alone, on images of growing size: time a tile, without what the build of a tile or two takes. */
async function scaling(context: Context): Promise<Part> {
  const sizes = sized(context, [4096, 8192, 16_384, 32_768, 40_960], [2048, 4096], [512, 1024])
  const rounds = context.rounds ?? sized(context, 3, 1, 1)
  const rows: Row[] = []
  const peaks: number[] = []
  const small = ours(context, await baseImage(context, 256), CASES[0]!.ours)
  const nothing = await small.run()
  removeOutput(small.out)
  for (const size of sizes) {
    const image = await baseImage(context, size)
    const program = ours(context, image, CASES[0]!.ours)
    const samples: number[] = []
    for (let round = 1; round <= rounds; round++) {
      context.say(`${SCALING}: ${size}², round ${round}/${rounds}`)
      removeOutput(program.out)
      readThrough(image)
      settle(context.scratch)
      const usage = await program.run()
      const tiles = [...(await program.count())!.values()].reduce((sum, count) => sum + count, 0)
      samples.push(((usage.cpuSeconds - nothing.cpuSeconds) * 1000) / tiles)
      peaks.push(usage.peakMiB)
    }
    removeOutput(program.out)
    rmSync(image, { force: true })
    rows.push({ name: `${SCALING}: CPU time a tile, ${size}²`, unit: 'ms', samples })
  }
  const of = (size: number): number => medianOf(rows, `${SCALING}: CPU time a tile, ${size}²`)
  const first = sizes[0]!
  const each = sizes.map(of)
  const mean = each.reduce((sum, time) => sum + time, 0) / each.length
  return {
    rows,
    ratios: [
      {
        name: `${SCALING}: furthest from the mean of all sizes`,
        value: Math.max(...each.map((time) => Math.abs(time / mean - 1))),
        bar: '≤ 0.15',
      },
      {
        name: `${SCALING}: a tile of ${sizes.at(-1)}² / one of ${first}²`,
        value: of(sizes.at(-1)!) / of(first),
        bar: '0.85 … 1.15',
      },
      { name: `${SCALING}: peak memory, GiB`, value: Math.max(...peaks) / 1024, bar: '≤ 1' },
    ],
    notes: [],
  }
}

function ours({ scratch }: Context, source: string, options: readonly string[]): Program {
  const out = join(scratch, 'ours.pmtiles')
  const args = [CLI, 'build', source, out, '--quiet', '--threads', THREADS, ...options]
  return {
    name: 'ours',
    out,
    run: () => measure(process.execPath, args),
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

function gdal({ scratch }: Context, source: string, one: BuildCase): Program {
  const out = join(scratch, 'gdal.mbtiles')
  return {
    name: GDAL,
    out,
    run: () => runAll(one.gdal!(source, out, scratch)),
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

export function rowsOf(prefix: string, name: string, usages: readonly Usage[]): Row[] {
  return [
    { name: `${prefix}wall time, ${name}`, unit: 's', samples: usages.map((usage) => usage.wallSeconds) },
    { name: `${prefix}CPU time, ${name}`, unit: 's', samples: usages.map((usage) => usage.cpuSeconds) },
    { name: `${prefix}peak memory, ${name}`, unit: 'MiB', samples: usages.map((usage) => usage.peakMiB) },
  ]
}

function describeCounts(name: string, counts: Map<number, number> | undefined): string {
  if (counts === undefined) return `${name}: tiles were not counted`
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const zooms = [...counts].sort(([a], [b]) => b - a).map(([zoom, count]) => `z${zoom} ${count}`)
  return `${name}: ${total.toLocaleString('en-US')} tiles: ${zooms.join(', ')}`
}

/** Into the page cache: the disk's speed is not what is compared here. */
export function readThrough(path: string): void {
  const fd = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(1 << 22)
  while (readSync(fd, buffer) > 0);
  closeSync(fd)
}

export function removeOutput(path: string): void {
  for (const suffix of CLEAN_UP) rmSync(path + suffix, { force: true })
}
