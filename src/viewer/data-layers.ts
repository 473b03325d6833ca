// The file's layers on the map: images, heights or vectors, below the overlay. URLs are made here and not taken from
// the TileJSON, which may name a public host other than the one the page came from.
import type { Facts, TileJson } from './facts.js'
import { isVector } from './facts.js'
import { groundAddress, setGroundLevel } from './ground.js'
import type { MapView, StyleSpecification } from './maplibre.js'
import { FIRST_OVERLAY } from './overlay.js'
import { addRelief, type HeightRange } from './relief.js'
import { addressOf, getJson } from './server.js'
import type { Shown } from './view-state.js'

interface TileSource {
  readonly tiles: string[]
  readonly minzoom: number
  readonly maxzoom: number
  readonly tileSize: number
  readonly bounds?: [number, number, number, number]
}

/** Used until the file's range is known. */
const WORLD: HeightRange = [0, 3000]

export class DataLayers {
  readonly #map: MapView
  readonly #tileJson: TileJson
  #facts: Facts
  #made = ''
  #heights: HeightRange | undefined

  constructor(map: MapView, facts: Facts, tileJson: TileJson) {
    this.#map = map
    this.#facts = facts
    this.#tileJson = tileJson
  }

  renew(facts: Facts): void {
    this.#facts = facts
  }

  set heights(range: HeightRange | undefined) {
    this.#heights = range
  }

  /** What the colours of the relief stand for; undefined when it is not seen. */
  heightsShown({ look }: Shown): HeightRange | undefined {
    return this.#facts.elevation !== undefined && look === 'relief' ? (this.#heights ?? WORLD) : undefined
  }

  /** Updates the map to what should be shown; layers that are already right stay. */
  async show(shown: Shown): Promise<void> {
    const { overzoom, look } = shown
    const wanted = JSON.stringify([this.#facts.version, overzoom, look, this.#heights])
    if (wanted !== this.#made) {
      this.#made = wanted
      this.#clear()
      if (this.#facts.tiles > 0) await this.#add(shown)
    }
    this.#paint(shown)
  }

  #clear(): void {
    this.#map.setTerrain(null)
    for (const { id } of this.#map.getStyle().layers) if (id.startsWith('data')) this.#map.removeLayer(id)
    for (const id of Object.keys(this.#map.getStyle().sources)) {
      if (id.startsWith('data')) this.#map.removeSource(id)
    }
  }

  async #add(shown: Shown): Promise<void> {
    if (isVector(this.#facts)) await this.#addVector()
    else if (this.#facts.elevation === undefined) this.#addRaster(this.#tiles('/{z}/{x}/{y}', shown))
    else this.#addHeights(shown)
  }

  #tiles(path: string, { overzoom }: Shown): TileSource {
    const { id, version, minZoom = 0, maxZoom = 0, bounds } = this.#facts
    const query = `missing=${overzoom ? 'overzoom' : '204'}&v=${encodeURIComponent(version)}`
    return {
      tiles: [`${addressOf(id, path)}${path.includes('?') ? '&' : '?'}${query}`],
      minzoom: minZoom,
      maxzoom: maxZoom,
      tileSize: this.#tileJson.tileSize ?? 256,
      ...(bounds === undefined ? {} : { bounds: [...bounds] }),
    }
  }

  #addRaster(tiles: TileSource): void {
    this.#map.addSource('data', { type: 'raster', ...tiles })
    this.#map.addLayer({ id: 'data', type: 'raster', source: 'data' }, FIRST_OVERLAY)
  }

  #addHeights(shown: Shown): void {
    const { elevation } = this.#facts
    const isNumbers = elevation === 'numbers'
    const encoded = this.#tiles(
      isNumbers ? '/terrain/{z}/{x}/{y}.png?encoding=terrarium' : '/{z}/{x}/{y}',
      shown,
    )
    const encoding = elevation === 'mapbox' ? 'mapbox' : 'terrarium'
    const dem = { type: 'raster-dem', ...encoded, encoding } as const
    setGroundLevel(this.#heights, encoding)
    this.#map.addSource('data-ground', { ...dem, tiles: encoded.tiles.map(groundAddress) })
    if (shown.look === 'encoded') this.#addRaster(encoded)
    else if (shown.look === 'shade') this.#addRaster(this.#tiles('/hillshade/{z}/{x}/{y}.png', shown))
    else addRelief(this.#map, dem, this.#heights ?? WORLD)
  }

  /** The server's style has a line and a fill for every layer; its sources are turned to where the page came from. */
  async #addVector(): Promise<void> {
    const { id, version, minZoom = 0, maxZoom = 0 } = this.#facts
    const made = this.#made
    const style = await getJson<StyleSpecification>(addressOf(id, '/style.json'))
    // the view has changed in the meantime
    if (made !== this.#made) return
    const tiles = [`${addressOf(id, '/{z}/{x}/{y}')}?missing=204&v=${encodeURIComponent(version)}`]
    this.#map.addSource('data', { type: 'vector', tiles, minzoom: minZoom, maxzoom: maxZoom })
    for (const layer of style.layers) {
      if (!('source' in layer) || layer.type === 'symbol') continue
      this.#map.addLayer({ ...layer, id: `data-${layer.id}`, source: 'data' } as typeof layer, FIRST_OVERLAY)
    }
  }

  #paint(shown: Shown): void {
    const opacity = shown.opacity / 100
    for (const { id, type } of this.#map.getStyle().layers) {
      if (!id.startsWith('data')) continue
      const set = (name: string, value: unknown): void =>
        void this.#map.setPaintProperty(id, name as never, value as never)
      if (type === 'raster') {
        set('raster-opacity', opacity)
        set('raster-resampling', shown.crisp ? 'nearest' : 'linear')
        // a loaded tile is shown at once, without fading in
        set('raster-fade-duration', 0)
      } else if (type === 'color-relief') set('color-relief-opacity', opacity)
      else if (type === 'hillshade') set('hillshade-exaggeration', 0.45 * opacity)
      else if (type === 'fill' || type === 'line' || type === 'circle') set(`${type}-opacity`, opacity)
    }
    const ground = shown.terrain && this.#map.getSource('data-ground') !== undefined
    this.#map.setTerrain(ground ? { source: 'data-ground', exaggeration: 1.4 } : null)
  }
}
