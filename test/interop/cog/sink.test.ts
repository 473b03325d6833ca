// A pyramid as a Cloud Optimized GeoTIFF: GDAL finds the same pixels in it, at every zoom, in the right place.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { resolution } from '../../../src/grid/tiles/mercator.js'
import { build, convert, extract, merge, open, TileType } from '../../../src/index.js'
import type { Pixels } from '../../../src/raster/pixels.js'
import { decodeTile, type EncodeOptions, encodeImage } from '../../../src/raster/tiles/codec.js'
import { decodeHeights, encodeHeights } from '../../../src/raster/tiles/terrain.js'
import { gdal, runGdal, withoutGdal } from '../../helpers/gdal-process.js'
import {
  gdalRead,
  type Place,
  picture,
  placesAbove,
  SIZE,
  validate,
  withoutValidator,
  writePyramid,
} from './pyramids.js'

const LIMIT = 20037508.342789244
/** 5 × 3 tiles whose corner is not a corner of the overviews' tiles. */
const PLACES = placesAbove(8, 3, 131, 85, 135, 87)

interface Wanted {
  readonly zoom: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Where the images must be: overviews end at zoom 6, whose tiles are 2 × 2; their corner is 32/21, at zoom 8 128/84. */
const IMAGES: readonly Wanted[] = [
  { zoom: 8, x: 128, y: 84, width: 8, height: 4 },
  { zoom: 7, x: 64, y: 42, width: 4, height: 2 },
  { zoom: 6, x: 32, y: 21, width: 2, height: 1 },
]

async function compare(
  t: Test,
  archive: string,
  tif: string,
  folder: string,
  samples: number,
  tolerance: number,
  isMasked: boolean,
): Promise<void> {
  const tiles = open(archive)
  for (const [i, { zoom, x, y, width, height }] of IMAGES.entries()) {
    const overview = i === 0 ? undefined : i - 1
    const raw = gdalRead(tif, overview, folder)
    const mask = isMasked ? gdalRead(tif, overview, folder, '-b', 'mask') : undefined
    t.equal(raw.length, width * height * SIZE * SIZE * samples, `size of zoom ${zoom}`)
    let [worst, seen] = [0, 0]
    for (let ty = 0; ty < height; ty++)
      for (let tx = 0; tx < width; tx++) {
        const tile = tiles.get(zoom, x + tx, y + ty)
        const pixels = tile && (await decodeTile(tile.bytes))
        for (let p = 0; p < SIZE * SIZE; p++) {
          const at = (ty * SIZE + Math.floor(p / SIZE)) * width * SIZE + tx * SIZE + (p % SIZE)
          const alpha = pixels === undefined ? 0 : (pixels.mask?.[p] ?? 255)
          const found = mask !== undefined ? mask[at]! : samples === 4 ? raw[at * 4 + 3]! : 255
          worst = Math.max(worst, found === alpha ? 0 : 1000)
          if (alpha === 0 || pixels === undefined) continue
          seen++
          for (let c = 0; c < 3; c++) {
            const wanted = pixels.data[p * pixels.bands + Math.min(c, pixels.bands - 1)]!
            worst = Math.max(worst, Math.abs(raw[at * samples + Math.min(c, samples - 1)]! - wanted))
          }
        }
      }
    t.ok(seen > SIZE * SIZE, `zoom ${zoom} shows something`)
    t.ok(worst <= tolerance, `zoom ${zoom} differs by ${worst}`)
  }
  tiles.close()
}

/** gdalinfo says nothing on stderr, the validator is content, the corner is right. */
function checkStructure(t: Test, tif: string, isRowMajor = true): void {
  const { status, stdout, stderr } = runGdal('gdalinfo', ['-json', tif])
  t.equal(status, 0)
  t.equal(stderr, '', 'no warnings')
  const info = JSON.parse(stdout)
  const pixel = resolution(8)
  t.equal(info.metadata.IMAGE_STRUCTURE.LAYOUT, isRowMajor ? 'COG' : undefined)
  t.same(info.size, [8 * SIZE, 4 * SIZE])
  const expected = [128 * SIZE * pixel - LIMIT, pixel, 0, LIMIT - 84 * SIZE * pixel, 0, -pixel]
  for (const [i, value] of expected.entries())
    t.ok(Math.abs(info.geoTransform[i] - value) < 1e-6, `geotransform ${i}: ${info.geoTransform[i]}`)
  t.match(info.coordinateSystem.wkt, /ID\["EPSG",3857\]\]$/)
  t.same(
    info.bands[0].overviews.map(({ size }: { size: number[] }) => size),
    [
      [4 * SIZE, 2 * SIZE],
      [2 * SIZE, SIZE],
    ],
  )
  if (withoutValidator === false) t.match(validate(tif), /is a valid cloud optimized GeoTIFF\n/)
  else t.comment(withoutValidator)
}

interface Case {
  readonly name: string
  readonly tile: (...place: Place) => EncodeOptions & { pixels: Pixels }
  readonly samples: number
  readonly tolerance: number
  readonly masked?: boolean
  readonly notes?: readonly RegExp[]
}

const isEdge = (_z: number, x: number): boolean => x % 4 === 3
const CASES: readonly Case[] = [
  {
    name: 'JPEG, sparse: as they are, missing tiles are in masks',
    tile: (...place) => ({ format: 'jpeg', pixels: picture(...place) }),
    samples: 3,
    tolerance: 1,
    masked: true,
  },
  {
    name: 'grey JPEG',
    tile: (...place) => ({ format: 'jpeg', pixels: picture(...place, false, 1) }),
    samples: 1,
    tolerance: 0,
    masked: true,
  },
  {
    name: 'JPEG 4:4:4 with transparent WebP at the edges, which become the same JPEG',
    tile: (...place) =>
      isEdge(place[0], place[1])
        ? { format: 'webp', lossless: true, pixels: picture(...place, true) }
        : { format: 'jpeg', chroma: '4:4:4', quality: 90, pixels: picture(...place) },
    samples: 3,
    tolerance: 40,
    masked: true,
    notes: [/encoded again as JPEG; transparency is in a mask/],
  },
  {
    name: 'WebP, lossy and lossless, with and without alpha',
    tile: (...place) => ({
      format: 'webp',
      lossless: (place[1] + place[2]) % 2 === 0,
      pixels: picture(...place, isEdge(place[0], place[1])),
    }),
    samples: 4,
    tolerance: 0,
  },
  {
    name: 'PNG',
    tile: (...place) => ({ format: 'png', pixels: picture(...place, isEdge(place[0], place[1])) }),
    samples: 4,
    tolerance: 0,
    notes: [/encoded again as lossless DEFLATE/],
  },
]

for (const { name, tile, samples, tolerance, masked = false, notes = [] } of CASES) {
  t.test(name, { skip: withoutGdal }, async (t) => {
    const folder = t.testdir({})
    const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
    await writePyramid(
      source,
      PLACES,
      (...place) => {
        const { pixels, ...options } = tile(...place)
        return encodeImage(pixels, options)
      },
      { name: 'A & <b>', attribution: '<a href="x">me & you</a>' },
    )
    const report = await convert({ source, out })
    t.match(report, { format: 'cog', tiles: PLACES.filter(([z]) => z > 5).length })
    for (const note of [...notes, /Zooms 3–5 are left out/])
      t.ok(
        report.notes.some((said) => note.test(said)),
        `${note} in ${report.notes.join(' ')}`,
      )
    checkStructure(t, out)
    await compare(t, source, out, folder, samples, tolerance, masked)
    const { metadata } = JSON.parse(gdal('gdalinfo', '-json', out))
    t.match(metadata[''], {
      name: 'A & <b>',
      TIFFTAG_IMAGEDESCRIPTION: 'A &',
      TIFFTAG_COPYRIGHT: 'me & you',
      TIFFTAG_SOFTWARE: /^flagstone /,
    })
    t.same(
      readdirSync(folder).filter((file) => file.includes('part')),
      [],
    )
  })
}

t.test('a pyramid without holes has no mask and no alpha', { skip: withoutGdal }, async (t) => {
  for (const [format, bands, samples] of [
    ['jpeg', 3, 3],
    ['webp', 3, 3],
    ['png', 1, 2],
  ] as const) {
    const folder = t.testdir({})
    const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
    await writePyramid(source, placesAbove(1, 0, 0, 0, 1, 1), (...place) =>
      encodeImage(picture(...place, false, bands), { format }),
    )
    t.same((await convert({ source, out })).notes.length, format === 'png' ? 1 : 0)
    const { bands: found } = JSON.parse(gdal('gdalinfo', '-json', out))
    t.equal(found.length, samples, format)
    t.same(found[0].mask?.flags, format === 'png' ? ['PER_DATASET', 'ALPHA'] : undefined)
    if (withoutValidator === false) t.match(validate(out), /is a valid cloud optimized GeoTIFF\n/)
    const tiles = open(source)
    const wanted = await decodeTile(tiles.get(0, 0, 0)!.bytes)
    const raw = gdalRead(out, 0, folder)
    let worst = 0
    for (let p = 0; p < SIZE * SIZE; p++)
      for (let c = 0; c < bands; c++)
        worst = Math.max(worst, Math.abs(raw[p * samples + c]! - wanted.data[p * bands + c]!))
    t.ok(worst <= 1, `${format} differs by ${worst}`)
    tiles.close()
  }
})

t.test(
  'a requested format is for all tiles; JPEG keeps transparency in masks',
  { skip: withoutGdal },
  async (t) => {
    const folder = t.testdir({})
    const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
    await writePyramid(source, PLACES, (...place) =>
      encodeImage(picture(...place, isEdge(place[0], place[1]), 1), { format: 'png' }),
    )
    for (const [options, samples, tolerance] of [
      // grey, so that only the luma has losses
      [{ format: 'jpeg', quality: 95 }, 3, 40],
      [{ format: 'webp', lossless: true }, 4, 0],
    ] as const) {
      const { notes } = await convert({ source, out, ...options, overwrite: true })
      t.match(notes[0], /^\d+ tiles were encoded again as/)
      checkStructure(t, out)
      await compare(t, source, out, folder, samples, tolerance, options.format === 'jpeg')
    }
    await t.rejects(convert({ source, out, format: 'avif', overwrite: true }), {
      message: /cannot hold AVIF/,
    })
    await t.rejects(convert({ source, out, terrain: 'mapbox', overwrite: true }), {
      message: /leave out --terrain/,
    })
  },
)

t.test(
  'extract writes a GeoTIFF of a part, merge one of several archives',
  { skip: withoutGdal },
  async (t) => {
    const folder = t.testdir({})
    const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
    await writePyramid(source, PLACES, (...place) => encodeImage(picture(...place), { format: 'jpeg' }))
    const report = await extract({ source, out, minZoom: 7, maxZoom: 7 })
    t.same(
      report.levels.map(({ zoom }) => zoom),
      [7],
    )
    t.same(JSON.parse(gdal('gdalinfo', '-json', out)).size, [3 * SIZE, 2 * SIZE])
    const other = join(folder, 'c.pmtiles')
    await extract({ source, out: other, minZoom: 8, maxZoom: 8 })
    const lower = join(folder, 'd.pmtiles')
    await extract({ source, out: lower, maxZoom: 7 })
    await merge({ sources: [lower, other], out, overwrite: true })
    // merge goes by keys, so the file does not promise GDAL that blocks come row by row
    checkStructure(t, out, false)
    await compare(t, source, out, folder, 3, 1, true)
  },
)

t.test('JPEG and WebP tiles are in the file byte for byte', async (t) => {
  for (const format of ['jpeg', 'webp'] as const) {
    const folder = t.testdir({})
    const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
    await writePyramid(source, PLACES, (...place) =>
      encodeImage(picture(...place, format === 'webp'), { format }),
    )
    await convert({ source, out })
    const file = readFileSync(out)
    const tiles = open(source)
    for (const [z, x, y] of PLACES.filter(([z]) => z > 5))
      t.ok(file.includes(Buffer.from(tiles.get(z, x, y)!.bytes)), `${format} ${z}/${x}/${y}`)
    tiles.close()
  }
})

t.test('heights become numbers', { skip: withoutGdal }, async (t) => {
  for (const encoding of ['terrarium', 'int16'] as const) {
    const folder = t.testdir({})
    const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
    const options = { encoding, format: 'webp', step: 0.5, offset: 100, nodata: 'transparent' } as const
    const heightsAt = (z: number, x: number, y: number): Pixels<Float32Array> => {
      const data = new Float32Array(SIZE * SIZE).map((_, p) => 1000 * Math.sin(p / 999 + x) - 37 * y + z)
      const mask =
        x % 2 === 0 ? undefined : new Uint8Array(SIZE * SIZE).map((_, p) => (p % 5 === 0 ? 0 : 255))
      return { width: SIZE, height: SIZE, bands: 1, data, mask }
    }
    const isPicture = encoding === 'terrarium'
    await writePyramid(
      source,
      PLACES,
      (...place) => encodeHeights(heightsAt(...place), options),
      isPicture ? { encoding } : {},
    )
    await convert({ source, out })
    checkStructure(t, out)
    t.match(JSON.parse(gdal('gdalinfo', '-json', out)).bands, [
      { type: 'Float32', unit: 'm', noDataValue: 'NaN' },
    ])
    const raw = gdalRead(out, undefined, folder)
    const found = new Float32Array(raw.buffer, raw.byteOffset, raw.length / 4)
    const tiles = open(source)
    let wrong = 0
    for (let ty = 0; ty < 4; ty++)
      for (let tx = 0; tx < 8; tx++) {
        const tile = tiles.get(8, 128 + tx, 84 + ty)
        const heights = tile && (await decodeHeights(tile.bytes, isPicture ? encoding : undefined))
        for (let p = 0; p < SIZE * SIZE; p++) {
          const at = (ty * SIZE + Math.floor(p / SIZE)) * 8 * SIZE + tx * SIZE + (p % SIZE)
          const isNothing = heights === undefined || heights.mask?.[p] === 0
          if (isNothing ? !Number.isNaN(found[at]) : found[at] !== heights.data[p]) wrong++
        }
      }
    t.equal(wrong, 0, encoding)
    tiles.close()
  }
})

t.test('build reads it back: the same pixels at the highest zoom', async (t) => {
  const folder = t.testdir({})
  const [source, out, back] = ['a.pmtiles', 'b.tif', 'c.pmtiles'].map((name) => join(folder, name))
  await writePyramid(source!, PLACES, (...place) =>
    encodeImage(picture(...place, isEdge(place[0], place[1])), { format: 'webp', lossless: true }),
  )
  await convert({ source: source!, out: out! })
  await build({ sources: [out!], out: back!, format: 'webp', lossless: true, zoom: 8 })
  const [before, after] = [open(source!), open(back!)]
  for (const [z, x, y] of PLACES.filter(([z]) => z === 8)) {
    const [a, b] = [before, after].map((tiles) => tiles.get(z, x, y)!.bytes)
    const [one, two] = [await decodeTile(a!), await decodeTile(b!)]
    let wrong = 0
    for (let p = 0; p < SIZE * SIZE; p++) {
      const alpha = one.mask?.[p] ?? 255
      if ((two.mask?.[p] ?? 255) !== alpha) wrong++
      for (let c = 3 * p; alpha > 0 && c < 3 * p + 3; c++) if (one.data[c] !== two.data[c]) wrong++
    }
    t.equal(wrong, 0, `${z}/${x}/${y}`)
  }
  t.equal([...after.tiles({ zoom: 8 })].length, 15)
  before.close()
  after.close()
})

t.test('what cannot be a GeoTIFF is refused with a sentence, and nothing is left', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tif')]
  const refused = async (message: RegExp, code = 'BAD_OPTION'): Promise<void> => {
    await t.rejects(convert({ source, out }), { code, message })
    t.same(readdirSync(folder), ['a.pmtiles'])
  }
  const write = async (
    tile: (...place: Place) => { bytes: Uint8Array; type: TileType },
    places = PLACES,
  ): Promise<void> => {
    const { rmSync } = await import('node:fs')
    rmSync(source, { force: true })
    await writePyramid(source, places, async (...place) => tile(...place))
  }
  const vector = new Uint8Array([0x1a, 5, 1, 2, 3, 4, 5])
  await write(() => ({ bytes: vector, type: TileType.mvt }))
  await refused(/tiles of the type mvt/)
  const jpeg = (await encodeImage(picture(8, 1, 1), { format: 'jpeg' })).bytes
  const cut = { ...picture(8, 1, 1), width: SIZE, height: SIZE / 2 }
  const flat = (
    await encodeImage({ ...cut, data: cut.data.slice(0, cut.data.length / 2) }, { format: 'jpeg' })
  ).bytes
  await write((z, x) => ({ bytes: z === 8 && x === 133 ? flat : jpeg, type: TileType.jpeg }))
  await refused(/Tile 8\/133\/85 has 256×128 pixels; all tiles of a GeoTIFF must be 256×256/)
  const avif = (await encodeImage(picture(8, 1, 1), { format: 'avif' })).bytes
  await write(() => ({ bytes: avif, type: TileType.avif }))
  await refused(/cannot hold AVIF/)
  await write(
    () => ({ bytes: jpeg, type: TileType.jpeg }),
    [
      [20, 0, 0],
      [20, 2 ** 20 - 1, 2 ** 20 - 1],
    ],
  )
  await refused(/spread over 1048576×1048576 tiles/, 'TOO_LARGE')
  await write((z, x) => ({ bytes: z === 8 && x === 133 ? jpeg.slice(0, 700) : jpeg, type: TileType.jpeg }))
  // its header is whole, so it is copied as it is; a header that is cut off is not
  await write((z, x) => ({ bytes: z === 8 && x === 133 ? jpeg.slice(0, 30) : jpeg, type: TileType.jpeg }))
  await refused(/Tile 8\/133\/85: .*does not decode/, 'DAMAGED')
})

t.test('--overwrite replaces a GeoTIFF only if it is one of ours', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.tiff')]
  await writePyramid(source, PLACES, (...place) => encodeImage(picture(...place), { format: 'jpeg' }))
  await convert({ source, out })
  const ours = readFileSync(out)
  await t.rejects(convert({ source, out }), { code: 'EXISTS', message: /--overwrite/ })
  await convert({ source, out, overwrite: true })
  t.same(readFileSync(out), ours)
  const mark = ours.indexOf('flagstone ')
  t.ok(mark > 0)
  const theirs = Buffer.from(ours)
  theirs.write('gravestone', mark)
  for (const [i, bytes] of [
    theirs,
    ours.subarray(0, 100),
    ours.subarray(0, 9),
    Buffer.from('II*\0'),
  ].entries()) {
    writeFileSync(out, bytes)
    await t.rejects(
      convert({ source, out, overwrite: true }),
      { code: 'EXISTS', message: /is a TIFF image/ },
      `${i}`,
    )
    t.same(readFileSync(out), bytes)
  }
  t.ok(existsSync(source))
})
