// Heights in feet, against gdalwarp -ot Float32: metres where a vertical coordinate system says what they count in.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { decodeHeights } from '../../src/raster/tiles/terrain.js'
import { openTiles } from '../../src/store/read/open.js'
import { gdalWarpValues } from '../helpers/gdal.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { plainTiff } from '../helpers/plain-tiff.js'

const SIZE = 48
const data = Array.from({ length: SIZE * SIZE }, (_, i) => 5280 + (i % SIZE) * 3 + Math.floor(i / SIZE))
const plain = plainTiff({
  width: SIZE,
  height: SIZE,
  bits: 32,
  data,
  keys: [[3072, 32613]],
  place: [30, 500_000, 4_300_000],
})
const FOOT = 0.3048
const US_FOOT = 1200 / 3937

interface Case {
  readonly name: string
  /** Of gdal_translate, out of the plain file. */
  readonly args: readonly string[]
  readonly extension?: string
  readonly crs?: string
  /** What gdalwarp makes of a foot; that it does is looked at too. */
  readonly metres: number
  readonly note?: RegExp
  readonly edit?: (path: string) => void
}

/** The unit of the band, in the file's own metadata or beside it. */
const unit =
  (name: string) =>
  (path: string): void => {
    writeFileSync(
      `${path}.aux.xml`,
      `<PAMDataset><PAMRasterBand band="1"><UnitType>${name}</UnitType></PAMRasterBand></PAMDataset>`,
    )
  }

const CASES: readonly Case[] = [
  { name: 'no heights', args: ['-a_srs', 'EPSG:32613'], metres: 1 },
  { name: 'metres', args: ['-a_srs', 'EPSG:32613+5703'], metres: 1 },
  {
    name: 'US survey feet',
    args: ['-a_srs', 'EPSG:32613+6360'],
    metres: US_FOOT,
    note: /0\.30480061 m.*--terrain-unit/,
  },
  { name: 'feet', args: ['-a_srs', 'EPSG:32613+8228'], metres: FOOT, note: /units of 0\.3048 m/ },
  { name: 'feet below', args: ['-a_srs', 'EPSG:32613+6358'], metres: US_FOOT },
  {
    name: 'State Plane and feet',
    args: ['-a_srs', 'EPSG:2876+6360', '-a_ullr', '3000000', '1700000', '3004800', '1695200'],
    metres: US_FOOT,
  },
  {
    name: 'a code for both',
    args: ['-a_srs', 'EPSG:8720', '-a_ullr', '3000000', '1700000', '3004800', '1695200'],
    metres: US_FOOT,
  },
  {
    name: 'three dimensions',
    args: ['-a_srs', 'EPSG:4979', '-a_ullr', '-105', '39', '-104.99', '38.99'],
    metres: 1,
  },
  {
    name: 'GeoTIFF 1.0',
    args: ['-a_srs', 'EPSG:32613+6360', '-co', 'GEOTIFF_VERSION=1.0'],
    metres: 1,
    note: /US survey foot.*as metres.*--terrain-unit/,
  },
  { name: 'only the band', args: [], edit: unit('ft'), metres: 1, note: /are in ft, but no vertical/ },
  {
    name: 'the band, and a system in metres',
    args: ['-a_srs', 'EPSG:32613+5703'],
    edit: unit('ft'),
    metres: FOOT,
  },
  {
    name: 'the band says metres, the system feet',
    args: ['-a_srs', 'EPSG:32613+6360'],
    edit: unit('m'),
    metres: 1,
  },
  {
    name: 'the band says fathoms, the system feet',
    args: ['-a_srs', 'EPSG:32613+6360'],
    edit: unit('fathom'),
    metres: US_FOOT,
  },
  { name: 'VRT', args: ['-of', 'VRT', '-a_srs', 'EPSG:32613+6360'], extension: 'vrt', metres: US_FOOT },
  { name: '--s-srs', args: [], crs: 'EPSG:32613+6360', metres: US_FOOT },
  {
    name: '--s-srs without heights',
    args: ['-a_srs', 'EPSG:32613+8228'],
    crs: 'EPSG:32613',
    metres: 1,
    note: /are in foot, but no vertical/,
  },
]

type Heights = Map<string, Float32Array>

async function heightsOf(
  path: string,
): Promise<{ zoom: number; tiles: Heights; masks: Map<string, Uint8Array | undefined> }> {
  const reader = openTiles(path)
  const { zoom } = reader.levels().at(-1)!
  const tiles: Heights = new Map()
  const masks = new Map<string, Uint8Array | undefined>()
  for (const { x, y } of [...reader.tiles({ zoom })]) {
    const pixels = await decodeHeights(reader.get(zoom, x, y)!.bytes, undefined)
    tiles.set(`${x}/${y}`, pixels.data)
    masks.set(`${x}/${y}`, pixels.mask)
  }
  reader.close()
  return { zoom, tiles, masks }
}

t.test('units of heights', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const source = join(dir, 'plain.tif')
  writeFileSync(source, plain)
  for (const [i, { name, args, extension = 'tif', crs, metres, note, edit }] of CASES.entries()) {
    const path = join(dir, `${i}.${extension}`)
    gdal('gdal_translate', '-q', ...args, source, path)
    edit?.(path)
    const out = join(dir, `${i}.pmtiles`)
    const options: BuildOptions = {
      sources: [path],
      out,
      terrain: 'float32',
      threads: 0,
      ...(crs === undefined ? {} : { crs }),
    }
    const report = await build(options)
    const said = report.notes.join(' ')
    if (note !== undefined) t.match(said, note, `${name}: the note`)
    else if (metres === 1) t.equal(said, '', `${name}: nothing to note`)
    const { zoom, tiles, masks } = await heightsOf(out)
    let worst = 0
    let most = 0
    let compared = 0
    for (const [key, ours] of tiles) {
      const [x, y] = key.split('/').map(Number) as [number, number]
      const range = { zoom, tileSize: 256, minX: x, maxX: x, minY: y, maxY: y }
      const extra = ['-wo', 'XSCALE=1', '-wo', 'YSCALE=1', ...(crs === undefined ? [] : ['-s_srs', crs])]
      const theirs = gdalWarpValues(path, range, 'bilinear', 0, extra)
      for (let p = 0; p < ours.length; p++) {
        if (theirs.alpha[p] === 0 || masks.get(key)?.[p] === 0) continue
        compared++
        worst = Math.max(worst, Math.abs(ours[p]! - theirs.values[p]!))
        most = Math.max(most, theirs.values[p]!)
      }
    }
    t.ok(compared > 1000 && worst < 0.02, `${name}: ${worst} m off in ${compared} pixels`)
    t.ok(Math.abs(most / metres - 5470) < 10, `${name}: gdalwarp has ${most}`)
  }
})

t.test('--terrain-unit', async (t) => {
  const dir = t.testdir({ 'a.tif': Buffer.from(plain) })
  const most = async (options: Partial<BuildOptions>): Promise<number> => {
    const out = join(dir, 'a.pmtiles')
    await build({
      sources: [join(dir, 'a.tif')],
      out,
      overwrite: true,
      threads: 0,
      terrain: 'float32',
      ...options,
    })
    const { tiles, masks } = await heightsOf(out)
    let found = 0
    for (const [key, values] of tiles) {
      for (let p = 0; p < values.length; p++)
        if (masks.get(key)?.[p] !== 0) found = Math.max(found, values[p]!)
    }
    return found
  }
  const stored = await most({})
  for (const [terrainUnit, metres] of [
    ['m', 1],
    ['ft', FOOT],
    ['us-ft', US_FOOT],
    [0.1, 0.1],
  ] as const) {
    const found = await most({ terrainUnit })
    t.ok(Math.abs(found - stored * metres) < 1e-3, `${terrainUnit}: ${found} of ${stored}`)
  }
  const refused = (options: Partial<BuildOptions>): Promise<unknown> =>
    build({ sources: [join(dir, 'a.tif')], out: join(dir, 'b.pmtiles'), ...options })
  await t.rejects(refused({ terrainUnit: 'ft' }), { code: 'BAD_OPTION', message: /terrainUnit/ })
  await t.rejects(refused({ terrain: 'mapbox', terrainUnit: 'yd' as never }), { code: 'BAD_OPTION' })
  t.ok(readFileSync(join(dir, 'a.tif')).equals(Buffer.from(plain)))
})
