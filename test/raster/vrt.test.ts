// VRT mosaics held against GDAL, value by value: every way gdalbuildvrt and gdal_translate put pieces together
// that we say we read. What is refused, and what hostile files do, is in vrt-refused.test.ts.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { openRaster } from '../../src/raster/open.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture, sharedData } from '../helpers/paths.js'
import { sameAsGdal, sameColours } from './against-gdal.js'

const skip = withoutGdal
const ORIGIN = [900, 800] as const

/** A piece of the fixture, its corner at (x, y) of a small scene. */
function piece(
  dir: string,
  name: string,
  x: number,
  y: number,
  width: number,
  height: number,
  ...args: string[]
): string {
  const out = join(dir, name)
  const window = [ORIGIN[0] + x, ORIGIN[1] + y, width, height].map(String)
  const mask = args.includes('-mask') ? [] : ['-mask', 'none']
  gdal('gdal_translate', '-q', '-srcwin', ...window, ...mask, ...args, fixture('ortho.tif'), out)
  return out
}

const two = (dir: string, extension: string, ...args: string[]): string[] => [
  piece(dir, `a.${extension}`, 0, 0, 120, 100, ...args),
  piece(dir, `b.${extension}`, 90, 60, 110, 90, ...args),
]

/** Four pieces that overlap by 20 pixels, and have a hole between them. */
function four(dir: string, extension = 'tif', ...args: string[]): string[] {
  return [
    piece(dir, `a.${extension}`, 0, 0, 120, 100, ...args),
    piece(dir, `b.${extension}`, 100, 0, 130, 90, ...args),
    piece(dir, `c.${extension}`, 0, 80, 110, 120, ...args),
    piece(dir, `d.${extension}`, 120, 100, 110, 100, ...args),
  ]
}

function buildVrt(dir: string, sources: readonly string[], ...args: string[]): string {
  const out = join(dir, 'mosaic.vrt')
  gdal('gdalbuildvrt', '-q', '-overwrite', ...args, out, ...sources)
  return out
}

/** Stored numbers of the pieces are not the same where they overlap. */
const darker = ['-scale', '0', '255', '0', '180']

type Make = (dir: string) => string

const CASES: Record<string, Make> = {
  'pieces that overlap': (dir) => {
    const [a, b, c] = four(dir)
    return buildVrt(dir, [a!, b!, c!, piece(dir, 'e.tif', 60, 50, 100, 100, ...darker)])
  },
  'nodata of the pieces': (dir) => buildVrt(dir, four(dir, 'tif', '-a_nodata', '96')),
  'nodata given': (dir) => buildVrt(dir, four(dir), '-srcnodata', '90 91 92', '-vrtnodata', '1 2 3'),
  'a hidden background': (dir) =>
    buildVrt(dir, two(dir, 'tif'), '-srcnodata', '90', '-vrtnodata', '200', '-hidenodata'),
  'an added alpha band': (dir) => buildVrt(dir, two(dir, 'tif'), '-addalpha'),
  'bands of their own': (dir) => {
    const bands = ['1', '2', '3'].map((b) => piece(dir, `b${b}.tif`, 0, 0, 90, 70, '-b', b))
    return buildVrt(dir, bands, '-separate')
  },
  'bands of different types': (dir) =>
    buildVrt(
      dir,
      [
        piece(dir, 'u8.tif', 0, 0, 90, 70, '-b', '1'),
        piece(
          dir,
          'i16.tif',
          10,
          5,
          90,
          70,
          '-b',
          '2',
          '-ot',
          'Int16',
          '-scale',
          '0',
          '255',
          '-3000',
          '3000',
        ),
        piece(dir, 'u16.tif', 0, 0, 90, 70, '-b', '3', '-ot', 'UInt16', '-scale', '0', '255', '0', '65535'),
      ],
      '-separate',
    ),
  'bands chosen': (dir) => buildVrt(dir, two(dir, 'tif'), '-b', '3', '-b', '1', '-b', '2'),
  'twice the resolution': (dir) => buildVrt(dir, two(dir, 'tif'), '-tr', '0.2', '0.2'),
  'a third of the resolution': (dir) =>
    buildVrt(dir, [piece(dir, 'a.tif', 0, 0, 240, 180)], '-tr', '1.2', '1.2'),
  'two resolutions': (dir) =>
    buildVrt(
      dir,
      [piece(dir, 'a.tif', 0, 0, 120, 100), piece(dir, 'b.tif', 120, 0, 120, 100, '-outsize', '60', '50')],
      '-resolution',
      'highest',
    ),
  'an extent of its own': (dir) => buildVrt(dir, four(dir), '-te', '472340', '5261580', '472420', '5261690'),
  'heights of 16 bits': (dir) =>
    buildVrt(
      dir,
      two(dir, 'tif', '-b', '1', '-ot', 'Int16', '-scale', '0', '255', '-500', '4000', '-a_nodata', '-32768'),
    ),
  'heights as floats': (dir) =>
    buildVrt(
      dir,
      two(dir, 'tif', '-b', '1', '-ot', 'Float32', '-scale', '0', '255', '-0.5', '0.75', '-a_nodata', 'nan'),
    ),
  'big whole numbers': (dir) =>
    buildVrt(dir, two(dir, 'tif', '-b', '1', '-ot', 'UInt32', '-scale', '0', '255', '0', '16000000')),
  'scale and offset': (dir) =>
    buildVrt(dir, two(dir, 'tif', '-b', '1', '-a_scale', '0.5', '-a_offset', '-20')),
  'pieces with alpha': (dir) =>
    buildVrt(dir, two(dir, 'tif', '-b', '1', '-b', '2', '-b', '3', '-b', '2', '-colorinterp_4', 'alpha')),
  'grey pieces with alpha': (dir) =>
    buildVrt(dir, two(dir, 'tif', '-b', '1', '-b', '2', '-colorinterp_2', 'alpha')),
  'pieces with masks': (dir) =>
    buildVrt(
      dir,
      four(
        dir,
        'tif',
        '-b',
        '1',
        '-b',
        '2',
        '-b',
        '3',
        '-mask',
        '2',
        '--config',
        'GDAL_TIFF_INTERNAL_MASK',
        'YES',
      ),
    ),
  'PNG pieces': (dir) => buildVrt(dir, two(dir, 'png', '-of', 'PNG')),
  'JPEG pieces': (dir) => buildVrt(dir, two(dir, 'jpg', '-of', 'JPEG')),
  'five bands': (dir) =>
    buildVrt(
      dir,
      two(dir, 'tif', '-b', '1', '-b', '2', '-b', '3', '-b', '2', '-b', '1', '-co', 'PHOTOMETRIC=MINISBLACK'),
    ),
  'a window, stretched': (dir) => {
    const out = join(dir, 'w.vrt')
    const from = piece(dir, 'a.tif', 0, 0, 200, 150)
    gdal(
      'gdal_translate',
      '-q',
      '-of',
      'VRT',
      '-srcwin',
      '20',
      '10',
      '101',
      '77',
      '-scale',
      '20',
      '200',
      '0',
      '255',
      from,
      out,
    )
    return out
  },
  'an outsize': (dir) => {
    const out = join(dir, 'w.vrt')
    gdal(
      'gdal_translate',
      '-q',
      '-of',
      'VRT',
      '-outsize',
      '50%',
      '50%',
      piece(dir, 'a.tif', 0, 0, 200, 150),
      out,
    )
    return out
  },
  'a table of values': (dir) => {
    const vrt = buildVrt(dir, [piece(dir, 'a.tif', 0, 0, 60, 50, '-a_nodata', '0')])
    const text = readFileSync(vrt, 'utf8').replaceAll(
      '</NODATA>',
      '</NODATA><LUT>0:10,50:20,51.5:200,255:90</LUT>',
    )
    writeFileSync(vrt, text)
    // Asked for doubles, GDAL does not round to the band's own type in between.
    gdal('gdal_translate', '-q', vrt, join(dir, 'reference.tif'))
    return vrt
  },
  'a VRT of VRTs': (dir) => {
    const [a, b, c, d] = four(dir)
    const inner = join(dir, 'inner.vrt')
    gdal('gdalbuildvrt', '-q', inner, a!, b!)
    return buildVrt(dir, [inner, c!, d!])
  },
}

for (const [name, make] of Object.entries(CASES)) {
  t.test(name, { skip }, async (t) => {
    const dir = t.testdir()
    const vrt = make(dir)
    const reference = join(dir, 'reference.tif')
    await sameAsGdal(t, vrt, dir, {}, existsSync(reference) ? reference : vrt)
  })
}

t.test('colours and alpha', { skip }, async (t) => {
  for (const name of [
    'pieces that overlap',
    'an added alpha band',
    'pieces with alpha',
    'a hidden background',
  ]) {
    await t.test(name, async (t) => {
      const dir = t.testdir()
      await sameColours(t, CASES[name]!(dir), dir)
    })
  }
  await t.test('palettes', async (t) => {
    const dir = t.testdir()
    const palette = join(dir, 'palette.tif')
    gdal('rgb2pct.py', '-n', '50', piece(dir, 'a.tif', 0, 0, 120, 100), palette)
    gdal('gdal_translate', '-q', '-expand', 'rgb', palette, join(dir, 'expanded.tif'))
    await sameColours(t, buildVrt(dir, [palette]), dir, join(dir, 'expanded.tif'))
  })
  await t.test('palettes of PNG, of any depth, interlaced or not', async (t) => {
    const dir = t.testdir()
    const source = piece(dir, 'a.tif', 0, 0, 61, 47)
    for (const colours of [2, 4, 16, 200]) {
      for (const progressive of [false, true]) {
        const [png, vrt, expanded] = ['p.png', 'p.vrt', 'expanded.tif'].map((name) => join(dir, name))
        await sharp(source).png({ palette: true, colours, progressive, effort: 1 }).toFile(png!)
        gdal(
          'gdal_translate',
          '-q',
          '-of',
          'VRT',
          ...'-a_srs EPSG:32633 -a_ullr 0 47 61 0'.split(' '),
          png!,
          vrt!,
        )
        gdal('gdal_translate', '-q', '-expand', 'rgb', vrt!, expanded!)
        await sameColours(t, vrt!, dir, expanded!)
      }
    }
  })
})

t.test('names beside the VRT, and elsewhere', { skip }, async (t) => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'tiles/deep'), { recursive: true })
  const sources = four(join(dir, 'tiles/deep'))
  const vrt = buildVrt(dir, sources)
  t.match(readFileSync(vrt, 'utf8'), 'relativeToVRT="1">tiles/deep/a.tif')
  mkdirSync(join(dir, 'moved'))
  renameSync(vrt, join(dir, 'moved/m.vrt'))
  renameSync(join(dir, 'tiles'), join(dir, 'moved/tiles'))
  await sameAsGdal(t, join(dir, 'moved/m.vrt'), dir)
})

t.test('pieces that lie nowhere themselves', { skip }, async (t) => {
  for (const [name, ...args] of [
    ['a.png', '-of', 'PNG'],
    ['a.tif', '-co', 'PROFILE=BASELINE'],
  ] as const) {
    const dir = t.testdir()
    const bare = piece(dir, name, 0, 0, 90, 70, ...args)
    const placed = join(dir, 'placed.vrt')
    gdal(
      'gdal_translate',
      '-q',
      '-of',
      'VRT',
      '-a_srs',
      'EPSG:32633',
      '-a_ullr',
      '0',
      '70',
      '90',
      '0',
      bare,
      placed,
    )
    rmSync(`${bare}.aux.xml`, { force: true })
    await sameAsGdal(t, placed, dir)
  }
})

t.test(
  'real mosaics',
  { skip: skip || (sharedData === undefined ? 'needs the shared data' : false) },
  async (t) => {
    const real: Record<string, string[]> = {
      rasterio_rgb: ['rgb1.tif', 'rgb2.tif', 'rgb3.tif', 'rgb4.tif'].map((f) =>
        join(sharedData!, 'mosaic/rasterio_rgb', f),
      ),
      hro_masked: ['', '_mask', '_extmask'].map((f) =>
        join(sharedData!, `rgb/hro_colorado/201404_13SED190110_201404_0x1500m_CL_1${f}.tif`),
      ),
      dem: [join(sharedData!, 'dem/qgis_SRTM_more.tif')],
    }
    for (const [name, sources] of Object.entries(real)) {
      await t.test(name, async (t) => {
        const dir = t.testdir()
        await sameAsGdal(t, buildVrt(dir, sources), dir)
      })
    }
  },
)

/** Levels agree with level 0 averaged, by their mean difference. */
async function sameCoarser(t: Test, vrt: string, most: number): Promise<void> {
  const source = await openRaster(vrt)
  const { levels, width, height, bands } = source.info
  t.ok(levels.length > 1, `${levels.length} levels`)
  const full = await source.read(0, { x: 0, y: 0, width, height })
  for (const [i, level] of levels.entries()) {
    if (i === 0) continue
    const by = 2 ** i
    const coarse = await source.read(i, { x: 0, y: 0, width: level.width, height: level.height })
    let sum = 0
    let count = 0
    for (let y = 0; y < Math.floor(height / by); y++) {
      for (let x = 0; x < Math.floor(width / by); x++) {
        let mean = 0
        let isWhole = true
        for (let j = 0; j < by * by; j++) {
          const at = (y * by + Math.floor(j / by)) * width + x * by + (j % by)
          mean += full.data[at * bands]! / (by * by)
          if (full.mask?.[at] === 0) isWhole = false
        }
        if (!isWhole) continue
        sum += Math.abs(mean - coarse.data[(y * level.width + x) * bands]!)
        count++
      }
    }
    t.ok(
      count > 100 && sum / count < most,
      `level ${i}: ${(sum / count).toFixed(3)} off over ${count} pixels`,
    )
  }
  await source.close()
}

t.test('overviews of the files are those of the VRT', { skip }, async (t) => {
  const dir = t.testdir()
  const sources = [
    piece(dir, 'a.tif', 0, 0, 403, 401, '-a_nodata', '0'),
    piece(dir, 'b.tif', 403, 0, 397, 401, '-a_nodata', '0'),
    piece(dir, 'c.tif', 0, 401, 800, 399, '-a_nodata', '0'),
  ]
  for (const source of sources) gdal('gdaladdo', '-q', '-r', 'average', source, '2', '4')
  await sameCoarser(t, buildVrt(dir, sources), 1.2)
  const bare = await openRaster(
    buildVrt(dir, [...sources, piece(dir, 'd.tif', 0, 800, 300, 100, '-a_nodata', '0')]),
  )
  t.equal(bare.info.levels.length, 1, 'none when one of them has none')
  await bare.close()
})

t.test('many sources, few of them open', { skip }, async (t) => {
  const dir = t.testdir()
  const tile = piece(dir, 'tile.tif', 0, 0, 16, 16)
  const bytes = readFileSync(tile)
  const columns = 21
  const bands = [1, 2, 3].map((band) => {
    const pieces: string[] = []
    for (let i = 0; i < columns * columns; i++) {
      if (band === 1 && i < 400) writeFileSync(join(dir, `${i}.tif`), bytes)
      pieces.push(
        `<SimpleSource><SourceFilename relativeToVRT="1">${i % 400}.tif</SourceFilename><SourceBand>${band}</SourceBand>
        <SrcRect xOff="0" yOff="0" xSize="16" ySize="16"/>
        <DstRect xOff="${(i % columns) * 16}" yOff="${Math.floor(i / columns) * 16}" xSize="16" ySize="16"/></SimpleSource>`,
      )
    }
    return `<VRTRasterBand dataType="Byte" band="${band}">${pieces.join('')}</VRTRasterBand>`
  })
  const size = columns * 16
  const vrt = join(dir, 'many.vrt')
  writeFileSync(
    vrt,
    `<VRTDataset rasterXSize="${size}" rasterYSize="${size}"><SRS>EPSG:32633</SRS><GeoTransform>500000,1,0,5000000,0,-1</GeoTransform>${bands.join('')}</VRTDataset>`,
  )
  await sameAsGdal(t, vrt, dir)
})
