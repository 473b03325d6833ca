// Checks any PMTiles archive: everything that go-pmtiles' `verify` checks, and more.
import type { Entry } from '../../../format/directory.js'
import { PMTILES_HEADER_BYTES } from '../../../format/layout.js'
import { Compression, type PmtilesHeader } from '../../../format/pmtiles.js'
import { type ArchiveCounts, headerByteFindings, headerFindings } from '../../../format/pmtiles-findings.js'
import { tileIdToZxy, zoomOfTileId } from '../../../format/tile-id.js'
import { isImageType, nameOfTileType, sniffTileType, TileType } from '../../../format/tile-type.js'
import type { ByteFile } from '../../../platform/byte-file.js'
import { MAX_ZOOM } from '../../../zooms.js'
import { Archive } from '../../pmtiles/archive.js'
import type { Report, VerifyOptions } from './findings.js'

export function verifyPmtiles(file: ByteFile, options: VerifyOptions, report: Report): void {
  report.current = 'P1'
  const left = (clause: string): void => report.bad(report.current, clause)
  const head = new Uint8Array(PMTILES_HEADER_BYTES)
  const got = file.read(head, 0)
  const archive = new Archive(file, left)
  for (const problem of headerByteFindings(head.subarray(0, got))) report.bad('P1', problem, 0)
  report.good('P1', 'header and root directory can be read, and hold what the specification knows')
  report.current = 'P2'
  const metadata = archive.metadata()
  if (archive.header.tileType === TileType.mvt && !hasVectorLayers(metadata))
    report.bad(
      'P2',
      "the metadata of vector tiles has no vector_layers (objects with 'id' and 'fields'), which the specification requires",
      archive.header.metadataOffset,
    )
  report.good('P2', 'the metadata is a JSON object')
  report.current = 'P3'
  const counts = verifyEntries(file, archive, options, report)
  report.current = 'P4'
  const { header } = archive
  const { addressedTiles, tileContents } = counts
  report.good('P4', `the header's claims are true: ${addressedTiles} tiles, ${tileContents} contents`)
  // the specification allows a header to omit a number
  for (const name of ['addressedTiles', 'tileEntries', 'tileContents'] as const)
    if (header[name] === 0) counts[name] = 0
  for (const problem of headerFindings(header, file.size(), counts)) report.bad('P4', problem, 0)
  if (options.contents !== false) report.good('P5', 'every tile looks like its type')
}

/** https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md, 5.1 */
function hasVectorLayers({ vector_layers: layers }: Record<string, unknown>): boolean {
  return (
    Array.isArray(layers) &&
    layers.every((layer) => typeof layer?.id === 'string' && typeof layer.fields === 'object')
  )
}

/** P3 and, tile by tile, P5. */
function verifyEntries(
  file: ByteFile,
  archive: Archive,
  options: VerifyOptions,
  report: Report,
): ArchiveCounts {
  const { header } = archive
  const offsets = new Set<number>()
  const counts = { addressedTiles: 0, tileEntries: 0, minZoom: MAX_ZOOM, maxZoom: 0 }
  let end = 0
  let lastEnd = 0
  for (const entry of archive.entries()) {
    const { tileId, offset, length, runLength } = entry
    counts.addressedTiles += runLength
    counts.tileEntries++
    counts.minZoom = Math.min(counts.minZoom, zoomOfTileId(tileId))
    counts.maxZoom = Math.max(counts.maxZoom, zoomOfTileId(tileId + runLength - 1))
    if (header.clustered && offset > end && !offsets.has(offset))
      report.bad('P3', `the archive says it is clustered, and tile ${tileId} lies at ${offset}, not ${end}`)
    if (offset === end) end += length
    lastEnd = Math.max(lastEnd, offset + length)
    if (offsets.has(offset)) continue
    offsets.add(offset)
    if (options.contents !== false) verifyTile(file, header, entry, options, report)
    if (counts.tileEntries % 10_000 === 0) options.onProgress?.(counts.addressedTiles, header.addressedTiles)
  }
  if (lastEnd < header.dataLength)
    report.bad(
      'P3',
      `the last ${header.dataLength - lastEnd} bytes of the tile data belong to no tile`,
      header.dataOffset + lastEnd,
    )
  if (archive.leavesEnd < header.leafLength)
    report.bad(
      'P3',
      `the last ${header.leafLength - archive.leavesEnd} bytes of the leaf directories belong to none`,
      header.leafOffset + archive.leavesEnd,
    )
  report.good('P3', `${counts.tileEntries} entries ascend, and their tiles lie in the tile data`)
  if (counts.tileEntries === 0) counts.minZoom = 0
  return { ...counts, tileContents: offsets.size }
}

function verifyTile(
  file: ByteFile,
  header: PmtilesHeader,
  entry: Entry,
  options: VerifyOptions,
  report: Report,
): void {
  const { tileType, tileCompression } = header
  const position = header.dataOffset + entry.offset
  const bytes = new Uint8Array(options.decode === undefined ? Math.min(32, entry.length) : entry.length)
  file.read(bytes, position)
  const [z, x, y] = tileIdToZxy(entry.tileId)
  const sniffed = sniffTileType(bytes)
  // Only images have reliable signatures.
  if (isImageType(tileType) && tileCompression <= Compression.none && sniffed !== tileType)
    report.bad(
      'P5',
      `tile ${z}/${x}/${y} is ${nameOfTileType(sniffed)}, the archive says ${nameOfTileType(tileType)}`,
      position,
    )
  const problem = options.decode?.(bytes, tileType === TileType.unknown ? sniffed : (tileType as TileType), [
    z,
    x,
    y,
  ])
  if (problem !== undefined) report.bad('decode', `tile ${z}/${x}/${y}: ${problem}`, position)
}
