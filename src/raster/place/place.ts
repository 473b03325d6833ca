// Where on earth an image lies that cannot say so itself: from the files beside it. World files go before PAM for
// the geotransform and PAM before .prj for the CRS, as GDAL's PNG driver has it; --s-srs goes before all.
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

/** For images that something else places. */
export const NOWHERE: Geotransform = [0, 1, 0, 0, 0, -1]

/** `anywhere`: see OpenOptions. @throws CRS_MISSING, CRS_UNSUPPORTED, SOURCE_CORRUPT */
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

/** Beyond what any unit of any map needs: there is no sum of squares that is not finite. */
const FARTHEST = 1e15
/** Of the largest number, what one pixel has to add to it at least: a double has 52 bits. */
const FINEST = 2 ** -50

/** @throws SOURCE_CORRUPT when the pixels of a geotransform have no area, or none that a number can say */
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
