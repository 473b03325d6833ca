// Where on earth a TIFF lies: the geotransform from its tags or a world file, and the CRS from its keys.
import { readFile } from 'node:fs/promises'
import { FlagstoneError } from '../errors.js'
import type { Crs } from '../grid/crs.js'
import { crsFromGeoKeys, GeoKey, type GeoKeys, PIXEL_IS_POINT, readGeoKeys } from './geokeys.js'
import type { Geotransform } from './source.js'
import type { Ifd } from './tiff/structure.js'
import { Tag } from './tiff/tags.js'
import { parseWorldFile, worldFileNames } from './world-file.js'

/** Keys beyond this are not there in honest files. */
const MAX_KEY_VALUES = 65536

export async function readKeys(ifd: Ifd): Promise<GeoKeys> {
  const directory = await ifd.numbers(Tag.GeoKeyDirectory, MAX_KEY_VALUES)
  if (directory === undefined) return new Map()
  const doubles = await ifd.numbers(Tag.GeoDoubleParams, MAX_KEY_VALUES)
  return readGeoKeys(directory, doubles, await ifd.text(Tag.GeoAsciiParams))
}

/** The CRS of the file. Throws CRS_MISSING, CRS_UNSUPPORTED. */
export function requireCrs(path: string, keys: GeoKeys): Crs {
  const found = crsFromGeoKeys(keys)
  if (found === undefined) {
    throw new FlagstoneError(
      'CRS_MISSING',
      `${path} does not say in which coordinate system it lies; pass it, for example --s-srs EPSG:32633`,
      { path },
    )
  }
  if ('crs' in found) return found.crs
  throw new FlagstoneError(
    'CRS_UNSUPPORTED',
    `${path}: ${found.problem}; pass a definition with --s-srs, or reproject the file with gdalwarp -t_srs EPSG:3857`,
    { path },
  )
}

/** Throws CRS_MISSING when nothing at all says where the image lies, SOURCE_UNSUPPORTED when only a CRS does. */
export async function requireGeotransform(path: string, ifd: Ifd, keys: GeoKeys): Promise<Geotransform> {
  const transform = (await fromTags(ifd, keys)) ?? (await fromWorldFile(path))
  if (transform?.every(Number.isFinite) && transform[1] * transform[5] !== transform[2] * transform[4]) {
    return transform
  }
  const points = Math.floor(ifd.count(Tag.ModelTiepoint) / 6)
  if (points > 1) {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${path} is placed by ${points} ground control points, which are not supported yet; rectify it with gdalwarp`,
      { path },
    )
  }
  const cure = 'give it corners with gdal_translate -a_ullr, or put a world file beside it'
  if (crsFromGeoKeys(keys) === undefined) {
    throw new FlagstoneError(
      'CRS_MISSING',
      `${path} says nothing about where on earth it lies; ${cure}, and pass its coordinate system with --s-srs EPSG:…`,
      { path },
    )
  }
  throw new FlagstoneError('SOURCE_UNSUPPORTED', `${path} has a CRS but no geotransform; ${cure}`, { path })
}

async function fromTags(ifd: Ifd, keys: GeoKeys): Promise<Geotransform | undefined> {
  const scale = await ifd.numbers(Tag.ModelPixelScale, 3)
  const tie = await ifd.numbers(Tag.ModelTiepoint, 6)
  const matrix = await ifd.numbers(Tag.ModelTransformation, 16)
  let g: Geotransform | undefined
  if (scale !== undefined && scale.length >= 2 && tie?.length === 6 && scale[0] !== 0 && scale[1] !== 0) {
    const [column, row, , x, y] = tie as unknown as readonly number[]
    const width = scale[0]!
    // A negative scale is a mistake of writers who mean north-up, as GDAL takes it.
    const height = -Math.abs(scale[1]!)
    g = [x! - column! * width, width, 0, y! - row! * height, 0, height]
  } else if (matrix !== undefined && matrix.length >= 8) {
    const [a, b, , c, d, e, , f] = matrix as unknown as readonly number[]
    g = [c!, a!, b!, f!, d!, e!]
  }
  if (g === undefined || keys.get(GeoKey.RasterType) !== PIXEL_IS_POINT) return g
  // Coordinates are those of pixel centres; ours are those of corners.
  return [g[0] - (g[1] + g[2]) / 2, g[1], g[2], g[3] - (g[4] + g[5]) / 2, g[4], g[5]]
}

async function fromWorldFile(path: string): Promise<Geotransform | undefined> {
  for (const name of worldFileNames(path)) {
    const text = await readFile(name, 'latin1').catch(() => undefined)
    const found = text === undefined ? undefined : parseWorldFile(text)
    if (found !== undefined) return found
  }
  return undefined
}
