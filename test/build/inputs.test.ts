// Every kind of raster that we say we read, built and held against gdalwarp: at least 45 dB, less than 0.1 px,
// no tile missing. Real files where the shared data is, and one made by GDAL for each encoding it can write.
// Depths other than 8 bits are stretched by a given range on our side, and after the warp on GDAL's.
// One picture encoded in many ways is held against GDAL once; the others must give its tiles, byte for byte.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { type Comparison, compareBuild, deepestOf, LOSSLESS } from '../helpers/compare-build.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture, sharedData } from '../helpers/paths.js'
import { tilesOf } from '../pyramid/images.js'

type Stretch = readonly [number, number]

interface Case {
  readonly name: string
  /** One image, or the steps that make it. */
  readonly image: (dir: string) => string
  readonly stretch?: Stretch
  /** Where GDAL's has to be another: its MinIsWhite pictures are negatives. */
  readonly gdalStretch?: Stretch
  readonly bands?: readonly number[]
  /** JPEG decoders differ a little, and chroma upsampling more. */
  readonly least?: number
  /** The pixels are those of every other case of this name, and stand where they stand: GDAL judges the first. */
  readonly same?: string
}

/** Some bands of an image, by GDAL. */
function picked(image: string, bands: readonly number[], dir: string): string {
  const to = join(dir, 'picked.vrt')
  const choice = bands.flatMap((band) => ['-b', String(band)])
  gdal('gdal_translate', '-q', '-of', 'VRT', ...choice, image, to)
  return to
}

function judge(t: Test, found: Comparison, least: number): void {
  t.same(found.missing, [], 'no tile is missing')
  t.ok(found.pixels > 500, `${found.pixels} interior pixels were compared`)
  t.ok(found.psnr >= least, `${found.psnr.toFixed(1)} dB at zoom ${found.zoom}`)
  t.ok(found.shift < 0.1, `shift ${found.shift.toFixed(3)} px`)
  t.ok(found.coverage < 0.01, `${(found.coverage * 100).toFixed(2)} % of pixels painted by one of both only`)
}

/** The tiles of the deepest zoom of each picture that GDAL has judged, by its name. */
const judged = new Map<string, Record<string, string>>()

async function check(t: Test, c: Case): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'flagstone-inputs-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const image = c.image(dir)
  const out = join(dir, 'out.pmtiles')
  const options: Partial<BuildOptions> = {
    threads: 0,
    ...(c.bands === undefined ? {} : { bands: [...c.bands] }),
    ...(c.stretch === undefined ? {} : { rescale: [[c.stretch[0], c.stretch[1]]] }),
  }
  const wanted = c.same === undefined ? undefined : judged.get(c.same)
  if (wanted !== undefined) {
    const all = { ...LOSSLESS, ...options, sources: [image], out }
    await build({ ...all, minZoom: await deepestOf(all) })
    t.same(tilesOf(out), wanted, `the tiles of ${c.same}`)
    return
  }
  const gdalStretch = c.gdalStretch ?? c.stretch
  const found = await compareBuild({
    sources: [image],
    out,
    options,
    ...(gdalStretch === undefined ? {} : { gdalStretch }),
    ...(c.bands === undefined ? {} : { gdalSources: () => [picked(image, c.bands!, dir)] }),
  })
  judge(t, found, c.least ?? 45)
  if (c.same !== undefined) judged.set(c.same, tilesOf(out))
}

// Files of the shared data that are not plain 8-bit pictures, by name.
const SPECIAL: Record<string, Partial<Case>> = {
  'float32_pred3.tif': { stretch: [0, 255] },
  'int16.tif': { stretch: [0, 255] },
  'uint16.tif': { stretch: [0, 65535] },
  'dem.tif': { stretch: [0, 4000] },
  'dem25.tif': { stretch: [0, 2000] },
  'dem_int16_utm34s.tif': { stretch: [-500, 3000] },
  'nz_elev.tif': { stretch: [0, 3000] },
  'qgis_SRTM_more.tif': { stretch: [0, 3000] },
}

/** One picture, encoded in every way. */
const SAME = new Set([
  ...[
    'bigendian_strip.tif',
    'bigtiff_tiled_deflate.tif',
    'float32_pred3.tif',
    'int16.tif',
    'internal_ovr.tif',
  ],
  ...['pixelispoint.tif', 'planar_tiled_lzw.tif', 'strip_deflate.tif', 'strip_lzma.tif', 'strip_lzw.tif'],
  ...['strip_none.tif', 'strip_whole.tif', 'tile_64.tif', 'tiled_deflate.tif', 'tiled_deflate_pred2.tif'],
  ...['tiled_lerc.tif', 'tiled_lzw.tif', 'tiled_lzw_pred2.tif', 'tiled_none.tif', 'tiled_packbits.tif'],
  ...['tiled_webp_lossless.tif', 'tiled_zstd.tif', 'worldfile_only.tif'],
])

/** Nothing to compare in them (no place on earth, no pixel), or large, and tested elsewhere. */
const OTHERS = [
  'no_crs.tif',
  'inverted_lat.tif',
  'all-nodata.tif',
  'float_nan.tif',
  'dem_int16_utm34s.tif',
  'bench8192_utm17_jpeg90.tif',
]

function sharedCases(): Case[] {
  if (sharedData === undefined) return []
  const folders = ['variants', 'rgb', 'rgb/hro_colorado', 'dem']
  return folders.flatMap((folder) =>
    readdirSync(join(sharedData!, folder))
      .filter((name) => name.endsWith('.tif') && !OTHERS.includes(name))
      .map((name) => ({
        name: `${folder}/${name}`,
        image: () => join(sharedData!, folder, name),
        ...(SAME.has(name) ? { same: 'variants' } : {}),
        ...SPECIAL[name],
      })),
  )
}

const gdalFormats = withoutGdal ? '' : execFileSync('gdalinfo', ['--format', 'GTiff'], { encoding: 'utf8' })

/** A piece of the fixture, rewritten by gdal_translate; several steps feed one another. */
function made(name: string, steps: readonly (readonly string[])[], more: Partial<Case> = {}): Case {
  return {
    name,
    image: (dir) => {
      let from = fixture('ortho.tif')
      const crop = ['-srcwin', '200', '200', '420', '330']
      for (const [i, step] of steps.entries()) {
        const to = join(dir, `step${i}.${more.name?.split('.').at(-1) ?? 'tif'}`)
        gdal('gdal_translate', '-q', ...(i === 0 ? crop : []), ...step, from, to)
        from = to
      }
      return from
    },
    ...more,
  }
}

const co = (...options: string[]): string[] => options.flatMap((option) => ['-co', option])
const RGB = ['-b', '1', '-b', '2', '-b', '3']
const WIDE: Record<string, Stretch> = {
  UInt16: [0, 60000],
  Int16: [-20000, 20000],
  UInt32: [0, 4e9],
  Int32: [-2e9, 2e9],
  Float32: [-1, 1],
  Float64: [0, 1e6],
}

function madeCases(): Case[] {
  if (withoutGdal) return []
  const cases: Case[] = []
  const lossless = ['NONE', 'LZW', 'DEFLATE', 'PACKBITS', 'ZSTD', 'LZMA', 'LERC', 'LERC_DEFLATE', 'LERC_ZSTD']
  for (const compress of lossless.filter((c) => c === 'NONE' || gdalFormats.includes(`<Value>${c}<`))) {
    for (const tiled of [true, false]) {
      const layout = tiled ? co('TILED=YES', 'BLOCKXSIZE=128', 'BLOCKYSIZE=64') : co('BLOCKYSIZE=7')
      cases.push(
        made(
          `${compress} ${tiled ? 'tiled' : 'stripped'}`,
          [[...RGB, ...co(`COMPRESS=${compress}`), ...layout]],
          { same: 'RGB' },
        ),
      )
    }
  }
  for (const [type, [min, max]] of Object.entries(WIDE)) {
    const scaled = [...RGB, '-ot', type, '-scale', '0', '255', String(min), String(max)]
    const stretch: Stretch = [min, max]
    const predictor = type.startsWith('Float') ? 3 : 2
    // what GDAL writes as big-endian with predictor 3 it reads as something else itself
    const bigPredictor = type.startsWith('Float') ? 1 : 2
    const more = { stretch, same: type }
    cases.push(
      made(`${type}`, [[...scaled, ...co('COMPRESS=DEFLATE', `PREDICTOR=${predictor}`, 'TILED=YES')]], more),
    )
    cases.push(
      made(
        `${type} planar`,
        [[...scaled, ...co('COMPRESS=LZW', `PREDICTOR=${predictor}`, 'INTERLEAVE=BAND')]],
        more,
      ),
    )
    cases.push(
      made(
        `${type} big-endian`,
        [[...scaled, ...co('ENDIANNESS=BIG', 'COMPRESS=DEFLATE', `PREDICTOR=${bigPredictor}`)]],
        more,
      ),
    )
    if (gdalFormats.includes('<Value>LERC<')) {
      cases.push(made(`${type} LERC`, [[...scaled, ...co('COMPRESS=LERC_DEFLATE', 'MAX_Z_ERROR=0')]], more))
    }
  }
  for (const bits of [2, 4, 11, 12, 16] as const) {
    const top = 2 ** bits - 1
    const type = bits > 8 ? 'UInt16' : 'Byte'
    const step = [
      ...RGB,
      '-ot',
      type,
      '-scale',
      '0',
      '255',
      '0',
      String(top),
      ...co(`NBITS=${bits}`, 'COMPRESS=LZW'),
    ]
    cases.push(made(`${bits} bits`, [step], { stretch: [0, top] }))
  }
  cases.push(
    made('Float16', [[...RGB, '-ot', 'Float32', '-scale', '0', '255', '-1', '1', ...co('NBITS=16')]], {
      stretch: [-1, 1],
    }),
    made('JPEG YCbCr', [[...RGB, ...co('COMPRESS=JPEG', 'PHOTOMETRIC=YCBCR', 'TILED=YES')]], { least: 40 }),
    made('JPEG RGB stripped', [[...RGB, ...co('COMPRESS=JPEG', 'JPEG_QUALITY=95')]]),
    made('JPEG grey', [['-b', '1', ...co('COMPRESS=JPEG')]]),
    made('JPEG planar', [[...RGB, ...co('COMPRESS=JPEG', 'INTERLEAVE=BAND', 'TILED=YES')]]),
    made('WebP lossless', [[...RGB, ...co('COMPRESS=WEBP', 'WEBP_LOSSLESS=YES', 'TILED=YES')]]),
    made('MinIsWhite', [['-b', '1', ...co('PHOTOMETRIC=MINISWHITE', 'COMPRESS=LZW')]], {
      gdalStretch: [255, 0],
    }),
    made(
      'MinIsWhite 16 bits',
      [['-b', '1', '-ot', 'UInt16', '-scale', '0', '255', '0', '50000', ...co('PHOTOMETRIC=MINISWHITE')]],
      { stretch: [0, 50000], gdalStretch: [50000, 0] },
    ),
    made('BigTIFF sparse', [[...RGB, ...co('BIGTIFF=YES', 'SPARSE_OK=TRUE', 'TILED=YES', 'COMPRESS=ZSTD')]]),
    made('bands chosen', [[...RGB, '-b', '1', ...co('PHOTOMETRIC=RGB', 'ALPHA=NO')]], { bands: [3, 2, 1] }),
    made('one band chosen', [RGB], { bands: [2] }),
    made('whole image as one strip', [[...RGB, ...co('BLOCKYSIZE=330', 'COMPRESS=DEFLATE')]]),
    made('feet', [[...RGB, '-a_srs', 'EPSG:2264', '-a_ullr', '1500000', '600000', '1501260', '599010']]),
  )
  return cases
}

t.jobs = 1
const needs = withoutGdal || false
t.test(
  'files of the shared data',
  { skip: needs || (sharedData === undefined && 'needs the shared data') },
  async (t) => {
    for (const c of sharedCases()) await t.test(c.name, (t) => check(t, c))
  },
)
t.test(
  'files made by GDAL',
  { skip: needs || (!existsSync(fixture('ortho.tif')) && 'needs the fixture') },
  async (t) => {
    for (const c of madeCases()) await t.test(c.name, (t) => check(t, c))
  },
)

t.test(
  'what cannot be built says so',
  { skip: sharedData === undefined && 'needs the shared data' },
  async (t) => {
    const refused: Record<string, string> = {
      'variants/no_crs.tif': 'CRS_MISSING',
      'rgb/all-nodata.tif': 'NOTHING_TO_BUILD',
      'rgb/inverted_lat.tif': 'NOTHING_TO_BUILD',
      'dem/float_nan.tif': 'CRS_MISSING',
    }
    for (const [name, code] of Object.entries(refused)) {
      const out = join(t.testdir(), 'out.pmtiles')
      await t.rejects(build({ sources: [join(sharedData!, name)], out, threads: 0 }), { code }, name)
      t.notOk(existsSync(out), 'and leaves nothing')
    }
  },
)
