// Whole builds of sources of different depths: on any number of threads, interrupted anywhere, of damaged files.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BuildOptions, type BuildProgress, build } from '../../src/pyramid/build.js'
import { openTiles } from '../../src/store/read/open.js'
import { type SmallTiff, smallTiff } from '../helpers/small-tiff.js'
import { type ImageOptions, ImageSource, tilesOf } from './images.js'
import { placeImage } from './mixed.js'

/** Metres of a pixel of zoom 0. */
const WORLD_PIXEL = 156543.03392804097

/** A GeoTIFF whose pixels are those of a zoom. */
function tiffAt(
  zoom: number,
  x: number,
  y: number,
  width: number,
  height: number,
  tiff?: Partial<SmallTiff>,
) {
  const metres = WORLD_PIXEL / 2 ** zoom
  const half = WORLD_PIXEL * 128
  return smallTiff({
    width,
    height,
    bands: 3,
    block: 64,
    compress: true,
    paint: (px, py, b) => 60 + ((px * 3 + py * 5 + b * 40 + zoom * 7) % 160),
    place: [x * metres - half, half - y * metres, metres],
    ...tiff,
  })
}

/** A base, a part of it four times finer, and a part of that again, with a corner outside of both. */
const threeTiffs = () => [
  tiffAt(8, 25730, 22660, 320, 256),
  tiffAt(10, 102970, 90700, 384, 320, { mask: (x, y) => x < 200 || y < 150 }),
  tiffAt(12, 411700, 362700, 512, 448),
]

function written(dir: string, tiffs = threeTiffs()): string[] {
  return tiffs.map(({ bytes }, i) => {
    const path = join(dir, `${i}.tif`)
    writeFileSync(path, bytes)
    return path
  })
}

const mixed = { format: 'png', depth: 'native', minZoom: 3, overviewResampling: 'bilinear' } as const

t.test('the same tiles on any number of threads, and progress counts all units', async (t) => {
  const dir = t.testdir()
  const sources = written(dir)
  const all: Record<string, string>[] = []
  for (const [threads, useCaller] of [
    [0, false],
    [1, false],
    [2, true],
    [3, false],
  ] as const) {
    const out = join(dir, `${threads}.pmtiles`)
    const events: BuildProgress[] = []
    await build({ ...mixed, sources, out, threads }, { useCaller, onProgress: (p) => events.push(p) })
    const last = events.at(-1)!
    t.equal(last.tilesDone, last.tilesTotal)
    all.push(tilesOf(out))
  }
  const zooms = new Set(Object.keys(all[0]!).map((key) => Number(key.split('/')[0])))
  t.same(
    [...zooms].sort((a, b) => a - b),
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  )
  for (const one of all) t.same(one, all[0])
})

t.test('a report names the zooms that have tiles', async (t) => {
  const dir = t.testdir()
  const [base, , full] = threeTiffs()
  const sources = written(dir, [base!, tiffAt(12, 411700, 362700, 512, 448, { mask: () => false })])
  const out = join(dir, 'out.pmtiles')
  const report = await build({ ...mixed, sources, out, threads: 0 })
  t.same([report.minZoom, report.maxZoom], [3, 8], 'the deep source has no pixels')
  t.same(report.levels.at(-1)?.zoom, 8)
  written(dir, [base!, full!])
  t.equal((await build({ ...mixed, sources, out, threads: 0, overwrite: true })).maxZoom, 12)
})

t.test('tiles beyond the resolution of a source are counted from its lowest zoom', async (t) => {
  const dir = t.testdir()
  const [base, , deep] = written(dir)
  const source = { location: deep!, minZoom: 13, maxZoom: 13 }
  const options = { ...mixed, sources: [base!, source], out: join(dir, 'out.pmtiles'), threads: 0 }
  const { notes, levels } = await build(options)
  const made = levels.find(({ zoom }) => zoom === 13)!.tiles
  t.match(notes.join('\n'), new RegExp(`Zoom 13 is beyond .* \\(zoom 12\\): ${made} tiles would`))
})

t.test('interrupted anywhere, and resumed', async (t) => {
  const dir = t.testdir()
  const images = [
    placeImage(5, [3220, 2830, 250, 240]),
    placeImage(11, [207000, 182000, 300, 320]),
    placeImage(11, [212000, 190000, 200, 320]),
    placeImage(10, [108000, 94000, 300, 240]),
  ]
  const options: BuildOptions = {
    ...mixed,
    sources: ['0', '1', '2', '3'],
    out: join(dir, 'whole.pmtiles'),
    commitEverySeconds: 0,
  }
  let reads = 0
  const opener = (onRead: () => void) => async (path: string) =>
    new ImageSource({ ...(images[Number(path)] as ImageOptions), path, onRead })
  await build(options, { openSource: opener(() => reads++) })
  const whole = tilesOf(options.out)
  let committed = 0
  for (const share of [0.3, 0.5, 0.7, 0.85, 0.95]) {
    const out = join(dir, `${share}.pmtiles`)
    const controller = new AbortController()
    let count = 0
    const openSource = opener(() => {
      if (++count === Math.floor(reads * share)) controller.abort()
    })
    await t.rejects(build({ ...options, out }, { openSource, signal: controller.signal }), {
      code: 'INTERRUPTED',
    })
    if (existsSync(out)) committed++
    await build({ ...options, out, resume: existsSync(out) }, { openSource: opener(() => {}) })
    t.same(tilesOf(out), whole, `at ${share} of ${reads} reads`)
  }
  t.ok(committed >= 3, `${committed} were resumed`)
})

t.test(
  'another order, depth or zoom of a source is no build to continue, in words that say so',
  async (t) => {
    const dir = t.testdir()
    const images = [
      placeImage(5, [3220, 2830, 250, 240]),
      placeImage(10, [108000, 94000, 300, 240]),
      placeImage(8, [27000, 23500, 300, 240]),
    ]
    const openSource = async (path: string) => new ImageSource({ ...images[Number(path)]!, path })
    const begin = async (options: BuildOptions): Promise<void> => {
      const stop = new AbortController()
      const signal = stop.signal
      const onProgress = ({ subtreesDone }: { subtreesDone: number }) => subtreesDone > 0 && stop.abort()
      await t.rejects(build(options, { openSource, signal, onProgress }), { code: 'INTERRUPTED' })
    }
    const refused = async (options: BuildOptions, message: RegExp): Promise<void> => {
      const { message: said } = await build({ ...options, resume: true }, { openSource }).then(
        () => ({ message: 'continued' }),
        (error: Error) => error,
      )
      t.match(said, message)
      t.notMatch(said, /not set|digest|work units|the size of/)
    }
    const common = { ...mixed, threads: 0, commitEverySeconds: 0, sources: ['0', '1', '2'] }
    const native: BuildOptions = { ...common, out: join(dir, 'native.pmtiles') }
    await begin(native)
    await refused(
      { ...native, order: 'finest' },
      /continued: the sources were in another order \(number 2 from the bottom was \S+\/1 and is \S+\/2 now\)\. Use/,
    )
    await refused(
      { ...native, depth: 'uniform' },
      /the depth was that of each source, zoom \d+ or \d+ or \d+ and is the same for all sources \(--depth uniform\) now\. Use/,
    )
    const limited = ['0', '1', { location: '2', minZoom: 7 }]
    await refused(
      { ...native, sources: limited },
      /continued: the zooms of single sources have changed \(that of each source/,
    )
    const uniform: BuildOptions = {
      ...common,
      out: join(dir, 'uniform.pmtiles'),
      depth: 'uniform',
      maxZoom: 9,
    }
    await begin(uniform)
    await refused(
      { ...uniform, depth: 'native' },
      /the depth was the same for all sources \(--depth uniform\) and is that of each source/,
    )
  },
)

t.test('what is lost above the subtrees is reported', async (t) => {
  const dir = t.testdir()
  const tiffs = threeTiffs()
  // a block that lies under no finer source
  const { offset, count } = tiffs[0]!.blocks.find(({ block }) => block === 0)!
  for (const at of [offset, offset + 1, offset + (count >> 1)]) tiffs[0]!.bytes[at]! ^= 0xff
  const sources = written(dir, tiffs)
  const options: BuildOptions = { ...mixed, sources, out: join(dir, 'out.pmtiles'), threads: 0 }
  await t.rejects(build(options), { code: 'SOURCE_CORRUPT', message: /--skip-unreadable/ })
  const report = await build({ ...options, skipUnreadable: true, overwrite: true })
  t.match(report.damaged, [{ path: sources[0], blocks: 1 }])
  const file = openTiles(options.out)
  t.ok(file.get(7, 50, 44), 'the tile with the lost block')
  file.close()
})
