// Where on earth a TIFF lies: the geotransform from its tags or a world file, and the CRS from its keys.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import { crsFromGeoKeys } from '../../grid/crs/geokeys/crs.js'
import { GeoKey, type GeoKeys, PIXEL_IS_POINT, readGeoKeys } from '../../grid/crs/geokeys/geokeys.js'
import type { ControlPoint } from '../../grid/place/placement.js'
import { isRemote } from '../remote-path.js'
import type { Geotransform } from '../source.js'
import type { Ifd } from '../tiff/file/structure.js'
import { Tag } from '../tiff/file/tags.js'
import { placeByPoints } from './control-points.js'
import { type Pam, readPam } from './pam.js'
import { type Place, requireArea, requireCrs } from './place.js'
import { readPrj, readWorldFile } from './sidecar.js'

/** Valid files have fewer key values than this. */
const MAX_KEY_VALUES = 65536

export async function readKeys(ifd: Ifd): Promise<GeoKeys> {
  const directory = await ifd.numbers(Tag.GeoKeyDirectory, MAX_KEY_VALUES)
  if (directory === undefined) return new Map()
  const doubles = await ifd.numbers(Tag.GeoDoubleParams, MAX_KEY_VALUES)
  return readGeoKeys(directory, doubles, await ifd.text(Tag.GeoAsciiParams))
}

/** Reads the .aux.xml beside the file. As in GDAL, a damaged one is ignored. @throws CRS_UNSUPPORTED */
export async function pamBeside(path: string, ignoreCrs: boolean): Promise<Pam | undefined> {
  if (isRemote(path)) return undefined
  try {
    return await readPam(path, ignoreCrs)
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'SOURCE_CORRUPT') return undefined
    throw error
  }
}

/** The CRS of the file or, if it has none, that of a .prj beside it. @throws CRS_MISSING, CRS_UNSUPPORTED */
export async function crsOfTiff(path: string, keys: GeoKeys): Promise<Crs> {
  const found = crsFromGeoKeys(keys)
  if (found === undefined) return (isRemote(path) ? undefined : await readPrj(path)) ?? requireCrs(path)
  if ('crs' in found) return found.crs
  throw new FlagstoneError(
    'CRS_UNSUPPORTED',
    `${path}: ${found.problem}; pass a definition with --s-srs, or reproject the file with gdalwarp -t_srs EPSG:3857`,
    { path },
  )
}

/**
 * The position of an image, from the first of these, in GDAL's order: .aux.xml, the file's scale and corner or matrix,
 * a world file, the file's control points.
 * @throws CRS_MISSING when the file has neither position nor CRS
 * @throws SOURCE_UNSUPPORTED when it has a CRS only
 * @throws SOURCE_CORRUPT when its pixels have no area
 */
export async function requirePlace(
  path: string,
  ifd: Ifd,
  keys: GeoKeys,
  pam: Pam | undefined,
): Promise<Pick<Place, 'geotransform' | 'polynomials'>> {
  const { geotransform, polynomials } = pam ?? {}
  if (geotransform !== undefined && polynomials !== undefined) return { geotransform, polynomials }
  const own = geotransform ?? (await fromTags(ifd, keys)) ?? (await worldFile(path))
  if (own !== undefined) return { geotransform: requireArea(path, own) }
  const points = await controlPoints(ifd, keys)
  if (points.length > 1) return placeByPoints(path, points)
  const cure = 'set its corners with gdal_translate -a_ullr, or put a world file beside it'
  if (crsFromGeoKeys(keys) === undefined) {
    throw new FlagstoneError(
      'CRS_MISSING',
      `${path} is not georeferenced; ${cure}, and pass its coordinate system with --s-srs EPSG:…`,
      { path },
    )
  }
  throw new FlagstoneError('SOURCE_UNSUPPORTED', `${path} has a CRS but no geotransform; ${cure}`, { path })
}

const worldFile = async (path: string): Promise<Geotransform | undefined> =>
  isRemote(path) ? undefined : readWorldFile(path)

/** Valid files have fewer points than this. */
const MAX_POINTS = 65536

async function controlPoints(ifd: Ifd, keys: GeoKeys): Promise<ControlPoint[]> {
  const values = (await ifd.numbers(Tag.ModelTiepoint, 6 * MAX_POINTS)) ?? new Float64Array(0)
  const half = keys.get(GeoKey.RasterType) === PIXEL_IS_POINT ? 0.5 : 0
  const points: ControlPoint[] = []
  for (let i = 0; i + 6 <= values.length; i += 6) {
    const [column, row, , x, y] = values.subarray(i, i + 6) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ]
    points.push({ column: column + half, row: row + half, x, y })
  }
  return points
}

async function fromTags(ifd: Ifd, keys: GeoKeys): Promise<Geotransform | undefined> {
  const scale = await ifd.numbers(Tag.ModelPixelScale, 3)
  const tie = await ifd.numbers(Tag.ModelTiepoint, 6)
  const matrix = await ifd.numbers(Tag.ModelTransformation, 16)
  let g: Geotransform | undefined
  if (scale !== undefined && scale.length >= 2 && tie?.length === 6 && scale[0] !== 0 && scale[1] !== 0) {
    const [column, row, , x, y] = tie as unknown as readonly number[]
    const width = scale[0]!
    // as in GDAL, a negative scale is a writer's mistake for north-up
    const height = -Math.abs(scale[1]!)
    g = [x! - column! * width, width, 0, y! - row! * height, 0, height]
  } else if (matrix !== undefined && matrix.length >= 8) {
    const [a, b, , c, d, e, , f] = matrix as unknown as readonly number[]
    g = [c!, a!, b!, f!, d!, e!]
  }
  // a matrix of zeros counts as none
  if (g?.every((value) => value === 0)) g = undefined
  if (g === undefined || keys.get(GeoKey.RasterType) !== PIXEL_IS_POINT) return g
  // these are coordinates of pixel centres; ours are those of corners
  return [g[0] - (g[1] + g[2]) / 2, g[1], g[2], g[3] - (g[4] + g[5]) / 2, g[4], g[5]]
}
