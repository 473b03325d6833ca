// Many sources in one pyramid: found, opened and closed as they are met, mixed as they come, all of it there.
import { copyFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { openSource } from '../../src/pyramid/sources/open.js'
import type { RasterSource } from '../../src/raster/source.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { fixture } from '../helpers/paths.js'
import { type ImageOptions, ImageSource, speckled, tilesOf } from './images.js'
import { halved, type Picture, region } from './region.js'

const lossless = { format: 'png', resampling: 'nearest', threads: 0 } as const

const openerOf =
  (images: readonly ImageOptions[]) =>
  async (path: string): Promise<RasterSource> =>
    new ImageSource({ ...images[Number(path)]!, path })

/** Images one over the other, on the pixels of `zoom`, which are theirs or finer. */
function stacked(
  images: readonly ImageOptions[],
  zoom: number,
  x0: number,
  y0: number,
  side: number,
): Picture {
  const rgba = new Uint8Array(side * side * 4)
  for (const image of images) {
    const scale = 2 ** (zoom - image.zoom)
    for (let y = 0; y < image.height * scale; y++) {
      for (let x = 0; x < image.width * scale; x++) {
        const [r, g, b, a] = image.paint(Math.floor(x / scale), Math.floor(y / scale))
        if (a === 0) continue
        const at = ((image.y * scale + y - y0) * side + image.x * scale + x - x0) * 4
        rgba.set(image.grey === true ? [r, r, r, a] : [r, g, b, a], at)
      }
    }
  }
  return { width: side, height: side, rgba }
}

/** Every zoom of a file is the naive pyramid of what is at its highest. */
async function isPyramid(
  t: Test,
  out: string,
  base: Picture,
  zooms: [number, number],
  x: number,
  y: number,
): Promise<void> {
  let naive = base
  for (let z = zooms[1]; z >= zooms[0]; z--) {
    const scale = 2 ** (zooms[1] - z)
    const found = await region(out, z, x / scale, y / scale, naive.width, naive.height)
    t.ok(Buffer.from(found.rgba).equals(Buffer.from(naive.rgba)), `zoom ${z}`)
    naive = halved(naive)
  }
}

t.test('three thousand sources', async (t) => {
  const side = 2048
  const [x0, y0] = [256 * 512, 256 * 400]
  let open = 0
  let most = 0
  const images = Array.from({ length: 3000 }, (_, i): ImageOptions => {
    const h = Math.imul(i + 1, 0x9e3779b1) >>> 0
    return {
      zoom: 12,
      // sparse: a fifth of the field stays empty, and an island lies apart
      x: x0 + (i % 10 === 0 ? 1900 + (h % 100) : (h >>> 4) % 1500),
      y: y0 + (i % 10 === 0 ? 1800 + ((h >>> 8) % 200) : (h >>> 16) % 1200),
      width: 16 + (i % 13),
      height: 12 + (i % 7),
      paint: (x, y) => [i & 255, i >> 8, (x * 9 + y * 5) & 255, x === 3 && y === 4 ? 0 : 255],
      onClose: () => {
        open--
      },
    }
  })
  const inner = openerOf(images)
  const out = join(t.testdir(), 'many.pmtiles')
  const sources = images.map((_, i) => `${i}`)
  const report = await build(
    { sources, out, zoom: [5, 12], ...lossless },
    {
      openSource: async (path) => {
        most = Math.max(most, ++open)
        return inner(path)
      },
    },
  )
  t.equal(report.sources.length, 3000)
  t.equal(open, 0, 'all are closed')
  t.ok(most <= 257, `${most} were open at once`)
  await isPyramid(t, out, stacked(images, 12, x0, y0, side), [5, 12], x0, y0)
  t.same(
    (await verifyTiles(out)).findings.filter((finding) => !finding.ok),
    [],
  )
})

t.test('grey and coloured, coarse and fine: the finest decides', async (t) => {
  const [x0, y0] = [256 * 512, 256 * 400]
  const images: ImageOptions[] = [
    { zoom: 10, x: x0 / 4 + 3, y: y0 / 4 + 2, width: 200, height: 180, paint: speckled(), grey: true },
    { zoom: 12, x: x0 + 300, y: y0 + 200, width: 333, height: 222, paint: speckled([[40, 40, 90, 80]]) },
    { zoom: 11, x: x0 / 2 + 50, y: y0 / 2 + 150, width: 300, height: 100, paint: speckled(), grey: true },
  ]
  const out = join(t.testdir(), 'mixed.pmtiles')
  const report = await build(
    { sources: ['0', '1', '2'], out, depth: 'uniform', minZoom: 6, ...lossless },
    { openSource: openerOf(images) },
  )
  t.equal(report.maxZoom, 12)
  await isPyramid(t, out, stacked(images, 12, x0, y0, 1024), [6, 12], x0, y0)
})

t.test('collars never mix with what they surround', async (t) => {
  const collared =
    (seed: number): ImageOptions['paint'] =>
    (x, y) => {
      const rim = 6 + ((x * 7 + y * 3 + seed) % 5)
      const inside = x >= rim && y >= rim && x < 300 - rim && y < 200 - rim
      return inside ? [200, 150, 100, 255] : [0, 0, 0, 0]
    }
  const [x, y] = [256 * 100 + 12, 256 * 100 + 16]
  const images: ImageOptions[] = [
    { zoom: 10, x, y, width: 300, height: 200, paint: collared(0) },
    { zoom: 10, x: x + 150, y: y + 100, width: 300, height: 200, paint: collared(2) },
  ]
  const dir = t.testdir()
  for (const blend of ['first', 'last', 'feather'] as const) {
    for (const resampling of ['bilinear', 'cubic', 'lanczos', 'average'] as const) {
      const out = join(dir, `${blend}-${resampling}.pmtiles`)
      const options: BuildOptions = {
        sources: ['0', '1'],
        out,
        ...lossless,
        blend,
        resampling,
        zoom: [8, 11],
      }
      await build(options, { openSource: openerOf(images) })
      for (const z of [11, 10, 8]) {
        const scale = 2 ** (z - 10)
        const { rgba } = await region(out, z, x * scale, y * scale, 448 * scale, 304 * scale)
        let painted = 0
        let worst = 0
        for (let at = 0; at < rgba.length; at += 4) {
          if (rgba[at + 3] === 0) continue
          painted++
          for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(rgba[at + c]! - (200 - 50 * c)))
        }
        t.ok(
          painted > 1000 && worst <= 1,
          `${blend} ${resampling} zoom ${z}: ${painted} pixels, off by ${worst}`,
        )
      }
    }
  }
})

t.test('low zooms are read from overviews', async (t) => {
  const read: number[] = []
  let pixels = 0
  const opener: typeof openSource = async (path, options) => {
    const source = await openSource(path, options)
    return {
      info: source.info,
      read: (level, window) => {
        read.push(level)
        pixels += window.width * window.height
        return source.read(level, window)
      },
      close: () => source.close(),
    }
  }
  const out = join(t.testdir(), 'low.pmtiles')
  const report = await build(
    { sources: [fixture('ortho.tif')], out, zoom: [0, 8], threads: 0 },
    { openSource: opener },
  )
  t.equal(report.levels.length, 9)
  t.same([...new Set(read)], [2], 'the coarsest of three levels')
  t.ok(pixels <= 600 * 500 * 1.1, `${pixels} pixels were read`)
})

t.test('low zooms of an image without overviews: piece by piece', async (t) => {
  let largest = 0
  let pixels = 0
  const image: ImageOptions = {
    zoom: 14,
    x: 256 * 4000,
    y: 256 * 4000,
    width: 4400,
    height: 4400,
    paint: () => [10, 20, 30, 255],
    onRead: ({ width, height }) => {
      largest = Math.max(largest, width * height)
      pixels += width * height
    },
  }
  const out = join(t.testdir(), 'low.pmtiles')
  const report = await build(
    { sources: ['0'], out, zoom: [0, 6], threads: 0 },
    { openSource: openerOf([image]) },
  )
  t.equal(report.levels.length, 7)
  t.ok(largest <= 2 ** 24, `${largest} pixels at once`)
  t.ok(pixels >= 4400 ** 2 && pixels < 1.6 * 4400 ** 2, `${pixels} pixels in all`)
})

t.test('interrupted and resumed: the same tiles', async (t) => {
  const images = Array.from(
    { length: 12 },
    (_, i): ImageOptions => ({
      zoom: 12,
      x: 256 * 512 + i * 1000,
      y: 256 * 400 + (i % 3) * 300,
      width: 1200,
      height: 400,
      paint: speckled([[i * 100, 10, i * 100 + 90, 400]]),
    }),
  )
  const dir = t.testdir()
  const options = (name: string): BuildOptions => ({
    ...lossless,
    format: 'jpeg',
    sources: images.map((_, i) => `${i}`),
    out: join(dir, name),
    zoom: [4, 12],
    blend: 'feather',
    commitEverySeconds: 0,
  })
  await build(options('whole'), { openSource: openerOf(images) })
  let passes = 0
  for (let done = false; !done && passes < 40; passes++) {
    const controller = new AbortController()
    let left = 14
    const watched = images.map(
      (image): ImageOptions => ({ ...image, onRead: () => --left === 0 && controller.abort() }),
    )
    done = await build(
      { ...options('parts'), resume: passes > 0 },
      { openSource: openerOf(watched), signal: controller.signal },
    ).then(
      () => true,
      (error: { code?: string }) => {
        if (error.code !== 'INTERRUPTED') throw error
        return false
      },
    )
  }
  t.ok(passes > 2 && passes < 40, `${passes} passes`)
  t.same(tilesOf(join(dir, 'parts')), tilesOf(join(dir, 'whole')))
})

t.test('what differs among many sources is said', async (t) => {
  const dir = t.testdir()
  const paths = Array.from({ length: 10 }, (_, i) => join(dir, `${i}.tif`))
  for (const path of paths) copyFileSync(fixture('ortho.tif'), path)
  const out = join(dir, 'out.pmtiles')
  const controller = new AbortController()
  const options: BuildOptions = { sources: paths, out, threads: 0, commitEverySeconds: 0, zoom: [12, 20] }
  await t.rejects(
    build(options, {
      signal: controller.signal,
      onProgress: ({ subtreesDone }) => {
        if (subtreesDone > 0) controller.abort()
      },
    }),
    { code: 'INTERRUPTED' },
  )
  const resume = (sources: string[]): Promise<unknown> => build({ ...options, sources, resume: true })
  await t.rejects(resume(paths.slice(1)), {
    code: 'NOT_RESUMABLE',
    message: /0\.tif is not among the sources any more\. Use --resume --accept-changed/,
  })
  await t.rejects(resume([...paths].reverse()), {
    code: 'NOT_RESUMABLE',
    message:
      /continued: the sources were in another order \(number 1 from the bottom was \S+0\.tif and is \S+9\.tif now\)\. Use/,
  })
  utimesSync(paths[4]!, 1e9, 1e9)
  await t.rejects(resume(paths), {
    code: 'NOT_RESUMABLE',
    message: /4\.tif was 810602 bytes, \S+ and is 810602 bytes, 2001-09-09T01:46:40\.000Z now\. Use/,
  })
})

t.test('one bad file among many', async (t) => {
  const dir = t.testdir({ 'a.tif': 'no TIFF', 'b.tif': 'neither' })
  const good = fixture('ortho.tif')
  const bad = ['a.tif', 'b.tif'].map((name) => join(dir, name))
  const out = join(dir, 'out.pmtiles')
  const common: BuildOptions = { sources: [bad[0]!, good, bad[1]!], out, zoom: 12, threads: 0 }
  await t.rejects(build(common), {
    message: /a\.tif.*and 1 more of the 3 sources cannot be used; --skip-unreadable/,
  })
  await t.rejects(
    build({ ...common, sources: bad, skipUnreadable: true }),
    { message: /a\.tif/ },
    'all of them',
  )
  const report = await build({ ...common, skipUnreadable: true })
  t.equal(report.sources.length, 1)
  t.same(
    report.skipped.map(({ path }) => path),
    bad,
  )
  t.match(report.skipped[0]!.reason, /a\.tif/)
})
