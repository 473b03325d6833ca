// Bounds of what was cut out of an archive, or put together from several.
import type { ArchiveAbout } from '../interop/transfer/sink.js'
import { type Box, believedCenter, boxOf } from '../store/report/claims.js'
import type { CopyTally } from './copy.js'

/** Bounds that lie within `box`, and a center that lies within them. */
export function boundsWithin(about: ArchiveAbout, box: Box | undefined, tally: CopyTally): ArchiveAbout {
  const { extent, levels } = tally
  if (box === undefined || extent === undefined) return about
  const [west, south, east, north] = about.bounds ?? boxOf(extent)
  // bounds over the antimeridian stay as they are
  if (west > east) return about
  const bounds: Box = [
    Math.max(west, box[0]),
    Math.max(south, box[1]),
    Math.min(east, box[2]),
    Math.min(north, box[3]),
  ]
  if (bounds[0] >= bounds[2] || bounds[1] >= bounds[3])
    return { ...about, bounds: undefined, center: undefined }
  const center =
    about.center && believedCenter([...about.center], bounds, levels[0]!.zoom, levels.at(-1)!.zoom)
  return { ...about, bounds, center }
}
