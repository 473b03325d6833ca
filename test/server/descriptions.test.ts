// What the server says of its sources: every document valid by its own rules, with URLs that lead where they say.

import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec'
import { Ajv } from 'ajv'
import t from 'tap'
import { lonLatToTile } from '../../src/grid/tiles/mercator.js'
import { decodeHeights } from '../../src/raster/tiles/terrain.js'
import { createTiles } from '../../src/store/paths.js'
import { sharedData } from '../helpers/paths.js'
import { boundsOf, heightAt, heightsFile, pictureFile, RANGE, serve, vectorFile } from './served.js'
import { tileJsonSchema } from './tilejson-schema.js'

type Json = Record<string, unknown>

const NASTY = `<&"'>]]>\u0001\ud800 {z}`
const validTileJson = new Ajv({ strict: false }).compile(tileJsonSchema)
const problemsOf = (document: unknown): unknown => (validTileJson(document) ? [] : validTileJson.errors)

const dir = t.testdir()
const at = (name: string): string => join(dir, name)
await pictureFile(at('png256.pmtiles'), { metadata: { version: '2', attribution: '© Somebody' } })
await pictureFile(at('webp512.pmtiles'), { tileSize: 512, format: 'webp', metadata: { name: NASTY } })
vectorFile(at('roads.pmtiles'), {
  name: 'Roads',
  vector_layers: [
    { id: 'roads', fields: { name: 'String' } },
    { id: 'shops', fields: {}, description: 'Shops' },
  ],
})

const text = async (answer: Promise<Response>): Promise<string> => (await answer).text()
const json = async (answer: Promise<Response>): Promise<Json> => (await (await answer).json()) as Json
/** The URL of a tile by a template. */
const fill = (template: string, z: number, x: number, y: number): string =>
  template.replace('{z}', String(z)).replace('{x}', String(x)).replace('{y}', String(y))

t.test('TileJSON is valid, and its tiles are there', async (t) => {
  const { get, url } = await serve(t, [at('png256.pmtiles'), at('webp512.pmtiles'), at('roads.pmtiles')])
  for (const path of [
    '/png256.json',
    '/png256/tilejson.json',
    '/data/png256.json',
    '/tiles/png256.json',
    '/png256',
  ]) {
    const document = await json(get(path))
    t.same(problemsOf(document), [], path)
    t.match(document, {
      id: 'png256',
      name: 'Pictures',
      attribution: '© Somebody',
      version: '2.0.0',
      format: 'png',
      tileSize: 256,
      minzoom: 2,
      maxzoom: 4,
      scheme: 'xyz',
    })
    t.notOk('vector_layers' in document, 'pictures have no layers')
    t.equal(document['fillzoom'], 4)
    t.same(document['bounds'], boundsOf(4, RANGE))
    const [template] = document['tiles'] as [string]
    const [below] = /^\/(?:tiles\/|data\/)?/.exec(path)!
    t.match(
      template,
      new RegExp(`^http://127\\.0\\.0\\.1:\\d+${below}png256/\\{z\\}/\\{x\\}/\\{y\\}\\.png\\?v=.`),
    )
    t.ok(template.startsWith(`${url}/`), template)
    const tile = await fetch(fill(template, 4, 8, 4))
    t.equal(tile.status, 200)
    t.equal(tile.headers.get('content-type'), 'image/png')
    t.match(tile.headers.get('cache-control'), /immutable/)
  }
  const large = await json(get('/webp512.json'))
  t.same(problemsOf(large), [])
  t.match(large, { tileSize: 512, format: 'webp' })
  const roads = await json(get('/roads.json'))
  t.same(problemsOf(roads), [])
  t.match(roads, { format: 'mvt', tileSize: undefined, vector_layers: [{ id: 'roads' }, { id: 'shops' }] })
})

t.test('what has no title is called after its file as that is called now', async (t) => {
  const root = t.testdir()
  const at = (name: string): string => join(root, name)
  vectorFile(at('orthö 2024.pmtiles'), {})
  vectorFile(at('b.pmtiles'), { name: 'Named', flagstone: { fileName: 'b' } })
  vectorFile(at('c.pmtiles'), { name: 'c', flagstone: { fileName: 'c' } })
  const names = async (...sources: Parameters<typeof serve>[1][]): Promise<unknown[]> => {
    const { get } = await serve(t, sources.flat() as string[])
    const index = (await (await get('/index.json')).json()) as { name: string }[]
    return index.map(({ name }) => name)
  }
  t.same(await names(root), ['Named', 'c', 'orthö 2024'])
  renameSync(at('orthö 2024.pmtiles'), at('ortho.pmtiles'))
  renameSync(at('b.pmtiles'), at('a.pmtiles'))
  renameSync(at('c.pmtiles'), at('z.pmtiles'))
  t.same(await names(root), ['Named', 'ortho', 'z'], 'what a build wrote because nobody named it')
  t.same(await names({ id: 'city', path: at('ortho.pmtiles') }), ['city'], 'the id that was given')
})

t.test('a file without tiles', async (t) => {
  const writer = createTiles(at('empty.pmtiles'))
  writer.commit()
  writer.close()
  const { get } = await serve(t, [at('empty.pmtiles')])
  const document = await json(get('/empty.json'))
  t.same(problemsOf(document), [])
  t.match(document, { name: 'empty', minzoom: undefined, bounds: undefined, center: undefined })
  t.same(validateStyleMin((await json(get('/empty/style.json'))) as never), [])
  t.equal((await get('/empty/WMTSCapabilities.xml')).status, 404)
  t.equal((await get('/wmts')).status, 200)
})

t.test('the schema has something to say about what is wrong', async (t) => {
  t.not(problemsOf({ tilejson: '3.0.0', tiles: [] }), [])
  t.notOk(validTileJson({ tilejson: '3.0.0', tiles: ['http://a'], format: 'mvt' }))
  t.notOk(validTileJson({ tilejson: '3.0.0', tiles: ['http://a'], format: 'png', vector_layers: [] }))
  t.notOk(validTileJson({ tilejson: '3.0.0', tiles: ['/relative/{z}'] }))
  t.notOk(
    validTileJson({ tilejson: '3.0.0', tiles: ['http://a'], format: 'mvt', vector_layers: [{ id: 'a' }] }),
  )
  t.notOk(validTileJson({ tilejson: '3.0.0', tiles: ['http://a'], bounds: [0, 0, 400, 1] }))
})

t.test('what is wished for is carried into the tile URLs, or refused', async (t) => {
  const { get } = await serve(t, [at('png256.pmtiles'), at('roads.pmtiles')], {})
  const of = async (query: string): Promise<Json> => {
    const document = await json(get(`/png256.json?${query}`))
    t.same(problemsOf(document), [], query)
    return document
  }
  const tilesOf = (document: Json): URL => new URL((document['tiles'] as [string])[0])
  t.match(await of('missing=overzoom'), { fillzoom: 4 })
  t.equal(tilesOf(await of('missing=overzoom')).searchParams.get('missing'), 'overzoom')
  const large = await of('tileSize=512')
  t.equal(large['tileSize'], 512)
  t.equal(tilesOf(large).searchParams.get('tileSize'), '512')
  const sharp = await of('tileSize=@2x&format=webp')
  t.match(sharp, { tileSize: 256, format: 'webp' })
  t.match(decodeURI(tilesOf(sharp).pathname), /^\/png256\/\{z\}\/\{x\}\/\{y\}@2x\.webp$/)
  const made = await fetch(fill((sharp['tiles'] as [string])[0], 4, 8, 4))
  t.equal(made.headers.get('content-type'), 'image/webp', 'also where the server does not transcode')
  const south = await of('scheme=tms')
  t.equal(south['scheme'], 'tms')
  const ofSouth = await fetch(fill((south['tiles'] as [string])[0], 4, 8, 11))
  t.same(await ofSouth.arrayBuffer(), await (await get('/png256/4/8/4.png')).arrayBuffer())
  for (const bad of [
    'missing=maybe',
    'tileSize=0',
    'tileSize=1e9',
    'tileSize=@9x',
    'format=exe',
    'format=mvt',
    'format=',
  ]) {
    const { status } = await get(`/png256.json?${bad}`)
    t.equal(status, 400, bad)
  }
  t.equal((await get('/roads.json?tileSize=512')).status, 400)
  t.equal((await get('/roads.json?format=png')).status, 400)
})

t.test('fillzoom by the server’s and by the source’s policy', async (t) => {
  const { get } = await serve(t, [at('png256.pmtiles')], { missing: 'overzoom' })
  t.equal((await json(get('/png256.json')))['fillzoom'], 4)
  t.equal((await json(get('/png256.json?missing=404')))['fillzoom'], undefined)
  const { get: other } = await serve(t, [{ id: 'named', path: at('png256.pmtiles'), missing: 'overzoom' }])
  t.equal((await json(other('/named.json')))['fillzoom'], 4)
  const { get: plain } = await serve(t, [at('png256.pmtiles')], {})
  t.equal((await json(plain('/png256.json')))['fillzoom'], 4, 'by default too')
})

t.test('behind base paths and proxies', async (t) => {
  const first = async (
    get: (path: string, init?: RequestInit) => Promise<Response>,
    init = {},
  ): Promise<string> => ((await json(get('/png256.json', init)))['tiles'] as [string])[0]
  const forwarded = {
    headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 't.example', 'x-forwarded-prefix': '/p' },
  }

  const plain = await serve(t, [at('png256.pmtiles')], { basePath: '/maps' })
  t.match(await first(plain.get, forwarded), /^http:\/\/127\.0\.0\.1:\d+\/maps\/png256\//, 'not believed')
  t.equal((await fetch(fill(await first(plain.get), 4, 8, 4))).status, 200)

  const trusting = await serve(t, [at('png256.pmtiles')], { basePath: '/maps', trustProxy: true })
  t.match(await first(trusting.get, forwarded), /^https:\/\/t\.example\/p\/maps\/png256\//)

  const named = await serve(t, [at('png256.pmtiles')], { publicUrl: 'https://tiles.example/x/' })
  t.match(await first(named.get, forwarded), /^https:\/\/tiles\.example\/x\/png256\//)
  for (const path of ['/png256/style.json', '/png256/WMTSCapabilities.xml', '/wmts', '/index.json']) {
    const said = await text(named.get(path))
    t.match(said, 'https://tiles.example/x/', path)
    t.notMatch(said, '127.0.0.1', path)
  }
})

t.test('the catalogue, as martin has it and as tileserver-gl has it', async (t) => {
  const { get } = await serve(t, [at('png256.pmtiles'), at('webp512.pmtiles'), at('roads.pmtiles')])
  for (const path of ['/catalog', '/catalog.json']) {
    const { tiles } = (await json(get(path))) as { tiles: Record<string, Json> }
    t.same(Object.keys(tiles).sort(), ['png256', 'roads', 'webp512'])
    t.match(tiles, {
      png256: { content_type: 'image/png', name: 'Pictures', attribution: '© Somebody' },
      roads: { content_type: 'application/vnd.mapbox-vector-tile' },
    })
  }
  for (const path of ['/index.json', '/data.json']) {
    const documents = (await (await get(path)).json()) as Json[]
    t.equal(documents.length, 3)
    for (const document of documents) t.same(problemsOf(document), [], String(document['id']))
  }
  const answer = await get('/catalog')
  const again = await get('/catalog', { headers: { 'if-none-match': answer.headers.get('etag')! } })
  t.equal(again.status, 304)
})

t.test('styles are valid, and point at the TileJSON', async (t) => {
  const sources = [at('png256.pmtiles'), at('webp512.pmtiles'), at('roads.pmtiles')]
  const { get, url } = await serve(t, sources)
  const styleOf = async (path: string): Promise<Json> => {
    const style = await json(get(path))
    t.same(validateStyleMin(style as never), [], path)
    return style
  }
  const raster = await styleOf('/png256/style.json')
  t.match(raster, { sources: { png256: { type: 'raster', tileSize: 256, url: `${url}/png256.json` } } })
  const [longitude, latitude] = raster['center'] as number[]
  const [west, south, east, north] = boundsOf(4, RANGE)
  t.ok(longitude! > west && longitude! < east && latitude! > south && latitude! < north)
  const wished = await styleOf('/webp512/style.json?missing=404&tileSize=@2x&other=1')
  const { webp512 } = wished['sources'] as { webp512: { url: string; tileSize: number } }
  t.equal(webp512.tileSize, 512)
  t.equal((await fetch(webp512.url)).status, 200)
  t.match(webp512.url, /\?missing=404&tileSize=%402x$/)
  const { layers } = (await styleOf('/roads/style.json')) as { layers: Json[] }
  t.same(
    layers.map(({ id }) => id),
    ['background', 'roads-fill', 'shops-fill', 'roads-line', 'shops-line', 'roads-circle', 'shops-circle'],
  )
})

t.test('terrain: the encoding is said, in another one it is made', async (t) => {
  const names = ['mapbox', 'terrarium', 'int16', 'float32'] as const
  for (const encoding of names) await heightsFile(at(`${encoding}.pmtiles`), encoding)
  const { get } = await serve(
    t,
    names.map((name) => at(`${name}.pmtiles`)),
  )
  const [z, x, y] = [3, 5, 1]
  /** Whether the tiles of a document are what it says. */
  const check = async (name: string, query: string, encoding: 'mapbox' | 'terrarium'): Promise<void> => {
    const document = await json(get(`/${name}.json${query}`))
    t.same(problemsOf(document), [], name)
    t.match(document, { encoding, tileSize: 256, format: 'png' }, `${name}${query}`)
    const tile = await fetch(fill((document['tiles'] as [string])[0], z, x, y))
    t.equal(tile.headers.get('content-type'), 'image/png')
    const { data } = await decodeHeights(new Uint8Array(await tile.arrayBuffer()), encoding)
    for (const [column, row] of [
      [0, 0],
      [17, 200],
      [255, 255],
    ] as const) {
      const expected = heightAt(z, x * 256 + column, y * 256 + row)
      t.ok(Math.abs(data[row * 256 + column]! - expected) < 0.1, `${name}${query}: ${column}, ${row}`)
    }
  }
  await check('mapbox', '', 'mapbox')
  await check('mapbox', '?encoding=terrarium', 'terrarium')
  await check('terrarium', '?encoding=mapbox', 'mapbox')
  await check('int16', '', 'terrarium')
  await check('float32', '?encoding=mapbox&format=png', 'mapbox')
  const numbers = await json(get('/int16.json?format=elev'))
  t.match(numbers, { format: 'elev', encoding: undefined })
  const tile = await fetch(fill((numbers['tiles'] as [string])[0], z, x, y))
  t.equal(tile.headers.get('content-type'), 'application/vnd.flagstone.elevation')

  for (const name of names) {
    const style = await json(get(`/${name}/style.json`))
    t.same(validateStyleMin(style as never), [], name)
    const { type, encoding } = (style['sources'] as Record<string, Json>)[name]!
    t.same([type, encoding], ['raster-dem', name === 'mapbox' ? 'mapbox' : 'terrarium'])
    t.match(style['layers'], [{ type: 'background' }, { type: 'hillshade' }])
    const capabilities = await text(get(`/${name}/WMTSCapabilities.xml`))
    const template = /template="([^"]+)"/.exec(capabilities)![1]!.replaceAll('&amp;', '&')
    t.equal(template.includes('/hillshade/'), name === 'int16' || name === 'float32', 'numbers are shown lit')
    const place = { '{TileMatrix}': z, '{TileCol}': x, '{TileRow}': y }
    const url = template.replace(/\{\w+\}/g, (variable) => String(place[variable as keyof typeof place]))
    t.equal((await fetch(url)).headers.get('content-type'), 'image/png')
  }
  t.equal((await get('/int16/style.json?format=elev')).status, 400)
  t.equal((await get('/int16/WMTSCapabilities.xml?format=elev')).status, 400)
  t.equal((await get('/mapbox.json?format=jpg')).status, 400, 'JPEG would change heights')
})

t.test('real archives', { skip: sharedData === undefined && 'needs real data' }, async (t) => {
  const archive = (name: string): string => join(sharedData!, 'archives', name)
  const { get } = await serve(t, [
    { id: 'whitney', path: archive('usgs-mt-whitney-8-15-webp-512.pmtiles') },
    { id: 'toner', path: archive('stamen_toner_z3.pmtiles') },
    { id: 'classes', path: archive('geography-class-png.mbtiles') },
    { id: 'photos', path: archive('geography-class-jpg.mbtiles') },
  ])
  const documents = (await (await get('/index.json')).json()) as Json[]
  t.same(documents.map(({ id }) => id).sort(), ['classes', 'photos', 'toner', 'whitney'])
  for (const document of documents) {
    const id = String(document['id'])
    t.same(problemsOf(document), [], id)
    const [longitude, latitude] = document['center'] as [number, number]
    const zoom = document['minzoom'] as number
    const [x, y] = lonLatToTile(longitude, latitude, zoom)
    const tile = await fetch(fill((document['tiles'] as [string])[0], zoom, x, y))
    t.equal(tile.status, 200, id)
    const format = document['format'] === 'jpg' ? 'jpeg' : document['format']
    t.equal(tile.headers.get('content-type'), `image/${format}`)
    t.same(validateStyleMin((await json(get(`/${id}/style.json`))) as never), [], id)
    t.equal((await get(`/${id}/WMTSCapabilities.xml`)).status, 200)
  }
  const whitney = documents.find(({ id }) => id === 'whitney')
  t.match(whitney, { format: 'webp', tileSize: 512, minzoom: 8, maxzoom: 15 })
})
