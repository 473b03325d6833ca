// Which pixels of a rectangle lie inside a cutline: those whose centre does, by the even-odd rule for each polygon, as
// with gdalwarp's cutlines without ALL_TOUCHED. With a blend width, opacity rises from the common outline inwards: it
// is the distance from the outside divided by the width.
//
// Rectangles may be pixels of a lower zoom than the plan's, each `scale` pixels of the plan wide. The blend width is
// then as many pixels fewer: the same distance on the ground.
import Flatbush from 'flatbush'
import type { PixelRect } from '../../grid/tiles/rect.js'
import { Distances } from './distance.js'
import type { CutlinePlan } from './plan.js'

interface CutlinePiece {
  /** Contains all pixels that are not 0. */
  readonly rect: PixelRect
  /** Mask of the requested rectangle, row by row: 0 outside … 255 inside. Overwritten by the next call for any cutline. */
  readonly mask: Uint8Array
  readonly stride: number
  readonly full: boolean
}

// One for all cutlines of a thread: thousands of sources may each have one.
let memory = new Uint8Array(0)

// Each has an index over its edges.
const masks = new WeakMap<CutlinePlan, CutlineMask>()

export function maskOf(cutline: CutlinePlan): CutlineMask {
  let found = masks.get(cutline)
  if (found === undefined) {
    found = new CutlineMask(cutline)
    masks.set(cutline, found)
  }
  return found
}

class CutlineMask {
  readonly #plan: CutlinePlan
  readonly #index: Flatbush
  readonly #ringOf: Int32Array
  readonly #polygonOf: Int32Array
  /** West and east of each polygon, pixels. */
  readonly #extents: Float64Array
  readonly #distances = new Distances()
  #wide = new Uint8Array(0)
  /** Crossings of each row with the current polygon. */
  readonly #rows: number[][] = []

  constructor(plan: CutlinePlan) {
    const { rings, polygons, points } = plan
    this.#plan = plan
    this.#index = Flatbush.from(plan.index)
    this.#ringOf = new Int32Array(points.length / 2)
    for (let r = 0; r + 1 < rings.length; r++) this.#ringOf.fill(r, rings[r]!, rings[r + 1]!)
    this.#polygonOf = new Int32Array(rings.length)
    this.#extents = new Float64Array(2 * (polygons.length - 1))
    for (let p = 0; p + 1 < polygons.length; p++) {
      this.#polygonOf.fill(p, polygons[p]!, polygons[p + 1]!)
      let west = Number.POSITIVE_INFINITY
      let east = Number.NEGATIVE_INFINITY
      for (let i = rings[polygons[p]!]!; i < rings[polygons[p + 1]!]!; i++) {
        west = Math.min(west, points[2 * i]!)
        east = Math.max(east, points[2 * i]!)
      }
      this.#extents[2 * p] = west
      this.#extents[2 * p + 1] = east
    }
  }

  /** The mask of a rectangle; undefined when none of its pixels is inside. */
  of(rect: PixelRect, scale = 1): CutlinePiece | undefined {
    const pixels = (rect.endX - rect.minX) * (rect.endY - rect.minY)
    if (memory.length < pixels) memory = new Uint8Array(pixels)
    const mask = memory.subarray(0, pixels)
    const blendPx = this.#plan.blendPx / scale
    if (blendPx > 0) this.#ramp(rect, mask, blendPx, scale)
    else this.#fill(rect, mask, scale)
    return pieceOf(rect, mask)
  }

  /** Computes opacity from distance in a rectangle enlarged by the blend width (but not beyond the world). */
  #ramp(rect: PixelRect, mask: Uint8Array, blendPx: number, scale: number): void {
    const reach = Math.ceil(blendPx) + 1
    const wide = {
      minX: rect.minX - reach,
      minY: Math.max(0, rect.minY - reach),
      endX: rect.endX + reach,
      endY: Math.min(this.#plan.worldPixels / scale, rect.endY + reach),
    }
    const wideWidth = wide.endX - wide.minX
    const wideHeight = wide.endY - wide.minY
    if (this.#wide.length < wideWidth * wideHeight) this.#wide = new Uint8Array(wideWidth * wideHeight)
    const inside = this.#wide.subarray(0, wideWidth * wideHeight)
    this.#fill(wide, inside, scale)
    const distances = this.#distances.of(inside, wideWidth, wideHeight, blendPx + 0.5)
    const width = rect.endX - rect.minX
    const slope = 255 / blendPx
    for (let y = 0, at = 0; y < rect.endY - rect.minY; y++) {
      let from = (rect.minY - wide.minY + y) * wideWidth + reach
      for (let x = 0; x < width; x++, at++, from++) {
        const opacity = (distances[from]! - 0.5) * slope + 0.5
        // a pixel inside never becomes fully transparent
        mask[at] = inside[from] === 0 ? 0 : opacity < 1 ? 1 : opacity > 255 ? 255 : opacity
      }
    }
  }

  #fill(rect: PixelRect, mask: Uint8Array, scale: number): void {
    const { minY, endY } = rect
    mask.fill(0)
    // everything to the left determines what is inside, so whole rows are searched rather than the rectangle
    const [top, bottom] = [minY * scale, endY * scale]
    const edges = this.#index.search(Number.NEGATIVE_INFINITY, top, Number.POSITIVE_INFINITY, bottom)
    edges.sort((a, b) => a - b)
    let current = -1
    for (const edge of edges) {
      const polygon = this.#polygonOf[this.#ringOf[edge]!]!
      if (polygon !== current) {
        if (current >= 0) this.#fillPolygon(current, rect, mask, scale)
        current = polygon
      }
      this.#cross(edge, minY, endY, scale)
    }
    if (current >= 0) this.#fillPolygon(current, rect, mask, scale)
  }

  /** Records where an edge crosses the middles of rows. */
  #cross(edge: number, minY: number, endY: number, scale: number): void {
    const { points } = this.#plan
    const next = this.#nextOf(edge)
    const x0 = points[2 * edge]! / scale
    const y0 = points[2 * edge + 1]! / scale
    const x1 = points[2 * next]! / scale
    const y1 = points[2 * next + 1]! / scale
    if (y0 === y1) return
    // rows whose middle is above one end and not above the other
    const first = Math.max(minY, Math.ceil(Math.min(y0, y1) - 0.5))
    const end = Math.min(endY, Math.ceil(Math.max(y0, y1) - 0.5))
    const slope = (x1 - x0) / (y1 - y0)
    for (let y = first; y < end; y++) {
      let row = this.#rows[y - minY]
      if (row === undefined) {
        row = []
        this.#rows[y - minY] = row
      }
      row.push(x0 + (y + 0.5 - y0) * slope)
    }
  }

  #nextOf(edge: number): number {
    const { rings } = this.#plan
    const ring = this.#ringOf[edge]!
    return edge + 1 === rings[ring + 1]! ? rings[ring]! : edge + 1
  }

  #fillPolygon(polygon: number, rect: PixelRect, mask: Uint8Array, scale: number): void {
    const worldPixels = this.#plan.worldPixels / scale
    const width = rect.endX - rect.minX
    const west = this.#extents[2 * polygon]! / scale
    const east = this.#extents[2 * polygon + 1]! / scale
    const firstTurn = Math.ceil((rect.minX - east) / worldPixels)
    const lastTurn = Math.floor((rect.endX - west) / worldPixels)
    const rows = this.#rows
    for (let y = 0; y < rows.length; y++) {
      const row = rows[y]
      if (row === undefined || row.length === 0) continue
      if (firstTurn <= lastTurn) {
        row.sort((a, b) => a - b)
        for (let turn = firstTurn; turn <= lastTurn; turn++) {
          const shift = turn * worldPixels - rect.minX - 0.5
          for (let i = 0; i + 1 < row.length; i += 2) {
            const from = Math.max(0, Math.ceil(row[i]! + shift))
            const to = Math.min(width, Math.ceil(row[i + 1]! + shift))
            if (from < to) mask.fill(255, y * width + from, y * width + to)
          }
        }
      }
      row.length = 0
    }
  }
}

function pieceOf(rect: PixelRect, mask: Uint8Array): CutlinePiece | undefined {
  const width = rect.endX - rect.minX
  const height = rect.endY - rect.minY
  let minX = width
  let endX = 0
  let minY = -1
  let endY = 0
  let full = true
  for (let y = 0; y < height; y++) {
    const row = mask.subarray(y * width, (y + 1) * width)
    const first = row.findIndex((value) => value !== 0)
    if (first < 0) {
      full = false
      continue
    }
    if (minY < 0) minY = y
    endY = y + 1
    minX = Math.min(minX, first)
    let last = width - 1
    while (row[last] === 0) last--
    endX = Math.max(endX, last + 1)
    if (full) full = row.indexOf(0) < 0 && row.every((value) => value === 255)
  }
  if (minY < 0) return undefined
  const inner = {
    minX: rect.minX + minX,
    minY: rect.minY + minY,
    endX: rect.minX + endX,
    endY: rect.minY + endY,
  }
  return { rect: inner, mask, stride: width, full }
}
