// Records of sources for tests, and files that remember some.
import { pngPixel } from '../../scripts/fixtures/flat-bytes.js'
import type { SourceRecord } from '../../src/format/sources/record.js'
import { createTiles } from '../../src/store/paths.js'

/** A square of a degree at a place that follows from `i`, with what any record has. */
export function sourceOf(i: number, more: Partial<SourceRecord> = {}): SourceRecord {
  const [west, south] = [((i * 7) % 358) - 179, ((i * 3) % 168) - 84] as const
  return {
    id: `source-${i}`,
    name: `city ${i}.tif`,
    order: i,
    zoom: 12 + (i % 6),
    resolution: 38.2 / 2 ** (i % 6),
    footprint: squareAt(west, south, 1),
    fingerprint: `crc32:${i.toString(16).padStart(8, '0')}`,
    ...more,
  }
}

export const sourcesOf = (count: number): SourceRecord[] =>
  Array.from({ length: count }, (_, i) => sourceOf(i))

/** Its south-western corner and its side, in degrees. */
export const squareAt = (west: number, south: number, side: number): SourceRecord['footprint'] => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, south],
      [west + side, south],
      [west + side, south + side],
      [west, south + side],
      [west, south],
    ],
  ],
})

/** A sealed file of one tile that remembers these sources; written anew if there is one. */
export function fileOfSources(path: string, sources: readonly SourceRecord[], metadata = {}): string {
  const writer = createTiles(path, { overwrite: true })
  writer.append(0, 0, 0, pngPixel(1, 2, 3))
  writer.setMetadata(metadata)
  writer.setSources(sources)
  writer.seal()
  writer.close()
  return path
}
