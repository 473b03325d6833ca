// The sources of a file as bytes: what goes in comes out, and anything else ends in words.
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { decodeSources, encodeSources, MAX_SOURCES_BYTES } from '../../../src/format/sources/codec.js'
import type { SourceRecord } from '../../../src/format/sources/record.js'
import { sourceOf, sourcesOf } from '../../helpers/sources.js'

const bytesOf = (records: readonly SourceRecord[]): Uint8Array => {
  const bytes = encodeSources(records)
  if (typeof bytes === 'string') throw new Error(bytes)
  return bytes
}

const decoded = (value: unknown): SourceRecord[] | string =>
  decodeSources(gzipSync(typeof value === 'string' ? value : JSON.stringify(value)))

const full: SourceRecord = sourceOf(1, {
  minZoom: 3,
  date: '2024-06-30T10:00:00Z',
  attribution: '© Land & Sea',
  licence: 'CC BY 4.0',
  properties: { 'pilot "x"': 'Ada', list: [1, { deep: null }], __proto__: 1 },
})

t.test('what goes in comes out, from the bottom to the top', async (t) => {
  const records = [sourceOf(2, { footprint: null }), full, sourceOf(0)]
  t.same(decodeSources(bytesOf(records)), [records[2], records[1], records[0]])
  t.same(decodeSources(bytesOf([])), [])
  const multi = {
    type: 'MultiPolygon',
    coordinates: [179, -180].map((west) => [
      [
        [west, 0],
        [west + 1, 0],
        [west + 1, 1],
        [west, 0],
      ],
      [
        [west + 0.5, 0.1],
        [west + 0.6, 0.1],
        [west + 0.6, 0.2],
        [west + 0.5, 0.1],
      ],
    ]),
  } as const
  t.same(decodeSources(bytesOf([sourceOf(0, { footprint: multi })])), [sourceOf(0, { footprint: multi })])
})

t.test('a source may be shown only where it is enlarged', async (t) => {
  const enlarged = sourceOf(0, { zoom: 5, minZoom: 6 })
  t.same(decodeSources(bytesOf([enlarged])), [enlarged])
})

t.test('the same records give the same bytes, a collection of GeoJSON', async (t) => {
  const records = sourcesOf(20)
  t.same(bytesOf([...records].reverse()), bytesOf(records))
  const shuffled = Object.fromEntries(Object.entries(full).reverse()) as unknown as SourceRecord
  t.same(bytesOf([sourceOf(0), shuffled]), bytesOf([sourceOf(0), full]))
  const undefinedToo = { ...sourceOf(0), date: undefined, minZoom: undefined, properties: undefined }
  t.same(bytesOf([undefinedToo]), bytesOf([sourceOf(0)]))
  const json = JSON.parse(gunzipSync(bytesOf([sourceOf(0), full])).toString())
  t.equal(json.type, 'FeatureCollection')
  t.same(json.features[1], {
    type: 'Feature',
    id: 'source-1',
    geometry: full.footprint,
    properties: {
      name: 'city 1.tif',
      order: 1,
      zoom: 13,
      minZoom: 3,
      resolution: 19.1,
      date: '2024-06-30T10:00:00Z',
      attribution: '© Land & Sea',
      licence: 'CC BY 4.0',
      fingerprint: 'crc32:00000001',
      properties: full.properties,
    },
  })
})

t.test('members that are not known are left out: they are of a later writer', async (t) => {
  const json = JSON.parse(gunzipSync(bytesOf([sourceOf(0)])).toString())
  json.features[0].bbox = [0, 0, 1, 1]
  json.features[0].properties.mood = 'blue'
  json.crs = {}
  t.same(decoded(json), [sourceOf(0)])
})

const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['an id of no characters', { id: '' }, /its id/],
  ['an id that is a number', { id: 5 }, /its id/],
  ['a long id', { id: 'x'.repeat(257) }, /its id/],
  ['no name', { name: undefined }, /its name/],
  ['an endless name', { name: 'x'.repeat(65_537) }, /its name/],
  ['an order beyond the sources', { order: 2 }, /its order is not one of 0 to 1/],
  ['a broken order', { order: 0.5 }, /its order/],
  ['zoom 27', { zoom: 27 }, /its zoom/],
  ['a lowest zoom of 27', { minZoom: 27 }, /its lowest zoom/],
  ['a lowest zoom of null', { minZoom: null }, /its lowest zoom/],
  ['a resolution of nothing', { resolution: 0 }, /its resolution/],
  ['a resolution that is a text', { resolution: '1' }, /its resolution/],
  ['a date in words', { date: '30 June 2024' }, /its date/],
  ['a month that is not', { date: '2024-13' }, /its date/],
  ['an attribution that is a list', { attribution: [] }, /its attribution/],
  ['a licence that is null', { licence: null }, /its licence/],
  ['no fingerprint', { fingerprint: undefined }, /its fingerprint/],
  ['properties that are a list', { properties: [] }, /its properties/],
  [
    'a point for a footprint',
    { footprint: { type: 'Point', coordinates: [0, 0] } },
    /its footprint is not a Polygon/,
  ],
  ['a footprint of nothing', { footprint: { type: 'MultiPolygon', coordinates: [] } }, /no polygons/],
  ['a polygon of nothing', { footprint: { type: 'Polygon', coordinates: [] } }, /no rings/],
  [
    'three positions',
    {
      footprint: {
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [1, 1],
            [0, 0],
          ],
        ],
      },
    },
    /fewer than four/,
  ],
  [
    'a ring that is open',
    {
      footprint: {
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
          ],
        ],
      },
    },
    /not closed/,
  ],
  [
    'degrees beyond the earth',
    {
      footprint: {
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [181, 0],
            [1, 1],
            [0, 0],
          ],
        ],
      },
    },
    /beyond ±180/,
  ],
  [
    'a height',
    {
      footprint: {
        type: 'Polygon',
        coordinates: [
          [
            [0, 0, 1],
            [1, 0, 1],
            [1, 1, 1],
            [0, 0, 1],
          ],
        ],
      },
    },
    /a longitude and a latitude/,
  ],
  [
    'texts for degrees',
    {
      footprint: {
        type: 'Polygon',
        coordinates: [
          [
            ['0', '0'],
            [1, 0],
            [1, 1],
            ['0', '0'],
          ],
        ],
      },
    },
    /beyond ±180/,
  ],
  ['coordinates that are a text', { footprint: { type: 'Polygon', coordinates: 'here' } }, /no rings/],
]

t.test('wrong records are named, in writing and in reading', async (t) => {
  for (const [what, change, message] of wrong) {
    const records = [sourceOf(0), sourceOf(1, change)]
    const problem = encodeSources(records)
    t.match(problem, message, what)
    t.match(problem, /^source 2 of 2: /)
    const { id, footprint, ...properties } = records[1]!
    const features = [
      JSON.parse(gunzipSync(bytesOf([sourceOf(0)])).toString()).features[0],
      { type: 'Feature', id, geometry: footprint, properties },
    ]
    t.match(decoded({ type: 'FeatureCollection', features }), message, `${what}, read`)
  }
  t.match(encodeSources([sourceOf(0), sourceOf(1, { id: 'source-0' })]), /id "source-0" is used twice/)
  t.match(encodeSources([sourceOf(0), sourceOf(0, { id: 'b' })]), /its order 0 is used twice/)
  t.match(encodeSources('a' as never), /not a list/)
  t.match(encodeSources([null as never]), /not an object/)
  const round: Record<string, unknown> = {}
  round['round'] = round
  t.match(encodeSources([sourceOf(0, { properties: round })]), /cannot be written as JSON/)
  t.match(encodeSources([sourceOf(0, { properties: { big: 1n } })]), /cannot be written as JSON/)
  let deep: unknown = 1
  for (let i = 0; i < 495; i++) deep = [deep]
  const deepest = sourceOf(0, { properties: { deep } })
  t.same(decodeSources(bytesOf([deepest])), [deepest], 'as deep as may be')
  t.match(encodeSources([sourceOf(0, { properties: { deep: [deep] } })]), /nested more than 496 deep/)
})

t.test('bytes that are nothing of the kind end in words', async (t) => {
  t.match(decodeSources(new Uint8Array()), /not gzip/)
  t.match(decodeSources(Buffer.from('{"type":"FeatureCollection","features":[]}')), /not gzip/)
  t.match(decodeSources(bytesOf(sourcesOf(9)).subarray(0, -20)), /not gzip that unpacks/)
  t.match(decodeSources(new Uint8Array(MAX_SOURCES_BYTES + 1)), /bytes long, more than/)
  t.match(decoded('[]'), /not a JSON object/)
  t.match(decoded('\ufeff{}'), /not a JSON object/)
  t.match(decodeSources(gzipSync(Buffer.from([0x7b, 0xff, 0x7d]))), /not UTF-8/)
  t.match(decoded({ type: 'FeatureCollection' }), /not a FeatureCollection/)
  t.match(decoded({ type: 'Feature', features: [] }), /not a FeatureCollection/)
  t.match(decoded({ type: 'FeatureCollection', features: [null] }), /source 1 of 1: its id/)
  t.match(decoded('['.repeat(501)), /nested more than 500 deep/)
  const features = JSON.parse(gunzipSync(bytesOf(sourcesOf(3))).toString()).features
  t.match(
    decoded({ type: 'FeatureCollection', features: features.reverse() }),
    /not in the order of its sources: number 1/,
  )
})

t.test('what unpacks to more than any file has is refused before it is read', async (t) => {
  const many = (what: string, count: number): Uint8Array =>
    gzipSync(`{"type":"FeatureCollection","features":[${what.repeat(count)}0]}`, { level: 1 })
  t.match(decodeSources(many('{},', 5_000_000)), /of more than 8388608 values/)
  t.match(decodeSources(many('1,', 200_000)), /^of 200001 sources, more than 200000$/)
  const position = [0, 0]
  const endless = { type: 'Polygon', coordinates: [new Array(2_900_000).fill(position)] } as const
  t.match(encodeSources([sourceOf(0, { footprint: endless })]), /the sources are of more than .* simpler/)
  const bomb = gzipSync(Buffer.alloc(80 << 20, '{},'), { level: 1 })
  t.match(decodeSources(bomb), /unpacks to more than the limit of 67108864 bytes/)
})

t.test('flips of any bit, and any bytes, end in records or in words', async () => {
  const good = bytesOf(sourcesOf(5))
  fc.assert(
    fc.property(fc.nat({ max: good.length * 8 - 1 }), (bit) => {
      const bad = Uint8Array.from(good)
      bad[bit >> 3] = bad[bit >> 3]! ^ (1 << (bit & 7))
      const result = decodeSources(bad)
      return typeof result === 'string' || result.length === 5
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.json(), (json) => typeof decoded(json) === 'string'),
    { numRuns: 200 },
  )
})
