// The cases of `bench build`: what image, what we are asked for, and how GDAL is asked for the same where it can be.
import { join } from 'node:path'
import { inSequence, measure, type Usage } from './child.js'

export const THREADS = '2'

export interface BuildCase {
  readonly name: string
  readonly what: string
  /** How the image is made of the large RGB one (deflate): programs and their arguments; none: it is that one. */
  image(from: string, to: string, size: number): readonly (readonly [program: string, ...args: string[]])[]
  /** Behind `flagstone build IMAGE OUT`. */
  readonly ours: readonly string[]
  /** GDAL's programs, one after the other; undefined when it cannot do the same. */
  gdal?(
    image: string,
    out: string,
    scratch: string,
  ): readonly (readonly [program: string, ...args: string[]])[]
  /** Wanted of ours / GDAL, wall time. */
  readonly bar?: string
}

const TILED = ['TILED=YES', 'BLOCKXSIZE=512', 'BLOCKYSIZE=512', 'BIGTIFF=IF_SAFER', 'NUM_THREADS=2']
const co = (...options: string[]): string[] => options.flatMap((option) => ['-co', option])
const translate = (from: string, to: string, ...args: string[]) =>
  ['gdal_translate', '-q', ...args, from, to] as const
const mbtiles = (image: string, out: string, ...options: string[]) =>
  [
    translate(image, out, '-of', 'MBTILES', ...co('RESAMPLING=BILINEAR', ...options)),
    ['gdaladdo', '-q', '-r', 'average', out],
  ] as const
const jpegTiles = (image: string, out: string) => mbtiles(image, out, 'TILE_FORMAT=JPEG', 'QUALITY=75')
const JPEG_TILES = ['--quality', '75', '--resampling', 'bilinear']

export const CASES: readonly BuildCase[] = [
  {
    name: 'deflate',
    what: 'RGB, tiled 512, DEFLATE + predictor 2 → JPEG q75',
    image: () => [],
    ours: JPEG_TILES,
    gdal: jpegTiles,
    bar: '≤ 0.2',
  },
  {
    name: 'jpeg',
    what: 'RGB, tiled 512, JPEG q90 → JPEG q75',
    image: (from, to) => [
      translate(from, to, ...co(...TILED, 'COMPRESS=JPEG', 'JPEG_QUALITY=90', 'PHOTOMETRIC=YCBCR')),
    ],
    ours: JPEG_TILES,
    gdal: jpegTiles,
    bar: '≤ 0.2',
  },
  {
    name: 'rgba',
    what: 'RGBA, tiled 512, DEFLATE, one half empty → JPEG where opaque, else WebP (GDAL: JPEG, else PNG)',
    image: (from, to, size) => [
      translate(from, `${to}.vrt`, '-of', 'VRT', '-srcwin', '0', '0', `${size / 2}`, `${size}`),
      // made as wide as before: where the half was cut off there is nothing
      ['gdalwarp', '-q', '-dstalpha', ...teOf(size), ...co(...TILED, 'COMPRESS=DEFLATE'), `${to}.vrt`, to],
    ],
    ours: JPEG_TILES,
    gdal: (image, out) => mbtiles(image, out, 'TILE_FORMAT=PNG_JPEG', 'QUALITY=75'),
  },
  {
    name: 'bands16',
    what: '4 bands of 16 bits, tiled 512, DEFLATE + predictor 2, --bands 1,2,3 --rescale 0,10000 → JPEG q75',
    image: (from, to) => [
      translate(
        ...([from, to] as const),
        ...['-b', '1', '-b', '2', '-b', '3', '-b', '1', '-ot', 'UInt16', '-scale', '0', '255', '0', '10000'],
        ...['-colorinterp', 'undefined', ...co(...TILED, 'COMPRESS=DEFLATE', 'PREDICTOR=2')],
      ),
    ],
    ours: [...JPEG_TILES, '--bands', '1,2,3', '--rescale', '0,10000'],
    gdal: (image, out, scratch) => {
      const scaled = join(scratch, 'scaled.vrt')
      const bands = ['-b', '1', '-b', '2', '-b', '3', '-colorinterp', 'red,green,blue']
      const scale = ['-ot', 'Byte', '-scale', '0', '10000', '0', '255']
      return [translate(image, scaled, '-of', 'VRT', ...bands, ...scale), ...jpegTiles(scaled, out)]
    },
  },
  {
    name: 'terrain',
    what: 'Float32 heights, tiled 512, DEFLATE + predictor 3 → terrain-RGB as lossless WebP',
    image: (from, to) => [
      translate(
        ...([from, to] as const),
        ...['-b', '1', '-ot', 'Float32', '-scale', '0', '255', '-100', '2900', '-colorinterp', 'undefined'],
        ...co(...TILED, 'COMPRESS=DEFLATE', 'PREDICTOR=3'),
      ),
    ],
    ours: ['--terrain', 'mapbox', '--resampling', 'bilinear'],
  },
  {
    name: 'strips',
    what: 'RGB, strips of one row, LZW + predictor 2 → JPEG q75',
    image: (from, to) => [
      translate(from, to, ...co('COMPRESS=LZW', 'PREDICTOR=2', 'BLOCKYSIZE=1', 'BIGTIFF=IF_SAFER')),
    ],
    ours: JPEG_TILES,
    gdal: jpegTiles,
  },
]

/** Corners of the large image in its own coordinates (see image.ts and make-big.sh), asked for by size only. */
function teOf(size: number): string[] {
  return ['-ts', `${size}`, `${size}`, '-te', '@west', '@south', '@east', '@north']
}

/** Runs programs one after the other, as one. */
export async function runAll(
  programs: readonly (readonly [program: string, ...args: string[]])[],
): Promise<Usage> {
  let usage: Usage | undefined
  for (const [program, ...args] of programs) {
    const one = await measure(program, args, { GDAL_NUM_THREADS: THREADS })
    usage = usage === undefined ? one : inSequence(usage, one)
  }
  return usage!
}
