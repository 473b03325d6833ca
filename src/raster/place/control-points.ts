// Images placed by ground control points.
import { FlagstoneError } from '../../errors.js'
import { type ControlPoint, fitControlPoints, type Polynomials } from '../../grid/place/placement.js'
import type { Geotransform } from '../source.js'

/**
 * Fits polynomials to the points, and finds the nearest geotransform.
 * @throws SOURCE_UNSUPPORTED when the points do not span an area
 */
export function placeByPoints(
  path: string,
  points: readonly ControlPoint[],
): { readonly geotransform: Geotransform; readonly polynomials: Polynomials } {
  const sound = points.every((p) => [p.column, p.row, p.x, p.y].every(Number.isFinite))
  const found = sound ? fitControlPoints(points) : undefined
  if (found !== undefined) return found
  throw new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} has ${points.length} ground control points that span no area; at least three that are not on one line are needed, or a geotransform (gdal_translate -a_ullr)`,
    { path },
  )
}
