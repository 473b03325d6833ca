// Capabilities as the standard has them, requests by key and value, and what is wrong with them. GDAL is asked in
// gdal.test.ts.
import { join } from 'node:path'
import { parseXml, type XmlElement, type XmlNode } from '@rgrove/parse-xml'
import t from 'tap'
import { LIMIT_LATITUDE } from '../../src/grid/tiles/mercator.js'
import { exceptionReport, xml } from '../../src/server/describe/wmts-document.js'
import { boundsOf, heightsFile, pictureFile, RANGE, serve, vectorFile } from './served.js'

const NASTY = `<&"'>]]>\u0001\ud800\uffff \u{1f5fa} {TileMatrix}`
const CLEAN = `<&"'>]]>\ufffd\ufffd\ufffd \u{1f5fa} {TileMatrix}`

const dir = t.testdir()
const at = (name: string): string => join(dir, name)
await pictureFile(at('a.pmtiles'), { metadata: { name: NASTY, description: NASTY } })
await pictureFile(at('b.pmtiles'), { tileSize: 512, format: 'webp' })
vectorFile(at('roads.pmtiles'), {})

const isElement = (node: XmlNode): node is XmlElement => node.type === 'element'
const children = (parent: XmlElement, name?: string): XmlElement[] =>
  parent.children.filter(isElement).filter((child) => name === undefined || child.name === name)
/** The only element at a path of names. */
function only(parent: XmlElement, ...path: string[]): XmlElement {
  let at = parent
  for (const name of path) {
    const found = children(at, name)
    if (found.length !== 1) throw new Error(`${found.length} × ${name} in ${at.name}`)
    at = found[0]!
  }
  return at
}
const textOf = (parent: XmlElement, ...path: string[]): string => only(parent, ...path).text

async function capabilitiesOf(answer: Promise<Response>): Promise<XmlElement> {
  const response = await answer
  const text = await response.text()
  if (response.status !== 200) throw new Error(text)
  if (response.headers.get('content-type') !== 'application/xml') throw new Error('not XML')
  return parseXml(text).root!
}

t.test('elements are those of the schema, in its order', async (t) => {
  const { get } = await serve(t, [at('a.pmtiles')])
  const root = await capabilitiesOf(get('/a/WMTSCapabilities.xml'))
  const names = (parent: XmlElement): string[] => children(parent).map(({ name }) => name)
  t.equal(root.attributes['version'], '1.0.0')
  t.equal(root.attributes['xmlns'], 'http://www.opengis.net/wmts/1.0')
  t.same(names(root), [
    'ows:ServiceIdentification',
    'ows:OperationsMetadata',
    'Contents',
    'ServiceMetadataURL',
  ])
  t.same(names(only(root, 'Contents')), ['Layer', 'TileMatrixSet', 'TileMatrixSet'])
  t.same(names(only(root, 'Contents', 'Layer')), [
    'ows:Title',
    'ows:Abstract',
    'ows:WGS84BoundingBox',
    'ows:Identifier',
    'Style',
    'Format',
    'TileMatrixSetLink',
    'TileMatrixSetLink',
    'ResourceURL',
  ])
  const set = children(only(root, 'Contents'), 'TileMatrixSet')[0]!
  t.same([...new Set(names(set))], ['ows:Identifier', 'ows:SupportedCRS', 'WellKnownScaleSet', 'TileMatrix'])
  for (const matrix of children(set, 'TileMatrix')) {
    t.same(names(matrix), [
      'ows:Identifier',
      'ScaleDenominator',
      'TopLeftCorner',
      'TileWidth',
      'TileHeight',
      'MatrixWidth',
      'MatrixHeight',
    ])
  }
})

t.test('the matrices are those of GoogleMapsCompatible, with pixels of 256 and of 512', async (t) => {
  const { get } = await serve(t, [at('a.pmtiles'), at('b.pmtiles')])
  const root = await capabilitiesOf(get('/wmts'))
  const [small, same, large] = children(only(root, 'Contents'), 'TileMatrixSet')
  // 07-057r7, annex E, table E.4
  const standard = [
    559082264.0287178, 279541132.0143589, 139770566.0071794, 69885283.00358972, 34942641.50179486,
  ]
  const numbers = (set: XmlElement, name: string): number[] =>
    children(set, 'TileMatrix').map((matrix) => Number(textOf(matrix, name)))
  t.equal(textOf(small!, 'ows:Identifier'), 'GoogleMapsCompatible')
  t.equal(textOf(small!, 'ows:SupportedCRS'), 'urn:ogc:def:crs:EPSG::3857')
  for (const [zoom, scale] of numbers(small!, 'ScaleDenominator').entries()) {
    t.ok(Math.abs(scale / standard[zoom]! - 1) < 1e-12, `${zoom}: ${scale}`)
  }
  t.same(numbers(small!, 'MatrixWidth'), [1, 2, 4, 8, 16])
  t.equal(textOf(same!, 'ows:Identifier'), 'WebMercatorQuad')
  t.same(
    children(same!, 'TileMatrix').map(({ text }) => text),
    children(small!, 'TileMatrix').map(({ text }) => text),
    'the same matrices by their newer name',
  )
  t.equal(textOf(large!, 'ows:Identifier'), 'GoogleMapsCompatible_512')
  t.same(new Set(numbers(large!, 'TileWidth')), new Set([512]))
  for (const [zoom, scale] of numbers(large!, 'ScaleDenominator').entries()) {
    t.ok(Math.abs(scale / (standard[zoom]! / 2) - 1) < 1e-12)
  }
  for (const matrix of children(large!, 'TileMatrix')) {
    t.equal(textOf(matrix, 'TopLeftCorner'), '-20037508.342789244 20037508.342789244')
  }
})

t.test('layers: bounds, limits of the zooms that hold tiles, a template that leads to tiles', async (t) => {
  const { get } = await serve(t, [at('a.pmtiles'), at('b.pmtiles'), at('roads.pmtiles')])
  const root = await capabilitiesOf(get('/WMTSCapabilities.xml'))
  const layers = children(only(root, 'Contents'), 'Layer')
  t.same(
    layers.map((layer) => textOf(layer, 'ows:Identifier')),
    ['a', 'b'],
    'vector tiles are no pictures',
  )
  const [first, second] = layers as [XmlElement, XmlElement]
  t.equal(textOf(first, 'ows:Title'), CLEAN)
  t.equal(textOf(first, 'ows:Abstract'), CLEAN)
  const box = only(first, 'ows:WGS84BoundingBox')
  const corners = ['ows:LowerCorner', 'ows:UpperCorner'].flatMap((name) =>
    textOf(box, name).split(' ').map(Number),
  )
  t.same(corners, boundsOf(4, RANGE))
  const links = children(first, 'TileMatrixSetLink')
  t.same(
    links.map((link) => textOf(link, 'TileMatrixSet')),
    ['GoogleMapsCompatible', 'WebMercatorQuad'],
  )
  const limitsOf = (link: XmlElement): number[][] =>
    children(only(link, 'TileMatrixSetLimits')).map((limit) =>
      children(limit).map(({ text }) => Number(text)),
    )
  const limits = limitsOf(links[0]!)
  t.same(limitsOf(links[1]!), limits)
  t.same(
    limits,
    [
      [2, 1, 1, 2, 2],
      [3, 2, 3, 4, 5],
      [4, 4, 6, 8, 11],
    ],
    'matrix, rows, columns',
  )
  t.equal(textOf(second, 'Format'), 'image/webp')
  for (const layer of layers) {
    const { template, format, resourceType } = only(layer, 'ResourceURL').attributes
    t.equal(resourceType, 'tile')
    const url = template!.replace('{TileMatrix}', '4').replace('{TileCol}', '8').replace('{TileRow}', '4')
    const tile = await fetch(url)
    t.equal(tile.status, 200)
    t.equal(tile.headers.get('content-type'), format)
  }
})

t.test('where nothing is said for missing tiles, WMTS gets transparent ones', async (t) => {
  const template = async (options: object, query = ''): Promise<string> => {
    const { get } = await serve(t, [at('a.pmtiles')], options)
    const root = await capabilitiesOf(get(`/a/WMTSCapabilities.xml${query}`))
    return only(root, 'Contents', 'Layer', 'ResourceURL').attributes['template']!
  }
  t.match(await template({}), /missing=auto-transparent/)
  t.match(await template({ missing: '204' }), /missing=transparent/)
  t.match(await template({}, '?missing=404'), /missing=404/)
  t.notMatch(await template({ missing: '404' }), /missing/)
  t.match(await template({ missing: '404' }, '?missing=204'), /missing=transparent/)
  t.notMatch(await template({}, '?scheme=tms'), /scheme/, 'rows of WMTS count from the north')
  t.match(await template({}, '?tileSize=@2x'), /\{TileRow\}@2x\.png/)
})

t.test('bounds of the whole world, and such as cross the antimeridian', async (t) => {
  const boxOf = async (bounds: unknown, range?: [number, number, number, number]): Promise<string> => {
    const path = join(t.testdir(), 'w.pmtiles')
    await pictureFile(path, { metadata: { bounds }, ...(range && { range }) })
    const { get } = await serve(t, [path])
    const layer = only(await capabilitiesOf(get('/w/WMTSCapabilities.xml')), 'Contents', 'Layer')
    const [link] = children(layer, 'TileMatrixSetLink')
    const limits = children(only(link!, 'TileMatrixSetLimits')).at(-1)!
    const numbers = children(limits).map(({ text }) => text)
    return `${textOf(layer, 'ows:WGS84BoundingBox', 'ows:LowerCorner')} ${textOf(layer, 'ows:WGS84BoundingBox', 'ows:UpperCorner')} ${numbers}`
  }
  const world = `-180 ${-LIMIT_LATITUDE} 180 ${LIMIT_LATITUDE} 4,0,15,0,15`
  t.equal(await boxOf([-180, -90, 180, 90]), world)
  t.equal(await boxOf([170, -90, -170, 90], [0, 8, 16, 1]), world)
  const tiles = '0 21.94304553343817 90 66.51326044311186 4,4,6,8,11'
  t.equal(await boxOf([170, -90, -170, 90]), tiles, 'not where the tiles are, so theirs count')
  t.equal(await boxOf('0,0,22.5,21.9430455'), '0 0 22.5 21.9430455 4,7,7,8,8', 'edges on borders of tiles')
})

t.test('by key and value, in any case', async (t) => {
  const { get, url } = await serve(t, [at('a.pmtiles'), at('b.pmtiles')])
  for (const query of [
    '',
    '?SERVICE=WMTS&REQUEST=GetCapabilities',
    '?service=wmts&Request=getcapabilities&acceptversions=2.0.0,1.0.0',
    '?service=WMTS&request=GetCapabilities&version=1.0.0&format=text/xml',
  ]) {
    t.equal((await capabilitiesOf(get(`/wmts${query}`))).name, 'Capabilities', query)
    t.equal((await capabilitiesOf(get(`/a/wmts${query}`))).name, 'Capabilities', query)
  }
  const tile =
    'Service=WMTS&Version=1.0.0&REQUEST=GetTile&layer=a&style=default&format=image/png&TileMatrixSet=GoogleMapsCompatible&TileMatrix=4&TileRow=4&TileCol=8'
  const bytes = await (await get('/a/4/8/4.png')).arrayBuffer()
  for (const path of ['/wmts', '/a/wmts']) {
    const newer = await get(`${path}?${tile.replace('GoogleMapsCompatible', 'WebMercatorQuad')}`)
    t.equal(newer.status, 200, 'by its newer name too')
    const answer = await get(`${path}?${tile}`)
    t.equal(answer.status, 200)
    t.ok(answer.redirected && answer.url.startsWith(`${url}/a/4/8/4.png?v=`), answer.url)
    t.same(await answer.arrayBuffer(), bytes)
  }
})

t.test('where the server converts, pictures come as PNG and JPEG too', async (t) => {
  await heightsFile(at('heights.pmtiles'), 'terrarium')
  const sources = ['a', 'b', 'heights'].map((id) => at(`${id}.pmtiles`))
  const { get } = await serve(t, sources, { transcode: true })
  const root = await capabilitiesOf(get('/wmts'))
  const formats = (layer: XmlElement): string[] => children(layer, 'Format').map(({ text }) => text)
  const layers = children(only(root, 'Contents'), 'Layer')
  t.same(layers.map(formats), [
    ['image/png', 'image/jpeg'],
    ['image/webp', 'image/png', 'image/jpeg'],
    // colours that stand for heights come without loss, or not at all
    ['image/png'],
  ])
  const head = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('latin1', 0, 12)
  const magic: Record<string, RegExp> = {
    'image/png': /^.PNG/,
    'image/jpeg': /^\xff\xd8\xff/,
    'image/webp': /^RIFF.{4}WEBP/s,
  }
  for (const layer of layers.slice(0, 2)) {
    const urls = children(layer, 'ResourceURL').map(({ attributes }) => attributes)
    t.same(
      urls.map(({ format }) => format),
      formats(layer),
    )
    const [id, set] = [textOf(layer, 'ows:Identifier'), layer === layers[0] ? '' : '_512']
    for (const { format = '', template = '' } of urls) {
      const place = { TileMatrix: '4', TileCol: '8', TileRow: '4' }
      const url = template.replace(/\{(\w+)\}/g, (_, name: keyof typeof place) => place[name])
      const query = new URLSearchParams({ REQUEST: 'GetTile', LAYER: id, FORMAT: format, ...place })
      query.set('TILEMATRIXSET', `GoogleMapsCompatible${set}`)
      for (const answer of [await fetch(url), await get(`/wmts?${query}`)]) {
        t.equal(answer.headers.get('content-type'), format, url)
        t.match(head(await answer.arrayBuffer()), magic[format]!)
      }
    }
  }
})

t.test('what is wrong is said in XML', async (t) => {
  const { get } = await serve(t, [at('a.pmtiles'), at('b.pmtiles'), at('roads.pmtiles')])
  const right: Record<string, string> = {
    SERVICE: 'WMTS',
    VERSION: '1.0.0',
    REQUEST: 'GetTile',
    LAYER: 'a',
    STYLE: 'default',
    FORMAT: 'image/png',
    TILEMATRIXSET: 'GoogleMapsCompatible',
    TILEMATRIX: '4',
    TILEROW: '4',
    TILECOL: '8',
  }
  const exceptionOf = async (path: string, changes: Record<string, string | undefined>): Promise<string> => {
    const values = Object.entries({ ...right, ...changes }).filter(([, value]) => value !== undefined)
    const answer = await get(`${path}?${new URLSearchParams(values as [string, string][])}`, {
      redirect: 'manual',
    })
    if (answer.status === 302) return 'fine'
    t.equal(answer.status, 400)
    t.equal(answer.headers.get('content-type'), 'application/xml')
    const root = parseXml(await answer.text()).root!
    t.equal(root.name, 'ExceptionReport')
    t.ok(textOf(root, 'Exception', 'ExceptionText').length > 5)
    const { exceptionCode, locator } = only(root, 'Exception').attributes
    return `${exceptionCode} ${locator}`
  }
  t.equal(await exceptionOf('/wmts', {}), 'fine')
  for (const name of ['LAYER', 'TILEMATRIXSET', 'TILEMATRIX', 'TILEROW', 'TILECOL']) {
    t.equal(await exceptionOf('/wmts', { [name]: undefined }), `MissingParameterValue ${name}`)
  }
  for (const [name, value] of [
    ['SERVICE', 'WMS'],
    ['VERSION', '2.0.0'],
    ['LAYER', 'c'],
    ['LAYER', 'roads'],
    ['LAYER', '<"&'],
    ['STYLE', 'dark'],
    ['FORMAT', 'image/jpeg'],
    ['TILEMATRIXSET', 'GoogleMapsCompatible_512'],
    ['TILEMATRIX', '5'],
    ['TILEMATRIX', '-1'],
    ['TILEMATRIX', '1e1'],
    ['TILEROW', '99999999999999999999'],
    ['TILECOL', ''],
  ] as const) {
    t.equal(
      await exceptionOf('/wmts', { [name]: value }),
      `InvalidParameterValue ${name}`,
      `${name}=${value}`,
    )
  }
  t.equal(await exceptionOf('/wmts', { TILEROW: '16' }), 'TileOutOfRange TILEROW')
  t.equal(await exceptionOf('/wmts', { REQUEST: 'GetFeatureInfo' }), 'OperationNotSupported REQUEST')
  t.equal(
    await exceptionOf('/wmts', { REQUEST: 'GetCapabilities', ACCEPTVERSIONS: '9.0' }),
    'VersionNegotiationFailed ACCEPTVERSIONS',
  )
  t.equal(await exceptionOf('/b/wmts', {}), 'InvalidParameterValue LAYER', 'another source’s layer')
  t.equal((await get('/roads/WMTSCapabilities.xml')).status, 404)
})

t.test('text of any kind is escaped', async (t) => {
  t.equal(parseXml(`<a b="${xml(NASTY)}">${xml(NASTY)}</a>`).root?.text, CLEAN)
  t.equal(parseXml(`<a b="${xml(NASTY)}"/>`).root?.attributes['b'], CLEAN)
  t.equal(only(parseXml(exceptionReport('A', '"<', NASTY)).root!, 'Exception').attributes['locator'], '"<')
})
