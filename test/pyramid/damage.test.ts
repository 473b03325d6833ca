// Damaged, truncated and unreachable parts of images: without skipUnreadable one error that names the option, with it
// they stay empty, are counted once and named, and all the rest is as if nothing were wrong.

import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../src/cli/run.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { openSource } from '../../src/pyramid/sources/open.js'
import { sample, sampleHeights } from '../../src/sampling/sample.js'
import { createTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { type BlockPlace, type SmallTiff, smallTiff } from '../helpers/small-tiff.js'

t.setTimeout(1_800_000)

/** 4 × 4 blocks of 64 pixels. */
const IMAGE = {
  width: 256,
  height: 256,
  paint: (x: number, y: number, b: number) => 60 + ((x + 2 * y + b * 30) % 120),
}
/** 20 km wide: several units of work at zoom 15. */
const WIDE = { width: 1024, height: 1024, block: 64, place: [1_000_000, 6_000_000, 20] } as const
const METRES = 10
const LEFT = 1_000_000
const TOP = 6_000_000
const LIMIT = 20_037_508.342789244

interface Damaged {
  readonly path: string
  readonly blocks: readonly BlockPlace[]
}

type Spoil = (bytes: Buffer, blocks: readonly BlockPlace[]) => Buffer

/** Two bytes of the middle of blocks of an image are turned over. */
const flip =
  (numbers: readonly number[], image = 0, isMask = false): Spoil =>
  (bytes, blocks) => {
    for (const { offset, count } of blocks.filter(
      (b) => b.image === image && b.isMask === isMask && numbers.includes(b.block),
    )) {
      // also the head, so that whatever is decoded is refused
      for (const at of [offset, offset + 1, offset + (count >> 1)]) bytes[at]! ^= 0xff
    }
    return bytes
  }

function damaged(dir: string, name: string, tiff: SmallTiff, spoil: Spoil): Damaged {
  const { bytes, blocks } = smallTiff(tiff)
  const path = join(dir, name)
  writeFileSync(path, spoil(bytes, blocks))
  return { path, blocks }
}

const options = (out: string, ...sources: string[]): BuildOptions => ({
  sources,
  out,
  skipUnreadable: true,
  format: 'png',
  resampling: 'nearest',
  threads: 0,
})

/** Which pixels of the image, seen at its middle, are there: rows of '#' and '.' a block of 64. */
async function seen(out: string, image: SmallTiff = IMAGE, side = 64): Promise<string[]> {
  const file = openTiles(out)
  try {
    const { width, height } = image
    const degrees = (x: number, y: number): [number, number] => [
      (x / LIMIT) * 180,
      (360 / Math.PI) * Math.atan(Math.exp((y / LIMIT) * Math.PI)) - 90,
    ]
    const rows: string[] = []
    for (let v = side / 2; v < height; v += side) {
      let row = ''
      for (let u = side / 2; u < width; u += side) {
        const [west, south] = degrees(LEFT + (u - 2) * METRES, TOP - (v + 2) * METRES)
        const [east, north] = degrees(LEFT + (u + 2) * METRES, TOP - (v - 2) * METRES)
        const { mask } = await sample(file, {
          bbox: [west, south, east, north],
          width: 1,
          height: 1,
          resampling: 'nearest',
        })
        row += mask === undefined || mask[0]! > 127 ? '#' : '.'
      }
      rows.push(row)
    }
    return rows
  } finally {
    file.close()
  }
}

/** Built without the option it fails with a sentence that names it. */
async function refuses(t: Test, out: string, ...sources: string[]): Promise<void> {
  await t.rejects(
    build({ ...options(out, ...sources), skipUnreadable: false }),
    { message: /--skip-unreadable \(skipUnreadable\)/ },
    'the error names the option',
  )
}

t.test('blocks with flipped bytes', async (t) => {
  const cases: [string, SmallTiff, Spoil, number, string[]][] = [
    ['tiles', IMAGE, flip([5, 10]), 2, ['####', '#.##', '##.#', '####']],
    ['bands apart', { ...IMAGE, planar: true }, flip([5]), 1, ['####', '#.##', '####', '####']],
    [
      'a band of each',
      { ...IMAGE, planar: true },
      flip([5, 16 + 5, 32 + 6]),
      3,
      ['####', '#..#', '####', '####'],
    ],
    ['strips', { ...IMAGE, strips: true, block: 64 }, flip([1]), 1, ['####', '....', '####', '####']],
    [
      'many strips in a unit',
      { ...IMAGE, strips: true, block: 4 },
      flip([7, 8, 9]),
      3,
      ['....', '####', '####', '####'],
    ],
    [
      '16 bits',
      { ...IMAGE, wide: true, paint: (x, y) => 1000 + x * 9 + y },
      flip([0]),
      1,
      ['.###', '####', '####', '####'],
    ],
    ['a mask', { ...IMAGE, mask: () => true }, flip([3], 0, true), 1, ['###.', '####', '####', '####']],
  ]
  for (const [name, tiff, spoil, count, shape] of cases) {
    const dir = t.testdir({})
    const { path } = damaged(dir, 'a.tif', tiff, spoil)
    const out = join(dir, 'a.pmtiles')
    await refuses(t, out, path)
    const report = await build(options(out, path))
    t.same(
      report.damaged.map((d) => [basename(d.path), d.blocks, d.replaced]),
      [['a.tif', count, 0]],
      name,
    )
    t.same(await seen(out, tiff), shape, `${name}: what is seen`)
    t.match(report.damaged[0]!.places[0], { width: Number, height: Number, reason: /cannot be decoded/ })
  }
})

t.test('a place is named with its pixels', async (t) => {
  const dir = t.testdir({})
  const { path } = damaged(dir, 'a.tif', IMAGE, flip([6]))
  const { damaged: found } = await build(options(join(dir, 'a.pmtiles'), path))
  t.match(found, [{ path, blocks: 1, places: [{ part: 'level 0', x: 128, y: 64, width: 64, height: 64 }] }])
})

t.test('what is whole comes out as if nothing were wrong', async (t) => {
  const dir = t.testdir({})
  const whole = damaged(dir, 'whole.tif', IMAGE, (bytes) => bytes)
  const plain = await build({ ...options(join(dir, 'plain.pmtiles'), whole.path), skipUnreadable: false })
  const skipping = await build(options(join(dir, 'skipping.pmtiles'), whole.path))
  t.same(skipping.damaged, [])
  t.same(skipping.levels, plain.levels)
})

t.test('truncated files', async (t) => {
  const dir = t.testdir({})
  const { bytes: good, blocks } = smallTiff(IMAGE)
  // the directory lies at the end: the blocks from the tenth on are said to be beyond it
  const last = blocks.filter((b) => b.block >= 10)
  const moved = Buffer.from(good)
  const at = moved.indexOf(Buffer.from(Uint32Array.of(...last.slice(0, 3).map((b) => b.offset)).buffer))
  t.ok(at > 0, 'the table of offsets')
  for (let i = 0; i < last.length; i++) moved.writeUInt32LE(0x7fff0000 + i * 64, at + 4 * i)
  const path = join(dir, 'cut.tif')
  writeFileSync(path, moved)
  const out = join(dir, 'cut.pmtiles')
  await refuses(t, out, path)
  const { damaged: found } = await build(options(out, path))
  t.match(found, [{ path, blocks: 6 }])
  t.same(await seen(out), ['####', '####', '##..', '....'])
})

t.test('a damaged block of an overview is made of finer pixels', async (t) => {
  const dir = t.testdir({})
  const tiff = { ...IMAGE, width: 512, height: 512, overviews: [2, 4], mask: (x: number) => x < 448 }
  const whole = damaged(dir, 'whole.tif', tiff, (bytes) => bytes)
  for (const [name, spoil, lost] of [
    ['colours', flip([0, 5], 1), 0],
    ['the mask', flip([1], 1, true), 0],
    ['both levels', (b: Buffer, p: readonly BlockPlace[]) => flip([0], 2)(flip([0], 1)(b, p), p), 0],
    ['what lies below too', (b: Buffer, p: readonly BlockPlace[]) => flip([9], 0)(flip([0], 1)(b, p), p), 1],
  ] as [string, Spoil, number][]) {
    const { path } = damaged(dir, 'a.tif', tiff, spoil)
    const source = await openSource(path, { skipDamaged: true })
    const good = await openSource(whole.path, {})
    for (const level of [1, 2]) {
      const window = {
        x: 0,
        y: 0,
        width: source.info.levels[level]!.width,
        height: source.info.levels[level]!.height,
      }
      const mended = await source.read(level, window)
      const right = await good.read(level, window)
      let off = 0
      let empty = 0
      for (let i = 0; i < right.data.length; i++) {
        const pixel = Math.floor(i / 3)
        if (right.mask !== undefined && right.mask[pixel] === 0) continue
        if (mended.mask !== undefined && mended.mask[pixel] === 0) empty++
        // of the paint of this image neighbours differ by a few
        else if (Math.abs(mended.data[i]! - right.data[i]!) > 60) off++
      }
      t.ok(off < right.data.length / 40, `${name}, level ${level}: ${off} samples are far off`)
      t.equal(empty > 0, lost > 0 && level === 1, `${name}, level ${level}: ${empty} are empty`)
      if (level === 1)
        t.ok(
          mended.lost!.some((loss) => loss.replaced === true),
          `${name}: said`,
        )
      t.equal(
        mended.lost?.some((loss) => loss.replaced !== true) ?? false,
        lost > 0 && level === 1,
        `${name}: lost`,
      )
    }
    await source.close()
    await good.close()
  }
})

t.test('overviews in a build: no loss, but told', async (t) => {
  const dir = t.testdir({})
  const tiff = { ...IMAGE, overviews: [2] }
  const { path } = damaged(dir, 'a.tif', tiff, flip([0], 1))
  const out = join(dir, 'a.pmtiles')
  const low = { ...options(out, path), maxZoom: 12 }
  await t.rejects(build({ ...low, skipUnreadable: false }), { message: /--skip-unreadable/ })
  const { damaged: found } = await build(low)
  t.match(found, [{ blocks: 0, replaced: 1 }])
  t.same(await seen(out), ['####', '####', '####', '####'])
})

t.test('mosaics: what lies below shows through, feathered or not', async (t) => {
  for (const blend of ['last', 'first', 'feather'] as const) {
    const dir = t.testdir({})
    const below = damaged(dir, 'below.tif', { ...IMAGE, width: 128, paint: () => 200 }, (bytes) => bytes)
    const above = damaged(dir, 'above.tif', IMAGE, flip([0, 3]))
    const sources = blend === 'first' ? [above.path, below.path] : [below.path, above.path]
    const out = join(dir, 'a.pmtiles')
    const { damaged: found } = await build({ ...options(out, ...sources), blend })
    t.match(found, [{ path: above.path, blocks: 2 }], blend)
    t.same(await seen(out), ['###.', '####', '####', '####'], blend)
  }
})

t.test('JPEG shows the background, terrain has no height there', async (t) => {
  const dir = t.testdir({})
  const { path } = damaged(dir, 'a.tif', IMAGE, flip([5]))
  const out = join(dir, 'jpeg.pmtiles')
  const made = await build({ ...options(out, path), format: 'jpeg', background: [0, 0, 255], alpha: false })
  t.match(made.damaged, [{ blocks: 1 }])
  const height = damaged(dir, 'dem.tif', { ...IMAGE, bands: 1 }, flip([5]))
  const heights = join(dir, 'dem.pmtiles')
  const dem = await build({
    ...options(heights, height.path),
    format: 'webp',
    terrain: 'mapbox',
    resampling: 'bilinear',
  })
  t.match(dem.damaged, [{ blocks: 1 }])
  const file = openTiles(heights)
  const bbox = made.bounds
  const found = await sampleHeights(file, { bbox: [...bbox], width: 4, height: 4, resampling: 'nearest' })
  const mask = [...(found?.mask ?? [])]
  t.ok(mask.includes(0) && mask.some((m) => m !== 0), 'a hole')
  file.close()
})

t.test('pictures, .hgt files, ASCII grids, VRT pieces, archives', async (t) => {
  const dir = t.testdir({})
  const good = damaged(dir, 'good.tif', { ...IMAGE, width: 64 }, (bytes) => bytes)

  // a picture is decoded as a whole: it is lost as a whole, beside others
  const png = join(dir, 'p.png')
  const { default: sharp } = await import('sharp')
  const encoded = await sharp(Buffer.alloc(300 * 200 * 3, 77), {
    raw: { width: 300, height: 200, channels: 3 },
  })
    .png()
    .toBuffer()
  writeFileSync(png, encoded.subarray(0, encoded.length - 40))
  writeFileSync(join(dir, 'p.pgw'), `${METRES}\n0\n0\n${-METRES}\n${LEFT + 5}\n${TOP - 5}\n`)
  const pictures = await build({ ...options(join(dir, 'png.pmtiles'), png, good.path), crs: 'EPSG:3857' })
  t.match(pictures.damaged, [{ path: png, blocks: 1 }])

  const grid = join(dir, 'g.asc')
  const row = (v: number): string => new Array(64).fill(v).join(' ')
  const rows = Array.from({ length: 64 }, (_, i) => row(i))
  rows[40] = rows[40]!.replace('40 40', '40 nonsense')
  writeFileSync(
    grid,
    `ncols 64\nnrows 64\nxllcorner ${LEFT}\nyllcorner ${TOP - 64 * METRES}\ncellsize ${METRES}\n${rows.join('\n')}\n`,
  )
  const ascii = await build({
    ...options(join(dir, 'asc.pmtiles'), grid, good.path),
    crs: 'EPSG:3857',
    rescale: [0, 255],
  }).catch((e) => e as Error)
  t.notOk(
    ascii instanceof Error && !/could not be read/.test(ascii.message),
    String((ascii as Error).message ?? ''),
  )

  const { path: piece } = damaged(dir, 'piece.tif', IMAGE, flip([5]))
  const vrt = join(dir, 'v.vrt')
  const source = (band: number, file: string, x: number): string =>
    `<SimpleSource><SourceFilename relativeToVRT="1">${file}</SourceFilename><SourceBand>${band}</SourceBand>
     <SrcRect xOff="0" yOff="0" xSize="256" ySize="256"/><DstRect xOff="${x}" yOff="0" xSize="256" ySize="256"/></SimpleSource>`
  writeFileSync(
    vrt,
    `<VRTDataset rasterXSize="512" rasterYSize="256"><SRS>EPSG:3857</SRS><GeoTransform>${LEFT},${METRES},0,${TOP},0,${-METRES}</GeoTransform>
     ${[1, 2, 3].map((b) => `<VRTRasterBand dataType="Byte" band="${b}">${source(b, 'piece.tif', 0)}${source(b, 'gone.tif', 256)}</VRTRasterBand>`).join('')}</VRTDataset>`,
  )
  await t.rejects(build({ ...options(join(dir, 'vrt.pmtiles'), vrt), skipUnreadable: false }), {
    code: 'NOT_FOUND',
  })
  const mosaic = await build(options(join(dir, 'vrt.pmtiles'), vrt))
  t.same(mosaic.damaged.map((d) => [basename(d.path), d.blocks]).sort(), [
    ['gone.tif', 1],
    ['piece.tif', 1],
  ])
  t.same(await seen(join(dir, 'vrt.pmtiles'), { width: 512, height: 256 }), [
    '####....',
    '#.##....',
    '####....',
    '####....',
  ])
  t.equal(
    mosaic.damaged.some((d) => d.path === piece),
    true,
  )

  const archive = join(dir, 'tiles.pmtiles')
  const writer = createTiles(archive)
  const tile = await sharp(Buffer.alloc(256 * 256 * 3, 99), { raw: { width: 256, height: 256, channels: 3 } })
    .jpeg()
    .toBuffer()
  for (const [x, y] of [
    [8600, 5738],
    [8601, 5738],
    [8600, 5739],
  ] as const)
    writer.append(14, x, y, tile)
  writer.append(14, 8601, 5739, tile.subarray(0, tile.length >> 1))
  writer.seal({})
  writer.close()
  const copied = await build(options(join(dir, 'copied.pmtiles'), archive))
  t.match(copied.damaged, [
    { path: archive, blocks: 1, places: [{ part: 'zoom 14', reason: /14\/8601\/5739/ }] },
  ])
  await t.rejects(build({ ...options(join(dir, 'copied2.pmtiles'), archive), skipUnreadable: false }), {
    message: /skip-unreadable/,
  })
})

t.test('nothing that can be read at all', async (t) => {
  const dir = t.testdir({})
  const { path } = damaged(dir, 'a.tif', IMAGE, flip(Array.from({ length: 16 }, (_, i) => i)))
  const out = join(dir, 'a.pmtiles')
  await t.rejects(build(options(out, path)), {
    code: 'NOTHING_TO_BUILD',
    message: /16 blocks could not be read/,
  })
})

t.test('a server that gives up', async (t) => {
  const { bytes, blocks } = smallTiff({ ...IMAGE, width: 1024, height: 1024, block: 256, compress: false })
  const bad = blocks.find((b) => b.block === 6)!
  const server = createServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    const first = Number(from)
    const last = Math.min(Number(to), bytes.length - 1)
    if (first < bad.offset + bad.count - 70_000 && last > bad.offset + 70_000) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${bytes.length}`, etag: '"1"' })
    response.end(bytes.subarray(first, last + 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.tif`
  const dir = t.testdir({})
  const { damaged: found } = await build(options(join(dir, 'a.pmtiles'), url))
  t.equal(found.length, 1)
  t.ok(found[0]!.blocks >= 1 && found[0]!.blocks < 16, `${found[0]!.blocks} blocks`)
})

t.test('workers, and an interruption: every block counts once', async (t) => {
  const dir = t.testdir({})
  const numbers = Array.from({ length: 64 }, (_, i) => i * 4)
  const tiff: SmallTiff = { ...IMAGE, ...WIDE }
  const { path } = damaged(dir, 'a.tif', tiff, flip(numbers))
  const plain = { ...options(join(dir, 'a.pmtiles'), path), minZoom: 14, maxZoom: 15, commitEverySeconds: 0 }
  const whole = await build(plain)
  t.match(whole.damaged, [{ blocks: 64 }])
  const threads = await build({ ...plain, out: join(dir, 'b.pmtiles'), threads: 2 })
  t.same(
    threads.damaged.map((d) => d.blocks),
    [64],
  )
  t.same(threads.levels, whole.levels)

  const stop = new AbortController()
  const out = join(dir, 'c.pmtiles')
  await t.rejects(
    build(
      { ...plain, out },
      {
        signal: stop.signal,
        onProgress: ({ subtreesDone, subtreesTotal }) => {
          if (subtreesDone > 0 && subtreesDone < subtreesTotal) stop.abort()
        },
      },
    ),
    { code: 'INTERRUPTED' },
  )
  const resumed = await build({ ...plain, out, resume: true })
  t.equal(resumed.resumed, true)
  t.same(
    resumed.damaged.map((d) => d.blocks),
    [64],
  )
  t.same(resumed.levels, whole.levels)
})

t.test('the option may be added when an error has stopped a build', async (t) => {
  const dir = t.testdir({})
  const tiff: SmallTiff = { ...IMAGE, ...WIDE }
  const { path } = damaged(dir, 'a.tif', tiff, flip([255]))
  const out = join(dir, 'a.pmtiles')
  const plain = { ...options(out, path), minZoom: 14, maxZoom: 15, commitEverySeconds: 0 }
  await t.rejects(build({ ...plain, skipUnreadable: false }), { message: /skip-unreadable.*--resume/ })
  const report = await build({ ...plain, resume: true })
  t.match(report, { resumed: true, damaged: [{ blocks: 1 }] })
})

t.test('on the command line: named, counted, exit code 4', async (t) => {
  const dir = t.testdir({})
  const { path } = damaged(dir, 'a.tif', IMAGE, flip([1, 2, 3, 4, 5, 6, 7]))
  const said: string[] = []
  const printed: string[] = []
  const io = {
    stdout: { write: (text: string | Uint8Array) => printed.push(String(text)) },
    stderr: { write: (text: string | Uint8Array) => said.push(String(text)) },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const out = join(dir, 'a.pmtiles')
  t.equal(await run(['build', path, out, '-j', '0'], io), 1)
  t.match(said.join(''), /Pass --skip-unreadable to leave/, 'the command names its own option')
  said.length = 0
  t.equal(await run(['build', path, out, '-j', '0', '--skip-unreadable'], io), 4)
  t.match(
    said.join(''),
    /Damaged: .*a\.tif: 7 blocks could not be read and are left empty:\n {2}level 0, 64×64 pixels at \d+,\d+: .*\n/,
  )
  t.match(said.join(''), /and 2 more/)
  rmSync(out)
  t.equal(await run(['build', path, out, '-j', '0', '--skip-unreadable', '--json', '-q'], io), 4)
  t.match(JSON.parse(printed.join('')), { damaged: [{ path, blocks: 7 }] })
  // a source that is left out is a loss too
  truncateSync(path, 100)
  const good = damaged(dir, 'good.tif', IMAGE, (bytes) => bytes)
  t.equal(
    await run(['build', path, good.path, join(dir, 'b.pmtiles'), '-j', '0', '--skip-unreadable', '-q'], io),
    4,
  )
})
