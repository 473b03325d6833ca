// The images that a file was made from, as /{id}/sources tells them.
import type { Feature, MultiPolygon, Polygon } from 'geojson'
import type { Bounds } from './facts.js'
import { lonInWorld } from './mercator.js'
import { addressOf, getJson } from './server.js'
import { metres } from './words.js'

export interface SourceProperties {
  readonly name: string
  /** 0 lies at the bottom. */
  readonly order: number
  /** The deepest zoom at which it has tiles of its own. */
  readonly zoom: number
  readonly minZoom?: number
  /** Metres on the ground. */
  readonly resolution: number
  readonly date?: string
  readonly attribution?: string
  readonly licence?: string
}

export interface SourceFeature extends Feature<Polygon | MultiPolygon | null, SourceProperties> {
  readonly id: string
}

export interface Sources {
  readonly numberMatched: number
  readonly numberReturned: number
  /** The topmost first. */
  readonly features: readonly SourceFeature[]
}

export function sourcesIn(id: string, bounds?: Bounds): Promise<Sources> {
  const [west, south, east, north] = bounds ?? [-180, -90, 180, 90]
  const isAll = bounds === undefined || east - west >= 360 || south >= north
  const bbox = [lonInWorld(west), Math.max(-90, south), lonInWorld(east), Math.min(90, north)]
  return getJson<Sources>(
    addressOf(id, `/sources${isAll ? '' : `?bbox=${bbox.map((n) => n.toFixed(8)).join(',')}`}`),
  )
}

export function sourcesAt(id: string, lon: number, lat: number, signal?: AbortSignal): Promise<Sources> {
  return getJson<Sources>(addressOf(id, `/sources?point=${lon.toFixed(8)},${lat.toFixed(8)}`), signal)
}

/** The one that is seen at a level, and what to say of it; no lines when none lies there. */
export function rowsOfSources(
  { features }: Sources,
  level: number,
): { readonly seen: SourceFeature | undefined; readonly rows: [string, string][] } {
  const shown = features.filter(({ properties }) => (properties.minZoom ?? 0) <= level)
  const [seen] = shown
  if (seen === undefined) return { seen, rows: [] }
  const { name, date, resolution, zoom, licence } = seen.properties
  const rows: [string, string][] = [['Source', name]]
  if (date !== undefined) rows.push(['Date', date])
  rows.push(['Resolution', `${metres(resolution)}, zoom ${zoom}`])
  if (licence !== undefined) rows.push(['Licence', licence])
  if (shown.length > 1) rows.push(['Below it', belowOf(shown.slice(1))])
  return { seen, rows }
}

/** As many names as there is room for. */
function belowOf(others: readonly SourceFeature[]): string {
  const names = others.slice(0, 2).map(({ properties }) => properties.name)
  return others.length > 2 ? `${names.join(', ')} and ${others.length - 2} more` : names.join(', ')
}
