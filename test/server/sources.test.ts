// /{id}/sources: the images that a file was made from, and whom descriptions name for them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SourceRecord } from '../../src/index.js'
import { openTiles } from '../../src/store/read/open.js'
import { fileOfSources, sourceOf, squareAt } from '../helpers/sources.js'
import { pictureFile, serve } from './served.js'

interface Collection {
  readonly type: string
  readonly numberMatched: number
  readonly numberReturned: number
  readonly features: readonly { id: string; geometry: unknown; properties: Record<string, unknown> }[]
}

const dir = t.testdir()

const archive = (name: string, sources: readonly SourceRecord[], metadata = {}): string =>
  fileOfSources(join(dir, `${name}.pmtiles`), sources, metadata)

const PILE = [
  sourceOf(0, {
    name: 'country.tif',
    footprint: squareAt(0, 40, 20),
    zoom: 12,
    attribution: '© The Country',
  }),
  sourceOf(1, {
    name: 'city.tif',
    footprint: squareAt(10, 45, 1),
    zoom: 18,
    attribution: '© <b>The City</b>',
  }),
  sourceOf(2, {
    name: 'more.tif',
    footprint: squareAt(11, 45, 1),
    zoom: 18,
    attribution: '© <b>The City</b>',
  }),
  sourceOf(3, { name: 'nowhere.tif', footprint: null, attribution: ' ' }),
]

async function collectionOf(response: Promise<Response>): Promise<Collection> {
  const answer = await response
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('content-type'), 'application/geo+json')
  return (await answer.json()) as Collection
}
const namesIn = ({ features }: Collection): unknown[] => features.map(({ properties }) => properties['name'])

t.test('all, at a point, in a bbox', async (t) => {
  const { get } = await serve(t, [archive('pile', PILE)])
  const all = await collectionOf(get('/pile/sources'))
  t.same(namesIn(all), ['nowhere.tif', 'more.tif', 'city.tif', 'country.tif'], 'the topmost first')
  t.match(all, { type: 'FeatureCollection', numberMatched: 4, numberReturned: 4 })
  t.same(all.features[2], {
    type: 'Feature',
    id: PILE[1]!.id,
    geometry: PILE[1]!.footprint,
    properties: all.features[2]!.properties,
  })
  t.match(all.features[2]!.properties, { order: 1, zoom: 18, attribution: '© <b>The City</b>' })
  t.same(namesIn(await collectionOf(get('/pile/sources?point=10.5,45.5'))), ['city.tif', 'country.tif'])
  t.same(namesIn(await collectionOf(get('/pile/sources?point=370.5,45.5'))), ['city.tif', 'country.tif'])
  t.same(namesIn(await collectionOf(get('/tiles/pile/sources?bbox=10.9,45.5,12,46'))), [
    'more.tif',
    'city.tif',
    'country.tif',
  ])
  t.same(namesIn(await collectionOf(get('/pile/sources?point=-50,0'))), [])
  t.same(namesIn(await collectionOf(get('/pile/sources?bbox=170,-10,-170,10'))), [])
  const two = await collectionOf(get('/pile/sources?limit=2'))
  t.match([two.numberMatched, two.numberReturned, two.features.length], [4, 2, 2])
})

t.test('what is no place is refused, and answers are like others', async (t) => {
  const { get } = await serve(t, [archive('pile', PILE), archive('none', [])])
  for (const bad of [
    'point=1',
    'point=1,91',
    'point=a,b',
    'point=1,2,3',
    'bbox=1,2,3',
    'bbox=1,2,3,4,5',
    'bbox=1,2,1,4',
    'bbox=1,4,2,2',
    'bbox=-181,2,3,4',
    'bbox=1,-91,3,4',
    'bbox=1,NaN,3,4',
    'point=1,2&bbox=1,2,3,4',
    'limit=0',
    'limit=10001',
    'limit=many',
  ]) {
    const { status, headers } = await get(`/pile/sources?${bad}`)
    t.equal(status, 400, bad)
    t.equal(headers.get('cache-control'), 'no-store')
  }
  const first = await get('/pile/sources?point=10.5,45.5', { headers: { Origin: 'https://a.example' } })
  t.equal(first.headers.get('access-control-allow-origin'), '*')
  const etag = first.headers.get('etag')!
  const again = await get('/pile/sources?point=10.5,45.5', { headers: { 'If-None-Match': etag } })
  t.equal(again.status, 304)
  t.not((await get('/pile/sources')).headers.get('etag'), etag)
  const head = await get('/pile/sources?point=10.5,45.5', { method: 'HEAD' })
  t.same([head.status, head.headers.get('etag')], [200, etag])
  t.equal((await get('/pile/sources', { method: 'POST' })).status, 405)
  t.match(await collectionOf(get('/none/sources')), { numberMatched: 0, features: [] })
})

t.test('a pile of more bytes than one answer has', async (t) => {
  const properties = { note: 'x'.repeat(3_000_000) }
  const large = [0, 1, 2, 3].map((i) => sourceOf(i, { name: `${i}.tif`, properties }))
  const { get } = await serve(t, [archive('large', large)])
  const answer = await collectionOf(get('/large/sources'))
  t.match([answer.numberMatched, namesIn(answer)], [4, ['3.tif', '2.tif']])
})

t.test('descriptions name whom the sources name', async (t) => {
  const many = Array.from({ length: 50 }, (_, i) =>
    sourceOf(i, { attribution: `© ${String(i).padStart(100, '0')}` }),
  )
  const { get } = await serve(t, [
    archive('pile', PILE, { attribution: 'Made by us of © The Country' }),
    archive('bare', PILE),
    archive('many', many, { attribution: 'us' }),
    archive('none', [], { attribution: 'us' }),
  ])
  const told = async (path: string): Promise<Record<string, unknown>> =>
    (await (await get(path)).json()) as Record<string, unknown>
  t.equal((await told('/pile.json'))['attribution'], 'Made by us of © The Country, © <b>The City</b>')
  t.equal((await told('/bare.json'))['attribution'], '© The Country, © <b>The City</b>')
  t.equal((await told('/none.json'))['attribution'], 'us')
  const long = String((await told('/many.json'))['attribution'])
  t.ok(long.length < 2200 && long.startsWith('us, © 0') && long.endsWith(', and 31 more'), long.slice(-20))
  t.match(await told('/bare/info.json'), {
    attribution: '© The Country, © <b>The City</b>',
    sourceCount: 4,
  })
  t.match(await told('/catalog'), { tiles: { bare: { attribution: '© The Country, © <b>The City</b>' } } })
})

t.test('damaged ones are told to who asks for them, and prevent nothing else', async (t) => {
  const path = archive('damaged', PILE, { attribution: 'us' })
  const bytes = readFileSync(path)
  const reader = openTiles(path)
  if (!('superblock' in reader)) throw new Error('it is a file of ours')
  const { valuesStart, sources } = reader.superblock
  reader.close()
  bytes[valuesStart + sources!.offset + Math.floor(sources!.length / 2)]! ^= 0xff
  writeFileSync(path, bytes)
  const { get } = await serve(t, [path])
  t.equal(((await (await get('/damaged.json')).json()) as { attribution: string }).attribution, 'us')
  const answer = await get('/damaged/sources')
  t.equal(answer.status, 500)
  t.equal((await get('/damaged/0/0/0')).status, 200)
})

t.test('archives that remember none', async (t) => {
  const path = join(dir, 'plain.pmtiles')
  await pictureFile(path)
  const { get } = await serve(t, [path])
  t.match(await collectionOf(get('/plain/sources?point=1,2')), { numberMatched: 0, features: [] })
})
