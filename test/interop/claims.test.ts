// What archives say of themselves and cannot be: grids, bounds, types; and pictures in gzip.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { directoryOf, encodeDirectory } from '../../src/format/directory.js'
import { Compression, encodeHeader } from '../../src/format/pmtiles.js'
import { tileId } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { MbtilesReader } from '../../src/interop/mbtiles/reader.js'
import { openTileSet } from '../../src/interop/open.js'
import { openBackend } from '../../src/server/sources/open-backend.js'
import { openTiles } from '../../src/store/read/open.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { tileJson } from '../../src/store/report/tilejson.js'
import { mbtilesOf } from '../server/tile-files.js'

const PNG = Buffer.from('\x89PNG\r\n\x1a\n tile', 'latin1')
const PACKED = gzipSync(PNG)

t.before(() => MbtilesReader.load())

function folder(t: Test, beside: Record<string, string>, tile: Uint8Array = PNG): string {
  const path = t.testdir()
  for (const [name, text] of Object.entries(beside)) writeFileSync(join(path, name), text)
  const file = join(path, '1/0/1.png')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, tile)
  return path
}

function pmtiles(
  t: Test,
  about: Partial<Parameters<typeof encodeHeader>[0]>,
  tile: Uint8Array,
  metadata = {},
): string {
  const path = join(t.testdir(), 'a.pmtiles')
  const root = gzipSync(
    encodeDirectory(
      directoryOf([{ tileId: tileId(5, 17, 11), offset: 0, length: tile.length, runLength: 1 }]),
    ),
  )
  const packed = gzipSync(JSON.stringify(metadata))
  const dataOffset = 127 + root.length + packed.length
  const header = encodeHeader({
    rootOffset: 127,
    rootLength: root.length,
    metadataOffset: 127 + root.length,
    metadataLength: packed.length,
    leafOffset: dataOffset,
    leafLength: 0,
    dataOffset,
    dataLength: tile.length,
    addressedTiles: 1,
    tileEntries: 1,
    tileContents: 1,
    clustered: true,
    internalCompression: Compression.gzip,
    tileCompression: Compression.none,
    tileType: TileType.png,
    minZoom: 5,
    maxZoom: 5,
    minLon: -180,
    minLat: -85,
    maxLon: 180,
    maxLat: 85,
    centerZoom: 5,
    centerLon: 0,
    centerLat: 0,
    ...about,
  })
  writeFileSync(path, Buffer.concat([header, root, packed, tile]))
  return path
}

const xml = (
  profile: string,
  srs: string,
  step: number,
): string => `<?xml version="1.0"?><TileMap version="1.0.0">
  <Title>Fields</Title><Abstract></Abstract><SRS>${srs}</SRS><BoundingBox minx="-170" miny="10" maxx="-20" maxy="60"/>
  <TileSets${profile === '' ? '' : ` profile="${profile}"`}><TileSet href="1" units-per-pixel="${step}" order="1"/></TileSets></TileMap>`

t.test('tile folders that say their grid', async (t) => {
  const refused: [string, Record<string, string>, RegExp][] = [
    [
      'geodetic',
      { 'tilemapresource.xml': xml('geodetic', 'EPSG:4326', 0.3515625) },
      /profile is geodetic.*EPSG:4326/,
    ],
    ['raster', { 'tilemapresource.xml': xml('raster', 'EPSG:32633', 2) }, /image's own pixels/],
    ['a CRS', { 'tilemapresource.xml': xml('', 'EPSG:2056', 4) }, /EPSG:2056/],
    [
      'Transverse_Mercator',
      {
        'tilemapresource.xml': xml(
          '',
          'PROJCS[&quot;x&quot;,PROJECTION[&quot;Transverse_Mercator&quot;]]',
          4,
        ),
      },
      /PROJCS/,
    ],
    ['steps', { 'tilemapresource.xml': xml('', '', 0.3515625) }, /0\.3515625 units/],
    ['metadata.json', { 'metadata.json': '{"profile":"geodetic","scheme":"tms"}' }, /profile is geodetic/],
    ['crs in metadata.json', { 'metadata.json': '{"crs":"EPSG:4326"}' }, /EPSG:4326/],
  ]
  for (const [what, beside, why] of refused) {
    await t.rejects(openTileSet(folder(t, beside)), { code: 'NOT_A_TILE_FILE', message: why }, what)
  }
  // where row 1 of zoom 1 lies: in the south (y = 1), or counted from there (y = 0)
  const rows: [string, Record<string, string>, number][] = [
    ['nothing', {}, 1],
    ['mercator', { 'tilemapresource.xml': xml('mercator', 'EPSG:3857', 78271.51695) }, 0],
    ['old names', { 'tilemapresource.xml': xml('global-mercator', 'OSGEO:41001', 78271.516) }, 0],
    ['broken XML', { 'tilemapresource.xml': '<TileMap' }, 0],
    ['scheme tms', { 'metadata.json': '{"scheme":"tms","profile":"mercator"}' }, 0],
    ['scheme xyz', { 'metadata.json': '{"scheme":"xyz"}' }, 1],
  ]
  for (const [what, beside, y] of rows) {
    const set = await openTileSet(folder(t, beside))
    t.ok(set.has(1, 0, y), what)
    t.notOk(set.has(1, 0, 1 - y), what)
  }
  const said = await openTileSet(folder(t, { 'tilemapresource.xml': xml('mercator', 'EPSG:3857', 78271.5) }))
  t.match(said.metadata(), { name: 'Fields', bounds: [-170, 10, -20, 60] })
})

t.test('PMTiles that say another grid', async (t) => {
  const path = pmtiles(t, {}, PNG, { crs: 'EPSG:25832' })
  const refused = { code: 'NOT_A_TILE_FILE', message: /another grid.*EPSG:25832/ }
  await t.rejects(openTileSet(path), refused)
  t.throws(() => openBackend(path), refused)
  const mercator = pmtiles(t, {}, PNG, { crs: 'EPSG:3857' })
  ;(await openTileSet(mercator)).close()
  openBackend(mercator).close()
})

t.test('what a PMTiles header states is shown, unless the metadata state it', (t) => {
  const header = {
    minLon: 12,
    minLat: 42,
    maxLon: 20,
    maxLat: 48,
    centerLon: 15,
    centerLat: 45,
    centerZoom: 5,
  }
  const shown = (about: Parameters<typeof pmtiles>[1], metadata = {}) => {
    const reader = openTiles(pmtiles(t, about, PNG, metadata))
    const { bounds, center } = describeTiles(reader)
    reader.close()
    return { bounds, center }
  }
  t.same(shown(header), { bounds: [12, 42, 20, 48], center: [15, 45, 5] })
  t.same(shown(header, { bounds: '13,43,19,47', center: '14,44' }), {
    bounds: [13, 43, 19, 47],
    center: [14, 44, 5],
  })
  const nowhere = { minLon: 0, minLat: 0, maxLon: 0, maxLat: 0 }
  t.match(shown(nowhere), { bounds: [11.25, Number, 22.5, Number] }, 'the tiles, where it cannot be true')
  t.end()
})

t.test('a picture in gzip twice is a picture', async (t) => {
  const twice = gzipSync(PACKED)
  const said = { tileType: TileType.png, tileCompression: Compression.gzip }
  const set = await openTileSet(pmtiles(t, said, twice))
  t.same(set.get(5, 17, 11)?.bytes, PNG)
  t.equal(set.get(5, 17, 11)?.type, TileType.png)
  set.close()
})

t.test('MBTiles that say another grid', (t) => {
  const path = join(t.testdir(), 'a.mbtiles')
  mbtilesOf(path, [{ z: 1, x: 0, y: 0, bytes: PNG }], { crs: 'EPSG:4326' })
  t.throws(() => MbtilesReader.open(path), { code: 'NOT_A_TILE_FILE', message: /another grid.*EPSG:4326/ })
  t.end()
})

// tile 5/17/11: 11.25 to 22.5 east, 40.98 to 48.92 north
const CLAIMS: [bounds: unknown, isBelieved: boolean][] = [
  ['12,42,20,48', true],
  [[11.25, 40.97, 22.5, 48.93], true],
  ['-180,-85,180,85', true],
  ['0,0,0,0', false],
  [[0, 0, 0, 0], false],
  ['20,48,12,42', false],
  ['42,12,48,20', false],
  ['-122,37,-121,38', false],
  ['1e9,-1e9,1e10,1e9', false],
  ['a,b,c,d', false],
  [',,,', false],
  [{ west: 12 }, false],
  [[null, null, null, null], false],
  ['12,42,20', false],
]

t.test('bounds and centers that are nonsense are made of the tiles', (t) => {
  for (const [bounds, isBelieved] of CLAIMS) {
    for (const center of ['0,0,0', '200,100,99', '45,15,3', 'x', [NaN, 1, 2]]) {
      const path = join(t.testdir(), 'a.mbtiles')
      mbtilesOf(path, [{ z: 5, x: 17, y: 11, bytes: PNG }], {
        bounds: typeof bounds === 'string' ? bounds : JSON.stringify(bounds).replace(/[[\]]/g, ''),
        center: String(center),
        minzoom: '-7',
        maxzoom: '99',
        format: 'jpg',
        scheme: 'xyz',
      })
      const backend = openBackend(path)
      const found = tileJson(backend.describe(), { name: 'a', tiles: ['x'] })
      backend.close()
      const [west, south, east, north] = found['bounds'] as number[]
      t.ok(
        west! <= 20 && east! >= 12 && south! <= 48 && north! >= 42,
        `${JSON.stringify(bounds)} → ${found['bounds']}`,
      )
      t.equal(
        Math.abs(west! - 11.25) < 1e-9 && Math.abs(east! - 22.5) < 1e-9,
        !isBelieved || Array.isArray(bounds),
      )
      const [lon, lat, zoom] = found['center'] as number[]
      t.ok(
        lon! >= west! && lon! <= east! && lat! >= south! && lat! <= north! && zoom === 5,
        String(found['center']),
      )
      t.match(found, { minzoom: 5, maxzoom: 5, format: 'png', scheme: 'xyz' })
    }
    const reader = openTiles(
      pmtiles(t, { minLon: 0, minLat: 0, maxLon: 0, maxLat: 0 }, PNG, { bounds, center: [0, 0, 30] }),
      {
        mode: 'buffered',
      },
    )
    const d = describeTiles(reader)
    reader.close()
    t.equal(d.disbelieved === undefined, isBelieved, JSON.stringify(bounds))
    t.ok(d.bounds![0] <= 20 && d.bounds![2] >= 12, String(d.bounds))
  }
  t.end()
})

t.test('an archive around the antimeridian may say so', (t) => {
  const path = join(t.testdir(), 'a.mbtiles')
  const tiles = [0, 31].map((x) => ({ z: 5, x, y: 11, bytes: PNG }))
  mbtilesOf(path, tiles, { bounds: '175,42,-175,48' })
  const backend = openBackend(path)
  t.same(backend.describe().bounds, [175, 42, -175, 48])
  backend.close()
  t.end()
})

t.test('pictures in gzip and under a false name, in every kind of archive', async (t) => {
  const mbtiles = (): string => {
    const path = join(t.testdir(), 'a.mbtiles')
    mbtilesOf(path, [{ z: 5, x: 17, y: 11, bytes: PACKED }], { format: 'pbf' })
    return path
  }
  const gzip = { tileCompression: Compression.gzip }
  const kinds: [string, () => string, [number, number, number]][] = [
    ['MBTiles', mbtiles, [5, 17, 11]],
    ['a folder', () => folder(t, {}, PACKED), [1, 0, 1]],
    ['PMTiles that say so', () => pmtiles(t, gzip, PACKED), [5, 17, 11]],
    ['PMTiles that do not', () => pmtiles(t, {}, PACKED), [5, 17, 11]],
    ['PMTiles that say vectors', () => pmtiles(t, { ...gzip, tileType: TileType.mvt }, PACKED), [5, 17, 11]],
    ['PMTiles that say WebP', () => pmtiles(t, { tileType: TileType.webp }, PNG), [5, 17, 11]],
    ['PMTiles that say nothing', () => pmtiles(t, { tileType: TileType.unknown }, PNG), [5, 17, 11]],
  ]
  for (const [what, made, [z, x, y]] of kinds) {
    const path = made()
    const set = await openTileSet(path)
    const tile = set.get(z, x, y)!
    t.same([tile.type, Buffer.from(tile.bytes)], [TileType.png, PNG], what)
    set.close()
    const backend = openBackend(path)
    t.match(backend.stat(z, x, y), { type: TileType.png, length: PNG.length }, `${what}: a look`)
    t.match(backend.get(z, x, y), { type: TileType.png, length: PNG.length }, `${what}: served`)
    t.same(Buffer.from(backend.get(z, x, y)!.bytes), PNG)
    t.match(backend.describe().types, [{ name: 'png', count: 1 }], `${what}: described`)
    backend.close()
  }
  t.end()
})
