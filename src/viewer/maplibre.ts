// MapLibre GL as it was copied beside us by the build, with the types of the package it was copied from. Loaded on
// demand, so that the page works, and can report errors, before this megabyte is loaded.
import type * as MapLibre from 'maplibre-gl'

export type {
  GeoJSONSource,
  Map as MapView,
  RasterDEMSourceSpecification,
  StyleSpecification,
} from 'maplibre-gl'
export type MapLibreModule = typeof MapLibre

export async function loadMapLibre(): Promise<MapLibreModule> {
  const address = new URL('./vendor/maplibre-gl.mjs', import.meta.url).href
  return (await import(address)) as MapLibreModule
}
