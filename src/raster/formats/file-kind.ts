// Which kind of raster a file is: by its first bytes, and by its name where a format has no mark (.hgt).
import { FlagstoneError } from '../../errors.js'
import { openFileSource } from '../tiff/file/byte-source.js'

export type FileKind = 'tiff' | 'picture' | 'vrt' | 'ascii' | 'hgt'

/** Formats that GDAL reads and we do not, by their first bytes as latin1. */
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

/** PNG, JPEG, WebP, AVIF. */
const isPicture = (mark: string): boolean =>
  startsWithAny(mark, PICTURE_MARKS) ||
  (mark.startsWith('RIFF') && mark.startsWith('WEBP', 8)) ||
  /^ftypavi[fs]/.test(mark.slice(4)) ||
  (/^ftyp(mif1|msf1)/.test(mark.slice(4)) && mark.slice(8, 64).includes('avif'))

/** Words of an ASCII grid's header, one of which it begins with. */
export const ASCII_GRID_KEYS = new Set(
  'ncols nrows xllcorner yllcorner xllcenter yllcenter cellsize dx dy nodata_value nodata'.split(' '),
)

/** Does a file that begins so look like an ASCII grid? */
const isAsciiGrid = (beginning: Uint8Array): boolean =>
  ASCII_GRID_KEYS.has(
    /^\s*([a-z_]+)\s/i.exec(Buffer.from(beginning).toString('latin1'))?.[1]?.toLowerCase() ?? '',
  )

/** Is this the name of an .hgt file, whatever it holds? */
const isHgtName = (path: string): boolean => /\.hgt$/i.test(path)

/** Does a file that begins so (as latin1) look like a VRT? */
const isVrt = (beginning: string): boolean =>
  /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*)*<VRTDataset[\s>]/.test(beginning)

/**
 * @throws NOT_FOUND, SOURCE_UNREADABLE
 * @throws SOURCE_UNSUPPORTED when it is none of them
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
  // Whatever is wrong with it, the TIFF reader says it best.
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
