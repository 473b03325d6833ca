// Metadata of MBTiles, and of others that follow them, are rows of texts. What is not a text is part of the row `json`, and comes
// back from there.
import { parseJsonObject } from '../../format/json.js'
import type { ArchiveAbout } from './sink.js'

/** What follows from the tiles. */
export interface TileFacts {
  /** `png`, `jpg`, `webp`, `pbf` or another extension. */
  readonly format: string
  readonly minZoom: number
  readonly maxZoom: number
  /** See tiles-hash.ts. Absent: not written. */
  readonly hash?: string
}

/** The rows of the table `metadata`. `name`: for an archive without one, which MBTiles must have. */
export function metadataRows(about: ArchiveAbout, facts: TileFacts, name: string): [string, string][] {
  const { json, ...others } = about.metadata
  const inJson = typeof json === 'string' ? objectIn(json) : undefined
  const texts: [string, string][] = []
  const rest: Record<string, unknown> = { ...inJson }
  for (const [key, value] of Object.entries(others)) {
    // readers take an empty row for none
    if (typeof value === 'string' && value !== '' && key !== '') texts.push([key, value])
    else rest[key] = value
  }
  if (typeof json === 'string' && inJson === undefined && Object.keys(rest).length === 0)
    texts.push(['json', json])
  else if (json !== undefined && inJson === undefined) rest['json'] = json
  if (!texts.some(([key]) => key === 'name')) texts.unshift(['name', name])
  if (Object.keys(rest).length > 0) texts.push(['json', JSON.stringify(rest)])
  const { bounds, center } = about
  if (bounds !== undefined) texts.push(['bounds', bounds.join(',')])
  if (center !== undefined) texts.push(['center', center.join(',')])
  texts.push(['format', facts.format], ['minzoom', `${facts.minZoom}`], ['maxzoom', `${facts.maxZoom}`])
  if (facts.hash !== undefined) texts.push(['agg_tiles_hash', facts.hash])
  return texts
}

/** Metadata as other containers have them: what is in the row `json` is like the rest. */
export function withoutJsonRow(rows: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { json, ...others } = rows
  const found = typeof json === 'string' ? objectIn(json) : undefined
  return found === undefined ? { ...rows } : { ...found, ...others }
}

function objectIn(json: string): Record<string, unknown> | undefined {
  const parsed = parseJsonObject(Buffer.from(json))
  return typeof parsed === 'string' ? undefined : parsed
}
