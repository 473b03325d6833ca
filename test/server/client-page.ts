// A page with other people's map libraries, out of node_modules, from a host of its own: the tile server answers
// across origins.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Page } from 'playwright-core'
import type Tap from 'tap'
import {
  latToMetres,
  lonToMetres,
  metresToLat,
  metresToLon,
  resolution,
} from '../../src/grid/tiles/mercator.js'
import { root } from '../helpers/paths.js'
import { within } from '../helpers/waiting.js'

const modules = join(root, 'node_modules')
const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
}

/** Where bare names are; folders of ol stand for their index. */
const IMPORTS = {
  pmtiles: '/m/pmtiles/dist/esm/index.js',
  fflate: '/m/fflate/esm/browser.js',
  'maplibre-gl': '/m/maplibre-gl/dist/maplibre-gl.mjs',
  'ol-pmtiles': '/m/ol-pmtiles/dist/esm/index.js',
  'ol/': '/m/ol/',
  rbush: '/m/rbush/index.js',
  quickselect: '/m/quickselect/index.js',
  pbf: '/m/pbf/index.js',
}

const HTML = `<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/m/maplibre-gl/dist/maplibre-gl.css"><link rel="stylesheet" href="/m/leaflet/dist/leaflet.css">
<style>body{margin:0;background:#fff}#map{width:600px;height:400px;background:#fff}</style>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script><script src="/m/leaflet/dist/leaflet.js"></script></head>
<body></body></html>`

/** Takes away the map that the page shows, and runs a script that makes another, which it leaves in `window.shown`. */
export async function showMap(page: Page, script: string): Promise<void> {
  await page.evaluate(`(() => {
    const { shown } = window
    if (shown?.remove) shown.remove()
    else shown?.dispose()
    Object.assign(window, { shown: undefined, done: false })
    const map = document.createElement('div')
    map.id = 'map'
    const script = document.createElement('script')
    script.type = 'module'
    script.textContent = ${JSON.stringify(script)}
    document.body.replaceChildren(map, script)
  })()`)
}

/** The page's address, on a free port until the test ends. */
export async function clientHost(t: Pick<typeof Tap, 'teardown'>): Promise<string> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?', 1)[0]!))
    if (path === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(HTML)
      return
    }
    try {
      const body = readFileSync(join(modules, path.replace(/^\/m\//, '')))
      response
        .writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' })
        .end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await within('a port', once(server, 'listening'))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** What a map of so many pixels shows that is centred on a place at a zoom of tiles of 256 pixels. */
export function windowAt(
  lon: number,
  lat: number,
  zoom: number,
  { width, height }: { readonly width: number; readonly height: number },
): [west: number, south: number, east: number, north: number] {
  const step = resolution(zoom, 256)
  const [x, y] = [lonToMetres(lon), latToMetres(lat)]
  const [w, h] = [(width / 2) * step, (height / 2) * step]
  return [metresToLon(x - w), metresToLat(y - h), metresToLon(x + w), metresToLat(y + h)]
}
