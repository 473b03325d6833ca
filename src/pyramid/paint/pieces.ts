// Divides areas of a zoom into pieces: what is painted at a time, and by which sources.
//
// Pieces lie on a grid that is the same for all areas, so that the division of work does not change any pixel. Pieces
// without a source, or outside the cutline, are left out.

import { growRect, insideWorld, intersectRects, type PixelRect } from '../../grid/tiles/rect.js'
import { maskOf } from '../cutline/mask.js'
import { type BuildPlan, clipAt } from '../plan/plan.js'
import type { Candidate, SourceSet } from '../sources/source-set.js'
import { inOwnCutlines } from './own-cutline.js'

/** Side of a piece, pixels: a whole number of tiles of every size. */
const PIECE_PIXELS = 1024

/** A canvas, as pixels of a zoom, and the parts of it that are painted. They do not overlap. */
export interface PaintArea {
  readonly rect: PixelRect
  readonly parts: readonly PaintPart[]
}

export interface PaintPart {
  readonly rect: PixelRect
  /** Only sources built for no zoom above this one; default: all. */
  readonly deepest?: number
}

export const wholeArea = (rect: PixelRect): PaintArea => ({ rect, parts: [{ rect }] })

export interface Piece {
  readonly area: PaintArea
  /** The pixels that are painted. */
  readonly rect: PixelRect
  /** From the top down. Never empty. */
  readonly candidates: readonly Candidate[]
  /** The pixels that are warped from each source: `rect`, and more where distances from edges are needed. */
  readonly target: PixelRect
  /** The cutline's opacity in `maskRect`; undefined when it is full. */
  readonly mask: Uint8Array | undefined
  readonly maskRect: PixelRect
  /** Whether some candidates are deep and others are not. */
  readonly isMixed: boolean
}

/** The pieces in the order of the areas and their parts, row by row. */
export function* piecesToPaint(
  plan: BuildPlan,
  sources: SourceSet,
  zoom: number,
  areas: readonly PaintArea[],
): Generator<Piece, undefined> {
  const cutline = plan.cutline && maskOf(plan.cutline)
  const scale = 2 ** (plan.maxZoom - zoom)
  const clip = clipAt(plan, zoom)
  for (const area of areas) {
    for (const [whole, deepest] of area.parts.flatMap((part) => wholePieces(part, clip))) {
      const cut = cutline?.of(whole, scale)
      if (cutline !== undefined && cut === undefined) continue
      const rect = cut?.rect ?? whole
      const mask = cut === undefined || cut.full ? undefined : cut.mask.slice()
      const candidates = inOwnCutlines(sources.search(rect, zoom, deepest), plan, zoom)
      if (candidates.length === 0) continue
      if (plan.blend !== 'first') candidates.reverse()
      const isBlended = plan.blend === 'feather' && candidates.length > 1
      // the distance of its pixels from an edge must be known
      const wide = isBlended ? growRect(rect, Math.ceil(plan.featherPx) + 1) : rect
      const target = insideWorld(wide, plan.tileSize * 2 ** zoom)
      const isMixed = candidates.some(({ isDeep }) => isDeep !== candidates[0]!.isDeep)
      yield { area, rect, candidates, target, mask, maskRect: whole, isMixed }
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

const wholePieces = (
  { rect, deepest }: PaintPart,
  clip: readonly PixelRect[] | undefined,
): [PixelRect, number | undefined][] =>
  piecesOf(rect)
    .flatMap((piece) => clipped(piece, clip))
    .map((piece) => [piece, deepest])

function clipped(piece: PixelRect, clip: readonly PixelRect[] | undefined): PixelRect[] {
  if (clip === undefined) return [piece]
  return clip
    .map((rect) => intersectRects(piece, rect))
    .filter((rect): rect is PixelRect => rect !== undefined)
}
