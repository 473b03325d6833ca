// Checks that a named datum and the ellipsoid given with it belong together.

import { crsFromEpsg } from './epsg.js'
import { readProj } from './proj-text.js'

/** Whether the CRS `code` has this ellipsoid: axis `a` in metres, and inverse flattening. A name alone can be wrong. */
export function standsOn(code: number, a: number, inverse: number): boolean {
  const known = crsFromEpsg(code)
  if (known === undefined) return false
  const definition = readProj(code === 4326 ? '+proj=longlat +datum=WGS84' : known.definition).definition
  const size = /\+a=(\S+) \+rf=(\S+)/.exec(definition)
  const [knownA, knownRf] = size === null ? [6378137, 298.257223563] : [Number(size[1]), Number(size[2])]
  return Math.abs(a - knownA) < 1 && Math.abs(inverse - knownRf) < 0.01
}
