// What describes tiles that are loose files: metadata.json, as mb-util and tippecanoe write it beside a folder of tiles,
// and tiles.json, a TileJSON document, as VersaTiles writes it into tar archives.
import { basename } from 'node:path'
import { isGzip } from '../../format/gzip.js'
import { extensionOf, TileType } from '../../format/tile-type.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { metadataRows, withoutJsonRow } from '../transfer/metadata-rows.js'
import type { ArchiveAbout } from '../transfer/sink.js'

/** The extension of a tile: .pbf for vector tiles, as all programs name them. */
export const looseExtension = (type: TileType): string => (type === TileType.mvt ? 'pbf' : extensionOf(type))

/** As VersaTiles: with .gz for vector tiles in gzip. */
export const packedExtension = ({ type, bytes }: StoredTile): string =>
  type === TileType.mvt && isGzip(bytes) ? 'pbf.gz' : looseExtension(type)

/** What is known of the tiles when all are written. */
export class LooseTally {
  readonly #types = new Map<TileType, number>()
  minZoom = Number.POSITIVE_INFINITY
  maxZoom = 0

  add({ z, type }: StoredTile): void {
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
    if (z < this.minZoom) this.minZoom = z
    if (z > this.maxZoom) this.maxZoom = z
  }

  /** The extension of most tiles. */
  get format(): string {
    const [most] = [...this.#types].sort((a, b) => b[1] - a[1])
    return looseExtension(most?.[0] ?? TileType.unknown)
  }

  /** The text of metadata.json: values are texts, as in the table of MBTiles. */
  metadataJson(path: string, about: ArchiveAbout, more: Readonly<Record<string, string>> = {}): string {
    const { format, minZoom, maxZoom } = this
    const rows = metadataRows(about, { format, minZoom, maxZoom }, basename(path))
    return `${JSON.stringify({ ...Object.fromEntries(rows), ...more }, undefined, 2)}\n`
  }

  /** The text of tiles.json. */
  tileJson(path: string, { metadata, bounds, center }: ArchiveAbout): string {
    const about = {
      tilejson: '3.0.0',
      name: basename(path),
      ...withJsonRow(metadata),
      bounds,
      center,
      minzoom: this.minZoom,
      maxzoom: this.maxZoom,
    }
    return `${JSON.stringify(about, undefined, 2)}\n`
  }
}

/**
 * Metadata as VersaTiles can read them. It takes no document with objects, fractions or truth values, so these are a
 * text named `json`, as in MBTiles.
 */
function withJsonRow(metadata: Record<string, unknown>): Record<string, unknown> {
  const isPlain = ([name, value]: [string, unknown]): boolean =>
    name === 'vector_layers' ||
    (typeof value === 'string' && name !== 'json') ||
    Number.isSafeInteger(value) ||
    (Array.isArray(value) && value.every((item) => typeof item === 'string'))
  const entries = Object.entries(withoutJsonRow(metadata))
  const others = entries.filter((entry) => !isPlain(entry))
  return {
    ...Object.fromEntries(entries.filter(isPlain)),
    ...(others.length === 0 ? {} : { json: JSON.stringify(Object.fromEntries(others)) }),
  }
}
