// SRTM .hgt: the heights of one degree by one degree as big-endian 16-bit metres, row by row from the north, without a
// header. The file size gives the number of points; the name (N33W084.hgt) gives the south-west corner. The outer
// points lie on the degree lines, so pixels reach half a point beyond them, as in GDAL's driver.
import { FlagstoneError } from '../../errors.js'
import { WGS84 } from '../../grid/crs/epsg.js'
import type { OpenOptions } from '../open-options.js'
import type { Geotransform, PixelWindow, RasterSource, SourceLevel } from '../source.js'
import { type ByteSource, openFileSource } from '../tiff/file/byte-source.js'
import type { StoredLook } from '../view/view-choice.js'
import { withMaskBeside } from './mask-beside.js'
import { type StoredBlock, type StoredImage, sourceOf } from './stored-source.js'

/** The possible shapes, told apart by file size. Some editions have fewer columns north of 50°. */
const SHAPES: readonly (readonly [columns: number, rows: number])[] = [
  [1201, 1201],
  [3601, 3601],
  [1801, 3601],
  [7201, 7201],
]
const NODATA = -32768

/**
 * Opens an .hgt file.
 * @throws SOURCE_CORRUPT when the file size is not that of an .hgt file
 * @throws SOURCE_UNSUPPORTED when the name does not give a position
 * @throws NOT_FOUND, SOURCE_UNREADABLE, BAD_OPTION
 */
export async function openHgt(path: string, options: OpenOptions = {}): Promise<RasterSource> {
  const source = await openFileSource(path)
  let image: HgtImage
  let geotransform: Geotransform
  try {
    const shape = shapeOf(path, source.sizeBytes)
    geotransform = geotransformOf(path, shape)
    image = new HgtImage(source, shape)
  } catch (error) {
    await source.close()
    throw error
  }
  const { width, height } = image.levels[0]!
  const crs = options.crs ?? WGS84
  return sourceOf(
    path,
    await withMaskBeside(path, image, options.view),
    { crs, geotransform },
    {
      nodata: options.nodata ?? [[NODATA]],
      view: options.view,
      skipDamaged: options.skipDamaged,
      description: `SRTM ${width}×${height}, ${crs.name}`,
    },
  )
}

function shapeOf(path: string, bytes: number): readonly [number, number] {
  const shape = SHAPES.find(([columns, rows]) => columns * rows * 2 === bytes)
  if (shape !== undefined) return shape
  throw new FlagstoneError(
    'SOURCE_CORRUPT',
    `${path} has ${bytes} bytes, but an SRTM file has 2884802 (3 arc-seconds) or 25934402 (1 arc-second); get a complete copy`,
    { path },
  )
}

function geotransformOf(path: string, [columns, rows]: readonly [number, number]): Geotransform {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const found = /^([ns])(\d{2})([ew])(\d{3})/i.exec(name)
  const latitude = Number(found?.[2]) * (found?.[1]?.toLowerCase() === 's' ? -1 : 1)
  const longitude = Number(found?.[4]) * (found?.[3]?.toLowerCase() === 'w' ? -1 : 1)
  if (found === null || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${path}: the name of an SRTM file gives its position, as in N33W084.hgt; rename it after its south-west corner`,
      { path },
    )
  }
  const width = 1 / (columns - 1)
  const height = 1 / (rows - 1)
  return [longitude - width / 2, width, 0, latitude + 1 + height / 2, 0, -height]
}

class HgtImage implements StoredImage {
  readonly look: StoredLook = {
    stored: { type: 'int16', bits: 16, bands: 1, hasAlpha: false, palette: false, nodata: NODATA },
  }
  readonly levels: readonly SourceLevel[]
  readonly #source: ByteSource

  constructor(source: ByteSource, [width, height]: readonly [number, number]) {
    this.#source = source
    this.levels = [{ width, height, blockWidth: width, blockHeight: Math.min(64, height) }]
  }

  /** Reads whole rows: they are a few kilobytes, and the system caches them. */
  async samples(_level: number, { x, y, width, height }: PixelWindow): Promise<StoredBlock> {
    const rowBytes = this.levels[0]!.width * 2
    const bytes = await this.#source.read(y * rowBytes, height * rowBytes)
    const out = new Int16Array(width * height)
    for (let row = 0, o = 0; row < height; row++) {
      for (let i = 0, at = row * rowBytes + x * 2; i < width; i++, at += 2) {
        out[o++] = (bytes[at]! << 8) | bytes[at + 1]!
      }
    }
    return { arrays: [out], stride: 1 }
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}
