// Checks the PMTiles archive of a sealed file against its index, entry by entry.
import { HEADER_BLOCK_BYTES } from '../../../format/layout.js'
import { headerFindings } from '../../../format/pmtiles-findings.js'
import { sealedSections } from '../../../format/pmtiles-sections.js'
import type { Superblock } from '../../../format/superblock/fields.js'
import { nameOfTileType, pmtilesTypeOf } from '../../../format/tile-type.js'
import type { ByteFile } from '../../../platform/byte-file.js'
import { crcOfRange } from '../../file/scan.js'
import { Archive } from '../../pmtiles/archive.js'
import { mostCommonType } from '../../pmtiles/archive-header.js'
import { type Census, countDistinctValues, entriesOf, takeCensus } from '../../pmtiles/census.js'
import type { Report } from './findings.js'

export function verifySeal(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F17'
  const parts = sb.pmtiles!
  const headerCrc = crcOfRange(file, 0, HEADER_BLOCK_BYTES)
  report.check(
    'F17',
    headerCrc === parts.headerCrc,
    'the PMTiles header and root directory do not match their checksum',
    0,
  )
  const directories = crcOfRange(file, parts.directoriesOffset, parts.directoriesLength)
  report.check(
    'F17',
    directories === parts.directoriesCrc,
    'leaf directories and PMTiles metadata do not match their checksum',
    parts.directoriesOffset,
  )
  report.good('F17', 'header, root, leaf directories and PMTiles metadata match their checksums')
  report.good('F18', `directories lie at the ${parts.placement}`)
  report.current = 'F19'
  const archive = new Archive(file)
  const { header } = archive
  const expected = sealedSections(
    parts.placement,
    sb.valuesStart,
    sb.valuesLength,
    parts.directoriesLength - header.metadataLength,
    header.metadataLength,
  )
  for (const name of [
    'leafOffset',
    'leafLength',
    'metadataOffset',
    'metadataLength',
    'dataOffset',
    'dataLength',
  ] as const)
    report.check(
      'F19',
      header[name] === expected[name],
      `the header's ${name} is ${header[name]}, it should be ${expected[name]}`,
      0,
    )
  const sum = HEADER_BLOCK_BYTES + header.leafLength + header.metadataLength + header.dataLength
  report.check(
    'F19',
    sum === file.size(),
    `the sections add up to ${sum}, the file has ${file.size()} bytes`,
    0,
  )
  report.good('F19', 'the PMTiles sections add up to the size of the file')
  report.current = 'F20'
  verifyEntries(file, sb, archive, expected.tileBase, report)
  report.current = 'F21'
  verifyClaims(file, sb, archive, report)
}

/** F20: the entries of the archive against the records of the indexes. */
function verifyEntries(
  file: ByteFile,
  sb: Superblock,
  archive: Archive,
  tileBase: number,
  report: Report,
): void {
  const records = entriesOf(file, sb.levels, tileBase)
  let tiles = 0
  for (const entry of archive.entries())
    for (let i = 0; i < entry.runLength; i++) {
      const next = records.next()
      const id = entry.tileId + i
      if (next.done === true) {
        report.bad('F20', `the directories have tile ${id}, which the index has not`)
        return
      }
      const { tileId, offset, length } = next.value
      if (tileId !== id || offset !== entry.offset || length !== entry.length) {
        report.bad(
          'F20',
          `the directories have tile ${id} (${entry.length} bytes at ${entry.offset}) where the index has ${tileId} (${length} bytes at ${offset})`,
        )
        return
      }
      tiles++
    }
  const rest = records.next()
  if (rest.done !== true)
    report.bad('F20', `the directories end before tile ${rest.value.tileId} of the index`)
  report.good('F20', `the PMTiles directories and the index hold the same ${tiles} tiles`)
}

/** F21: the claims of the header and the metadata. */
function verifyClaims(file: ByteFile, sb: Superblock, archive: Archive, report: Report): void {
  const census = takeCensus(file, sb.levels)
  let entries = 0
  let end = 0
  let clustered = true
  for (const entry of archive.entries()) {
    entries++
    if (entry.offset === end) end += entry.length
    else if (entry.offset > end) clustered = false
  }
  const { header } = archive
  const counts = {
    addressedTiles: census.tiles,
    tileEntries: entries,
    tileContents: countDistinctValues(file, sb.levels, sb.valuesLength),
    minZoom: census.minZoom,
    maxZoom: census.maxZoom,
  }
  for (const problem of headerFindings(header, file.size(), counts)) report.bad('F21', problem, 0)
  report.check(
    'F21',
    header.clustered === clustered,
    `the header's clustered is ${header.clustered}, the entries say ${clustered}`,
    0,
  )
  const common = pmtilesTypeOf(mostCommonType(census))
  if (census.tiles > 0)
    report.check(
      'F21',
      header.tileType === common,
      `the header's tile type is ${header.tileType}, the most common one ${common}`,
      0,
    )
  verifyOwnClaims(sb, archive, census, report)
  report.good(
    'F21',
    `the header's claims are true: ${census.tiles} tiles, ${counts.tileContents} contents, zooms ${census.minZoom} to ${census.maxZoom}`,
  )
}

/** F21: what the metadata say under our own key. */
function verifyOwnClaims(sb: Superblock, archive: Archive, census: Census, report: Report): void {
  const own = archive.metadata()['flagstone'] as
    | { tileTypes?: Record<string, number>; sources?: number }
    | undefined
  const claimed = own?.tileTypes ?? {}
  const types = [...census.types]
  const names = new Set([...Object.keys(claimed), ...types.map(([type]) => nameOfTileType(type))])
  for (const name of names) {
    const counted = types.filter(([type]) => nameOfTileType(type) === name).reduce((n, [, k]) => n + k, 0)
    report.check(
      'F21',
      claimed[name] === counted,
      `the metadata counts ${claimed[name]} tiles of ${name}, there are ${counted}`,
    )
  }
  report.check(
    'F21',
    own?.sources === sb.sources?.count,
    `the metadata counts ${own?.sources ?? 'no'} sources, there are ${sb.sources?.count ?? 'none'}`,
  )
}
