// The range of a file's heights, found by requesting points all over it, and the colour ramp that shows it.

import { byId } from './dom.js'
import type { Facts } from './facts.js'
import { latOfMercator, mercatorOfLat } from './mercator.js'
import { heightsAt } from './point-answer.js'
import { type HeightRange, RAMP } from './relief.js'

/** Points per side of the grid. */
const GRID = 24

/** Undefined when no point has a height. A few outliers at both ends are left out. */
export async function heightRangeOf({ id, bounds }: Facts): Promise<HeightRange | undefined> {
  if (bounds === undefined) return undefined
  const [west, south, east, north] = bounds
  const [top, bottom] = [mercatorOfLat(north), mercatorOfLat(south)]
  const points: [number, number][] = []
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      const lon = west + ((column + 0.5) / GRID) * (east - west)
      points.push([lon, latOfMercator(top + ((row + 0.5) / GRID) * (bottom - top))])
    }
  }
  let heights: number[]
  try {
    heights = (await heightsAt(id, points)).sort((a, b) => a - b)
  } catch {
    // the ramp of the whole world's heights is shown instead
    return undefined
  }
  const low = heights[Math.floor(heights.length * 0.01)]
  const high = heights[Math.ceil(heights.length * 0.99) - 1]
  if (low === undefined || high === undefined) return undefined
  return high - low < 1 ? [low - 0.5, high + 0.5] : [low, high]
}

export function showRamp(range: HeightRange | undefined): void {
  const legend = byId('legend-heights')
  legend.hidden = range === undefined
  if (range === undefined) return
  byId('ramp-low').textContent = `${Math.round(range[0])} m`
  byId('ramp-high').textContent = `${Math.round(range[1])} m`
  legend.querySelector<HTMLElement>('.ramp-bar')!.style.background =
    `linear-gradient(90deg, ${RAMP.join(', ')})`
}
