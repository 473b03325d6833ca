// What costs hours or terabytes is asked about first; an estimate answers in seconds and writes nothing.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tileId } from '../../src/format/tile-id.js'
import { coverTileAt, type TileRange } from '../../src/grid/tiles/cover.js'
import { countAll } from '../../src/grid/tiles/ranges.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { estimate } from '../../src/pyramid/estimate/estimate.js'
import type { PixelWindow } from '../../src/raster/source.js'
import { mountFor } from '../helpers/mounts.js'
import { fixture, root } from '../helpers/paths.js'
import { type ImageOptions, openerOf, speckled } from './images.js'

/** All of the world, as far as it is square. */
const world: ImageOptions = { zoom: 1, x: 0, y: 0, width: 512, height: 512, paint: speckled() }
const openSource = openerOf(world)
const options = (out: string, more: Partial<BuildOptions> = {}): BuildOptions => ({
  sources: ['world.tif'],
  out,
  ...more,
})

t.test('zooms beyond the image are said, and very many of them are asked for by name', async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  await t.rejects(build(options(out, { maxZoom: 14 }), { openSource }), {
    code: 'BAD_OPTION',
    message:
      /Zoom 14 is far beyond .* \(zoom 1\): 357,913,936 tiles .*Lower --max-zoom to 1, or pass --oversample/,
  })
  await t.rejects(
    build(options(out, { sources: [{ location: 'world.tif', maxZoom: 14 }] }), { openSource }),
    { code: 'BAD_OPTION', message: /Zoom 14 is far beyond .*Lower its maxzoom to 1, or pass --oversample/ },
    'the advice names what was given',
  )
  t.same(readdirSync(dir), [])
  const said: string[] = []
  const { notes } = await build(options(out, { maxZoom: 3 }), {
    openSource,
    onNote: (note) => said.push(note),
  })
  t.match(notes, [
    /Zoom 3 is beyond the resolution of the image \(zoom 1\): 80 tiles would show no more detail\.$/,
  ])
  t.same(said, notes)
  const own = await build(options(out, { maxZoom: 1, overwrite: true }), { openSource })
  t.same(own.notes, [], 'its own zoom is no reason for words')
  const stop = new AbortController()
  const asked = build(options(out, { maxZoom: 11, oversample: true, overwrite: true }), {
    openSource,
    signal: stop.signal,
    checkSpace: false,
    onProgress: () => stop.abort(),
  })
  await t.rejects(asked, { code: 'INTERRUPTED' }, 'it begins')
})

t.test('what does not fit is refused before anything is written', async (t) => {
  const mounted = mountFor(t, 'tmpfs', { mib: 1 })
  if (typeof mounted === 'string') {
    t.plan(0, mounted)
    return
  }
  const out = join(mounted.directory, 'out.pmtiles')
  const large = options(out, { sources: [fixture('ortho.tif')], lossless: true, threads: 0 })
  await t.rejects(build(large), {
    code: 'DISK_FULL',
    message: /out\.pmtiles needs about [\d.]+ MB, but .* has only .* free: free some space/,
  })
  t.same(readdirSync(mounted.directory), [])
  const { bavail, bsize } = statfsSync(mounted.directory)
  writeFileSync(join(mounted.directory, 'filler'), Buffer.alloc(bavail * bsize - 400_000))
  const small = await build({ ...large, maxZoom: 14 })
  t.ok(small.fileBytes > 0, 'what fits is built, however small the disk')
})

t.test('an estimate answers whatever is asked', { timeout: 240_000 }, async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  const cutline = {
    type: 'Polygon',
    coordinates: [
      [
        [-170, -80],
        [170, -80],
        [0, 80],
        [-170, -80],
      ],
    ],
  }
  for (const more of [{}, { cutline }, { bbox: [-180, -85, 180, 85] as [number, number, number, number] }]) {
    const found = await estimate(options(out, { maxZoom: 26, ...more }), { openSource, sampleSeconds: 0.2 })
    t.ok(found.tiles > 1e14, `${found.tiles} tiles`)
    t.equal(found.disk.fits, false)
    t.match(found.notes, [/Zoom 26 is beyond .*pass --oversample/])
  }
  t.same(readdirSync(dir), [])
})

t.test('an estimate ends although no part of the image does', { timeout: 240_000 }, async (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  let reads = 0
  const slow: ImageOptions = { ...world, zoom: 6, width: 256 * 64, height: 256 * 64 }
  const opener = async () => {
    const source = await openerOf(slow)('x', {})
    return {
      info: source.info,
      close: async () => {},
      read: async (level: number, window: PixelWindow) => {
        reads++
        await new Promise((resolve) => setTimeout(resolve, 11_000))
        return source.read(level, window)
      },
    }
  }
  const found = await estimate(options(out, { maxZoom: 6 }), { openSource: opener, sampleSeconds: 0.1 })
  t.ok(reads < 10, `${reads} reads`)
  t.equal(found.sample.parts, 0)
  t.match(found.notes, [/sizes and times are rough/])
  t.ok(found.fileBytes > 1e6 && found.seconds > 0)
})

t.test('--dry-run opens nothing for writing', async (t) => {
  if (spawnSync('strace', ['-V']).status !== 0) {
    t.plan(0, 'strace is missing')
    return
  }
  const dir = t.testdir()
  const log = join(t.testdirName, '..', 'dry-run.strace')
  const bin = join(root, 'dist', 'src', 'cli', 'bin.js')
  const calls =
    'open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,unlink,unlinkat,truncate'
  const command = [
    'build',
    fixture('ortho.tif'),
    join(dir, 'o.pmtiles'),
    '--dry-run',
    '-z',
    '12-13',
    '-j',
    '2',
  ]
  const ran = spawnSync('strace', [
    '-f',
    '-o',
    log,
    '-e',
    `trace=${calls}`,
    process.execPath,
    bin,
    ...command,
  ])
  if (ran.status !== 0) {
    t.plan(0, `strace cannot be used here: ${String(ran.stderr).slice(0, 200)}`)
    return
  }
  t.ok(existsSync(log))
  const written = String(spawnSync('cat', [log]).stdout)
    .split('\n')
    .filter((line) =>
      /O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE|\b(creat|mkdir|rename|link|unlink|truncate)/.test(line),
    )
    .filter((line) => line.includes(dir))
  t.same(written, [])
  t.same(readdirSync(dir), [])
})

t.test('the n-th tile of a cover, without the others', (t) => {
  const ranges: TileRange[] = [
    { minX: 3, minY: 2, maxX: 17, maxY: 9 },
    { minX: 20, minY: 0, maxX: 20, maxY: 31 },
  ]
  const count = countAll(ranges)
  const ids = Array.from({ length: count }, (_, i) => tileId(5, ...coverTileAt(5, ranges, i)))
  const all = Array.from({ length: 32 * 32 }, (_, i) => [i % 32, i >> 5] as const)
  const inside = all.filter(([x, y]) =>
    ranges.some((r) => x >= r.minX && x <= r.maxX && y >= r.minY && y <= r.maxY),
  )
  t.same(
    ids,
    inside.map(([x, y]) => tileId(5, x, y)).sort((a, b) => a - b),
  )
  t.throws(() => coverTileAt(5, ranges, count), RangeError)
  const most = { minX: 0, minY: 0, maxX: 2 ** 26 - 1, maxY: 2 ** 26 - 1 }
  t.same(coverTileAt(26, [most], 0), [0, 0])
  t.same(coverTileAt(26, [most], 4 ** 26 - 1), [2 ** 26 - 1, 0])
  t.end()
})
