// Arithmetic on the positions of a file's parts. (format/superblock/invariants.ts checks a geometry.)
//
// Vocabulary: a region is a level's index. It lies before V or, when relocated, after it among the values. A gap is
// space before V that no region uses.
import { indexStart } from '../../format/layout.js'
import type { Superblock } from '../../format/superblock/fields.js'

/** Position and size of an index. */
export interface Region {
  offset: number
  capacityBytes: number
}

/** End of everything that a superblock accounts for. The file is at least this long. */
export function committedEnd(sb: Superblock): number {
  return sb.valuesStart + sb.valuesLength
}

/** Where a position ends up after `delta` bytes were inserted at `at` or, if negative, collapsed there. */
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
