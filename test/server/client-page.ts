// Pages of other people's map libraries, out of node_modules, from a host of their own: the tile server answers
// across origins.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type Tap from 'tap'
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

const htmlOf = (
  script: string,
): string => `<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/m/maplibre-gl/dist/maplibre-gl.css"><link rel="stylesheet" href="/m/leaflet/dist/leaflet.css">
<style>body{margin:0;background:#fff}#map{width:600px;height:400px;background:#fff}</style>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script><script src="/m/leaflet/dist/leaflet.js"></script></head>
<body><div id="map"></div><script type="module">${script}</script></body></html>`

/** On a free port until the test ends; `scripts` by page name. */
export async function clientHost(
  t: Pick<typeof Tap, 'teardown'>,
  scripts: Readonly<Record<string, string>>,
): Promise<string> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?', 1)[0]!))
    const script = scripts[path.slice(1)]
    if (script !== undefined) {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(htmlOf(script))
      return
    }
    try {
      const body = readFileSync(join(modules, path.replace(/^\/m\//, '')))
      response
        // what one page has loaded and compiled the next one has
        .writeHead(200, {
          'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
          'Cache-Control': 'max-age=3600',
        })
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
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
