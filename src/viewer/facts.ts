// The description of a source: /{id}/info.json and the parts of its TileJSON that a map needs.
import { addressOf, getJson } from './server.js'

export interface Level {
  readonly zoom: number
  readonly count: number
  readonly bytes: number
}

export type Bounds = readonly [west: number, south: number, east: number, north: number]

export interface Facts {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly attribution?: string
  readonly kind: string
  readonly sealed: boolean
  readonly fileBytes: number
  readonly tiles: number
  readonly types: readonly { name: string; extension: string; count: number }[]
  readonly minZoom?: number
  readonly maxZoom?: number
  readonly bounds?: Bounds
  readonly levels: readonly Level[]
  /** Images that the file remembers it was made from. */
  readonly sourceCount?: number
  readonly elevation?: 'mapbox' | 'terrarium' | 'numbers'
  readonly version: string
}

export interface TileJson {
  readonly tileSize?: number
}

export const loadFacts = (id: string): Promise<Facts> => getJson<Facts>(addressOf(id, '/info.json'))
export const loadTileJson = (id: string): Promise<TileJson> => getJson<TileJson>(addressOf(id, '.json'))

export const titleOf = ({ id, name }: { readonly id: string; readonly name?: string }): string => name ?? id

/** Width at which a tile is shown, in pixels: vector tiles have none of their own, maps show them at 512. */
export const tileSizeOf = (facts: Facts, { tileSize }: TileJson): number =>
  tileSize ?? (isVector(facts) ? 512 : 256)

/** Flagstone and PMTiles files can be downloaded as an archive; MBTiles and folders cannot. */
export const isArchive = ({ kind }: Facts): boolean => /^(flat|PMTiles)/.test(kind)

export const isVector = ({ types }: Facts): boolean =>
  types.length > 0 && types.every(({ name }) => name === 'mvt' || name === 'mlt')
