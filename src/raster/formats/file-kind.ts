// Detects the kind of a raster file by its first bytes, or by its name for a format without a signature (.hgt).
import { FlagstoneError } from '../../errors.js'
import { openFileSource } from '../tiff/file/byte-source.js'

export type FileKind = 'tiff' | 'picture' | 'vrt' | 'ascii' | 'hgt'

/** Formats that GDAL reads and Flagstone does not, by their first bytes as latin1. */
const OTHERS: readonly (readonly [marks: readonly string[], name: string])[] = [
  [['\0\0\0\x0cjP', '\xff\x4f\xff\x51'], 'a JPEG 2000 file'],
  [['\x89HDF', 'CDF\x01', 'CDF\x02', 'CDF\x05'], 'a NetCDF or HDF file'],
  [['EHFA_HEADER_TAG'], 'an ERDAS Imagine file'],
  [['NITF', 'NSIF'], 'a NITF file'],
  [['GRIB'], 'a GRIB file'],
  [['DSAA', 'DSBB', 'DSRB'], 'a Surfer grid'],
  [['GIF8'], 'a GIF file'],
  [['BM'], 'a BMP file'],
  [['%PDF'], 'a PDF file'],
  [['SQLite format 3\0'], 'an SQLite database'],
]
const TIFF_MARKS = ['II*\0', 'MM\0*', 'II+\0', 'MM\0+']
const PICTURE_MARKS = ['\x89PNG\r\n', '\xff\xd8\xff']

const startsWithAny = (text: string, marks: readonly string[]): boolean =>
  marks.some((mark) => text.startsWith(mark))

/** Whether the first bytes are those of a PNG, JPEG, WebP or AVIF. */
const isPicture = (mark: string): boolean =>
  startsWithAny(mark, PICTURE_MARKS) ||
  (mark.startsWith('RIFF') && mark.startsWith('WEBP', 8)) ||
  /^ftypavi[fs]/.test(mark.slice(4)) ||
  (/^ftyp(mif1|msf1)/.test(mark.slice(4)) && mark.slice(8, 64).includes('avif'))

/** Keywords of an ASCII grid's header. The file begins with one of them. */
export const ASCII_GRID_KEYS = new Set(
  'ncols nrows xllcorner yllcorner xllcenter yllcenter cellsize dx dy nodata_value nodata'.split(' '),
)

const isAsciiGrid = (beginning: Uint8Array): boolean =>
  ASCII_GRID_KEYS.has(
    /^\s*([a-z_]+)\s/i.exec(Buffer.from(beginning).toString('latin1'))?.[1]?.toLowerCase() ?? '',
  )

const isHgtName = (path: string): boolean => /\.hgt$/i.test(path)

/** Whether the first bytes, as latin1, look like a VRT. */
const isVrt = (beginning: string): boolean =>
  /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*)*<VRTDataset[\s>]/.test(beginning)

/**
 * Detects the format of a file.
 * @throws NOT_FOUND, SOURCE_UNREADABLE
 * @throws SOURCE_UNSUPPORTED when the file is of none of these kinds
 */
export async function kindOf(path: string): Promise<FileKind> {
  const source = await openFileSource(path)
  let beginning: Uint8Array
  try {
    beginning = await source.read(0, Math.min(1024, source.sizeBytes))
  } finally {
    await source.close()
  }
  const mark = Buffer.from(beginning).toString('latin1')
  if (startsWithAny(mark, TIFF_MARKS)) return 'tiff'
  if (isPicture(mark)) return 'picture'
  if (isVrt(mark)) return 'vrt'
  if (isAsciiGrid(beginning)) return 'ascii'
  if (isHgtName(path)) return 'hgt'
  // the TIFF reader can best explain what is wrong with it
  if (/\.tiff?$/i.test(path)) return 'tiff'
  throw unknown(path, mark)
}

function unknown(path: string, mark: string): FlagstoneError {
  if (startsWithAny(mark, ['PK\x03\x04', '\x1f\x8b'])) {
    return new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${path} is compressed (${mark.startsWith('PK') ? 'zip' : 'gzip'}); unpack it first and pass the files in it`,
      { path },
    )
  }
  const name = OTHERS.find(([marks]) => startsWithAny(mark, marks))?.[1]
  const kinds = 'GeoTIFF, PNG, JPEG, WebP, AVIF, VRT, ASCII grid, .hgt'
  return new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} is ${name === undefined ? '' : `${name}, which is `}not a supported raster (supported: ${kinds}); convert it with gdal_translate -of COG`,
    { path },
  )
}
