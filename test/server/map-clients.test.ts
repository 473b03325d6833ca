// Other people's map libraries on our server, in a browser: MapLibre with the pmtiles protocol, Leaflet by z/x/y and
// by ranges of the archive, OpenLayers by ol-pmtiles. Each shows what `sample` says of the same window.
import { join } from 'node:path'
import t from 'tap'
import { build } from '../../src/pyramid/build.js'
import { sample } from '../../src/sampling/sample.js'
import { openTiles } from '../../src/store/read/open.js'
import { bestShift, launch, openPage, pixelsOf, psnr, withoutBrowser } from '../helpers/browser.js'
import { fixture } from '../helpers/paths.js'
import { clientHost, showMap, windowAt } from './client-page.js'
import { serve } from './served.js'
import { orthoFiles } from './viewer-files.js'
import { until } from './viewer-page.js'

if (withoutBrowser !== false) {
  t.plan(0, withoutBrowser)
  process.exit(0)
}

const [LON, LAT, LEVEL] = [14.6345, 47.5072, 16]
const MAP = { x: 0, y: 0, width: 600, height: 400 }

const dir = t.testdir()
const path = join(dir, 'ortho.pmtiles')
await orthoFiles(path, join(dir, 'holed.pmtiles'))
/** With 512 pixels a tile, which other libraries have to be told. */
const large = join(dir, 'large.pmtiles')
await build({ sources: [fixture('ortho.tif')], out: large, maxZoom: 16, tileSize: 512 })
const { url } = await serve(t, [path, large])
const browser = await launch()
t.teardown(() => browser.close())

const maplibre = (source: string, before = ''): string => `
  import * as maplibregl from 'maplibre-gl'
  ${before}
  const map = new maplibregl.Map({ container: 'map', center: [${LON}, ${LAT}], zoom: ${LEVEL - 1}, attributionControl: false,
    style: { version: 8, sources: { a: ${source} }, layers: [{ id: 'a', type: 'raster', source: 'a', paint: { 'raster-fade-duration': 0 } }] } })
  window.shown = map
  map.once('idle', () => { window.done = true })`

const leaflet = (layer: string, before = ''): string => `
  ${before}
  const map = L.map('map', { zoomControl: false, attributionControl: false, fadeAnimation: false, zoomAnimation: false })
  window.shown = map
  const layer = ${layer}
  layer.on('load', () => { window.done = true })
  map.setView([${LAT}, ${LON}], ${LEVEL}); layer.addTo(map)`

const openlayers = (source: string, before = ''): string => `
  import Map from 'ol/Map.js'
  import View from 'ol/View.js'
  import { fromLonLat } from 'ol/proj.js'
  ${before}
  const map = new Map({ target: 'map', controls: [], layers: [${source}],
    view: new View({ center: fromLonLat([${LON}, ${LAT}]), zoom: ${LEVEL} }) })
  window.shown = map
  map.once('rendercomplete', () => { window.done = true })`

/** OpenLayers' reading of the capabilities. */
const wmts = (config: string): string => `
  import TileLayer from 'ol/layer/Tile.js'
  import WMTS, { optionsFromCapabilities } from 'ol/source/WMTS.js'
  import WMTSCapabilities from 'ol/format/WMTSCapabilities.js'
  const text = await (await fetch('${url}/ortho/wmts')).text()
  const options = optionsFromCapabilities(new WMTSCapabilities().read(text), { layer: 'ortho', ...${config} })`

const SCRIPTS = {
  'maplibre with the pmtiles protocol': maplibre(
    `{ type: 'raster', url: 'pmtiles://${url}/ortho.pmtiles', tileSize: 256 }`,
    `import { Protocol } from 'pmtiles'; maplibregl.addProtocol('pmtiles', new Protocol().tile)`,
  ),
  'maplibre with TileJSON': maplibre(`{ type: 'raster', url: '${url}/ortho.json', tileSize: 256 }`),
  'leaflet with z/x/y': leaflet(`L.tileLayer('${url}/ortho/{z}/{x}/{y}', { maxNativeZoom: 17 })`),
  'leaflet with pmtiles': leaflet(
    `leafletRasterLayer(new PMTiles('${url}/ortho.pmtiles'), {})`,
    `import { PMTiles, leafletRasterLayer } from 'pmtiles'`,
  ),
  'openlayers with ol-pmtiles': openlayers(
    `new TileLayer({ source: new PMTilesRasterSource({ url: '${url}/ortho.pmtiles', tileSize: [256, 256], transition: 0 }) })`,
    `import TileLayer from 'ol/layer/WebGLTile.js'; import { PMTilesRasterSource } from 'ol-pmtiles'`,
  ),
  'openlayers with z/x/y': openlayers(
    `new TileLayer({ source: new XYZ({ url: '${url}/ortho/{z}/{x}/{y}', maxZoom: 17 }) })`,
    `import TileLayer from 'ol/layer/Tile.js'; import XYZ from 'ol/source/XYZ.js'`,
  ),
  'openlayers with WMTS': openlayers('new TileLayer({ source: new WMTS(options) })', wmts('{}')),
  'openlayers with WMTS by key and value': openlayers(
    'new TileLayer({ source: new WMTS(options) })',
    wmts(`{ requestEncoding: 'KVP' }`),
  ),
  'maplibre with the style of a file': maplibre('', '').replace(
    /style: \{.*\} \}\)$/m,
    `style: '${url}/ortho/style.json' })`,
  ),
}

// what the viewer says of how to show a file elsewhere
const BOUND: Readonly<Record<string, (snippet: string) => string>> = {
  'MapLibre GL': (snippet) =>
    maplibre('').replace(/sources: .*layers: \[.*?\] \}/, 'sources: {}, layers: [] }') +
    `\n  await map.once('load'); ${snippet}`,
  Leaflet: (snippet) => `${leaflet('L.layerGroup()')}\n  ${snippet}\n  window.done = true`,
  OpenLayers: (snippet) => `${openlayers('')}\n  ${snippet}\n  window.done = true`,
}
// one page for all of them, one after another: what it has loaded, compiled and drawn with it has for the next
const { page, complaints } = await openPage(browser, { viewport: { width: 760, height: 420 } })
const snippets: Record<string, string> = {}
for (const file of ['ortho', 'large']) {
  await page.goto(`${url}/${file}/map`)
  await until(page, "document.getElementById('snippet').textContent !== ''")
  for (const [client, bind] of Object.entries(BOUND)) {
    await page.selectOption('#use-in', client)
    snippets[`${file} by the viewer's code for ${client}`] = bind(await page.innerText('#snippet'))
  }
}
await page.goto(await clientHost(t))
complaints.length = 0

for (const [name, script] of Object.entries({ ...SCRIPTS, ...snippets })) {
  t.test(name, async (t) => {
    await showMap(page, script)
    await until(page, 'window.done === true')
    const isLarge = name.startsWith('large')
    const reader = openTiles(isLarge ? large : path)
    t.teardown(() => reader.close())
    const { width, height } = MAP
    const wanted = await sample(reader, {
      bbox: windowAt(LON, LAT, LEVEL, MAP),
      width,
      height,
      zoom: isLarge ? LEVEL - 1 : LEVEL,
      resampling: 'bilinear',
    })
    // ol-pmtiles on a busy machine says 'rendercomplete' before it has drawn (13.9 dB then): what counts is what comes
    let seen = await pixelsOf(page, MAP)
    for (let tries = 0; psnr(seen, wanted) < 30 && tries < 40; tries++) {
      await page.waitForTimeout(250)
      seen = await pixelsOf(page, MAP)
    }
    const found = psnr(seen, wanted)
    t.ok(found >= 30, `${found.toFixed(1)} dB`)
    t.same(bestShift(seen, wanted), [0, 0], 'nothing is shifted')
    t.same(complaints.splice(0), [])
  })
}
