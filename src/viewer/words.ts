// Numbers as people read them.
import { lonInWorld } from './mercator.js'

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** 6255 → '6,255' */
export const count = (n: number): string => plain.format(n)

/** '872 B', '12.3 KB', '1.24 GB': three figures, powers of 1000, as the command says it. */
export function bytes(n: number): string {
  if (n < 1000) return `${Math.round(n)} B`
  const units = ['KB', 'MB', 'GB', 'TB', 'PB']
  let at = -1
  let value = n
  do {
    value /= 1000
    at++
  } while (value >= 999.5 && at < units.length - 1)
  return `${value.toPrecision(3).replace(/e\+\d+$/, '')} ${units[at]}`
}

/** 0.2 → '20.0 cm' */
export const metres = (m: number): string =>
  m < 1 ? `${(m * 100).toPrecision(3)} cm` : `${m >= 1000 ? count(m) : m.toPrecision(3)} m`

const FORMATS: Readonly<Record<string, string>> = {
  avif: 'AVIF',
  jpeg: 'JPEG',
  mlt: 'MLT',
  mvt: 'MVT',
  png: 'PNG',
  webp: 'WebP',
}

/** ['jpeg', 'webp'] → 'JPEG + WebP' */
export const formatList = (names: readonly string[]): string =>
  names.map((name) => FORMATS[name] ?? name).join(' + ')

/** '47.12345° N, 8.12345° E': as many places as a pixel of the zoom is worth. */
export function place(lon: number, lat: number, zoom = 18): string {
  const places = Math.max(2, Math.min(7, Math.ceil(zoom / 3)))
  const wrapped = lonInWorld(lon)
  const north = `${Math.abs(lat).toFixed(places)}° ${lat < 0 ? 'S' : 'N'}`
  return `${north}, ${Math.abs(wrapped).toFixed(places)}° ${wrapped < 0 ? 'W' : 'E'}`
}

/** [3, 4, 5, 9] → '3–5, 9' */
export function zoomList(zooms: readonly number[]): string {
  const runs: [number, number][] = []
  for (const zoom of zooms) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === zoom - 1) last[1] = zoom
    else runs.push([zoom, zoom])
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
}
