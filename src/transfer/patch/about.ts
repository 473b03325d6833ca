// What archives say of themselves, as a patch keeps and compares it.
import { isDeepStrictEqual } from 'node:util'
import { placeFindings } from '../../format/pmtiles-findings.js'
import { aboutOf, headerOf } from '../../interop/transfer/about.js'
import type { ArchiveAbout } from '../../interop/transfer/sink.js'
import type { SealOptions } from '../../store/options.js'
import { FlatReader } from '../../store/read/reader.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { Extent } from '../../store/report/extent.js'
import type { PatchAbout } from './header.js'

/** All that is needed to store it in a Flagstone file and to seal that. A Flagstone file keeps its metadata to the letter. */
export function aboutForPatch(tiles: TileSet, extent: Extent | undefined, minZoom: number): PatchAbout {
  if (tiles instanceof FlatReader) return { metadata: tiles.metadata(), ...placeOf(tiles) }
  const { metadata, bounds, center } = aboutOf(tiles, extent, minZoom)
  return {
    metadata: { ...metadata, ...(bounds && { bounds }), ...(center && { center }) },
    bounds,
    center,
  }
}

/** Bounds and center of a sealed file's header. */
export function placeOf(tiles: FlatReader): Pick<PatchAbout, 'bounds' | 'center'> {
  const header = headerOf(tiles)
  if (header === undefined) return {}
  const { minLon, minLat, maxLon, maxLat, centerLon, centerLat, centerZoom } = header
  return { bounds: [minLon, minLat, maxLon, maxLat], center: [centerLon, centerLat, centerZoom] }
}

/** Names of what differs. Bounds and center differ only where both archives state them. */
export function namesOfDifferences(before: ArchiveAbout, after: ArchiveAbout): string[] {
  const [a, b] = [before.metadata, after.metadata]
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (name) => !isDeepStrictEqual(a[name], b[name]),
  )
  return [...names, ...placeDifferences(before, after)].sort()
}

type Place = Pick<PatchAbout, 'bounds' | 'center'>

/** Which of bounds and center both state, and differently. */
export const placeDifferences = (before: Place, after: Place): string[] =>
  (['bounds', 'center'] as const).filter((name) => {
    const [one, other] = [before[name], after[name]]
    return one !== undefined && other !== undefined && !isDeepStrictEqual(one.map(e7), other.map(e7))
  })

/** As precise as the header of PMTiles. */
const e7 = (degrees: number): number => Math.round(degrees * 1e7)

/** Bounds and center for a seal; what does not fit the zooms or the earth is left out and computed. */
export function sealOptionsOf(
  { bounds, center }: PatchAbout,
  zooms: { readonly minZoom: number; readonly maxZoom: number },
): SealOptions {
  const [minLon, minLat, maxLon, maxLat] = bounds ?? WORLD
  const [centerLon, centerLat, centerZoom] = center ?? [0, 0, zooms.minZoom]
  const place = { minLon, minLat, maxLon, maxLat, centerLon, centerLat, centerZoom, ...zooms }
  if (placeFindings(place).length > 0) return {}
  return { bounds, center }
}

const WORLD = [-180, -85, 180, 85] as const
