// Every small TIFF of fixtures/tiff reads as the pixels it was made from, whole and by window.
import { readdirSync } from 'node:fs'
import t from 'tap'
import { type ExpectedLevel, tiffCases } from '../../scripts/fixtures/tiff-cases.js'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import type { Pixels } from '../../src/raster/pixels.js'
import type { PixelWindow } from '../../src/raster/source.js'
import { fixture } from '../helpers/paths.js'
import { sameBytes } from '../helpers/same-bytes.js'

/** The worst difference, of colours where the mask is not 0, and of the mask. */
function worst(got: Pixels, level: ExpectedLevel, window: PixelWindow): { colour: number; mask: number } {
  let colour = 0
  let mask = 0
  for (let y = 0; y < window.height; y++) {
    for (let x = 0; x < window.width; x++) {
      const here = y * window.width + x
      const there = (window.y + y) * level.width + window.x + x
      const alpha = level.mask?.[there] ?? 255
      mask = Math.max(mask, Math.abs((got.mask?.[here] ?? 255) - alpha))
      if (alpha === 0) continue
      for (let b = 0; b < level.bands; b++) {
        const difference = got.data[here * level.bands + b]! - level.data[there * level.bands + b]!
        colour = Math.max(colour, Math.abs(difference))
      }
    }
  }
  return { colour, mask }
}

const windowsOf = ({ width, height }: ExpectedLevel): PixelWindow[] => [
  { x: 0, y: 0, width, height },
  { x: width - 1, y: height - 1, width: 1, height: 1 },
  { x: 5, y: 9, width: width - 9, height: 1 },
  { x: 11, y: 0, width: 1, height },
  { x: 3, y: 7, width: width >> 1, height: height >> 1 },
]

for (const { name, levels, tolerance } of tiffCases) {
  t.test(name, async (t) => {
    const source = await openGeoTiff(fixture('tiff', `${name}.tif`))
    t.equal(source.info.levels.length, levels.length, 'levels')
    t.equal(source.info.crs.name, 'EPSG:32633')
    t.same(source.info.geotransform, [500000, 10, 0, 5300000, 0, -10])
    for (const [i, level] of levels.entries()) {
      t.equal(source.info.bands, level.bands, 'bands')
      t.match(source.info.levels[i], { width: level.width, height: level.height })
      for (const window of windowsOf(level)) {
        const pixels = (await source.read(i, window)) as Pixels
        t.match(pixels, { width: window.width, height: window.height, bands: level.bands })
        const { colour, mask } = worst(pixels, level, window)
        t.ok(colour <= tolerance, `level ${i} ${JSON.stringify(window)}: colours differ by ${colour}`)
        t.equal(mask, 0, 'the mask is exact')
      }
      if (level.mask === undefined) {
        t.equal((await source.read(i, windowsOf(level)[0]!)).mask, undefined, 'an opaque level has no mask')
      }
    }
    await source.close()
  })
}

t.test('every committed file is tested', (t) => {
  const files = readdirSync(fixture('tiff')).sort()
  t.same(files, tiffCases.map(({ name }) => `${name}.tif`).sort())
  t.end()
})

t.test('a window that leaves the image, or is no window, is a RangeError', async (t) => {
  const source = await openGeoTiff(fixture('tiff', 'rgba.tif'))
  const { width, height } = source.info
  for (const bad of [
    { x: -1, y: 0, width: 2, height: 2 },
    { x: 0, y: 0, width: width + 1, height: 2 },
    { x: 0, y: height, width: 1, height: 1 },
    { x: 0, y: 0, width: 0, height: 1 },
    { x: 0.5, y: 0, width: 1, height: 1 },
    { x: Number.NaN, y: 0, width: 1, height: 1 },
  ]) {
    await t.rejects(source.read(0, bad), RangeError)
  }
  await t.rejects(source.read(1, { x: 0, y: 0, width: 1, height: 1 }), RangeError)
  await source.close()
})

t.test('nodata by option', async (t) => {
  const path = fixture('tiff', 'nodata.tif')
  const whole = { x: 0, y: 0, width: 72, height: 58 }
  const off = await openGeoTiff(path, { nodata: [] })
  t.equal(off.info.maskKind, 'none', 'an empty list turns the tag off')
  t.equal((await off.read(0, whole)).mask, undefined)
  await off.close()

  const plain = fixture('tiff', 'strip-none.tif')
  const first = await openGeoTiff(plain)
  const colour = [...(await first.read(0, { x: 0, y: 0, width: 1, height: 1 })).data]
  await first.close()
  const one = await openGeoTiff(plain, { nodata: [colour, [300]] })
  t.equal(one.info.maskKind, 'binary')
  const { mask, data } = await one.read(0, whole)
  const expected = Uint8Array.from({ length: data.length / 3 }, (_, i) =>
    colour.every((v, b) => data[i * 3 + b] === v) ? 0 : 255,
  )
  sameBytes(t, mask, expected, 'only pixels with all three values are empty')
  await one.close()

  const impossible = await openGeoTiff(plain, { nodata: -9999 })
  t.equal(impossible.info.maskKind, 'none', 'a value no pixel can have masks nothing')
  await impossible.close()
})

t.test('the demo image', async (t) => {
  const source = await openGeoTiff(fixture('ortho.tif'))
  t.match(source.info, { width: 2400, height: 2000, bands: 3, maskKind: 'binary' })
  t.equal(source.info.description, 'GeoTIFF 2400×2000, RGB, masked, tiled 512, JPEG, EPSG:32633, 2 overviews')
  const corner = await source.read(0, { x: 0, y: 0, width: 50, height: 50 })
  t.ok(
    corner.mask?.every((v) => v === 0),
    'nothing in the corner',
  )
  const middle = await source.read(0, { x: 1000, y: 800, width: 300, height: 300 })
  t.equal(middle.mask, undefined, 'all of it in the middle')
  await source.close()
})

t.test('what is not an image file', async (t) => {
  await t.rejects(openGeoTiff(fixture('tiff', 'no-such-file.tif')), { code: 'NOT_FOUND' })
  await t.rejects(openGeoTiff(fixture('tiff')), { code: 'SOURCE_UNREADABLE' })
  const dir = t.testdir({ 'a.tif': 'II', 'b.tif': 'hello, this is a text', 'c.tif': '' })
  for (const name of ['a', 'b', 'c']) {
    await t.rejects(openGeoTiff(`${dir}/${name}.tif`), { code: 'SOURCE_UNSUPPORTED' })
  }
})
