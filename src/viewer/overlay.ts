// What is drawn over the data: tile borders with ids, stored tiles, the graticule. All of it is GeoJSON; labels use the
// browser's fonts.
import type { Feature, FeatureCollection } from 'geojson'
import type { Cell } from './cells.js'
import type { Bounds } from './facts.js'
import { graticuleOf } from './graticule.js'
import type { GeoJSONSource, MapView } from './maplibre.js'
import { latOfMercator, lonOfMercator, type TileAt } from './mercator.js'
import { isDark } from './theme.js'
import type { Shown } from './view-state.js'
import { bytes } from './words.js'

const EMPTY: FeatureCollection = { type: 'FeatureCollection', features: [] }
const FONT = ['sans-serif']

/** The first layer of the overlay; the data is below it. */
export const FIRST_OVERLAY = 'gaps'

export function addOverlay(map: MapView): void {
  addPatterns(map)
  map.addSource('cells', { type: 'geojson', data: EMPTY })
  map.addSource('graticule', { type: 'geojson', data: EMPTY })
  map.addLayer({
    id: 'gaps',
    type: 'fill',
    source: 'cells',
    filter: ['has', 'state'],
    paint: { 'fill-pattern': ['concat', 'flagstone-', ['get', 'state']] },
  })
  map.addLayer({ id: 'tile-borders', type: 'line', source: 'cells', paint: { 'line-width': 1 } })
  map.addLayer({
    id: 'graticule',
    type: 'line',
    source: 'graticule',
    paint: { 'line-width': 1, 'line-dasharray': [4, 3] },
  })
  map.addLayer({
    id: 'graticule-labels',
    type: 'symbol',
    source: 'graticule',
    layout: {
      'symbol-placement': 'line',
      'text-field': ['get', 'label'],
      'text-font': FONT,
      'text-size': 11,
      'symbol-spacing': 320,
    },
    paint: { 'text-halo-width': 1.5 },
  })
  map.addLayer({
    id: 'tile-ids',
    type: 'symbol',
    source: 'cells',
    filter: ['has', 'label'],
    layout: {
      'text-field': ['get', 'label'],
      'text-font': FONT,
      'text-size': 12,
      'text-line-height': 1.35,
      'text-allow-overlap': true,
    },
    paint: { 'text-halo-width': 1.5 },
  })
}

/** Shows what is switched on, in the colours of the theme. */
export function styleOverlay(map: MapView, shown: Shown): void {
  const dark = isDark()
  const [ink, halo] = dark ? ['#e8edee', '#0e1315'] : ['#182024', '#ffffff']
  const visible = (id: string, on: boolean): void => {
    map.setLayoutProperty(id, 'visibility', on ? 'visible' : 'none')
  }
  map.setPaintProperty('plain', 'background-color', dark ? '#0e1315' : '#e6e9e5')
  map.setPaintProperty('tile-borders', 'line-color', shown.gaps ? (dark ? '#9aa8ae' : '#56646b') : '#e0409f')
  for (const layer of ['tile-ids', 'graticule-labels']) {
    map.setPaintProperty(layer, 'text-color', ink)
    map.setPaintProperty(layer, 'text-halo-color', halo)
  }
  map.setPaintProperty('graticule', 'line-color', dark ? '#7c8b93' : '#74838b')
  visible('gaps', shown.gaps)
  visible('tile-borders', shown.tiles || shown.gaps)
  visible('tile-ids', shown.tiles)
  visible('graticule', shown.graticule)
  visible('graticule-labels', shown.graticule)
}

export type CellState = 'stored' | 'over' | 'none'

/** `isEnlarged`: the map is beyond the file's deepest level, so that nothing is shown as it is stored. */
export function stateOf({ stored, from }: Cell, isEnlarged: boolean): CellState {
  if (stored !== undefined) return isEnlarged ? 'over' : 'stored'
  return from === undefined ? 'none' : 'over'
}

/** Empty cells are drawn only when gaps are shown, because borders of missing tiles say little. */
export function drawCells(map: MapView, cells: readonly Cell[], isEnlarged: boolean, shown: Shown): void {
  const features = cells
    .filter((cell) => shown.gaps || cell.from !== undefined)
    .flatMap((cell): Feature[] => {
      const { tile, stored, from } = cell
      const ring = ringOf(tile)
      const square: Feature = {
        type: 'Feature',
        properties: { state: stateOf(cell, isEnlarged) },
        geometry: { type: 'Polygon', coordinates: [ring] },
      }
      const size = stored !== undefined ? bytes(stored.bytes) : from && `from ${from.z}/${from.x}/${from.y}`
      if (size === undefined) return [square]
      // a point of its own: MapLibre cuts large squares and would write into every piece
      const middle: Feature = {
        type: 'Feature',
        properties: { label: `${tile.z}/${tile.x}/${tile.y}\n${size}` },
        geometry: { type: 'Point', coordinates: middleOf(tile) },
      }
      return [square, middle]
    })
  void map.getSource<GeoJSONSource>('cells')?.setData({ type: 'FeatureCollection', features })
}

export function drawGraticule(map: MapView, bounds: Bounds): void {
  void map.getSource<GeoJSONSource>('graticule')?.setData(graticuleOf(bounds))
}

const middleOf = ({ z, x, y }: TileAt): [number, number] => [
  lonOfMercator((x + 0.5) / 2 ** z),
  latOfMercator((y + 0.5) / 2 ** z),
]

function ringOf({ z, x, y }: TileAt): [number, number][] {
  const side = 2 ** z
  const [west, east] = [lonOfMercator(x / side), lonOfMercator((x + 1) / side)]
  const [north, south] = [latOfMercator(y / side), latOfMercator((y + 1) / side)]
  return [
    [west, north],
    [east, north],
    [east, south],
    [west, south],
    [west, north],
  ]
}

/** Differ by more than colour: a tint, stripes, and crossed stripes. */
function addPatterns(map: MapView): void {
  const size = 16
  const pattern = (paint: (pen: OffscreenCanvasRenderingContext2D) => void): ImageData => {
    const pen = new OffscreenCanvas(size, size).getContext('2d')!
    paint(pen)
    return pen.getImageData(0, 0, size, size)
  }
  const stripe = (pen: OffscreenCanvasRenderingContext2D, colour: string, isBack: boolean): void => {
    pen.strokeStyle = colour
    pen.lineWidth = 2.5
    for (const shift of [-size, 0, size]) {
      pen.beginPath()
      pen.moveTo(shift - 2, isBack ? -2 : size + 2)
      pen.lineTo(shift + size + 2, isBack ? size + 2 : -2)
      pen.stroke()
    }
  }
  map.addImage(
    'flagstone-stored',
    pattern((pen) => {
      pen.fillStyle = 'rgb(16 148 130 / .22)'
      pen.fillRect(0, 0, size, size)
    }),
  )
  map.addImage(
    'flagstone-over',
    pattern((pen) => {
      pen.fillStyle = 'rgb(230 140 20 / .22)'
      pen.fillRect(0, 0, size, size)
      stripe(pen, 'rgb(230 140 20 / .75)', false)
    }),
  )
  map.addImage(
    'flagstone-none',
    pattern((pen) => {
      stripe(pen, 'rgb(128 128 128 / .3)', false)
      stripe(pen, 'rgb(128 128 128 / .3)', true)
    }),
  )
}
