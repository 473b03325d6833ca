// Areas in pieces: what is painted at once, and by which sources.
//
// The pieces of an area lie on a grid that is the same for all areas, so that how work is divided changes no
// pixel. A piece that no source meets, or of which the cutline leaves nothing, is none.

import { intersectRects, type PixelRect } from '../../grid/tiles/rect.js'
import { CutlineMask } from '../cutline/mask.js'
import type { BuildPlan } from '../plan/plan.js'
import type { Candidate, SourceSet } from '../sources/source-set.js'

/** Side of what is warped at once, pixels: whole tiles of every size. */
const PIECE_PIXELS = 1024
/** Over how many pixels from its edge a feathered source comes in. */
export const FEATHER_PIXELS = 64

export interface Piece {
  readonly area: PixelRect
  /** What is painted. */
  readonly rect: PixelRect
  /** From the top down. Never empty. */
  readonly candidates: readonly Candidate[]
  /** What is warped of each: the rectangle, and more where edges are looked for. */
  readonly target: PixelRect
  /** What is left of the opacity of `maskRect`; undefined: all of it. */
  readonly mask: Uint8Array | undefined
  readonly maskRect: PixelRect
}

// Indexes over its edges: the same for all areas of a build.
const cutlines = new WeakMap<object, CutlineMask>()

function cutlineOf({ cutline }: BuildPlan): CutlineMask | undefined {
  if (cutline === undefined) return undefined
  let found = cutlines.get(cutline)
  if (found === undefined) {
    found = new CutlineMask(cutline)
    cutlines.set(cutline, found)
  }
  return found
}

/** In the order of the areas, row by row. */
export function* piecesToPaint(
  plan: BuildPlan,
  sources: SourceSet,
  areas: readonly PixelRect[],
): Generator<Piece, undefined> {
  const cutline = cutlineOf(plan)
  for (const area of areas) {
    for (const whole of piecesOf(area).flatMap((piece) => clipped(piece, plan))) {
      const cut = cutline?.of(whole)
      if (cutline !== undefined && cut === undefined) continue
      const rect = cut?.rect ?? whole
      const candidates = sources.search(rect)
      if (candidates.length === 0) continue
      if (plan.blend !== 'first') candidates.reverse()
      const mask = cut === undefined || cut.full ? undefined : cut.mask.slice()
      const target = plan.blend === 'feather' && candidates.length > 1 ? grown(rect, plan) : rect
      yield { area, rect, candidates, target, mask, maskRect: whole }
    }
  }
}

/** An area cut along a grid that is the same for all areas, row by row. */
export function piecesOf(area: PixelRect): PixelRect[] {
  const step = PIECE_PIXELS
  const pieces: PixelRect[] = []
  for (let minY = area.minY - (area.minY % step); minY < area.endY; minY += step) {
    for (let minX = area.minX - (area.minX % step); minX < area.endX; minX += step) {
      pieces.push(intersectRects({ minX, minY, endX: minX + step, endY: minY + step }, area)!)
    }
  }
  return pieces
}

function clipped(piece: PixelRect, { clip }: BuildPlan): PixelRect[] {
  if (clip === undefined) return [piece]
  return clip
    .map((rect) => intersectRects(piece, rect))
    .filter((rect): rect is PixelRect => rect !== undefined)
}

/** With as much around it as decides how far its pixels are from an edge, inside the world. */
function grown({ minX, minY, endX, endY }: PixelRect, { tileSize, maxZoom }: BuildPlan): PixelRect {
  const world = tileSize * 2 ** maxZoom
  const by = FEATHER_PIXELS + 1
  return {
    minX: Math.max(0, minX - by),
    minY: Math.max(0, minY - by),
    endX: Math.min(world, endX + by),
    endY: Math.min(world, endY + by),
  }
}
