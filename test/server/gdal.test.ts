// GDAL as a client of the server: as WMTS and as XYZ and TMS tiles a window is, pixel by pixel, what `sample` says.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { boundsToLonLat, pixelToMetresX, pixelToMetresY } from '../../src/grid/tiles/mercator.js'
import { sample } from '../../src/sampling/sample.js'
import { openTiles } from '../../src/store/read/open.js'
import { withoutGdal } from '../helpers/gdal.js'
import { sharedData } from '../helpers/paths.js'
import { within } from '../helpers/waiting.js'
import { pictureFile, type Served, serve } from './served.js'

const run = promisify(execFile)
const skip = withoutGdal
const ZOOM = 4
const isHole = (z: number, x: number, y: number): boolean => z === ZOOM && x === 9 && y === 5

const dir = t.testdir()
const at = (name: string): string => join(dir, name)
await pictureFile(at('png256.pmtiles'))
await pictureFile(at('webp512.pmtiles'), { tileSize: 512, format: 'webp' })
await pictureFile(at('jpeg256.pmtiles'), { format: 'jpeg' })
await pictureFile(at('holes256.pmtiles'), { isHole })
await pictureFile(at('jpegholes.pmtiles'), { format: 'jpeg', isHole })
const NAMES = ['png256', 'webp512', 'jpeg256', 'holes256', 'jpegholes']
const ALL = NAMES.map((name) => at(`${name}.pmtiles`))

/** A rectangle of the pixel grid of a zoom. */
interface Window {
  readonly zoom: number
  readonly tileSize: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** From one tile into its neighbours, the hole among them; edges are at no border of tiles. */
const windowOf = (tileSize: number): Window => ({
  zoom: ZOOM,
  tileSize,
  x: 8.4375 * tileSize,
  y: 4.25 * tileSize,
  width: 1.75 * tileSize,
  height: 1.5 * tileSize,
})

function edges({ zoom, tileSize, x, y, width, height }: Window): Parameters<typeof boundsToLonLat>[0] {
  return {
    west: pixelToMetresX(x, zoom, tileSize),
    south: pixelToMetresY(y + height, zoom, tileSize),
    east: pixelToMetresX(x + width, zoom, tileSize),
    north: pixelToMetresY(y, zoom, tileSize),
  }
}

interface Read {
  /** Red, green, blue, alpha. */
  readonly pixels: Uint8Array
  readonly complaints: string
}

let reads = 0
/** gdal_translate of a window; what it says is told, not thrown. */
async function gdal(dataset: string, window: Window): Promise<Read> {
  const out = at(`read${++reads}.raw`)
  const { west, north, east, south } = edges(window)
  const place = ['-projwin', ...[west, north, east, south].map(String), '-projwin_srs', 'EPSG:3857']
  const size = ['-outsize', String(window.width), String(window.height), '-r', 'nearest']
  const form = ['-of', 'ENVI', '-co', 'INTERLEAVE=BIP']
  const env = { ...process.env, GDAL_DEFAULT_WMS_CACHE_PATH: at(`cache${reads}`), GDAL_PAM_ENABLED: 'NO' }
  const { stderr } = await run('gdal_translate', ['-q', ...form, ...place, ...size, dataset, out], {
    env,
    cwd: dir,
  })
  return { pixels: readFileSync(out), complaints: stderr }
}

async function ours(name: string, window: Window): Promise<Uint8Array> {
  const reader = openTiles(at(`${name}.pmtiles`))
  try {
    const { west, south, east, north } = boundsToLonLat(edges(window))
    const { width, height, zoom } = window
    const bbox = [west, south, east, north] as const
    const { data, mask, bands } = await sample(reader, { bbox, width, height, zoom, resampling: 'nearest' })
    const pixels = new Uint8Array(width * height * 4)
    for (let i = 0; i < width * height; i++) {
      for (let b = 0; b < 3; b++) pixels[4 * i + b] = data[i * bands + Math.min(b, bands - 1)]!
      pixels[4 * i + 3] = mask?.[i] ?? 255
    }
    return pixels
  } finally {
    reader.close()
  }
}

/** The largest and the mean difference, of pixels that `counts`. */
function differences(
  a: Uint8Array,
  b: Uint8Array,
  counts: (i: number) => boolean = () => true,
): { most: number; mean: number } {
  if (a.length !== b.length) throw new Error(`${a.length} bytes beside ${b.length}`)
  let [most, sum, n] = [0, 0, 0]
  for (let k = 0; k < a.length; k++) {
    if (!counts(k >> 2)) continue
    const difference = Math.abs(a[k]! - b[k]!)
    most = Math.max(most, difference)
    sum += difference
    n++
  }
  return { most, mean: sum / Math.max(1, n) }
}

/** Of a window: which of its pixels lie in the hole. */
function inHole({ x, y, width, tileSize }: Window): (i: number) => boolean {
  return (i) =>
    Math.floor((x + (i % width)) / tileSize) === 9 && Math.floor((y + Math.floor(i / width)) / tileSize) === 5
}

const wmts = ({ url }: Pick<Served, 'url'>, name: string, query = ''): string =>
  `WMTS:${url}/${name}/WMTSCapabilities.xml${query}`

/** A description of tiles for GDAL's WMS driver, from a template of URLs. */
function xyz(template: string, tileSize: number, origin: 'top' | 'bottom' = 'top', zoom = ZOOM): string {
  const url = template.replace(/\{[xyz]\}/g, (variable) => `$${variable}`).replaceAll('&', '&amp;')
  const world = 20037508.342789244
  return `<GDAL_WMS><Service name="TMS"><ServerUrl>${url}</ServerUrl></Service><DataWindow><UpperLeftX>${-world}</UpperLeftX><UpperLeftY>${world}</UpperLeftY><LowerRightX>${world}</LowerRightX><LowerRightY>${-world}</LowerRightY><TileLevel>${zoom}</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>${origin}</YOrigin></DataWindow><Projection>EPSG:3857</Projection><BlockSizeX>${tileSize}</BlockSizeX><BlockSizeY>${tileSize}</BlockSizeY><BandsCount>4</BandsCount><ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes></GDAL_WMS>`
}

async function templateOf({ get }: Served, name: string, query = ''): Promise<string> {
  const { tiles } = (await (await get(`/${name}.json${query}`)).json()) as { tiles: [string] }
  return tiles[0]
}

t.test('WMTS: windows equal sample, tiles of 256 and of 512', { skip }, async (t) => {
  const served = await serve(t, ALL)
  for (const [name, tileSize] of [
    ['png256', 256],
    ['webp512', 512],
  ] as const) {
    const window = windowOf(tileSize)
    const read = await gdal(wmts(served, name), window)
    t.equal(read.complaints, '')
    t.same(differences(read.pixels, await ours(name, window)), { most: 0, mean: 0 }, name)
  }
  const window = windowOf(256)
  const jpeg = await gdal(wmts(served, 'jpeg256'), window)
  const { mean } = differences(jpeg.pixels, await ours('jpeg256', window))
  t.ok(mean < 1, `JPEG, by two decoders: ${mean}`)
})

t.test('WMTS: the zooms above are its overviews', { skip }, async (t) => {
  const served = await serve(t, ALL)
  const window = { zoom: 3, tileSize: 256, x: 4 * 256, y: 2 * 256, width: 512, height: 384 }
  const { pixels } = await gdal(wmts(served, 'png256'), window)
  t.same(differences(pixels, await ours('png256', window)), { most: 0, mean: 0 })
})

t.test('WMTS: one document of all layers, and requests by key and value', { skip }, async (t) => {
  const served = await serve(t, ALL)
  const window = windowOf(512)
  const expected = await ours('webp512', window)
  const all = await gdal(`WMTS:${served.url}/wmts,layer=webp512`, window)
  t.same(differences(all.pixels, expected), { most: 0, mean: 0 })
  // without templates GDAL asks by key and value
  const capabilities = await (await served.get('/wmts')).text()
  writeFileSync(at('kvp.xml'), capabilities.replace(/<ResourceURL[^>]*>/g, ''))
  const kvp = await gdal(`WMTS:${at('kvp.xml')},layer=webp512`, window)
  t.equal(kvp.complaints, '')
  t.same(differences(kvp.pixels, expected), { most: 0, mean: 0 })
})

t.test('WMTS: missing tiles are transparent, gone, or enlarged from above', { skip }, async (t) => {
  const served = await serve(t, ALL)
  const window = windowOf(256)
  const hole = inHole(window)
  for (const name of ['holes256', 'jpegholes']) {
    const expected = await ours(name, window)
    const isStored = (i: number): boolean => !hole(i)
    const exact = name === 'holes256'
    for (const query of ['?missing=204', '?missing=404', '?missing=transparent']) {
      const { pixels, complaints } = await gdal(wmts(served, name, query), window)
      if (query !== '?missing=404') t.equal(complaints, '', `${name}${query}`)
      const { most, mean } = differences(pixels, expected, isStored)
      t.ok(exact ? most === 0 : mean < 1, `${name}${query}: ${most}, ${mean}`)
      t.equal(differences(pixels, new Uint8Array(pixels.length), hole).most, 0, `${name}${query}: the hole`)
    }
    for (const query of ['', '?missing=auto', '?missing=overzoom']) {
      const { pixels, complaints } = await gdal(wmts(served, name, query), window)
      t.equal(complaints, '')
      const { mean } = differences(pixels, expected)
      t.ok(mean < 1, `${name}${query}, enlarged: ${mean}`)
      t.ok(pixels.every((value, k) => k % 4 < 3 || value === 255))
    }
  }
})

t.test('XYZ and TMS by the template of the TileJSON', { skip }, async (t) => {
  const served = await serve(t, ALL)
  for (const [name, tileSize] of [
    ['png256', 256],
    ['webp512', 512],
  ] as const) {
    const window = windowOf(tileSize)
    const expected = await ours(name, window)
    const template = await templateOf(served, name)
    const south = await templateOf(served, name, '?scheme=tms')
    for (const description of [
      xyz(template, tileSize),
      xyz(south, tileSize, 'bottom'),
      xyz(template.replace('{y}', '-{y}'), tileSize, 'bottom'),
    ]) {
      const { pixels, complaints } = await gdal(description, window)
      t.equal(complaints, '')
      t.same(differences(pixels, expected), { most: 0, mean: 0 }, description)
    }
  }
  const window = windowOf(256)
  const holes = await gdal(xyz(await templateOf(served, 'holes256', '?missing=transparent'), 256), window)
  t.equal(differences(holes.pixels, new Uint8Array(holes.pixels.length), inHole(window)).most, 0)
})

t.test('other sizes and formats that were wished for', { skip }, async (t) => {
  const served = await serve(t, ALL)
  const window = windowOf(512)
  const read = await gdal(wmts(served, 'png256', '?tileSize=@2x&format=png'), window)
  t.equal(read.complaints, '')
  t.ok(read.pixels.some((value) => value > 0 && value < 255))
  const same = windowOf(256)
  const webp = await gdal(wmts(served, 'png256', '?format=webp&quality=100'), same)
  const { mean } = differences(webp.pixels, await ours('png256', same))
  t.ok(mean < 8, `WebP of noise: ${mean}`)
})

t.test('behind a base path, a proxy that is trusted, and a public URL', { skip }, async (t) => {
  const window = windowOf(256)
  const expected = await ours('png256', window)
  const check = async (url: string, what: string): Promise<void> => {
    const { pixels, complaints } = await gdal(wmts({ url }, 'png256'), window)
    t.equal(complaints, '', what)
    t.same(differences(pixels, expected), { most: 0, mean: 0 }, what)
  }
  const based = await serve(t, ALL, { basePath: '/maps/tiles' })
  await check(based.url, 'base path')

  const trusting = await serve(t, ALL, { trustProxy: true })
  const proxy = await proxyTo(t, trusting.port)
  await check(`${proxy}/public/maps`, 'proxy that takes a prefix off')

  let port = 0
  const front = await proxyTo(t, () => port)
  const named = await serve(t, ALL, { publicUrl: `${front}/public/maps` })
  port = named.port
  await check(named.url, 'public URL: the capabilities from inside, the tiles by the front')
})

t.test('real imagery', { skip: skip || (sharedData === undefined && 'needs real data') }, async (t) => {
  const path = join(sharedData!, 'archives/stamen_toner_z3.pmtiles')
  const served = await serve(t, { id: 'toner', path })
  const window = { zoom: 3, tileSize: 256, x: 700, y: 500, width: 900, height: 700 }
  const reader = openTiles(path)
  t.teardown(() => reader.close())
  const { west, south, east, north } = boundsToLonLat(edges(window))
  const { width, height, zoom } = window
  const { data, bands } = await sample(reader, {
    bbox: [west, south, east, north],
    width,
    height,
    zoom,
    resampling: 'nearest',
  })
  const { pixels, complaints } = await gdal(wmts(served, 'toner'), window)
  t.equal(complaints, '')
  let different = 0
  for (let i = 0; i < width * height; i++) {
    for (let b = 0; b < 3; b++)
      if (pixels[4 * i + b] !== data[i * bands + Math.min(b, bands - 1)]) different++
  }
  t.equal(different, 0)
})

/** Takes '/public/maps' off and says so, as nginx and Traefik do. */
async function proxyTo(
  t: { teardown(end: () => void): unknown },
  port: number | (() => number),
): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url!.replace(/^\/public\/maps/, '')
    const headers = {
      'x-forwarded-host': incoming.headers.host!,
      'x-forwarded-proto': 'http',
      'x-forwarded-prefix': '/public/maps',
    }
    const to = typeof port === 'number' ? port : port()
    const inner = request({ host: '127.0.0.1', port: to, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    inner.end()
  })
  server.listen(0, '127.0.0.1')
  await within('a port', once(server, 'listening'))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
