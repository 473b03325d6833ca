// Places an image on earth by the files beside it, for formats that cannot hold a position. As in GDAL's PNG driver, a
// world file takes precedence over PAM for the geotransform, and PAM over .prj for the CRS. --s-srs takes precedence
// over all.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import type { Polynomials } from '../../grid/place/placement.js'
import type { Geotransform } from '../source.js'
import type { Pam } from './pam.js'
import { readPrj, readWorldFile } from './sidecar.js'

export interface Place {
  readonly crs: Crs
  readonly geotransform: Geotransform
  readonly polynomials?: Polynomials
}

/** For images whose position comes from elsewhere, such as a VRT. */
export const NOWHERE: Geotransform = [0, 1, 0, 0, 0, -1]

/** The place of an image; `anywhere`: see OpenOptions. @throws CRS_MISSING, CRS_UNSUPPORTED, SOURCE_CORRUPT */
export async function placeBeside(
  path: string,
  pam: Pam | undefined,
  crs: Crs | undefined,
  anywhere = false,
): Promise<Place> {
  if (anywhere && crs !== undefined) return { crs, geotransform: NOWHERE }
  const world = await readWorldFile(path)
  const geotransform = world ?? pam?.geotransform
  const own = crs ?? pam?.crs ?? (await readPrj(path))
  if (geotransform === undefined) {
    throw new FlagstoneError(
      'CRS_MISSING',
      `${path} is not georeferenced; put a world file beside it (${worldFileHint(path)})` +
        (own === undefined ? ', and pass its coordinate system with --s-srs EPSG:…' : ''),
      { path },
    )
  }
  return {
    crs: own ?? requireCrs(path),
    geotransform: requireArea(path, geotransform),
    ...(world !== undefined || pam?.polynomials === undefined ? {} : { polynomials: pam.polynomials }),
  }
}

const worldFileHint = (path: string): string => {
  const extension = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  return extension.length > 1 ? `.${extension[0]}${extension.at(-1)}w or .wld` : '.wld'
}

export function requireCrs(path: string): never {
  throw new FlagstoneError(
    'CRS_MISSING',
    `${path} has no coordinate system; pass one, for example --s-srs EPSG:32633, or put a .prj file beside it`,
    { path },
  )
}

/** Larger than any coordinate of any map, and small enough that sums of squares stay finite. */
const FARTHEST = 1e15
/** The least step of one pixel, as a fraction of the largest coordinate: a double has 52 bits. */
const FINEST = 2 ** -50

/**
 * Checks a geotransform, and returns it.
 * @throws SOURCE_CORRUPT when its pixels have no area, or one too large or too small for a double
 */
export function requireArea(path: string, geotransform: Geotransform): Geotransform {
  const [, a, b, , c, d] = geotransform
  const largest = Math.max(...geotransform.map(Math.abs))
  const smallest = Math.min(Math.hypot(a, c), Math.hypot(b, d))
  if (largest < FARTHEST && smallest > largest * FINEST && a * d !== b * c) return geotransform
  throw new FlagstoneError(
    'SOURCE_CORRUPT',
    `${path}: its geotransform (${geotransform.join(', ')}) gives pixels no area; correct it`,
    { path },
  )
}
