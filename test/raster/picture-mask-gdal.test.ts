// Masks of pictures that live behind them or beside them, as GDAL writes them: the same pixels are opaque.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { WEB_MERCATOR } from '../../src/grid/crs/epsg.js'
import { openRaster } from '../../src/raster/open.js'
import { withoutGdal } from '../helpers/gdal.js'
import { plainTiff } from '../helpers/plain-tiff.js'

const WIDTH = 77
const HEIGHT = 50
/** Empty where a circle is not. */
const isIn = (i: number): boolean => Math.hypot((i % WIDTH) - 40, Math.floor(i / WIDTH) - 25) < 22
const colours = Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) =>
  isIn(Math.floor(i / 3)) ? 60 + (i % 90) : 0,
)
const EXPECTED = Array.from({ length: WIDTH * HEIGHT }, (_, i) => (isIn(i) ? 255 : 0))

const VALUES = { kind: 'values', bands: [1] } as const

async function maskOf(path: string, alpha?: false, values?: typeof VALUES): Promise<number[] | undefined> {
  const view = values ?? ({ kind: 'colour', ...(alpha === undefined ? {} : { alpha }) } as const)
  const source = await openRaster(path, { view, crs: WEB_MERCATOR })
  try {
    const parts: number[] = []
    // in windows that do not begin at a byte of bits
    for (const y of [0, 13, 14]) {
      const height = [13, 1, HEIGHT - 14][[0, 13, 14].indexOf(y)]!
      const { mask } = await source.read(0, { x: 0, y, width: WIDTH, height })
      parts.push(...(mask ?? new Array<number>(WIDTH * height).fill(255)))
    }
    return parts
  } finally {
    await source.close()
  }
}

t.test('masks', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const tiff = join(dir, 'a.tif')
  writeFileSync(
    tiff,
    plainTiff({ width: WIDTH, height: HEIGHT, samples: 3, data: colours, tags: { 42113: '0\0' } }),
  )
  const masked = join(dir, 'masked.tif')
  const run = (...args: string[]): void => {
    execFileSync('gdal_translate', ['-q', '--config', 'GDAL_TIFF_INTERNAL_MASK', 'YES', ...args], {
      stdio: 'ignore',
    })
  }
  const warped = join(dir, 'alpha.tif')
  execFileSync('gdalwarp', ['-q', '-dstalpha', '-wo', 'UNIFIED_SRC_NODATA=YES', tiff, warped], {
    stdio: 'ignore',
  })
  run('-b', '1', '-b', '2', '-b', '3', '-mask', '4', warped, masked)
  const jpeg = join(dir, 'a.jpg')
  run('-of', 'JPEG', '-co', 'WORLDFILE=YES', masked, jpeg)
  t.notOk(existsSync(`${jpeg}.msk`), 'GDAL put the mask into the JPEG')
  t.same(await maskOf(jpeg), EXPECTED, 'inside a JPEG')
  t.same(
    await maskOf(jpeg, false),
    EXPECTED.map(() => 255),
    'unless masks are not looked at',
  )
  const png = join(dir, 'b.png')
  run('-of', 'PNG', '-co', 'WORLDFILE=YES', tiff, png, '-a_nodata', 'none')
  t.same(
    await maskOf(png),
    EXPECTED.map(() => 255),
  )
  run('--config', 'GDAL_TIFF_INTERNAL_MASK', 'NO', masked, join(dir, 'c.tif'))
  t.ok(existsSync(join(dir, 'c.tif.msk')))
  copyFileSync(join(dir, 'c.tif.msk'), `${png}.msk`)
  t.same(await maskOf(png), EXPECTED, 'beside a PNG')
  for (const [name, ...how] of [
    ['a.asc', '-of', 'AAIGrid', '-b', '1'],
    ['a.vrt', '-of', 'VRT', '-b', '1'],
  ] as const) {
    const path = join(dir, name)
    run(...how, tiff, path, '-a_nodata', 'none')
    t.notOk((await maskOf(path, undefined, VALUES))!.includes(0), `${name} alone`)
    copyFileSync(join(dir, 'c.tif.msk'), `${path}.msk`)
    t.same(await maskOf(path, undefined, VALUES), EXPECTED, `beside ${name}`)
  }
  const bytes = readFileSync(jpeg)
  const broken = (at: number): void => {
    const copy = Buffer.from(bytes)
    copy[at] = copy[at]! ^ 0xff
    writeFileSync(jpeg, copy)
  }
  broken(bytes.length - 20)
  await t.rejects(
    maskOf(jpeg),
    { code: 'SOURCE_CORRUPT', message: /--no-alpha/ },
    'a damaged mask would show what is hidden',
  )
  t.ok(await maskOf(jpeg, false))
  broken(bytes.length - 2)
  t.same(
    await maskOf(jpeg),
    EXPECTED.map(() => 255),
    'what has no place is no mask, as in GDAL',
  )
})
