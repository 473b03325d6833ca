// Faults of a readable PMTiles header: all that go-pmtiles' `verify` checks, and a little more.
import { PMTILES_HEADER as H, HEADER_BLOCK_BYTES, PMTILES_HEADER_BYTES } from './layout.js'
import { Compression, type PmtilesHeader, SECTION_NAMES, SECTIONS } from './pmtiles.js'

/** Counts over the directories, to compare with the header. */
export interface ArchiveCounts {
  addressedTiles: number
  tileEntries: number
  /** Distinct offsets. */
  tileContents: number
  minZoom: number
  maxZoom: number
}

/**
 * Everything that go-pmtiles' `verify` (pmtiles/verify.go) finds wrong with a header, as clauses: offsets of 0, the
 * size rule, counts, zooms, centre, bounds. `counts` are from walking the directories, if that was done.
 */
export function headerFindings(
  header: PmtilesHeader,
  fileSizeBytes: number,
  counts?: ArchiveCounts,
): string[] {
  const findings: string[] = []
  for (const name of SECTIONS)
    if (header[`${name}Offset`] === 0) findings.push(`the ${SECTION_NAMES[name]} offset is 0`)
  const rest = header.metadataLength + header.leafLength + header.dataLength
  const tight = PMTILES_HEADER_BYTES + header.rootLength + rest
  const padded = HEADER_BLOCK_BYTES + rest
  if (fileSizeBytes !== tight && fileSizeBytes !== padded)
    findings.push(`the file has ${fileSizeBytes} bytes, its header adds up to ${tight} or, padded, ${padded}`)
  if (header.rootOffset + header.rootLength > HEADER_BLOCK_BYTES)
    findings.push(`the root directory ends at ${header.rootOffset + header.rootLength}, beyond 16384`)
  // the findings so far may be the reason for overlaps
  if (findings.length === 0) findings.push(...overlaps(header))
  if (counts !== undefined)
    for (const name of ['addressedTiles', 'tileEntries', 'tileContents', 'minZoom', 'maxZoom'] as const)
      if (header[name] !== counts[name])
        findings.push(`the header's ${name} is ${header[name]}, the directories say ${counts[name]}`)
  if (header.minZoom > header.maxZoom)
    findings.push(`min zoom ${header.minZoom} is above max zoom ${header.maxZoom}`)
  findings.push(...placeFindings(header))
  return findings
}

/** Header bytes with values that the specification (version 3.5) does not define, as clauses. */
export function headerByteFindings(bytes: Uint8Array): string[] {
  const findings: string[] = []
  const check = (at: number, most: number, what: string): void => {
    if (bytes[at]! > most) findings.push(`${what} is ${bytes[at]}, and only 0 to ${most} mean something`)
  }
  check(H.clustered, 1, 'clustered')
  check(H.internalCompression, Compression.zstd, 'the compression of directories and metadata')
  check(H.tileCompression, Compression.zstd, 'the compression of tiles')
  check(H.tileType, MAX_PMTILES_TYPE, 'the tile type')
  check(H.minZoom, MAX_PMTILES_ZOOM, 'min zoom')
  check(H.maxZoom, MAX_PMTILES_ZOOM, 'max zoom')
  check(H.centerZoom, MAX_PMTILES_ZOOM, 'center zoom')
  return findings
}

/** The highest zoom that fits TileIDs of 64 bits. */
const MAX_PMTILES_ZOOM = 31
/** MapLibre tiles have the highest code. */
const MAX_PMTILES_TYPE = 6

function overlaps(header: PmtilesHeader): string[] {
  const parts = SECTIONS.map((name) => ({
    name,
    from: header[`${name}Offset`],
    to: header[`${name}Offset`] + header[`${name}Length`],
  }))
  const used = parts.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from)
  const findings: string[] = []
  if (used[0] !== undefined && used[0].from < PMTILES_HEADER_BYTES)
    findings.push(`the ${SECTION_NAMES[used[0].name]} overlap the header`)
  for (let i = 1; i < used.length; i++)
    if (used[i]!.from < used[i - 1]!.to)
      findings.push(
        `${SECTION_NAMES[used[i - 1]!.name]} and ${SECTION_NAMES[used[i]!.name]} overlap: the one ends at ${used[i - 1]!.to}, the other begins at ${used[i]!.from}`,
      )
  return findings
}

/** What a header says about the location of its tiles. */
export type PmtilesPlace = Pick<
  PmtilesHeader,
  'minZoom' | 'maxZoom' | 'minLon' | 'minLat' | 'maxLon' | 'maxLat' | 'centerZoom' | 'centerLon' | 'centerLat'
>

/** What is wrong with it, as clauses. Used when writing a header and when verifying one. */
export function placeFindings(place: PmtilesPlace): string[] {
  const findings: string[] = []
  const { minLon, minLat, maxLon, maxLat, centerLon, centerLat, centerZoom, minZoom, maxZoom } = place
  const e7 = (degrees: number): number => Math.round(degrees * 1e7)
  const isOnEarth = (lon: number, lat: number): boolean =>
    Math.abs(e7(lon)) <= 180e7 && Math.abs(e7(lat)) <= 90e7
  if (!isOnEarth(minLon, minLat) || !isOnEarth(maxLon, maxLat))
    findings.push(`the bounds ${minLon},${minLat},${maxLon},${maxLat} are not on the earth`)
  if (!(e7(minLon) < e7(maxLon) && e7(minLat) < e7(maxLat)))
    findings.push(
      `the bounds ${minLon},${minLat},${maxLon},${maxLat} have no area: west must be below east and south below north (across the antimeridian: -180 to 180)`,
    )
  if (!isOnEarth(centerLon, centerLat))
    findings.push(`the center ${centerLon},${centerLat} is not on the earth`)
  if (!(Number.isInteger(centerZoom) && centerZoom >= minZoom && centerZoom <= maxZoom))
    findings.push(`center zoom ${centerZoom} is not one of the zooms ${minZoom} to ${maxZoom}`)
  return findings
}
