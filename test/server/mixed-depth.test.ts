// A file that is deeper in one place than around it, in other people's map libraries with their default settings: no
// holes, no flashes, no errors, and the right pixels, at each zoom across the change of depth.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { sample } from '../../src/sampling/sample.js'
import { openTiles } from '../../src/store/read/open.js'
import { launch, openPage, psnr, withoutBrowser } from '../helpers/browser.js'
import { root } from '../helpers/paths.js'
import { clientHost, showMap, windowAt } from './client-page.js'
import { LAT, LON, mixedFile } from './mixed-file.js'
import { serve } from './served.js'
import { namelessControls, openViewer, settled, until } from './viewer-page.js'

if (withoutBrowser !== false) {
  t.plan(0, withoutBrowser)
  process.exit(0)
}

// of a busy machine, which draws slowly
t.setTimeout(1_800_000)

const MAP = { x: 0, y: 0, width: 600, height: 400 }
const dir = t.testdir()
const path = join(dir, 'mixed.pmtiles')
await mixedFile(path)
const { url } = await serve(t, [path])
const reader = openTiles(path)
t.teardown(() => reader.close())
const browser = await launch()
t.teardown(() => browser.close())
const context = await browser.newContext({ viewport: { width: MAP.width, height: MAP.height } })
const { page, complaints } = await openPage(context)
await page.goto(await clientHost(t))
await page.addStyleTag({ content: '#map, .leaflet-container { background: #f0f !important }' })
complaints.length = 0

/** `go(zoom)`, in zooms of tiles of 256 pixels, resolves when the map has settled there. */
const maplibre = (source: string, before = ''): string => `
  import * as maplibregl from 'maplibre-gl'
  ${before}
  const map = new maplibregl.Map({ container: 'map', center: [${LON}, ${LAT}], zoom: 11, attributionControl: false,
    style: { version: 8, sources: { a: ${source} }, layers: [
      { id: 'b', type: 'background', paint: { 'background-color': '#f0f' } }, { id: 'a', type: 'raster', source: 'a' }] } })
  window.shown = map
  window.go = (zoom) => new Promise((done) => { map.easeTo({ zoom: zoom - 1, duration: 250 }); map.once('idle', () => done(true)) })
  map.once('idle', () => { window.done = true })`

const leaflet = (): string => `
  const map = L.map('map', { zoomControl: false, attributionControl: false })
  window.shown = map
  const layer = L.tileLayer('${url}/mixed/{z}/{x}/{y}')
  const settled = () => new Promise((done) => {
    const look = () => !layer.isLoading() && !map._animatingZoom && Object.values(layer._tiles).every((t) => t.active) ? done(true) : setTimeout(look, 30)
    setTimeout(look, 60)
  })
  window.go = (zoom) => { map.setZoom(zoom); return settled() }
  map.setView([${LAT}, ${LON}], 12); layer.addTo(map)
  await settled()
  window.done = true`

const openlayers = (source: string, before: string): string => `
  import Map from 'ol/Map.js'
  import View from 'ol/View.js'
  import TileLayer from 'ol/layer/Tile.js'
  import { fromLonLat } from 'ol/proj.js'
  ${before}
  const map = new Map({ target: 'map', controls: [], layers: [new TileLayer({ source: ${source} })],
    view: new View({ center: fromLonLat([${LON}, ${LAT}]), zoom: 12 }) })
  window.shown = map
  const settled = () => new Promise((done) => { map.once('rendercomplete', () => done(true)); map.render() })
  window.go = (zoom) => new Promise((done) => map.getView().animate({ zoom, duration: 250 }, () => settled().then(done)))
  await settled()
  window.done = true`

const SCRIPTS: Record<string, string> = {
  'MapLibre with TileJSON': maplibre(`{ type: 'raster', url: '${url}/mixed.json', tileSize: 256 }`),
  'Leaflet with z/x/y': leaflet(),
  'OpenLayers with z/x/y': openlayers(
    `new XYZ({ url: '${url}/mixed/{z}/{x}/{y}' })`,
    `import XYZ from 'ol/source/XYZ.js'`,
  ),
  'OpenLayers with WMTS': openlayers(
    'new WMTS(options)',
    `import WMTS, { optionsFromCapabilities } from 'ol/source/WMTS.js'
  import WMTSCapabilities from 'ol/format/WMTSCapabilities.js'
  const text = await (await fetch('${url}/mixed/wmts')).text()
  const options = optionsFromCapabilities(new WMTSCapabilities().read(text), { layer: 'mixed' })`,
  ),
  'MapLibre with the pmtiles protocol, as the README says': maplibre(
    `{ type: 'raster', url: 'pmtiles://${url}/mixed.pmtiles', tileSize: 256 }`,
    `import { Protocol } from 'pmtiles'
${/(?<=```js\n)const protocol = new .*?(?=\n```)/s.exec(readFileSync(join(root, 'src', 'server', 'README.md'), 'utf8'))![0].replaceAll('pmtiles.Protocol', 'Protocol')}`,
  ),
}

/** Of the pixels of a picture of the page, how many show the background. */
async function holesIn(png: Buffer, margin: number): Promise<number> {
  const { width, height, bands, data } = await decodeTile(png)
  let holes = 0
  for (let y = Math.round(height * margin); y < height * (1 - margin); y++) {
    for (let x = Math.round(width * margin); x < width * (1 - margin); x++) {
      const [red, green, blue] = data.subarray((y * width + x) * bands)
      if (red! > 200 && green! < 60 && blue! > 200) holes++
    }
  }
  return holes
}

/** What the browser shows from frame to frame while `work` goes on. */
async function framesDuring(page: Page, work: () => Promise<unknown>): Promise<Buffer[]> {
  const frames: Buffer[] = []
  const session = await page.context().newCDPSession(page)
  session.on('Page.screencastFrame', ({ data, sessionId }) => {
    frames.push(Buffer.from(data, 'base64'))
    // the last ones come when nobody wants them any more
    session.send('Page.screencastFrameAck', { sessionId }).catch(() => {})
  })
  await session.send('Page.startScreencast', { format: 'png', everyNthFrame: 1 })
  await work()
  await session.send('Page.stopScreencast')
  await session.detach()
  return frames
}

for (const [name, script] of Object.entries(SCRIPTS)) {
  t.test(name, async (t) => {
    await showMap(page, script)
    await until(page, 'window.done === true')
    const { width, height } = MAP
    for (const zoom of [13, 14, 15, 14]) {
      const frames = await framesDuring(page, () => page.evaluate(`window.go(${zoom})`))
      const flashes = await Promise.all(frames.map((frame) => holesIn(frame, 0.25)))
      t.ok(frames.length > 0)
      t.same(
        flashes.filter((holes) => holes > 0),
        [],
        `no flash on the way to zoom ${zoom}, in ${frames.length} frames`,
      )
      const wanted = await sample(reader, {
        bbox: windowAt(LON, LAT, zoom, MAP),
        width,
        height,
        zoom: Math.min(zoom, 14),
        resampling: 'bilinear',
      })
      let png = await page.screenshot({ clip: MAP })
      for (let tries = 0; psnr(await decodeTile(png), wanted) < 30 && tries < 12; tries++) {
        await page.waitForTimeout(250)
        png = await page.screenshot({ clip: MAP })
      }
      t.equal(await holesIn(png, 0), 0, `no hole at zoom ${zoom}`)
      const found = psnr(await decodeTile(png), wanted)
      t.ok(found >= 30, `zoom ${zoom}: ${found.toFixed(1)} dB`)
    }
    t.same(complaints.splice(0), [])
  })
}

t.test('the viewer outlines the sources, and says which one is seen where', async (t) => {
  const hash = `#12/${LAT.toFixed(5)}/${LON.toFixed(5)}`
  const { page, complaints } = await openViewer(browser, `${url}/mixed/map${hash}`, {
    viewport: { width: 800, height: 480 },
  })
  const facts = (): Promise<string> => page.innerText('#source-facts')
  const wait = (text: string): Promise<void> =>
    until(page, `document.getElementById('source-facts').innerText.includes(${JSON.stringify(text)})`)
  t.equal(await page.isVisible('#sources-row'), true)
  t.equal(await page.isChecked('#sources'), false, 'off at first')
  await page.mouse.move(380, 260)
  await wait('as stored')
  const city = (await facts()).replaceAll(/\s+/g, ' ')
  t.match(city, /Source city\.tif Date 2024-06-30 Resolution 6\.50 m, zoom 14 Licence CC BY 4\.0/)
  t.match(city, /Below it country\.tif Shown zoom 13, as stored/)
  await page.mouse.move(460, 260)
  await wait('enlarged from 12')
  t.match(
    (await facts()).replaceAll(/\s+/g, ' '),
    /Source country\.tif Date 2019 Resolution 26\.2 m, zoom 12 Shown zoom 13, enlarged from 12/,
  )

  const plain = await page.screenshot({ clip: { x: 370, y: 200, width: 60, height: 60 } })
  await page.keyboard.press('s')
  t.equal(await page.isChecked('#sources'), true)
  await settled(page)
  t.match(page.url(), /&sources$/)
  const ids = 'flagstone.map.queryRenderedFeatures({ layers: ["footprints"] }).map((f) => f.properties.id)'
  t.same([...new Set(await page.evaluate<string[]>(ids))].sort(), ['source-0', 'source-1'])
  t.notSame(
    await page.screenshot({ clip: { x: 370, y: 200, width: 60, height: 60 } }),
    plain,
    'the edge of the city is drawn',
  )
  await page.mouse.click(380, 260)
  await page.waitForSelector('.answer dl')
  t.match(await page.innerText('.answer'), /city\.tif/, 'a click says it too')
  await page.keyboard.press('Escape')
  t.same(await namelessControls(page), [])
  await page.keyboard.press('s')
  await settled(page)
  t.equal(await page.isChecked('#sources'), false)
  t.same(complaints, [])
  await page.close()
})
