// Builds of sources of two depths beside the same with --depth uniform, as users run them: a country and its cities two
// zooms deeper, which cover a third of it. Tiles, bytes, time and memory.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { openTiles } from '../../src/store/read/open.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { CLI, readThrough, removeOutput, rowsOf } from './build.js'
import { THREADS } from './build-cases.js'
import { measure, type Usage } from './child.js'
import { type Context, sized } from './context.js'
import { settle } from './disk.js'
import { benchImage } from './image.js'
import { medianOf, type Report, type Row, ratios } from './report.js'

const CITIES = 20
/** Metres: pixels of the country, which are four of a city. */
const PIXEL = 1.8
/** Where a pixel of zoom 18 is as large as one of a city. */
const [LEFT, TOP] = [303_800, 4_547_200]
const DEPTHS = ['native', 'uniform'] as const

interface Made {
  readonly tiles: number
  readonly byZoom: string
  readonly bytes: number
}

export async function benchDepth(context: Context): Promise<Report> {
  const size = context.size ?? sized(context, 8192, 2048, 512)
  const sources = makeSources(context, size)
  const usages = new Map<string, Usage[]>(DEPTHS.map((depth) => [depth, []]))
  const made = new Map<string, Made>()
  const rounds = context.rounds ?? sized(context, 3, 1, 1)
  for (let round = 1; round <= rounds; round++) {
    for (const depth of DEPTHS) {
      context.say(`round ${round}/${rounds}: ${depth}`)
      for (const path of sources) readThrough(path)
      settle(context.scratch)
      const out = join(context.scratch, 'out.pmtiles')
      const options = ['--depth', depth, '--quiet', '--threads', THREADS, '--quality', '75']
      usages.get(depth)!.push(await measure(process.execPath, [CLI, 'build', ...sources, out, ...options]))
      made.set(depth, describe(out))
      removeOutput(out)
    }
  }
  const rows: Row[] = DEPTHS.flatMap((depth) => [
    ...rowsOf('', depth, usages.get(depth)!),
    { name: `tiles, ${depth}`, unit: '', samples: [made.get(depth)!.tiles] },
    { name: `size, ${depth}`, unit: 'MB', samples: [made.get(depth)!.bytes / 1e6] },
  ])
  const ratio = (what: string) => ({
    name: `native / uniform, ${what}`,
    value: medianOf(rows, `${what}, native`) / medianOf(rows, `${what}, uniform`),
  })
  return {
    bench: 'depth',
    what: `one image of ${size}² and ${CITIES} of ${size / 2}² two zooms deeper, RGB, to JPEG q75, ${THREADS} threads, images in the page cache`,
    rows,
    ratios: ratios(...['tiles', 'size', 'wall time', 'CPU time', 'peak memory'].map(ratio)),
    notes: DEPTHS.map((depth) => `${depth}: ${made.get(depth)!.byZoom}`),
  }
}

/** The country, and cities on a grid of 7 × 7 places, each another part of the same picture. */
function makeSources(context: Context, size: number): string[] {
  context.say(`making the images: ${size}² and ${CITIES} of ${size / 2}²`)
  const image = benchImage(context.scratch, size, undefined)
  if ('problem' in image) throw new Error(image.problem)
  const side = size / 2
  const country = join(context.scratch, 'country.tif')
  placed(image.path, country, [0, 0, size], LEFT, TOP, PIXEL)
  const cities = Array.from({ length: CITIES }, (_, i) => {
    const place = (i * 13) % 49
    const step = (size * PIXEL) / 7.4
    const path = join(context.scratch, `city${i}.tif`)
    const from = Math.floor(((size - side) * i) / CITIES)
    const [x, y] = [LEFT + (place % 7) * step, TOP - Math.floor(place / 7) * step]
    placed(image.path, path, [from, (from * 7) % (side + 1), side], x, y, PIXEL / 4)
    return path
  })
  removeOutput(image.path)
  return [country, ...cities]
}

/** A square of a picture, laid elsewhere. */
function placed(
  from: string,
  to: string,
  [x, y, side]: readonly [number, number, number],
  left: number,
  top: number,
  pixel: number,
): void {
  const corners = [left, top, left + side * pixel, top - side * pixel]
  const form = ['TILED=YES', 'BLOCKXSIZE=512', 'BLOCKYSIZE=512', 'COMPRESS=DEFLATE', 'PREDICTOR=2']
  const args = ['-q', '-srcwin', x, y, side, side, '-a_ullr', ...corners].map(String)
  const ran = spawnSync('gdal_translate', [...args, ...form.flatMap((f) => ['-co', f]), from, to], {
    encoding: 'utf8',
  })
  if (ran.status !== 0)
    throw new Error(`gdal_translate failed (is GDAL installed?): ${ran.stderr ?? ran.error}`)
}

function describe(path: string): Made {
  const reader = openTiles(path)
  try {
    const { levels } = describeTiles(reader)
    return {
      tiles: levels.reduce((sum, level) => sum + level.count, 0),
      byZoom: levels.map(({ zoom, count }) => `z${zoom} ${count}`).join(', '),
      bytes: statSync(path).size,
    }
  } finally {
    reader.close()
  }
}
