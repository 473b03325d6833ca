// Lines of longitude and latitude at a readable distance, with labels in degrees.
import type { Feature, FeatureCollection } from 'geojson'
import type { Bounds } from './facts.js'
import { lonInWorld } from './mercator.js'

/** Degrees between lines. */
const STEPS = [
  30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001,
]
/** Lines across a view, about. */
const WANTED = 6

export function graticuleOf([west, south, east, north]: Bounds): FeatureCollection {
  const span = Math.max(east - west, north - south)
  const step = STEPS.find((s) => span / s >= WANTED) ?? STEPS.at(-1)!
  const places = Math.max(0, Math.ceil(-Math.log10(step)))
  const features: Feature[] = []
  const line = (label: string, points: [number, number][]): void => {
    features.push({
      type: 'Feature',
      properties: { label },
      geometry: { type: 'LineString', coordinates: points },
    })
  }
  const [top, bottom] = [Math.min(north + step, 85.05), Math.max(south - step, -85.05)]
  for (let i = Math.floor(west / step); i * step <= east; i++) {
    const lon = i * step
    const shown = lonInWorld(lon)
    line(degrees(shown, places, 'E', 'W'), [
      [lon, bottom],
      [lon, top],
    ])
  }
  for (let i = Math.ceil(bottom / step); i * step <= top; i++) {
    line(degrees(i * step, places, 'N', 'S'), [
      [west - step, i * step],
      [east + step, i * step],
    ])
  }
  return { type: 'FeatureCollection', features }
}

function degrees(value: number, places: number, above: string, below: string): string {
  const text = Math.abs(value).toFixed(places)
  return Number(text) === 0 ? '0°' : `${text}° ${value < 0 ? below : above}`
}
