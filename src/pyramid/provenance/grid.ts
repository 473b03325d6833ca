// The cells of a frame as a raster: inside where the source is shown.
import { lonLatConverterOf } from '../../grid/crs/transform.js'
import { crsOfImage } from '../../grid/place/located.js'
import { mapperOf, placementOf } from '../../grid/place/placement.js'
import {
  latToMetres,
  lonToMetres,
  metresToLat,
  metresToLon,
  metresToPixelX,
  metresToPixelY,
  pixelToMetresX,
  pixelToMetresY,
} from '../../grid/tiles/mercator.js'
import type { SourceInfo } from '../../raster/source.js'
import { maskOf } from '../cutline/mask.js'
import { cutlinesOf } from '../plan/frames.js'
import type { BuildPlan, Frame } from '../plan/plan.js'
import { type CellBits, isSet } from './cells.js'
import type { DegreeRing } from './simplify.js'
import type { Cells } from './trace.js'

/** Position of a cell's corner in degrees, and back. Cells are counted from the first of the frame. */
export interface CellPlace {
  lon(x: number): number
  lat(y: number): number
  x(lon: number): number
  y(lat: number): number
}

export function placeOf({ zoom, cell, x: left, y: top }: Frame, tileSize: number): CellPlace {
  return {
    lon: (x) => metresToLon(pixelToMetresX((left + x) * cell, zoom, tileSize)),
    lat: (y) => metresToLat(pixelToMetresY((top + y) * cell, zoom, tileSize)),
    x: (lon) => metresToPixelX(lonToMetres(lon), zoom, tileSize) / cell - left,
    y: (lat) => metresToPixelY(latToMetres(lat), zoom, tileSize) / cell - top,
  }
}

/**
 * The cells that lie in the image and within the cutlines. `outline`: rings around the image within the world; undefined
 * when they are not known, and every cell is looked for in the image.
 */
export function cellsOfImage(
  plan: Pick<BuildPlan, 'sources' | 'tileSize' | 'maxZoom' | 'cutline' | 'cutlines'>,
  frame: Frame,
  outline: readonly DegreeRing[] | undefined,
): Cells {
  const { width, height } = frame
  const cells = { width, height, inside: new Uint8Array(width * height) }
  const place = placeOf(frame, plan.tileSize)
  if (outline === undefined) lookUp(cells, place, plan.sources[frame.source]!)
  else
    for (const ring of outline)
      fill(
        cells,
        ring.map((value, i) => (i % 2 === 0 ? place.x(value) : place.y(value))),
      )
  const scale = frame.cell * 2 ** (plan.maxZoom - frame.zoom)
  const rect = { minX: frame.x, minY: frame.y, endX: frame.x + width, endY: frame.y + height }
  for (const cutline of cutlinesOf(plan, frame.source)) {
    const mask = maskOf(cutline).of(rect, scale)?.mask
    for (let i = 0; i < cells.inside.length; i++) if (!mask?.[i]) cells.inside[i] = 0
  }
  return cells
}

/** Sets the cells whose middle lies inside a ring, by the even-odd rule. */
function fill({ width, height, inside }: Cells, ring: DegreeRing): void {
  const rows: number[][] = Array.from({ length: height }, () => [])
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [x0, y0, x1, y1] = [ring[j]!, ring[j + 1]!, ring[i]!, ring[i + 1]!]
    const end = Math.min(height, Math.ceil(Math.max(y0, y1) - 0.5))
    for (let y = Math.max(0, Math.ceil(Math.min(y0, y1) - 0.5)); y < end; y++) {
      rows[y]!.push(x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0))
    }
  }
  for (const [y, row] of rows.entries()) {
    row.sort((a, b) => a - b)
    for (let i = 0; i + 1 < row.length; i += 2) {
      const from = Math.max(0, Math.ceil(row[i]! - 0.5))
      const to = Math.min(width, Math.ceil(row[i + 1]! - 0.5))
      if (from < to) inside.fill(1, y * width + from, y * width + to)
    }
  }
}

/** Sets the cells whose middle is in the image. */
function lookUp({ width, height, inside }: Cells, place: CellPlace, info: SourceInfo): void {
  const { fromLonLat } = lonLatConverterOf(crsOfImage(info))
  const mapper = mapperOf(placementOf(info))
  const p = new Float64Array(2)
  for (let y = 0; y < height; y++) {
    const lat = place.lat(y + 0.5)
    for (let x = 0; x < width; x++) {
      fromLonLat(place.lon(x + 0.5), lat, p)
      mapper.toPixel(p[0]!, p[1]!, p)
      if (p[0]! >= 0 && p[0]! <= info.width && p[1]! >= 0 && p[1]! <= info.height) inside[y * width + x] = 1
    }
  }
}

/** Share of the cells along the outline that may be empty because kernels end a little before it. */
const MOST_EMPTY_AT_EDGE = 0.1

/** Whether a source has pixels everywhere in its image, as far as is known. */
export function isFull({ width, height, inside }: Cells, bits: CellBits | undefined): boolean {
  if (bits === undefined) return true
  let atEdge = 0
  let empty = 0
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (inside[i] === 0) continue
      const isInner =
        x > 0 &&
        y > 0 &&
        x + 1 < width &&
        y + 1 < height &&
        inside[i - 1]! + inside[i + 1]! + inside[i - width]! + inside[i + width]! === 4
      const isEmpty = isSet(bits.seen, i) && !isSet(bits.valid, i)
      if (isInner && isEmpty) return false
      if (isInner) continue
      atEdge++
      if (isEmpty) empty++
    }
  }
  return empty <= atEdge * MOST_EMPTY_AT_EDGE
}

/** The cells of an image that hold valid pixels. Those that were never painted count as valid. */
export function validCells({ width, height, inside }: Cells, bits: CellBits | undefined): Cells {
  if (bits === undefined) return { width, height, inside }
  return {
    width,
    height,
    inside: inside.map((is, i) => (isSet(bits.seen, i) ? Number(isSet(bits.valid, i)) : is)),
  }
}
