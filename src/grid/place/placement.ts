// How the pixels of an image lie on its map: by a geotransform, or by polynomials through ground control points.
//
// Source of the fit: GDAL's GDALCreateGCPTransformer (alg/gdal_crs.cpp) as gdalwarp calls it. Least squares of order 1,
// or of order 2 with six or more points. Pixel → map and map → pixel are fitted separately, so they are inverses only
// as far as the points agree.

/** GDAL's six numbers, as in raster/source.ts. */
export type Affine = readonly [number, number, number, number, number, number]

export interface ControlPoint {
  readonly column: number
  readonly row: number
  readonly x: number
  readonly y: number
}

/** One direction of a fit. Inputs are centred and scaled: u = (first − origin[0]) / size, and v likewise. */
export interface Polynomial {
  readonly origin: readonly [number, number]
  readonly size: number
  /** Coefficients of 1, u, v[, u², uv, v²] for the first and the second coordinate of the result. */
  readonly first: readonly number[]
  readonly second: readonly number[]
}

/** Plain data. */
export interface Polynomials {
  readonly order: 1 | 2
  readonly toMap: Polynomial
  readonly toPixel: Polynomial
}

export type Placement = Affine | Polynomials

export const isAffine = (placement: Placement): placement is Affine => Array.isArray(placement)

/** The placement of a source: its polynomials if it has any, else its geotransform. */
export const placementOf = (source: {
  readonly geotransform: Affine
  readonly polynomials?: Polynomials
}): Placement => source.polynomials ?? source.geotransform

/** Converts both ways, into the caller's `out`. */
export interface Mapper {
  /** Whether columns and rows are a linear function of map coordinates. */
  readonly linear: boolean
  toMap(column: number, row: number, out: Float64Array): void
  toPixel(x: number, y: number, out: Float64Array): void
}

export function mapperOf(placement: Placement): Mapper {
  return isAffine(placement) ? affineMapper(placement) : new PolynomialMapper(placement)
}

function affineMapper(g: Affine): Mapper {
  const det = g[1] * g[5] - g[2] * g[4]
  const c1 = g[5] / det
  const c2 = -g[2] / det
  const c4 = -g[4] / det
  const c5 = g[1] / det
  const c0 = -g[0] * c1 - g[3] * c2
  const c3 = -g[0] * c4 - g[3] * c5
  return {
    linear: true,
    toMap(column, row, out) {
      out[0] = g[0] + column * g[1] + row * g[2]
      out[1] = g[3] + column * g[4] + row * g[5]
    },
    toPixel(x, y, out) {
      out[0] = c0 + x * c1 + y * c2
      out[1] = c3 + x * c4 + y * c5
    },
  }
}

class PolynomialMapper implements Mapper {
  readonly linear: boolean
  readonly #fit: Polynomials
  constructor(fit: Polynomials) {
    this.linear = fit.order === 1
    this.#fit = fit
  }
  toMap(column: number, row: number, out: Float64Array): void {
    evaluate(this.#fit.toMap, column, row, out)
  }
  toPixel(x: number, y: number, out: Float64Array): void {
    evaluate(this.#fit.toPixel, x, y, out)
  }
}

function evaluate(
  { origin, size, first: a, second: b }: Polynomial,
  x: number,
  y: number,
  out: Float64Array,
): void {
  const u = (x - origin[0]) / size
  const v = (y - origin[1]) / size
  let p = a[0]! + a[1]! * u + a[2]! * v
  let q = b[0]! + b[1]! * u + b[2]! * v
  if (a.length > 3) {
    p += a[3]! * u * u + a[4]! * u * v + a[5]! * v * v
    q += b[3]! * u * u + b[4]! * u * v + b[5]! * v * v
  }
  out[0] = p
  out[1] = q
}

/**
 * Polynomials through control points, and the nearest geotransform. Undefined when the points do not span an area
 * (fewer than three, or all on a line). Where order 2 has no solution (six points in two columns), GDAL gives up; here
 * order 1 is used.
 */
export function fitControlPoints(
  points: readonly ControlPoint[],
): { readonly polynomials: Polynomials; readonly geotransform: Affine } | undefined {
  const linear = fit(points, 1)
  if (linear === undefined) return undefined
  const { origin, size, first: a, second: b } = linear.toMap
  const geotransform: Affine = [
    a[0]! - (a[1]! * origin[0] + a[2]! * origin[1]) / size,
    a[1]! / size,
    a[2]! / size,
    b[0]! - (b[1]! * origin[0] + b[2]! * origin[1]) / size,
    b[1]! / size,
    b[2]! / size,
  ]
  if (geotransform[1] * geotransform[5] === geotransform[2] * geotransform[4]) return undefined
  return { polynomials: (points.length >= 6 ? fit(points, 2) : undefined) ?? linear, geotransform }
}

function fit(points: readonly ControlPoint[], order: 1 | 2): Polynomials | undefined {
  const toMap = solve(points, order, (p) => [p.column, p.row, p.x, p.y])
  const toPixel = solve(points, order, (p) => [p.x, p.y, p.column, p.row])
  return toMap && toPixel && { order, toMap, toPixel }
}

/** Fits the last two numbers of the points as a function of the first two. */
function solve(
  points: readonly ControlPoint[],
  order: 1 | 2,
  parts: (point: ControlPoint) => [number, number, number, number],
): Polynomial | undefined {
  const terms = order === 1 ? 3 : 6
  if (points.length < terms) return undefined
  const rows = points.map(parts)
  const middle = (k: 0 | 1): number => rows.reduce((sum, row) => sum + row[k] / rows.length, 0)
  const origin: [number, number] = [middle(0), middle(1)]
  const size = Math.max(...rows.map((r) => Math.max(Math.abs(r[0] - origin[0]), Math.abs(r[1] - origin[1]))))
  if (!(size > 0 && Number.isFinite(size))) return undefined
  // the results are centred too, to keep precision with northings in the millions
  const shiftFirst = rows[0]![2]
  const shiftSecond = rows[0]![3]
  const matrix = Array.from({ length: terms }, () => new Float64Array(terms + 2))
  for (const [x, y, p, q] of rows) {
    const u = (x - origin[0]) / size
    const v = (y - origin[1]) / size
    const basis = order === 1 ? [1, u, v] : [1, u, v, u * u, u * v, v * v]
    for (let i = 0; i < terms; i++) {
      const row = matrix[i]!
      for (let j = 0; j < terms; j++) row[j]! += basis[i]! * basis[j]!
      row[terms]! += basis[i]! * (p - shiftFirst)
      row[terms + 1]! += basis[i]! * (q - shiftSecond)
    }
  }
  if (!eliminate(matrix, rows.length)) return undefined
  const first = matrix.map((row) => row[terms]!)
  const second = matrix.map((row) => row[terms + 1]!)
  first[0]! += shiftFirst
  second[0]! += shiftSecond
  return [...first, ...second].every(Number.isFinite) ? { origin, size, first, second } : undefined
}

/** Gauss–Jordan elimination with pivoting; false when the points do not determine the coefficients. */
function eliminate(matrix: Float64Array[], count: number): boolean {
  const n = matrix.length
  for (let k = 0; k < n; k++) {
    let best = k
    for (let i = k + 1; i < n; i++) if (Math.abs(matrix[i]![k]!) > Math.abs(matrix[best]![k]!)) best = i
    ;[matrix[k], matrix[best]] = [matrix[best]!, matrix[k]!]
    const pivot = matrix[k]![k]!
    if (!(Math.abs(pivot) > 1e-11 * count)) return false
    for (let i = 0; i < n; i++) {
      if (i === k) continue
      const f = matrix[i]![k]! / pivot
      if (f !== 0) for (let j = k; j < n + 2; j++) matrix[i]![j]! -= f * matrix[k]![j]!
    }
  }
  for (let k = 0; k < n; k++) {
    const pivot = matrix[k]![k]!
    matrix[k]![n]! /= pivot
    matrix[k]![n + 1]! /= pivot
  }
  return true
}
