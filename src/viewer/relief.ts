// Heights as colours with hillshading.
import type { MapView, RasterDEMSourceSpecification } from './maplibre.js'
import { FIRST_OVERLAY } from './overlay.js'

/** Metres. */
export type HeightRange = readonly [low: number, high: number]

/** Colours of heights, from low to high. */
export const RAMP = ['#2b5d50', '#5f8f5a', '#b9b36b', '#d9b27c', '#a9745a', '#8c6a6a', '#f4f1ee'] as const

/**
 * Holes are black and transparent, which MapLibre reads as the lowest height of the encoding: heights below those of
 * the Earth are not drawn. (Mapbox' encoding begins at -10,000 m.)
 */
const NO_HEIGHT = { mapbox: -9999, terrarium: -12_000 } as const

export function addRelief(
  map: MapView,
  dem: RasterDEMSourceSpecification & { encoding: 'mapbox' | 'terrarium' },
  [low, high]: HeightRange,
): void {
  const none = NO_HEIGHT[dem.encoding]
  const stops: (string | number)[] = [none, 'rgb(0 0 0 / 0)', none + 50, RAMP[0]]
  RAMP.forEach((colour, i) => {
    stops.push(Math.max(low, none + 100) + ((high - low) * i) / (RAMP.length - 1), colour)
  })
  map.addSource('data', dem)
  map.addLayer(
    {
      id: 'data-colours',
      type: 'color-relief',
      source: 'data',
      paint: { 'color-relief-color': ['interpolate', ['linear'], ['elevation'], ...stops] as never },
    },
    FIRST_OVERLAY,
  )
  map.addLayer(
    {
      id: 'data-shade',
      type: 'hillshade',
      source: 'data',
      paint: {
        'hillshade-exaggeration': 0.45,
        'hillshade-shadow-color': '#1c2733',
        'hillshade-highlight-color': '#fff8e8',
        'hillshade-accent-color': '#2b3742',
      },
    },
    FIRST_OVERLAY,
  )
}
