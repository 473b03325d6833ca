// Where the sources of a build leave gaps. The bounds are divided into cells, and a cell is covered when some source
// has pixels at its middle. Gaps that do not touch a side of the bounds are holes.
//
// Only the extents of the images count, not their contents: nodata inside an image is not a gap.

import { lonLatConverterOf } from '../../grid/crs/transform.js'
import { mapperOf, placementOf } from '../../grid/place/placement.js'
import {
  type Bounds,
  boundsFromLonLat,
  metresToLat,
  metresToLon,
  WORLD_METRES,
} from '../../grid/tiles/mercator.js'
import type { SourceInfo } from '../../raster/source.js'
import { footprintOfSource } from '../plan/cover.js'

/** A gap between the sources that does not touch a side of the bounds. */
export interface Hole {
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
  /** Share of the area of the bounds, in web mercator: 0 … 1. */
  readonly share: number
}

/** How much of the bounds the sources cover. Only the extents of the images count, not nodata in them. */
export interface Coverage {
  /** Share of the bounds that is covered by some source, in web mercator: 0 … 1. */
  readonly share: number
  /** The largest first. */
  readonly holes: readonly Hole[]
  /** Number of cells across and down. Gaps smaller than a cell may be missed. */
  readonly cells: readonly [columns: number, rows: number]
}

const MIN_CELLS = 128
const MAX_CELLS = 512
const MAX_HOLES = 1000

/** @throws CRS_UNSUPPORTED */
export function coverageOf(
  sources: readonly SourceInfo[],
  bounds: readonly [number, number, number, number],
): Coverage {
  const [west, south, east, north] = bounds
  const box = boundsFromLonLat({ west, south, east, north })
  // four cells across each image, if the images form a square
  const most = Math.max(MIN_CELLS, Math.min(MAX_CELLS, Math.ceil(4 * Math.sqrt(sources.length))))
  const ratio = (box.east - box.west) / (box.north - box.south)
  const columns = Math.max(1, Math.round(ratio >= 1 ? most : most * ratio))
  const rows = Math.max(1, Math.round(ratio >= 1 ? most / ratio : most))
  const covered = new Uint8Array(columns * rows)
  for (const info of sources) mark(info, box, columns, rows, covered)
  const share = covered.reduce((sum, cell) => sum + cell, 0) / covered.length
  return { share, holes: holesOf(covered, columns, rows, box), cells: [columns, rows] }
}

function mark(info: SourceInfo, box: Bounds, columns: number, rows: number, covered: Uint8Array): void {
  const footprint = footprintOfSource(info)
  if (footprint === undefined) return
  const converter = lonLatConverterOf(info.crs)
  const mapper = mapperOf(placementOf(info))
  const width = (box.east - box.west) / columns
  const height = (box.north - box.south) / rows
  const out = new Float64Array(2)
  // an image may extend over the antimeridian
  for (const turn of [-WORLD_METRES, 0, WORLD_METRES]) {
    const first = Math.max(0, Math.floor((footprint.west + turn - box.west) / width))
    const last = Math.min(columns - 1, Math.floor((footprint.east + turn - box.west) / width))
    const top = Math.max(0, Math.floor((box.north - footprint.north) / height))
    const bottom = Math.min(rows - 1, Math.floor((box.north - footprint.south) / height))
    for (let j = top; j <= bottom; j++) {
      const lat = metresToLat(box.north - (j + 0.5) * height)
      for (let i = first; i <= last; i++) {
        if (covered[j * columns + i] !== 0) continue
        converter.fromLonLat(metresToLon(box.west + (i + 0.5) * width - turn), lat, out)
        mapper.toPixel(out[0]!, out[1]!, out)
        const inside = out[0]! >= 0 && out[1]! >= 0 && out[0]! <= info.width && out[1]! <= info.height
        if (inside) covered[j * columns + i] = 1
      }
    }
  }
}

/** Groups of uncovered cells, connected by their sides, that do not touch the bounds. */
function holesOf(covered: Uint8Array, columns: number, rows: number, box: Bounds): Hole[] {
  const seen = covered.slice()
  const holes: Hole[] = []
  for (let start = 0; start < seen.length; start++) {
    if (seen[start] !== 0) continue
    const { minX, minY, maxX, maxY, cells } = fill(seen, start, columns, rows)
    if (minX === 0 || minY === 0 || maxX === columns - 1 || maxY === rows - 1) continue
    const x = (column: number): number => metresToLon(box.west + ((box.east - box.west) * column) / columns)
    const y = (row: number): number => metresToLat(box.north - ((box.north - box.south) * row) / rows)
    holes.push({ bounds: [x(minX), y(maxY + 1), x(maxX + 1), y(minY)], share: cells / seen.length })
  }
  return holes.sort((a, b) => b.share - a.share).slice(0, MAX_HOLES)
}

interface Filled {
  minX: number
  minY: number
  maxX: number
  maxY: number
  cells: number
}

/** Marks all cells connected to one, and returns their extent. */
function fill(seen: Uint8Array, start: number, columns: number, rows: number): Filled {
  const found = { minX: columns, minY: rows, maxX: -1, maxY: -1, cells: 0 }
  const stack = [start]
  seen[start] = 1
  while (stack.length > 0) {
    const cell = stack.pop()!
    const x = cell % columns
    const y = (cell - x) / columns
    found.cells++
    found.minX = Math.min(found.minX, x)
    found.minY = Math.min(found.minY, y)
    found.maxX = Math.max(found.maxX, x)
    found.maxY = Math.max(found.maxY, y)
    const near = [
      x > 0 ? cell - 1 : -1,
      x < columns - 1 ? cell + 1 : -1,
      y > 0 ? cell - columns : -1,
      y < rows - 1 ? cell + columns : -1,
    ]
    for (const next of near) {
      if (next < 0 || seen[next] !== 0) continue
      seen[next] = 1
      stack.push(next)
    }
  }
  return found
}
