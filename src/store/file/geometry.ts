// Arithmetic over where the parts of a file lie. (What makes a geometry sound is format/superblock/invariants.ts.)
//
// Vocabulary: a region is a level's index; it lies in front of V or, relocated, behind it among the values.
// A gap is room in front of V that no region uses.
import { indexStart } from '../../format/layout.js'
import type { Superblock } from '../../format/superblock/fields.js'

/** Where an index lies. */
export interface Region {
  offset: number
  capacityBytes: number
}

/** End of everything a superblock accounts for; the file is at least this long. */
export function committedEnd(sb: Superblock): number {
  return sb.valuesStart + sb.valuesLength
}

/** Where a position lies after `delta` bytes were inserted at (or, negative, collapsed from) `at`. */
export function moved(position: number, at: number, delta: number): number {
  return position >= at ? position + delta : position
}

/** Free ranges between the first possible region and V, ascending. */
export function gapsInFront(regions: readonly Region[], unitBytes: number, valuesStart: number): Region[] {
  const inFront = regions
    .filter((r) => r.capacityBytes > 0 && r.offset < valuesStart)
    .sort((a, b) => a.offset - b.offset)
  const gaps: Region[] = []
  let at = indexStart(unitBytes)
  for (const region of inFront) {
    if (region.offset > at) gaps.push({ offset: at, capacityBytes: region.offset - at })
    at = region.offset + region.capacityBytes
  }
  if (valuesStart > at) gaps.push({ offset: at, capacityBytes: valuesStart - at })
  return gaps
}
