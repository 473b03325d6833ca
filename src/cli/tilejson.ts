// A TileJSON 3.0.0 document for a tile file (https://github.com/mapbox/tilejson-spec/tree/master/3.0.0).
import { basename } from 'node:path'
import type { TilesDescription } from '../store/describe.js'

export function tileJson(path: string, d: TilesDescription): Record<string, unknown> {
  const text = (key: string): string | undefined => {
    const value = d.metadata[key]
    return typeof value === 'string' ? value : undefined
  }
  const name = basename(path)
  return {
    tilejson: '3.0.0',
    tiles: [`pmtiles://${name}/{z}/{x}/{y}`],
    name: text('name') ?? name,
    description: text('description'),
    attribution: text('attribution'),
    version: text('version'),
    scheme: 'xyz',
    format: d.types[0]?.extension,
    encoding: text('encoding'),
    minzoom: d.minZoom,
    maxzoom: d.maxZoom,
    bounds: d.bounds,
    center: d.center,
  }
}
