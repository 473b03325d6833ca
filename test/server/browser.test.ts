// The viewer and the catalogue in a real browser: the map shows the right pixels in the right place, clicking and the
// keyboard work, nothing complains.
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lonLatToTile } from '../../src/grid/tiles/mercator.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { sample } from '../../src/sampling/sample.js'
import { openTiles } from '../../src/store/read/open.js'
import { bestShift, type Clip, launch, openPage, pixelsOf, psnr, withoutBrowser } from '../helpers/browser.js'
import { until as waitUntil } from '../helpers/waiting.js'
import { serve } from './served.js'
import { attackFile, emptyFile, heightFile, orthoFiles, SLOPE_BOUNDS, squareFile } from './viewer-files.js'
import { boundsOnMap, namelessControls, openViewer, settled, until } from './viewer-page.js'

if (withoutBrowser !== false) {
  t.plan(0, withoutBrowser)
  process.exit(0)
}

/** Small, as every pixel is drawn by the processor. */
const VIEWPORT = { width: 800, height: 480 }
/** The part of it that nothing lies over. */
const CLEAR: Clip = { x: 400, y: 60, width: 340, height: 340 }
const PLACE = '47.5072/14.6345'

const dir = t.testdir({ tiles: {} })
const at = (name: string): string => join(dir, 'tiles', `${name}.pmtiles`)
const hole = await orthoFiles(at('ortho'), at('holed'))
await heightFile(at('slope'), 'terrarium')
await heightFile(at('numbers'), 'int16')
squareFile(at('squares'))
emptyFile(at('empty'))
attackFile(at('attack'))

const { url } = await serve(t, [join(dir, 'tiles')])
const browser = await launch()
t.teardown(() => browser.close())
/** Where no other size, touch or colour scheme is wanted; each page that is opened starts anew in it. */
const context = await browser.newContext({ viewport: VIEWPORT })
const { page, complaints } = await openPage(context)

async function open(address: string): Promise<void> {
  // of an address with another hash alone nothing would be loaded
  await page.goto('about:blank')
  complaints.length = 0
  await page.goto(address)
}

async function view(address: string): Promise<void> {
  await open(address)
  await settled(page)
}

async function zoomTo(zoom: number): Promise<void> {
  await page.evaluate(`location.hash = '#${zoom}/${PLACE}'`)
  await until(page, `Math.abs(flagstone.map.getZoom() - ${zoom}) < 0.001`)
  await settled(page)
}

t.test('the map shows what sample says', async (t) => {
  await view(`${url}/ortho/map#16/${PLACE}`)
  const reader = openTiles(at('ortho'))
  t.teardown(() => reader.close())
  for (const [name, zoom] of [
    ['pixel by pixel', 16],
    ['between levels', 15.3],
    ['enlarged', 17.5],
  ] as const) {
    await zoomTo(zoom)
    const seen = await pixelsOf(page, CLEAR)
    const bbox = await boundsOnMap(page, CLEAR)
    // the level that the map takes, so that the same pixels are compared
    const level = Math.min(17, Math.round(zoom + 1))
    const { width, height } = CLEAR
    const wanted = await sample(reader, { bbox, width, height, zoom: level, resampling: 'bilinear' })
    const found = psnr(seen, wanted)
    t.ok(found >= 30, `${name}: ${found.toFixed(1)} dB`)
    t.same(bestShift(seen, wanted), [0, 0], `${name}: nothing is shifted`)
  }
  t.same(complaints, [])
})

t.test('a click answers with what is stored there', async (t) => {
  await zoomTo(16)
  await page.mouse.click(590, 250)
  const [lon, lat] = await page.evaluate<[number, number]>(
    '(() => { const p = flagstone.map.unproject([590, 250]); return [p.lng, p.lat] })()',
  )
  await page.waitForSelector('.answer dl')
  const text = await page.locator('.answer').innerText()
  const side = 2 ** 17 * 256
  const column = Math.floor(((lon + 180) / 360) * side)
  const row = Math.floor((0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * side)
  const tile = [17, column >> 8, row >> 8] as const
  const reader = openTiles(at('ortho'))
  t.teardown(() => reader.close())
  const pixels = await decodeTile(reader.get(...tile)!.bytes)
  const i = ((row & 255) * 256 + (column & 255)) * pixels.bands
  t.match(text, [...pixels.data.subarray(i, i + 3)].join(', '), 'the colour of that pixel')
  t.match(text, tile.join('/'))

  // what is under the pointer, as the record says it
  await until(page, "document.getElementById('tile-facts').textContent.includes('\"')")
  const facts = await page.locator('#tile-facts').innerText()
  t.match(facts, tile.join('/'))
  t.match(facts, reader.get(...tile)!.etag)
  t.same(complaints, [])
})

t.test('the level table says what is stored, and goes there', async (t) => {
  await view(`${url}/ortho/map`)
  const reader = openTiles(at('ortho'))
  t.teardown(() => reader.close())
  const counts = new Map<number, [number, number]>()
  for (const { z, length } of reader.tiles()) {
    const [n, bytes] = counts.get(z) ?? [0, 0]
    counts.set(z, [n + 1, bytes + length])
  }
  const rows = await page.evaluate<string[][]>(
    "[...document.querySelectorAll('#levels tr')].map((tr) => [...tr.children].map((c) => c.textContent))",
  )
  t.same(
    rows.map(([zoom, n]) => [Number(zoom), Number(n)]),
    [...counts].map(([zoom, [n]]) => [zoom, n]),
  )
  for (const [i, [, [, bytes]]] of [...counts].entries()) {
    const shown = Number.parseFloat(rows[i]![2]!) * (rows[i]![2]!.endsWith('KB') ? 1000 : 1)
    t.ok(Math.abs(shown - bytes) <= bytes * 0.006, `${rows[i]![2]} is ${bytes} bytes`)
  }
  await page.click('#levels tr[data-zoom="14"] button')
  await until(page, 'Math.abs(flagstone.map.getZoom() - 13) < 0.01 && !flagstone.map.isMoving()')
  await settled(page)
  t.equal(await page.getAttribute('#levels tr[data-zoom="14"] button', 'aria-current'), 'true')
  t.match(page.url(), /#13\.00\//, 'the address says where we are')
  t.same(complaints, [])
})

t.test('what is stored and what is enlarged; gaps are filled or shown', async (t) => {
  await view(`${url}/holed/map#16/${PLACE}&gaps`)
  const reader = openTiles(at('holed'))
  t.teardown(() => reader.close())
  const [west, south, east, north] = await boundsOnMap(page, { x: 0, y: 0, ...VIEWPORT })
  const [minX, minY] = lonLatToTile(west, north, 17)
  const [maxX, maxY] = lonLatToTile(east, south, 17)
  const counts = { stored: 0, over: 0, none: 0 }
  for (let y = minY; y <= maxY; y++) {
    for (let x = minX; x <= maxX; x++) {
      const up = [1, 2, 3, 4, 5].some((by) => reader.has(17 - by, x >> by, y >> by))
      counts[reader.has(17, x, y) ? 'stored' : up ? 'over' : 'none']++
    }
  }
  for (const [state, n] of Object.entries(counts)) {
    t.equal(await page.innerText(`#gaps-${state}`), String(n), state)
  }
  const middle = await page.evaluate<[number, number]>(`(() => {
    const side = 2 ** ${hole[0]}, x = (${hole[1]} + 0.5) / side, y = (${hole[2]} + 0.5) / side
    const p = flagstone.map.project([x * 360 - 180, Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI])
    return [Math.round(p.x), Math.round(p.y)]
  })()`)
  const clip = { x: middle[0] - 60, y: middle[1] - 60, width: 120, height: 120 }
  await page.mouse.move(...middle)
  await until(page, "document.getElementById('tile-facts').textContent.includes('enlarged from 16/')")

  await page.keyboard.press('g')
  await settled(page)
  const { width, height } = clip
  const bbox = await boundsOnMap(page, clip)
  const wanted = await sample(reader, { bbox, width, height, zoom: 16, resampling: 'bilinear' })
  const filled = psnr(await pixelsOf(page, clip), wanted)
  t.ok(filled >= 27, `the hole shows the level above: ${filled.toFixed(1)} dB`)

  await page.keyboard.press('o')
  await settled(page)
  t.match(page.url(), /gapless=0/)
  const empty = await pixelsOf(page, { ...clip, x: middle[0] - 8, y: middle[1] - 8, width: 16, height: 16 })
  t.same([...new Set(empty.data)].length, 3, 'the hole is one colour')
  t.same([...empty.data.subarray(0, 3)], [0xe6, 0xe9, 0xe5], 'that of the background')
  t.same(complaints, [])
})

t.test('by keyboard alone', async (t) => {
  await view(`${url}/ortho/map#16/${PLACE}`)
  const focused = (): Promise<string> =>
    page.evaluate('document.activeElement.id || document.activeElement.className')
  for (let i = 0; i < 3 && !(await focused()).includes('canvas'); i++) await page.keyboard.press('Tab')
  t.match(await focused(), /canvas/, 'the map is reached')
  t.equal(await page.isVisible('#crosshair'), true, 'its middle is marked')
  const before = await page.evaluate<number>('flagstone.map.getCenter().lng')
  await page.keyboard.press('ArrowRight')
  await until(page, `flagstone.map.getCenter().lng > ${before} && !flagstone.map.isMoving()`)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.answer dl')
  await page.keyboard.press('Escape')
  await page.waitForSelector('.answer', { state: 'detached' })

  await page.keyboard.press('t')
  t.equal(await page.isChecked('#tiles'), true)
  await settled(page)
  const ids = 'flagstone.map.queryRenderedFeatures({ layers: ["tile-ids"] }).map((f) => f.properties.label)'
  t.match((await page.evaluate<string[]>(ids)).join(), /17\/70864\/45829\n.* KB/, 'ids with bytes')
  await page.keyboard.press('Shift+?')
  t.equal(await page.isVisible('#help'), true)
  await page.keyboard.press('Escape')
  t.equal(await page.isVisible('#help'), false)
  await page.keyboard.press('[')
  t.equal(await page.inputValue('#opacity'), '90')
  t.match(page.url(), /&opacity=90&tiles$/)
  await page.keyboard.press('Control+p')
  t.equal(
    await page.getAttribute('#panel-toggle', 'aria-expanded'),
    'true',
    "the browser's own keys are left",
  )
  await page.keyboard.press('p')
  t.equal(await page.getAttribute('#panel-toggle', 'aria-expanded'), 'false')

  // every stop of the keyboard is seen
  await page.keyboard.press('p')
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab')
    const outline = await page.evaluate<string>(
      '(() => { const e = document.activeElement; return e === document.body ? "page" : getComputedStyle(e).outlineStyle })()',
    )
    t.not(outline, 'none', await focused())
  }
  t.same(await namelessControls(page), [], 'every control has a name')
  t.same(complaints, [])
})

t.test('a permalink opens as it was left', async (t) => {
  const hash = '#15.25/47.50700/14.63500/20.0/30.0&opacity=60&gapless=0&tiles&graticule'
  await view(`${url}/ortho/map${hash}`)
  t.equal(await page.evaluate('flagstone.map.getBearing()'), 20)
  t.equal(await page.inputValue('#opacity'), '60')
  t.same([await page.isChecked('#overzoom'), await page.isChecked('#graticule')], [false, true])
  t.match(
    page.url(),
    /#15\.25\/47\.50700\d*\/14\.63500\d*\/20\.0\/30\.0&opacity=60&gapless=0&tiles&graticule$/,
  )
  t.equal(await page.isVisible('#north'), true)
  await page.evaluate("location.hash = '#nonsense&gaps'")
  await page.evaluate("location.hash = '#16/47.507/14.635'")
  await until(page, 'flagstone.map.getZoom() === 16')
  t.equal(await page.isChecked('#tiles'), false)
  t.same(complaints, [])
})

t.test('heights: relief, hillshade, terrain, their numbers', async (t) => {
  for (const name of ['slope', 'numbers']) {
    await view(`${url}/${name}/map`)
    // hundredths at both ends are left out
    await until(page, "document.getElementById('ramp-high').textContent !== '3000 m'")
    const [low, high] = [await page.innerText('#ramp-low'), await page.innerText('#ramp-high')]
    t.ok(
      Math.abs(Number.parseInt(low, 10) - 110) < 15 && Math.abs(Number.parseInt(high, 10) - 600) < 15,
      `${low}…${high}`,
    )
    await settled(page)
    const place = (lon: number, lat: number): Promise<[number, number]> =>
      page.evaluate(
        `(() => { const p = flagstone.map.project([${lon}, ${lat}]); return [Math.round(p.x), Math.round(p.y)] })()`,
      )
    const [west, south, east, north] = SLOPE_BOUNDS
    const colourAt = async ([x, y]: [number, number]): Promise<number[]> => [
      ...(await pixelsOf(page, { x, y, width: 1, height: 1 })).data.subarray(0, 3),
    ]
    const [left, right] = [
      await place(west + 0.1 * (east - west), south + 0.3 * (north - south)),
      await place(west + 0.9 * (east - west), south + 0.3 * (north - south)),
    ]
    t.ok(
      (await colourAt(right))[0]! > (await colourAt(left))[0]! + 40,
      'the high east is paler than the low west',
    )
    t.same(
      await colourAt(await place((west + east) / 2, north - 0.01 * (north - south))),
      [0xe6, 0xe9, 0xe5],
      'nothing is painted in the hole',
    )
    await page.mouse.click(...left)
    await page.waitForSelector('.answer dl')
    const text = await page.locator('.answer').innerText()
    const column =
      (((await page.evaluate<number>(`flagstone.map.unproject([${left}]).lng`)) - west) / (east - west)) * 512
    t.ok(
      Math.abs(Number(/Height\s+([\d.]+) m/.exec(text)?.[1]) - (100 + column - 0.5)) < 0.6,
      text.replaceAll('\n', ' '),
    )
    for (const look of ['shade', 'encoded']) {
      await page.selectOption('#look', look)
      await settled(page)
      t.equal(await page.isVisible('#legend-heights'), false)
    }
    if (name === 'slope') {
      t.same(complaints, [])
      continue
    }
    await page.selectOption('#look', 'relief')
    await page.check('#terrain')
    await until(page, 'flagstone.map.getPitch() > 55')
    await settled(page)
    const ground = await page.evaluate<number>(
      `flagstone.map.queryTerrainElevation([${(west + east) / 2}, ${north - 0.01 * (north - south)}])`,
    )
    t.ok(
      Math.abs(ground / 1.4 - Number.parseInt(low, 10)) < 15,
      `the ground goes on at the lowest height in the hole: ${ground}`,
    )
    t.same(complaints, [])
  }
})

t.test('vectors in plain lines and fills', async (t) => {
  await view(`${url}/squares/map#1/0/0`)
  const found = await page.evaluate<string[]>(
    'flagstone.map.queryRenderedFeatures(flagstone.map.project([0, 0])).map((f) => f.sourceLayer)',
  )
  t.ok(found.includes('squares'), 'the square is drawn')
  t.equal(await page.isVisible('#overzoom-row'), false)
  t.same(complaints, [])
})

t.test('the catalogue lists, previews and finds', async (t) => {
  await open(`${url}/`)
  await until(page, "document.querySelectorAll('.card').length === 7")
  t.equal(await page.innerText('#summary'), '7 maps')
  for (const name of ['ortho', 'holed', 'slope', 'numbers']) {
    // pictures come when their cards come into view
    await page.locator(`.card:has(a[href$="/${name}/map"])`).scrollIntoViewIfNeeded()
    await page.waitForSelector(`.card:has(a[href$="/${name}/map"]) img[data-loaded]`)
  }
  const [width, height] = await page.evaluate<[number, number]>(
    '(() => { const i = document.querySelector(\'.card:has(a[href$="/ortho/map"]) img\'); return [i.naturalWidth, i.naturalHeight] })()',
  )
  t.same([width, height], [480, 300])
  t.match(
    await page.innerText('.card:has(a[href$="/ortho/map"])'),
    /Village\n+ortho\n+zooms 12–17\n?.* tiles/,
  )
  t.match(await page.innerText('.card:has(a[href$="/empty/map"])'), /no tiles yet/)
  const links = await page.evaluate<string[]>(
    '[...document.querySelectorAll(\'.card:has(a[href$="/ortho/map"]) a\')].map((a) => a.href)',
  )
  for (const link of new Set(links)) t.equal((await fetch(link, { method: 'HEAD' })).status, 200, link)
  t.same(await namelessControls(page), [])
  await page.fill('#search', 'village hole')
  t.same(await page.locator('.card h2').allInnerTexts(), ['Village with a hole'])
  t.equal(await page.innerText('#summary'), '1 of 7 maps')
  await page.fill('#search', 'nowhere')
  t.equal(await page.innerText('#cards'), 'No maps found.')
  // the one tile of `attack` is no picture: its preview fails, is tried again, and goes
  t.same(
    complaints.filter((complaint) => !/attack\/bbox|status of 500/.test(complaint)),
    [],
  )
})

t.test('names, descriptions and attributions are text', async (t) => {
  for (const path of ['/', '/attack/map']) {
    await open(`${url}${path}`)
    await until(page, "document.body.innerText.includes('onerror=')")
    await page.waitForTimeout(300)
    t.equal(await page.evaluate('window.attacked'), undefined, path)
    t.equal(await page.evaluate("document.querySelectorAll('[onerror],[onclick],[onload],iframe').length"), 0)
  }
  const links = "[...document.querySelectorAll('#attribution a')].map((a) => [a.getAttribute('href'), a.rel])"
  t.same(await page.evaluate(links), [['https://example.org/', 'noopener noreferrer nofollow']])
})

t.test('on a phone', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
  const { page, complaints } = await openViewer(browser, `${url}/ortho/map`, phone)
  const overflow = 'Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)'
  t.equal(await page.evaluate(overflow), 390)
  t.equal(await page.getAttribute('#panel-toggle', 'aria-expanded'), 'false', 'the map comes first')
  await page.tap('#panel-toggle')
  await until(page, "document.getElementById('panel').getBoundingClientRect().top < 400")
  t.equal(await page.evaluate(overflow), 390)
  const small = `[...document.querySelectorAll('button, select, input')].map((e) => e.closest('.switch') ?? e)
    .filter((e) => e.checkVisibility() && (e.clientWidth < 42 || e.clientHeight < 42)).map((e) => e.outerHTML)`
  t.same(await page.evaluate(small), [], 'fingers find everything')
  await page.tap('#levels tr[data-zoom="15"] button')
  await page.tap('#title')
  t.equal(
    await page.getAttribute('#panel-toggle', 'aria-expanded'),
    'false',
    'a tap on the head closes it too',
  )
  await page.touchscreen.tap(190, 300)
  await page.waitForSelector('.answer dl')
  await page.goto(`${url}/`)
  await page.waitForSelector('.card')
  t.equal(await page.evaluate(overflow), 390)
  t.same(
    complaints.filter((complaint) => !/attack\/bbox|status of 500/.test(complaint)),
    [],
  )
  await page.context().close()
})

t.test('light and dark', async (t) => {
  const [light, dark] = [
    [0xe6, 0xe9, 0xe5],
    [0x0e, 0x13, 0x15],
  ]
  const { page, complaints } = await openViewer(browser, `${url}/empty/map`, {
    colorScheme: 'light',
    viewport: { width: 760, height: 420 },
  })
  const dot = async (): Promise<number[]> => {
    await settled(page)
    return [...(await pixelsOf(page, { x: 600, y: 300, width: 1, height: 1 })).data.subarray(0, 3)]
  }
  t.same(await dot(), light, 'as the system is')
  await page.emulateMedia({ colorScheme: 'dark' })
  t.same(await dot(), dark, 'and when that turns')
  await page.keyboard.press('c')
  t.same(await dot(), light, 'by choice')
  await page.reload()
  await settled(page)
  t.same(await dot(), light, 'which is remembered')
  await page.keyboard.press('c')
  t.same(await dot(), dark)
  t.match(await page.innerText('#notice'), /has no tiles yet/)
  t.same(complaints, [])
  await page.context().close()
})

t.test('a file that is replaced, removed and comes back', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'live.pmtiles')
  const put = (from: string): void => {
    copyFileSync(at(from), `${path}.new`)
    renameSync(`${path}.new`, path)
  }
  put('ortho')
  const live = await serve(t, [folder], { watch: true, watchSeconds: 0.1 })
  await view(`${live.url}/live/map#16/${PLACE}`)
  const ofServer = async (wanted: (answer: Response) => boolean | Promise<boolean>): Promise<void> => {
    await waitUntil('the server to have it', async () => await wanted(await live.get('/live/info.json')))
  }
  // as when somebody comes back to the page
  const look = 'document.dispatchEvent(new Event("visibilitychange"))'

  put('holed')
  await ofServer(async (answer) => /hole/.test(await answer.text()))
  await page.evaluate(look)
  await until(page, "document.getElementById('title').textContent === 'Village with a hole'")
  await settled(page)
  t.match(
    await page.evaluate<string>('flagstone.map.getSource("data").tiles[0]'),
    ((await (await live.get('/live/info.json')).json()) as { version: string }).version,
    'tiles are those of the new file',
  )
  rmSync(path)
  await ofServer(({ status }) => status === 404)
  await page.evaluate(look)
  await until(page, "document.getElementById('trouble').textContent.includes('No map named “live”')")
  put('ortho')
  await ofServer(({ status }) => status === 200)
  await page.evaluate(look)
  await until(page, "document.getElementById('trouble').hidden")
})

t.test('under a base path', async (t) => {
  const mounted = await serve(t, [at('ortho')], { basePath: '/maps/here' })
  await open(`${mounted.url}/`)
  await page.waitForSelector('.card img[data-loaded]')
  await page.click('.card h2 a')
  await settled(page)
  t.match(page.url(), /\/maps\/here\/ortho\/map#/)
  const drawn = await pixelsOf(page, { x: 600, y: 280, width: 40, height: 40 })
  t.ok(new Set(drawn.data).size > 20, 'the picture is there')
  await page.goto(`${mounted.url}/tiles/ortho/map`)
  await settled(page)
  t.same(complaints, [])
})

t.test('what is in the way is said', async (t) => {
  const { page } = await openPage(context)
  // without WebGL
  await page.addInitScript('HTMLCanvasElement.prototype.getContext = () => null')
  await page.goto(`${url}/ortho/map`)
  await page.waitForSelector('#trouble:visible')
  t.match(await page.innerText('#trouble'), /WebGL 2/)
  t.equal(await page.getAttribute('#links a', 'href'), `${url}/ortho.json`, 'the rest is there')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  for (const name of ['Style', 'TileJSON']) {
    await page.click(`[aria-label="Copy the ${name} address"]`)
    await until(page, `document.getElementById('toast').textContent === '${name} address copied'`)
    const wanted = name === 'Style' ? `${url}/ortho/style.json` : `${url}/ortho.json`
    t.equal(await page.evaluate('navigator.clipboard.readText()'), wanted)
    // then as on a host without https
    await page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("none"))')
  }
  await page.close()

  // without such a file
  const old = await openPage(context)
  await old.page.goto(`${url}/gone/map`)
  await old.page.waitForSelector('#trouble:visible')
  t.equal(await old.page.innerText('#trouble'), 'No map named “gone”.')
  t.same(await old.page.locator('.panel a:visible').count(), 1, 'the way to the others is left')
  await old.page.close()

  // without some tiles
  const torn = await openPage(context)
  await torn.page.route('**/ortho/17/**', (route) =>
    route.fulfill({ status: 500, json: { error: 'The tile is damaged.' } }),
  )
  await torn.page.goto(`${url}/ortho/map#16/${PLACE}`)
  await torn.page.waitForSelector('#trouble:visible')
  t.match(
    await torn.page.innerText('#trouble'),
    /^Tile 17\/\d+\/\d+ could not be loaded: The tile is damaged\.$/,
  )
  await torn.page.evaluate('flagstone.map.jumpTo({ zoom: 14 })')
  await settled(torn.page)
  t.equal(await torn.page.isVisible('#trouble'), false, 'where all is well nothing is said')
  await torn.page.close()

  // without a server
  const other = await openPage(context)
  await other.page.route('**/info.json', (route) => route.abort('connectionrefused'))
  await other.page.goto(`${url}/ortho/map`)
  await other.page.waitForSelector('#trouble:visible')
  t.match(await other.page.innerText('#trouble'), /cannot be reached/)
  await other.page.close()
})
