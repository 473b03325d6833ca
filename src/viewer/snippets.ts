// Code that shows a source in other programs, to paste where there is a `map` already. Heights are shown as hillshade,
// or as terrain if the program supports it.
import { type Facts, isVector } from './facts.js'

export interface Served {
  readonly facts: Facts
  readonly tileSize: number
  /** Text without markup. */
  readonly attribution: string
  /** The full URL of something of the source: `at('.json')`. */
  readonly at: (rest: string) => string
}

export interface Snippet {
  readonly name: string
  readonly text: string
}

export function snippetsOf(served: Served): Snippet[] {
  if (isVector(served.facts)) return [maplibreVector(served), qgisVector(served)]
  const { elevation } = served.facts
  return elevation === undefined
    ? [maplibre(served), leaflet(served), openlayers(served), qgis(served), gdal(served)]
    : [maplibreTerrain(served), leaflet(served), openlayers(served), qgisTerrain(served)]
}

const maplibre = ({ facts: { id }, at, tileSize }: Served): Snippet => ({
  name: 'MapLibre GL',
  text: `map.addSource(${quoted(id)}, {
  type: 'raster',
  url: ${quoted(at('.json'))},
  tileSize: ${tileSize},
})
map.addLayer({ id: ${quoted(id)}, type: 'raster', source: ${quoted(id)} })`,
})

const maplibreTerrain = ({ facts: { id, elevation }, at, tileSize }: Served): Snippet => ({
  name: 'MapLibre GL',
  text: `map.addSource(${quoted(id)}, {
  type: 'raster-dem',
  url: ${quoted(at('.json'))},
  encoding: '${encodingOf(elevation)}',
  tileSize: ${tileSize},
})
map.addLayer({ id: ${quoted(id)}, type: 'hillshade', source: ${quoted(id)} })
map.setTerrain({ source: ${quoted(id)} })`,
})

const maplibreVector = ({ at }: Served): Snippet => ({
  name: 'MapLibre GL',
  text: `map.setStyle(${quoted(at('/style.json'))})`,
})

const leaflet = (served: Served): Snippet => {
  const { tileSize, attribution, facts } = served
  const [first, last] = zoomsOf256(served)
  const [west, south, east, north] = facts.bounds ?? [-180, -85, 180, 85]
  return {
    name: 'Leaflet',
    text: `L.tileLayer(${quoted(pictures(served))}, {
  minZoom: ${first},
  maxNativeZoom: ${last},
  maxZoom: ${last + 4},
  bounds: [[${south}, ${west}], [${north}, ${east}]],${tileSize === 256 ? '' : `\n  tileSize: ${tileSize},\n  zoomOffset: ${-Math.log2(tileSize / 256)},`}${attribution === '' ? '' : `\n  attribution: ${quoted(attribution)},`}
}).addTo(map)`,
  }
}

const openlayers = (served: Served): Snippet => {
  const { tileSize, attribution, facts } = served
  const [first] = zoomsOf256(served)
  return {
    name: 'OpenLayers',
    // '\n' instead of a line break: this is not an import of this file
    text: `import TileLayer from 'ol/layer/Tile.js'\nimport XYZ from 'ol/source/XYZ.js'

map.addLayer(new TileLayer({
  minZoom: ${first - 1},
  source: new XYZ({
    url: ${quoted(pictures(served))},
    maxZoom: ${facts.maxZoom ?? 0},
    tileSize: ${tileSize},${attribution === '' ? '' : `\n    attributions: ${quoted(attribution)},`}
  }),
}))`,
  }
}

const qgis = ({ at }: Served): Snippet => ({
  name: 'QGIS',
  text: `Data Source Manager › WMS/WMTS › New
URL: ${at('/WMTSCapabilities.xml')}`,
})

const qgisTerrain = ({ at, facts: { elevation, minZoom = 0, maxZoom = 0 } }: Served): Snippet => ({
  name: 'QGIS',
  text: `Data Source Manager › XYZ › New
URL: ${at(elevation === 'numbers' ? '/terrain/{z}/{x}/{y}.png' : '/{z}/{x}/{y}')}
Zoom levels: ${minZoom} to ${maxZoom}
Interpretation: ${encodingOf(elevation) === 'mapbox' ? 'MapTiler' : 'Terrarium'} Terrain RGB`,
})

const qgisVector = ({ at }: Served): Snippet => ({
  name: 'QGIS',
  text: `Data Source Manager › Vector Tile › New Generic Connection
URL: ${at('/{z}/{x}/{y}')}
Style URL: ${at('/style.json')}`,
})

const gdal = ({ at }: Served): Snippet => ({
  name: 'GDAL',
  text: `gdalinfo "WMTS:${at('/WMTSCapabilities.xml')}"`,
})

/** The tiles for a program that shows images only. */
const pictures = ({ at, facts }: Served): string =>
  at(facts.elevation === undefined ? '/{z}/{x}/{y}' : '/hillshade/{z}/{x}/{y}.png')

/** First and last zoom for maps that count zoom in tiles of 256 pixels. */
function zoomsOf256({ facts: { minZoom = 0, maxZoom = 0 }, tileSize }: Served): [number, number] {
  const more = Math.log2(tileSize / 256)
  return [minZoom + more, maxZoom + more]
}

const encodingOf = (elevation: Facts['elevation']): string =>
  elevation === 'mapbox' ? 'mapbox' : 'terrarium'

/** As a JavaScript string literal. */
const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&').replace(/\s+/g, ' ')}'`
