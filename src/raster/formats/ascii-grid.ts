// ESRI ASCII grids (.asc, .grd, .txt): a header of about six words and numbers, then the values row by row from the
// north. The coordinate system comes from a .prj or .aux.xml beside the file, or from --s-srs.
import { FlagstoneError } from '../../errors.js'
import { atofM } from '../gdal-number.js'
import type { OpenOptions } from '../open-options.js'
import { readPam } from '../place/pam.js'
import { requireArea, requireCrs } from '../place/place.js'
import { readPrj } from '../place/sidecar.js'
import { numberOf } from '../place/xml.js'
import type { Geotransform, PixelWindow, RasterSource, SourceLevel } from '../source.js'
import { type ByteSource, openFileSource } from '../tiff/file/byte-source.js'
import { BlockCache } from '../tiff/image/block-cache.js'
import type { StoredLook } from '../view/view-choice.js'
import { AsciiRows } from './ascii-rows.js'
import { ASCII_GRID_KEYS } from './file-kind.js'
import { withMaskBeside } from './mask-beside.js'
import { type StoredBlock, type StoredImage, sourceOf } from './stored-source.js'

const HEADER_BYTES = 4096
/** As in GDAL, this much of the file decides whether the values are integers. */
const SAMPLE_BYTES = 100_000
const MAX_ROW_VALUES = 2 ** 22
const CACHE_BYTES = 64 * 2 ** 20

interface Header {
  readonly columns: number
  readonly rows: number
  readonly geotransform: Geotransform
  readonly nodata: number | undefined
  /** Byte offset of the first value. */
  readonly start: number
}

/**
 * Opens an ASCII grid.
 * @throws SOURCE_CORRUPT, TOO_LARGE, CRS_MISSING, CRS_UNSUPPORTED, NOT_FOUND, SOURCE_UNREADABLE, BAD_OPTION
 */
export async function openAsciiGrid(path: string, options: OpenOptions = {}): Promise<RasterSource> {
  const source = await openFileSource(path)
  try {
    const header = await readHeader(source)
    const type = (await holdsWholeNumbers(source, header)) ? 'int32' : 'float32'
    const crs = options.crs ?? (await readPam(path, false))?.crs ?? (await readPrj(path)) ?? requireCrs(path)
    const { columns, rows, nodata, geotransform, start } = header
    const image = new AsciiGrid(
      source,
      new AsciiRows(source, columns, rows, start),
      type,
      nodata,
      options.cacheBytes,
    )
    return await sourceOf(
      path,
      await withMaskBeside(path, image, options.view),
      { crs, geotransform: requireArea(path, geotransform) },
      {
        nodata: options.nodata ?? (nodata === undefined ? [] : [[nodata]]),
        view: options.view,
        skipDamaged: options.skipDamaged,
        description: `ASCII grid ${columns}×${rows}, ${crs.name}`,
      },
    )
  } catch (error) {
    await source.close().catch(() => undefined)
    throw error
  }
}

async function readHeader(source: ByteSource): Promise<Header> {
  const bytes = await source.read(0, Math.min(HEADER_BYTES, source.sizeBytes))
  const text = Buffer.from(bytes).toString('latin1')
  const found = new Map<string, number>()
  const word = /(\s*)([a-z_]+)\s+([^\s]+)/iy
  let start = 0
  for (let m = word.exec(text); m !== null; m = word.exec(text)) {
    const key = m[2]!.toLowerCase()
    if (!ASCII_GRID_KEYS.has(key)) break
    const isNodata = key.startsWith('nodata')
    const value = isNodata ? atofM(m[3]!) : numberOf(m[3]!.replace(',', '.'))
    if (value === undefined) throw corrupt(source, `its ${m[2]} “${m[3]!.slice(0, 20)}” is not a number`)
    found.set(key, value)
    start = word.lastIndex
  }
  return headerOf(source, found, start)
}

function headerOf(source: ByteSource, found: ReadonlyMap<string, number>, start: number): Header {
  const columns = found.get('ncols')
  const rows = found.get('nrows')
  const width = found.get('dx') ?? found.get('cellsize')
  const height = found.get('dy') ?? found.get('cellsize')
  const x = found.get('xllcorner') ?? (found.get('xllcenter') ?? Number.NaN) - (width ?? 0) / 2
  const y = found.get('yllcorner') ?? (found.get('yllcenter') ?? Number.NaN) - (height ?? 0) / 2
  const isWhole = [columns, rows].every((n) => n !== undefined && Number.isInteger(n) && n > 0 && n < 2 ** 31)
  if (!isWhole) throw corrupt(source, `its header says ${columns ?? 'no'} ncols and ${rows ?? 'no'} nrows`)
  if (width === undefined || height === undefined || !Number.isFinite(x + y + width + height)) {
    throw corrupt(source, 'its header has no xllcorner, yllcorner or cellsize')
  }
  // each value takes at least a digit and a space
  const least = columns! * rows! * 2 - 1
  if (least > source.sizeBytes - start) {
    throw corrupt(
      source,
      `${columns}×${rows} numbers need at least ${least} bytes, it has ${source.sizeBytes - start}`,
    )
  }
  if (columns! > MAX_ROW_VALUES) {
    throw new FlagstoneError(
      'TOO_LARGE',
      `${source.name} has rows of ${columns} numbers, more than fit in memory; convert it with gdal_translate -of COG`,
      { path: source.name },
    )
  }
  return {
    columns: columns!,
    rows: rows!,
    geotransform: [x, width, 0, y + rows! * height, 0, -height],
    nodata: found.get('nodata_value') ?? found.get('nodata'),
    start,
  }
}

function corrupt(source: ByteSource, why: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_CORRUPT',
    `${source.name} is not a valid ASCII grid: ${why}; get a complete copy`,
    { path: source.name },
  )
}

async function holdsWholeNumbers(source: ByteSource, { start, nodata }: Header): Promise<boolean> {
  const bytes = await source.read(start, Math.min(SAMPLE_BYTES, source.sizeBytes - start))
  const isPlain = (byte: number): boolean => byte <= 0x20 || byte === 0x2d || (byte >= 0x30 && byte <= 0x39)
  return bytes.every(isPlain) && (nodata === undefined || Number.isInteger(nodata))
}

class AsciiGrid implements StoredImage {
  readonly look: StoredLook
  readonly levels: readonly SourceLevel[]
  readonly #source: ByteSource
  readonly #rows: AsciiRows
  readonly #cache: BlockCache<Float64Array>

  constructor(
    source: ByteSource,
    rows: AsciiRows,
    type: 'int32' | 'float32',
    nodata: number | undefined,
    cacheBytes = CACHE_BYTES,
  ) {
    this.#source = source
    this.#rows = rows
    this.#cache = new BlockCache(cacheBytes)
    this.look = {
      stored: {
        type,
        bits: 32,
        bands: 1,
        hasAlpha: false,
        palette: false,
        ...(nodata === undefined ? {} : { nodata }),
      },
    }
    const { columns, rows: height, rowsPerBlock } = rows
    this.levels = [{ width: columns, height, blockWidth: columns, blockHeight: rowsPerBlock }]
  }

  async samples(_level: number, { x, y, width, height }: PixelWindow): Promise<StoredBlock> {
    const { columns, rowsPerBlock } = this.#rows
    const out = new Float64Array(width * height)
    for (let row = y; row < y + height; ) {
      const index = Math.floor(row / rowsPerBlock)
      const block = await this.#cache.get(index, () => this.#rows.block(index))
      const end = Math.min(y + height, (index + 1) * rowsPerBlock)
      for (; row < end; row++) {
        const from = (row - index * rowsPerBlock) * columns + x
        out.set(block.subarray(from, from + width), (row - y) * width)
      }
    }
    return { arrays: [out], stride: 1 }
  }

  async close(): Promise<void> {
    this.#cache.clear()
    await this.#source.close()
  }
}
