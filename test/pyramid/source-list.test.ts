// Lists of sources with properties: what they say, in every form, and what is wrong with them, by its place.
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { FlagstoneError } from '../../src/errors.js'
import type { ResolvedSource } from '../../src/pyramid/source-options.js'
import { expandSources } from '../../src/pyramid/sources/inputs.js'
import { lineOfItem } from '../../src/pyramid/sources/list/json-lines.js'
import { readSourceList } from '../../src/pyramid/sources/list/list.js'

const square = {
  type: 'Polygon',
  coordinates: [
    [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 0],
    ],
  ],
}
const feature = (properties: object, more: object = {}): object => ({
  type: 'Feature',
  geometry: square,
  properties,
  ...more,
})
const collection = (...features: object[]): string =>
  JSON.stringify({ type: 'FeatureCollection', features }, undefined, 1)

/** The sources of a list with this text. */
function listed(
  t: Test,
  name: string,
  text: string,
  prefers: 'visual' | 'data' = 'visual',
): ResolvedSource[] {
  const path = join(t.testdir(), name)
  writeFileSync(path, text)
  return [...readSourceList(path, prefers)].map(({ source }) => source)
}

t.test('what a feature may say, by all names', (t) => {
  const plain = { location: 'a.tif', priority: 2, minzoom: 3, maxzoom: 12, nodata: 0, s_srs: 'EPSG:25832' }
  const rest = {
    bands: [4, 3, 2],
    date: '2024-06-30',
    attribution: 'A',
    licence: 'CC0',
    id: 'a',
    note: { x: [1] },
  }
  const same = { filename: 'a.tif', Priority: '2', min_zoom: '3', MaxZoom: '12', NODATA: '0', src_srs: 25832 }
  const again = { bands: '4,3,2', datetime: '2024/06/30', attribution: 'A', license: 'CC0', note: { x: [1] } }
  const expected = {
    location: 'a.tif',
    priority: 2,
    minZoom: 3,
    maxZoom: 12,
    nodata: [[0]],
    crs: 'EPSG:25832',
    bands: [4, 3, 2],
    date: '2024-06-30',
    attribution: 'A',
    licence: 'CC0',
    id: 'a',
    properties: { note: { x: [1] } },
  }
  t.same(listed(t, 'a.geojson', collection(feature({ ...plain, ...rest }))), [expected])
  t.same(listed(t, 'a.JSON', `\uFEFF${collection(feature({ ...same, ...again }, { id: 'a' }))}`), [expected])
  const csv = 'location,priority,minzoom,maxzoom,nodata,s_srs,bands,date,attribution,licence,id,note\r\n'
  t.same(listed(t, 'a.csv', `${csv}a.tif,2,3,12,0,EPSG:25832,"4,3,2",2024-06-30,A,CC0,a,"x ""y"", z"\r\n`), [
    { ...expected, properties: { note: 'x "y", z' } },
  ])
  t.same(
    listed(t, 'a.csv', 'location;nodata;note\n"a\nb.tif";0,0,0;\n\nc.tif;nan;n'),
    [
      { location: 'a\nb.tif', nodata: [[0, 0, 0]] },
      { location: 'c.tif', nodata: [[Number.NaN]], properties: { note: 'n' } },
    ],
    'semicolons, a line break in quotes, empty values and lines',
  )
  t.end()
})

t.test('of several names one counts, and nothing is lost', (t) => {
  const [one, two, three] = listed(
    t,
    'a.geojson',
    collection(
      feature(
        { url: 'https://example.com/a.html', location: 'a.tif', datetime: '2020', date: '2021' },
        { id: 7 },
      ),
      feature({ location: 'b.tif', id: 12, priority: null, maxzoom: '', bands: [{ name: 'red' }] }),
      JSON.parse('{"type":"Feature","properties":{"location":"c.tif","__proto__":{"id":"x"}}}') as object,
    ),
  )
  t.same(one, {
    location: 'a.tif',
    date: '2021',
    properties: { url: 'https://example.com/a.html', datetime: '2020' },
  })
  t.same(two, { location: 'b.tif', id: '12', properties: { bands: [{ name: 'red' }] } })
  t.equal(three!.id, undefined)
  t.equal(Object.getPrototypeOf(three!.properties ?? {}), Object.prototype)
  t.end()
})

t.test('a STAC item names one of its assets', (t) => {
  const cog = 'image/tiff; application=geotiff; profile=cloud-optimized'
  const item = (assets: object, properties: object = {}, more: object = {}): object =>
    feature(
      { datetime: null, end_datetime: '2024-05-01T10:00:00Z', gsd: 0.2, ...properties },
      { stac_version: '1.0.0', id: 'item', assets, ...more },
    )
  const asset = (href: string, roles: string[] = [], type = cog): object => ({ href, roles, type })
  const href = (one: object, prefers: 'visual' | 'data' = 'visual'): string =>
    listed(t, 'item.json', JSON.stringify(one), prefers)[0]!.location
  const many = {
    thumbnail: asset('t.png', ['thumbnail'], 'image/png'),
    overview: asset('o.tif', ['overview']),
    meta: { href: 'm.xml' },
    red: asset('red.tif', ['data']),
    visual: asset('v.tif', ['visual']),
  }
  t.same(listed(t, 'item.json', JSON.stringify(item({ image: asset('./i.tif', ['data']) }))), [
    { location: './i.tif', date: '2024-05-01T10:00:00Z', id: 'item', properties: { gsd: 0.2 } },
  ])
  t.equal(href(item(many)), 'v.tif', 'what is to be looked at')
  t.equal(href(item(many), 'data'), 'red.tif', 'what is to be measured')
  t.equal(href(item(many, { asset: 'overview' })), 'o.tif')
  t.equal(href(item(many, {}, { asset: 'red' })), 'red.tif')
  t.equal(
    href(item({ preview: asset('p.png', ['thumbnail'], 'image/png'), dem: { href: 'd.TIF?sig=1' } })),
    'd.TIF?sig=1',
  )
  t.equal(href(item({ picture: asset('p.jpg', [], 'image/jpeg') })), 'p.jpg')
  t.same(
    listed(
      t,
      'items.json',
      collection(item(many), item({ a: asset('https://h/a.tif') }, {}, { id: 'b' })),
    ).map(({ location, id }) => [location, id]),
    [
      ['v.tif', 'item'],
      ['https://h/a.tif', 'b'],
    ],
  )
  const bands = { red: asset('r.tif', ['data']), blue: asset('b.tif', ['data']) }
  const wrong: [object, RegExp][] = [
    [item(bands), /its item: it has 2 images, red, blue; choose one with a property, "asset": "red"\.$/],
    [item(bands, { asset: 'green' }), /it has no asset "green"; it has red, blue\.$/],
    [item({ meta: asset('m.xml', [], 'text/xml') }), /none of its assets is an image; it has meta\.$/],
    [item({}), /it has no assets\.$/],
  ]
  for (const [one, message] of wrong) t.throws(() => href(one), { code: 'BAD_OPTION', message })
  t.end()
})

t.test('an outline cuts only if that is said', (t) => {
  const cut = (properties: object, more: object = {}): unknown =>
    listed(t, 'a.geojson', collection(feature({ location: 'a.tif', ...properties }, more)))[0]!.cutline
  t.equal(cut({}), undefined)
  for (const no of [false, 'no', 0, '']) t.equal(cut({ cut: no }), undefined)
  for (const yes of [true, 'TRUE', 1, 'yes']) t.same(cut({ cut: yes }), { type: 'Feature', geometry: square })
  t.same(cut({ cutline: square }, { geometry: null }), square)
  t.match(cut({ cutline: 'areas/a.geojson' }), /\/areas\/a\.geojson$/, 'a path is relative to the list')
  t.equal(cut({ cutline: '/x/a.geojson' }), '/x/a.geojson')
  t.same(
    listed(
      t,
      'a.geojson',
      JSON.stringify({
        type: 'FeatureCollection',
        crs: { type: 'name', properties: { name: 'EPSG:3857' } },
        features: [feature({ location: 'a.tif', cut: true })],
      }),
    )[0]!.cutline,
    { type: 'Feature', geometry: square, crs: { type: 'name', properties: { name: 'EPSG:3857' } } },
    'the CRS of the list',
  )
  const csv = (shape: string): unknown =>
    listed(t, 'a.csv', `location,cut,WKT\na.tif,1,"${shape}"\n`)[0]!.cutline
  t.same(csv('POLYGON ((0 0,1 0, 1 1,0 1,0 0))'), square)
  t.same(csv('SRID=4326;MultiPolygon Z (((0 0 5,1 0 5,1 1 5,0 1 5,0 0 5)))'), {
    type: 'MultiPolygon',
    coordinates: [square.coordinates],
  })
  t.same(csv('0,0,1,1'), { type: 'Polygon', coordinates: [square.coordinates[0]!.slice(0, 4)] })
  t.same(csv('179 0 -179 1'), {
    type: 'Polygon',
    coordinates: [
      [
        [179, 0],
        [181, 0],
        [181, 1],
        [179, 1],
      ],
    ],
  })
  for (const bad of [
    'POLYGON ((0 0,1 0,1 1)',
    'POLYGON ((0 0,1 0,x 1))',
    'POINT (1 2)',
    'POLYGON (0 0)',
    'POLYGON ((0 0,1 0,1 1)),',
    '1,2,3',
  ])
    t.throws(() => csv(bad), { code: 'BAD_OPTION', message: /a\.csv, line 2: its geometry is neither/ }, bad)
  t.equal(listed(t, 'a.csv', 'location,WKT\na.tif,POINT (1 2)\n')[0]!.cutline, undefined)
  t.throws(
    () => cut({ cut: true }, { geometry: null }),
    /feature 1 \(line \d+\): it has no geometry to cut by/,
  )
  t.throws(
    () => cut({ cutline: { type: 'Point', coordinates: [0, 0] } }),
    /feature 1 \(line \d+\): its geometry has no polygon/,
  )
  t.end()
})

t.test('what is wrong is named with file and line', (t) => {
  const features = (...properties: object[]): string => collection(...properties.map((one) => feature(one)))
  const a = { location: 'a.tif' }
  const deep = `${'{"x":'.repeat(600)}1${'}'.repeat(600)}`
  const cases: [string, string, RegExp][] = [
    ['a.geojson', features(a, { ...a, maxzoom: 40 }), /a\.geojson, feature 2 \(line \d+\): maxzoom is 40: /],
    ['a.geojson', features({ ...a, MinZoom: 'low' }), /feature 1 \(line 4\): MinZoom is "low": .*expected/],
    ['a.geojson', features({ ...a, priority: true }), /feature 1 .*: priority is true: expected a number\.$/],
    [
      'a.geojson',
      features({ ...a, nodata: 'black' }),
      /feature 1 .*: nodata is "black": expected a number, /,
    ],
    [
      'a.geojson',
      features({ ...a, bands: '1,2' }),
      /feature 1 .*: bands is "1,2": expected one band, or three/,
    ],
    [
      'a.geojson',
      features({ ...a, bands: 'red' }),
      /feature 1 .*: bands is "red": expected one band, or three/,
    ],
    [
      'a.geojson',
      features(a, { ...a, min_zoom: 12, MaxZoom: 8 }),
      /feature 2 .*: MaxZoom is 8: the lowest zoom, 12, is above it\.$/,
    ],
    ['a.geojson', features({ ...a, date: 'May' }), /feature 1 .*: date is "May": expected a date such as/],
    [
      'a.geojson',
      features({ ...a, s_srs: 'Mars' }),
      /feature 1 .*: The coordinate system Mars cannot be read/,
    ],
    ['a.geojson', features({ ...a, attribution: 5 }), /feature 1 .*: attribution is 5: expected a text\.$/],
    [
      'a.geojson',
      features({ ...a, id: 'x' }, { location: 'b.tif', id: 'x' }),
      /feature 2 .*: the id "x" is also that of feature 1 \(line 4\)/,
    ],
    ['a.geojson', features(a, { name: 'b' }), /feature 2 .*: it names no file; give it a property location/],
    ['a.geojson', features(a, { location: 7 }), /feature 2 .*: location is 7: .*expected string/],
    ['a.geojson', features({ name: 'x' }, {}), /a\.geojson names no files: .*--cutline\.$/],
    ['a.geojson', collection(feature(a), square), /feature 2 .*: it is not a Feature\.$/],
    ['a.geojson', collection(), /has no features/],
    [
      'a.geojson',
      JSON.stringify(square),
      /a\.geojson is not a list of sources: expected a GeoJSON FeatureCollection/,
    ],
    ['a.json', '[1]', /is not a list of sources/],
    ['a.json', '"a.tif"', /is not a list of sources/],
    ['a.json', '{"type":"FeatureCollection","features":{}}', /its features are not a list/],
    ['a.json', '{"type":"Collection","stac_version":"1.0.0"}', /is a STAC Collection; pass its items/],
    ['a.json', '{\n"type": "Feature",\n  "properties": nothing}', /a\.json is not JSON on line 3 /],
    ['a.json', '', /a\.json is not JSON/],
    ['a.json', deep, /is nested more than 500 deep/],
    ['a.json', 'II*\0\0', /is not text/],
    ['a.csv', '', /a\.csv is empty/],
    ['a.csv', 'location\n', /names no sources/],
    ['a.csv', 'a.tif\nb.tif\n', /has no column with the files; .*\(it is a\.tif\)/],
    ['a.csv', 'location,x,x\n', /has two columns named x/],
    ['a.csv', 'location,x\na.tif,1\nb.tif\n', /a\.csv, line 3: there are 1 value for 2 columns/],
    ['a.csv', 'location,x\n"a\n\n.tif",1\nb.tif,1,2\n', /a\.csv, line 5: there are 3 values for 2 columns/],
    ['a.csv', 'location,x\na.tif,"1\n', /a\.csv, line 2: a quote is not closed/],
    ['a.csv', 'location,x\n"a"b,1\n', /a\.csv, line 2: there is text after a closing quote/],
    ['a.csv', 'location,maxzoom\na.tif,12\n,3\n', /a\.csv, line 3: it names no file/],
    ['a.csv', 'location,priority\na.tif,NaN\n', /line 2: priority is "NaN": expected a number\.$/],
    ['a.csv', 'location,minzoom,maxzoom\na.tif,16,12\n', /line 2: maxzoom is "12": the lowest zoom, 16, is /],
    ['a.csv', 'location,maxzoom\na.tif,deep\n', /a\.csv, line 2: maxzoom is "deep"/],
  ]
  for (const [name, text, message] of cases)
    t.throws(() => listed(t, name, text), { code: 'BAD_OPTION', message }, String(message))
  t.end()
})

t.test('the line of a feature', (t) => {
  const tricky =
    '{"x": {"features": [1,\n2]}, "y": "features", "features" :\n [{"a": [1,{}],"s":"},{\\"\\\\"},\n7,\n\n[{}] ,{"features":[]}]}'
  t.same(
    [0, 1, 2, 3].map((i) => lineOfItem(tricky, 'features', i)),
    [3, 4, 6, 6],
  )
  t.end()
})

t.test('very many entries', (t) => {
  const row = 'location,note\n'
  const many = `${row}${'a.tif,x\n'.repeat(100_000)}`
  t.equal(listed(t, 'many.csv', many).length, 100_000)
  const features = `{"type":"FeatureCollection","features":[${'{},'.repeat(300_000)}{}]}`
  const values = `{"type":"FeatureCollection","features":[${'[],'.repeat(4_000_001)}{}]}`
  t.throws(() => listed(t, 'values.json', values), /has more than 8000000 values; divide it/)
  t.throws(
    () => listed(t, 'wide.csv', `location\n${','.repeat(2000)}`),
    /line 2: there are more than 1000 values/,
  )
  const long = `location,cut,wkt\na.tif,1,"${'('.repeat(17 * 2 ** 20)}"\n`
  t.throws(() => listed(t, 'long.csv', long), /line 2: its geometry is longer than 16 MB; simplify it/)
  t.throws(() => listed(t, 'many.json', features), /names more than 250000 sources; divide it/)
  t.throws(
    () => listed(t, 'many.csv', `${row}${'a.tif,\n'.repeat(250_001)}`),
    /names more than 250000 sources; divide it/,
  )
  t.throws(() => listed(t, 'large.json', ' '.repeat(64 * 2 ** 20 + 1)), /is larger than 64 MB; divide it/)
  t.end()
})

t.test('whatever is in a file, it is a list or a sentence', (t) => {
  const path = join(t.testdir(), 'any')
  const names = [
    'location',
    'priority',
    'MAXZOOM',
    'nodata',
    's_srs',
    'bands',
    'date',
    'id',
    'cut',
    'cutline',
    'asset',
    'x',
  ]
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('a.tif', '1,2,3', 'EPSG:4326', '2024', true, 7, square),
  )
  const properties = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 })
  const some = fc.dictionary(fc.constantFrom('nodata', 'x', 'cut', 'note'), value, { maxKeys: 2 })
  const named = some.map((one) => ({ location: 'a.tif', ...one }))
  const assets = fc.dictionary(
    fc.constantFrom('visual', 'data', 'b'),
    fc.oneof(value, fc.record({ href: value, type: value, roles: value })),
  )
  const anyFeature = fc.oneof(
    value,
    fc.record(
      {
        type: fc.constant('Feature'),
        geometry: fc.oneof(value, fc.constant(square)),
        properties: fc.oneof(properties, named, value),
        id: value,
        assets,
      },
      { requiredKeys: ['type'] },
    ),
  )
  const json = fc.record(
    {
      type: fc.constantFrom('FeatureCollection', 'Feature', 'Collection'),
      features: fc.oneof(fc.array(anyFeature, { maxLength: 4 }), value),
      crs: value,
      properties,
      assets,
    },
    { requiredKeys: ['type'] },
  )
  const cell = fc.oneof(
    fc.string(),
    fc.constantFrom('a.tif', '"', '""', '"a,b"', '1', 'POLYGON ((0 0,1 0,1 1))', 'yes', ''),
  )
  const line = fc.array(cell, { minLength: 1, maxLength: 5 }).map((cells) => cells.join(','))
  const csv = fc
    .tuple(fc.subarray([...names, 'wkt']), fc.array(line, { maxLength: 4 }))
    .map(([header, lines]) => [header.join(','), ...lines].join('\n'))
  const right = fc.record({
    type: fc.constant('FeatureCollection'),
    features: fc.array(fc.record({ type: fc.constant('Feature'), properties: named }), {
      minLength: 1,
      maxLength: 3,
    }),
  })
  let good = 0
  const holds = (name: string, text: string): void => {
    writeFileSync(path + name, text)
    try {
      good += [...readSourceList(path + name, 'visual')].length > 0 ? 1 : 0
    } catch (error) {
      const { name: kind, code, message } = error as FlagstoneError
      if (kind !== 'FlagstoneError' || code !== 'BAD_OPTION' || !/^[^\n]{10,900}\.$/.test(message))
        throw error
    }
  }
  fc.assert(
    fc.property(fc.oneof(json, right), (one) => holds('.json', JSON.stringify(one))),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(csv, (one) => holds('.csv', one)),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (one) => holds('.csv', one)),
    { numRuns: 200 },
  )
  t.ok(good > 20, `${good} were lists`)
  t.end()
})

t.test('locations are relative to the list, and may be folders, globs and URLs', async (t) => {
  const dir = t.testdir({
    a: { '1.tif': '', '2.tif': '', 'readme.txt': '' },
    'b.tif': '',
    lists: {
      'all.csv': 'location,priority,nodata,id\n../a,1,,\n../b.tif,2,,b\nhttps://h/c.tif,3,,\n',
      'one.geojson': collection(feature({ location: '../b.tif' })),
      'missing.csv': 'location\n../b.tif\n../none.tif\n',
      'nested.csv': 'location\nall.csv\n',
      'twice.csv': 'location,priority\n../b.tif,5\n',
      'id.csv': 'location,id\n../a/*.tif,x\n',
      'b.csv': 'location,id\n../b.tif,b\n',
      'same.csv': 'location,id\n../a/1.tif,b\n',
    },
    'index.shp': '',
    'list.txt': 'lists/one.geojson\na/1.tif\n',
  })
  const inputs = { out: 'x.pmtiles', keep: 'last' } as const
  const expanded = async (...given: ResolvedSource[]): Promise<unknown[]> =>
    (await expandSources(given, inputs)).map(({ location, ...said }) => [
      location.includes('://') ? location : relative(dir, location),
      said,
    ])
  const at = (name: string): string =>
    name.startsWith('@') ? `@${join(dir, name.slice(1))}` : join(dir, name)
  t.same(
    await expanded({ location: at('lists/all.csv'), nodata: [[0]], priority: 9 }),
    [
      ['a/1.tif', { nodata: [[0]], priority: 1 }],
      ['a/2.tif', { nodata: [[0]], priority: 1 }],
      ['b.tif', { nodata: [[0]], priority: 2, id: 'b' }],
      ['https://h/c.tif', { nodata: [[0]], priority: 3 }],
    ],
    'the list says what counts, the rest is from its caller',
  )
  t.same(await expanded({ location: at('@list.txt'), priority: 4 }), [
    ['b.tif', { priority: 4 }],
    ['a/1.tif', { priority: 4 }],
  ])
  t.same(
    await expanded({ location: at('b.tif') }, { location: at('lists/all.csv') }, { location: at('b.tif') }),
    [
      ['a/1.tif', { priority: 1 }],
      ['a/2.tif', { priority: 1 }],
      ['https://h/c.tif', { priority: 3 }],
      ['b.tif', { priority: 2, id: 'b' }],
    ],
    'a file that is named again keeps its properties',
  )
  const wrong: [string[], string, RegExp][] = [
    [['lists/missing.csv'], 'NOT_FOUND', /missing\.csv, line 3: .*none\.tif does not exist/],
    [['lists/all.csv', 'lists/twice.csv'], 'BAD_OPTION', /b\.tif is named twice with different properties/],
    [['lists/id.csv'], 'BAD_OPTION', /id\.csv, line 2: .* names 2 images, and the id "x" can be that of one/],
    [['lists/b.csv', 'lists/same.csv'], 'BAD_OPTION', /have the same id, "b"; give each its own/],
  ]
  for (const [names, code, message] of wrong)
    await t.rejects(
      expanded(...names.map((name) => ({ location: at(name) }))),
      { code, message },
      names.join(),
    )
  const code = 'SOURCE_UNSUPPORTED'
  await t.rejects(expanded({ location: at('index.shp') }), {
    code,
    message: /: ogr2ogr list\.geojson .*index\.shp$/,
  })
  await t.rejects(expanded({ location: 'https://a:b@h/items.json?key=1' }), {
    code,
    message: /^https:\/\/h\/items\.json: lists/,
  })
  t.same(
    await expanded({ location: at('lists/nested.csv') }),
    [['lists/all.csv', {}]],
    'no list in a list: it is opened as an image, and refused',
  )
})
