import t from 'tap'
import type { TilesDescription } from '../../src/store/report/describe.js'
import { tileJson } from '../../src/store/report/tilejson.js'

function described(
  metadata: Record<string, unknown>,
  more: Partial<TilesDescription> = {},
): TilesDescription {
  return {
    kind: 'PMTiles v3',
    sealed: true,
    fileBytes: 1,
    tiles: 1,
    types: [{ name: 'png', extension: 'png', count: 1 }],
    minZoom: 3,
    maxZoom: 7,
    bounds: [7, 46, 9, 48],
    center: [8, 47, 5],
    levels: [],
    layout: undefined,
    metadata,
    ...more,
  } as TilesDescription
}

const VECTOR = { types: [{ name: 'mvt', extension: 'mvt', count: 1 }] }
const options = { tiles: ['https://a/{z}/{x}/{y}.png'], name: 'fallback' }
const of = (metadata: Record<string, unknown>, more?: Partial<TilesDescription>): Record<string, unknown> =>
  tileJson(described(metadata, more), options)

t.test('what the file says of itself', async (t) => {
  const metadata = {
    name: 'A',
    description: 'b',
    attribution: '© C',
    legend: 'd',
    version: '1.2.3',
    encoding: 'mapbox',
  }
  t.match(of(metadata), {
    ...metadata,
    format: 'png',
    minzoom: 3,
    maxzoom: 7,
    bounds: [7, 46, 9, 48],
    center: [8, 47, 5],
  })
  t.equal(of(metadata)['vector_layers'], undefined, 'pictures have none')
  t.equal(of({ vector_layers: [{ id: 'a', fields: {} }] })['vector_layers'], undefined)
  t.same(of(metadata, VECTOR)['vector_layers'], [])
  t.equal(of({})['name'], 'fallback')
})

t.test('values that break the specification are put right or left out', async (t) => {
  t.equal(of({ version: 2 })['version'], '2.0.0')
  t.equal(of({ version: 'v1.4' })['version'], '1.4.0')
  for (const version of ['latest', '', {}, null, '1.2.3.4', '2024-01-01T00:00']) {
    t.equal(of({ version })['version'], undefined, JSON.stringify(version))
  }
  t.equal(of({ name: 3 })['name'], 'fallback')
  t.equal(of({ description: {}, attribution: ['x'] })['description'], undefined)
})

t.test('bounds stay in the world and do not wrap; the center lies in them, at a zoom there is', async (t) => {
  const at = (bounds: number[], center?: number[]): Record<string, unknown> =>
    of({}, { bounds, center } as Partial<TilesDescription>)
  t.same(at([-180.0000001, -95, 180, 95])['bounds'], [-180, -90, 180, 90])
  t.same(at([170, -20, -170, 20])['bounds'], [-180, -20, 180, 20], 'across the antimeridian')
  t.same(at([170, -20, 190, 20])['bounds'], [-180, -20, 180, 20])
  t.equal(at([0, 10, 1, -10])['bounds'], undefined, 'upside down')
  t.same(at([0, 0, 10, 10], [50, 5, 4])['center'], [5, 5, 4])
  t.same(at([0, 0, 10, 10], [5, 5, 99])['center'], [5, 5, 7])
  t.same(at([0, 0, 10, 10], [5, 5, 3.6])['center'], [5, 5, 4])
  t.same(at([0, 0, 10, 10])['center'], [5, 5, 3])
})

t.test('fillzoom is the deepest stored zoom, where missing tiles are made', async (t) => {
  t.equal(of({})['fillzoom'], undefined)
  t.equal(tileJson(described({}), { ...options, isOverzoomed: true })['fillzoom'], 7)
})

t.test('vector layers, of PMTiles and of MBTiles, each with strings as fields', async (t) => {
  const layer = { id: 'roads', fields: { name: 'String', lanes: 3 }, minzoom: 0, maxzoom: 14, extra: true }
  const right = { id: 'roads', fields: { name: 'String', lanes: '3' }, minzoom: 3, maxzoom: 7, extra: true }
  const listed = [layer, { id: 1 }, 'x', null, { id: 'bare' }]
  const expected = [right, { id: 'bare', fields: {} }]
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  t.same(plain(of({ vector_layers: listed }, VECTOR)['vector_layers']), expected)
  t.same(plain(of({ json: JSON.stringify({ vector_layers: listed }) }, VECTOR)['vector_layers']), expected)
  t.same(of({ json: '{"vector_layers":' }, VECTOR)['vector_layers'], [])
  t.same(of({ json: 'null', vector_layers: 'none' }, VECTOR)['vector_layers'], [])
})

t.test('that a file is deeper in some places than in others', async (t) => {
  const levels = (...counts: number[]): Partial<TilesDescription> => ({
    levels: counts.map((count, zoom) => ({ zoom, count, bytes: count })),
  })
  const SAID = { emptyResponse: 'missing', sparse: true }
  const said = (document: Record<string, unknown>): unknown =>
    'emptyResponse' in document
      ? { emptyResponse: document['emptyResponse'], sparse: document['sparse'] }
      : undefined
  for (const metadata of [SAID, { emptyResponse: 'missing' }, { sparse: 'true' }, { sparse: '1' }]) {
    t.same(said(of(metadata)), SAID, JSON.stringify(metadata))
    t.same(said(of(metadata, VECTOR)), SAID, 'of vector tiles as well')
  }
  t.same(said(of({}, levels(1, 4, 16, 3))), SAID, 'fewer tiles than the level above has')
  for (const metadata of [{ emptyResponse: 'blank' }, { sparse: false }, { sparse: '0' }]) {
    t.equal(said(of(metadata, levels(1, 4, 3))), undefined, JSON.stringify(metadata))
  }
  t.equal(said(of({ emptyResponse: 'nonsense', sparse: 'maybe' })), undefined)
  t.equal(said(of({}, levels(1, 1, 2, 8))), undefined)
  t.equal(said(of({}, { ...VECTOR, ...levels(1, 4, 3) })), undefined, 'vector tiles may lack features there')
})
