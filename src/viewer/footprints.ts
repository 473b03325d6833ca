// The outlines of the images that a file was made from; the one that is seen under the pointer is tinted.
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from 'geojson'
import type { Bounds } from './facts.js'
import type { GeoJSONSource, MapView } from './maplibre.js'
import { type SourceFeature, sourcesIn } from './sources.js'
import { isDark } from './theme.js'
import { metres } from './words.js'

const LAYERS = ['footprint-here', 'footprint-casing', 'footprints', 'footprint-names'] as const
const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }

export class Footprints {
  readonly #map: MapView
  readonly #id: string
  /** All of them are on the map: no need to ask again when it moves. */
  #hasAll = false
  #asked = ''
  #here = ''

  constructor(map: MapView, id: string) {
    this.#map = map
    this.#id = id
    map.addSource('footprints', { type: 'geojson', data: NOTHING })
    const line = { type: 'line', source: 'footprints', filter: ['has', 'id'] as ['has', string] } as const
    map.addLayer({
      id: 'footprint-here',
      type: 'fill',
      source: 'footprints',
      paint: { 'fill-opacity': 0.25 },
    })
    map.addLayer({ ...line, id: 'footprint-casing', paint: { 'line-width': 4.5, 'line-opacity': 0.75 } })
    map.addLayer({ ...line, id: 'footprints', paint: { 'line-width': 1.75 } })
    map.addLayer({
      id: 'footprint-names',
      type: 'symbol',
      source: 'footprints',
      filter: ['has', 'label'],
      layout: {
        'text-field': ['get', 'label'],
        'text-font': ['sans-serif'],
        'text-size': 12,
        'text-padding': 6,
        'symbol-sort-key': ['-', 0, ['get', 'order']],
      },
      paint: { 'text-halo-width': 1.75 },
    })
    this.mark(undefined)
  }

  /** The file has changed. */
  renew(): void {
    this.#hasAll = false
    this.#asked = ''
  }

  style(isShown: boolean): void {
    const [ink, halo] = isDark() ? ['#9cc4ff', '#0b1430'] : ['#1148b8', '#ffffff']
    this.#map.setPaintProperty('footprint-here', 'fill-color', ink)
    this.#map.setPaintProperty('footprint-casing', 'line-color', halo)
    this.#map.setPaintProperty('footprints', 'line-color', ink)
    this.#map.setPaintProperty('footprint-names', 'text-color', ink)
    this.#map.setPaintProperty('footprint-names', 'text-halo-color', halo)
    for (const id of LAYERS) this.#map.setLayoutProperty(id, 'visibility', isShown ? 'visible' : 'none')
  }

  /** Those of the whole file if one answer has them all, else those in view. @throws AnswerError */
  async show(bounds: Bounds): Promise<void> {
    if (this.#hasAll) return
    const isFirst = this.#asked === ''
    const asked = isFirst ? 'all' : bounds.map((n) => n.toFixed(6)).join()
    if (asked === this.#asked) return
    this.#asked = asked
    const found = await sourcesIn(this.#id, isFirst ? undefined : bounds).catch((error: unknown) => {
      this.#asked = ''
      throw error
    })
    // the map has moved on
    if (asked !== this.#asked) return
    this.#hasAll = isFirst && found.numberReturned === found.numberMatched
    if (isFirst && !this.#hasAll) return this.show(bounds)
    // what is drawn later lies on top
    const features = found.features.toReversed().flatMap(drawnOf)
    void this.#map.getSource<GeoJSONSource>('footprints')?.setData({ type: 'FeatureCollection', features })
  }

  /** Tints the one that is seen under the pointer. */
  mark(id: string | undefined): void {
    if (this.#here === (id ?? '-')) return
    this.#here = id ?? '-'
    this.#map.setFilter('footprint-here', ['==', ['get', 'id'], id ?? ''])
  }
}

function drawnOf({ id, geometry, properties }: SourceFeature): Feature[] {
  if (geometry === null) return []
  const { name, resolution, order } = properties
  const label = `${name}\n${metres(resolution)}`
  return [
    { type: 'Feature', geometry, properties: { id } },
    // a point of its own: MapLibre cuts large areas and would write into every piece
    {
      type: 'Feature',
      geometry: { type: 'Point', coordinates: middleOf(geometry) },
      properties: { label, order },
    },
  ]
}

function middleOf({ type, coordinates }: Polygon | MultiPolygon): [number, number] {
  let [west, south, east, north] = [180, 90, -180, -90]
  for (const position of (type === 'Polygon' ? coordinates : coordinates[0])?.[0] ?? []) {
    const [lon, lat] = position as [number, number]
    west = Math.min(west, lon)
    east = Math.max(east, lon)
    south = Math.min(south, lat)
    north = Math.max(north, lat)
  }
  return [(west + east) / 2, (south + north) / 2]
}
