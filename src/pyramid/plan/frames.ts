// Rasters of cells over the sources, coarse enough for thousands of them.
//
// A cell is a square of 2 or more pixels of the source's zoom, a power of two. It has what the pixel in its middle has.
// So an outline drawn between cells is at most half a cell away from that of the pixels.
import { intersectRects, type PixelRect } from '../../grid/tiles/rect.js'
import type { CutlinePlan } from '../cutline/plan.js'
import { areaOf, clipOf, cutArea, rectsOf } from './cover.js'
import type { BuildPlan, Frame } from './plan.js'

/** Most cells of a source: 1,024². */
const MAX_CELLS = 2 ** 20
/** Most cells of all sources together; two bits each are kept. */
const MAX_ALL_CELLS = 2 ** 27
const MIN_CELLS = 64

type Planned = Pick<BuildPlan, 'sources' | 'depths' | 'tileSize' | 'bbox' | 'cutline' | 'cutlines'>

/** What a source is cut by. */
export const cutlinesOf = (
  { cutline, cutlines }: Pick<BuildPlan, 'cutline' | 'cutlines'>,
  source: number,
): CutlinePlan[] => [cutline, cutlines?.[source]].filter((one) => one !== undefined)

/** The frames of the sources whose valid pixels are not known before they are read. @throws CRS_UNSUPPORTED */
export function framesOf(plan: Planned): Frame[] {
  const masked = plan.sources.flatMap(({ maskKind }, i) => (maskKind === 'none' ? [] : [i]))
  const most = Math.max(MIN_CELLS, Math.min(MAX_CELLS, Math.floor(MAX_ALL_CELLS / masked.length)))
  return masked.flatMap((source) => framesOfSource(plan, source, most))
}

/** Over all that is shown of a source; none when nothing is. @throws CRS_UNSUPPORTED */
export function framesOfSource(plan: Planned, source: number, most = MAX_CELLS): Frame[] {
  const { zoom, isOutside } = plan.depths[source]!
  const rects = isOutside ? [] : shownRects(plan, source, zoom)
  return rects.map((rect) => {
    let cell = 2
    while (cellsOf(rect, cell) * rects.length > most) cell *= 2
    const x = Math.floor(rect.minX / cell)
    const y = Math.floor(rect.minY / cell)
    const [width, height] = [Math.ceil(rect.endX / cell) - x, Math.ceil(rect.endY / cell) - y]
    return { source, zoom, cell, x, y, width, height }
  })
}

const cellsOf = ({ minX, minY, endX, endY }: PixelRect, cell: number): number =>
  (Math.ceil(endX / cell) - Math.floor(minX / cell)) * (Math.ceil(endY / cell) - Math.floor(minY / cell))

function shownRects(plan: Planned, source: number, zoom: number): PixelRect[] {
  const area = areaOf(plan.sources[source]!)
  let areas = area === undefined ? [] : [area]
  for (const { sides } of cutlinesOf(plan, source)) areas = areas.flatMap((one) => cutArea(one, sides))
  const rects = areas.flatMap((one) => rectsOf(one, zoom, plan.tileSize))
  const clip = plan.bbox && clipOf(plan.bbox, zoom, plan.tileSize)
  if (clip === undefined) return rects
  return rects.flatMap((rect) =>
    clip.map((one) => intersectRects(rect, one)).filter((one) => one !== undefined),
  )
}
