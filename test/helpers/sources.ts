// Records of sources for tests.
import type { SourceRecord } from '../../src/format/sources/record.js'

/** A square of a degree at a place that follows from `i`, with what any record has. */
export function sourceOf(i: number, more: Partial<SourceRecord> = {}): SourceRecord {
  const [west, south] = [((i * 7) % 358) - 179, ((i * 3) % 168) - 84]
  const ring = [
    [west, south],
    [west + 1, south],
    [west + 1, south + 1],
    [west, south + 1],
    [west, south],
  ]
  return {
    id: `source-${i}`,
    name: `city ${i}.tif`,
    order: i,
    zoom: 12 + (i % 6),
    resolution: 38.2 / 2 ** (i % 6),
    footprint: { type: 'Polygon', coordinates: [ring] },
    fingerprint: `crc32:${i.toString(16).padStart(8, '0')}`,
    ...more,
  }
}

export const sourcesOf = (count: number): SourceRecord[] =>
  Array.from({ length: count }, (_, i) => sourceOf(i))
