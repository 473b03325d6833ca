// Cutlines of single sources: nothing of such a source is painted outside, and it is not read where nothing is inside.
import type { PixelRect } from '../../grid/tiles/rect.js'
import { maskOf } from '../cutline/mask.js'
import type { BuildPlan } from '../plan/plan.js'
import type { Candidate } from '../sources/source-set.js'
import { type Layer, multiplyMask } from './blend.js'

type Cut = Pick<BuildPlan, 'cutlines' | 'maxZoom'>

/** The candidates that have pixels inside their own cutlines, in smaller rectangles. */
export function inOwnCutlines(
  candidates: Candidate[],
  { cutlines, maxZoom }: Cut,
  zoom: number,
): Candidate[] {
  if (cutlines === undefined) return candidates
  return candidates.flatMap((candidate) => {
    const own = cutlines[candidate.source]
    if (own === undefined) return candidate
    const cut = maskOf(own).of(candidate.rect, 2 ** (maxZoom - zoom))
    return cut === undefined ? [] : { ...candidate, rect: cut.rect }
  })
}

/** Leaves of a source what is inside its own cutline, in a rectangle of a zoom that only it has painted. */
export function cutSource(
  layer: Layer,
  rect: PixelRect,
  source: number,
  { cutlines, maxZoom }: Cut,
  zoom: number,
): void {
  const own = cutlines?.[source]
  if (own === undefined) return
  const cut = maskOf(own).of(rect, 2 ** (maxZoom - zoom))
  if (cut?.full === true) return
  const pixels = (rect.endX - rect.minX) * (rect.endY - rect.minY)
  multiplyMask(layer, cut?.mask ?? new Uint8Array(pixels), rect, rect)
}
