// `flagstone sample FILE`: any window at any size as an image.
import { extname } from 'node:path'
import { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { coverageOf } from '../../raster/canvas.js'
import { RESAMPLINGS, type Resampling } from '../../raster/pixels.js'
import { encodeImage, type TileFormat } from '../../raster/tiles/codec.js'
import { ELEVATION_LOOKS, type ElevationLook } from '../../sampling/options.js'
import { sample } from '../../sampling/sample.js'
import { elevationOf } from '../../sampling/tile-form.js'
import { windowOfBbox } from '../../sampling/window.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import { type BinaryTarget, checkTarget, isStdout, writeBinary } from '../binary-output.js'
import { formatDegrees } from '../format.js'
import { type CommonOptions, type Context, type Io, printJson, say } from '../io.js'
import { KERNEL_NAMES, oneOf, parseBbox, parseInteger, parseSize, type Size } from '../parse.js'
import { describeAny, openAny, TILE_FILE } from '../tile-files.js'

interface SampleOptions extends CommonOptions {
  readonly bbox?: [number, number, number, number]
  readonly size?: Size
  readonly output?: string
  readonly overwrite?: boolean
  readonly format?: TileFormat
  readonly zoom?: number
  readonly resampling?: Resampling
  readonly quality: number
  readonly elevation?: ElevationLook
}

const FORMATS: Record<string, TileFormat> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
}

function formatOf(options: SampleOptions): TileFormat {
  if (options.format !== undefined) return options.format
  if (isStdout(options)) return 'png'
  const format = FORMATS[extname(options.output!).toLowerCase()]
  if (format === undefined) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `Cannot tell the format of '${options.output}': use a name that ends in .png, .jpg or .webp, or pass --format.`,
    )
  }
  return format
}

/** A missing side follows from the shape of the window in web mercator. Default: 1,024 pixels on the longer side. */
function sizeOf(
  bbox: readonly [number, number, number, number],
  size: Size = { longer: 1024 },
): { width: number; height: number } {
  if ('width' in size && 'height' in size) return size
  const { left, top, right, bottom } = windowOfBbox(bbox)
  const aspect = (right - left) / (bottom - top)
  const of = (pixels: number): number => Math.max(1, Math.round(pixels))
  if ('width' in size) return { width: size.width, height: of(size.width / aspect) }
  if ('height' in size) return { width: of(size.height * aspect), height: size.height }
  const { longer } = size
  return aspect > 1
    ? { width: longer, height: of(longer / aspect) }
    : { width: of(longer * aspect), height: longer }
}

/** Where the tiles are, for a window without any. */
function covered(reader: TileSet): string {
  const bounds = describeAny(reader).bounds
  return bounds === undefined
    ? ''
    : `; it covers ${bounds.map(formatDegrees).join(',')} (west,south,east,north)`
}

/** Whether heights are written as encoded colours, which a lossy format would change. @throws BAD_OPTION when the format would lose them */
function isEncoded(reader: TileSet, { elevation }: SampleOptions, format: TileFormat): boolean {
  const kind = elevationOf(reader)
  if (kind === undefined || kind === 'numbers' || (elevation ?? 'encoded') !== 'encoded') return false
  if (format === 'jpeg') {
    throw new FlagstoneError(
      'BAD_OPTION',
      'The file stores heights as colours, which JPEG would change: write .png or .webp, or pass --elevation shade.',
    )
  }
  return true
}

export function sampleCommand({ io }: Context): Command {
  return new Command('sample')
    .description('draw any part of a tile file, at any size, as a web mercator image')
    .argument('<file>', TILE_FILE)
    .option('--bbox <w,s,e,n>', 'area to draw, in degrees (default: the whole file)', parseBbox)
    .option(
      '--size <WxH>',
      'size of the image in pixels: 800x, x600, or 800 for the longer side; 800x600 stretches the area to fit (default: 1024)',
      parseSize,
    )
    .option('-o, --output <file>', 'output file: .png, .jpg or .webp (default: PNG to stdout)')
    .option('--overwrite', 'replace an existing image')
    .addOption(
      oneOf('-f, --format <format>', 'image format (default: from the file name)', ['png', 'jpeg', 'webp'], {
        jpg: 'jpeg',
      }),
    )
    .option('-z, --zoom <z>', 'zoom to read (default: from the size)', parseInteger(0, MAX_ZOOM))
    .addOption(
      oneOf('-r, --resampling <kernel>', 'resampling kernel (default: bilinear)', RESAMPLINGS, KERNEL_NAMES),
    )
    .option('--quality <q>', 'JPEG and WebP quality, 1 to 100', parseInteger(1, 100), 85)
    .addOption(
      oneOf(
        '--elevation <look>',
        'how to draw heights: encoded as stored, shaded from the north-west, or black to white (default: encoded; shade for numbers)',
        ELEVATION_LOOKS,
      ),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  flagstone sample ortho.pmtiles -o preview.png\n  flagstone sample ortho.pmtiles --bbox 7.58,47.55,7.60,47.56 --size 1200x -o basel.jpg\n  flagstone sample terrain.pmtiles --elevation shade -o relief.png',
    )
    .action((path: string, options: SampleOptions) => draw(io, path, options))
}

async function draw(io: Io, path: string, options: SampleOptions): Promise<void> {
  const format = formatOf(options)
  const target: BinaryTarget = { who: 'sample', input: path, ...options }
  checkTarget(io, target)
  const reader = await openAny(path)
  try {
    const bbox = options.bbox ?? describeAny(reader).bounds
    if (bbox === undefined) throw new FlagstoneError('NOT_FOUND', `${path} has no tiles to sample.`, { path })
    if (options.elevation !== undefined && elevationOf(reader) === undefined)
      throw new FlagstoneError('BAD_OPTION', `${path} has no heights; leave out --elevation.`, { path })
    const { width, height } = sizeOf(bbox, options.size)
    const pixels = await sample(reader, {
      bbox,
      width,
      height,
      resampling: options.resampling,
      zoom: options.zoom,
      elevation: options.elevation,
    })
    const { bytes } = await encodeImage(pixels, {
      format,
      quality: options.quality,
      lossless: isEncoded(reader, options, format),
    })
    writeBinary(io, target, bytes)
    const empty = coverageOf(pixels.mask) === 'none'
    const output = options.output ?? '-'
    const result = { output, width, height, format, bytes: bytes.length, bbox, empty }
    if (!isStdout(options) && options.json === true) printJson(io, result)
    else
      say(
        io,
        options,
        `${output}: ${width}×${height} ${format} of ${bbox.map(formatDegrees).join(', ')}${empty ? `, empty: ${path} has no tiles there${covered(reader)}` : ''}`,
      )
  } finally {
    reader.close()
  }
}
