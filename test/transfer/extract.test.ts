// Cuts parts out of archives: exactly the tiles that touch the area, at the zooms that were asked for.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/cli/run.js'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { describe, extract, open, openTileSet, planExtract } from '../../src/index.js'
import { makeFlat, makeFolder, makeMbtiles, type PlacedBytes, pngLike } from '../helpers/archives.js'

/** All tiles of the world up to zoom 5. */
const WORLD: PlacedBytes[] = []
for (let z = 0; z <= 5; z++)
  for (let x = 0; x < 2 ** z; x++)
    for (let y = 0; y < 2 ** z; y++)
      WORLD.push({ z, x, y, bytes: pngLike(z * 4096 + x * 64 + y, 60 + ((x * y) % 7)) })

type Box = [number, number, number, number]

const touching = ([west, south, east, north]: Box, from = 0, to = 5): string[] =>
  WORLD.filter(({ z, x, y }) => {
    const b = tileBoundsLonLat(z, x, y)
    return z >= from && z <= to && b.west < east && b.east > west && b.south < north && b.north > south
  })
    .map(({ z, x, y }) => `${z}/${x}/${y}`)
    .sort()

async function placesIn(path: string): Promise<string[]> {
  using tiles = await openTileSet(path)
  const places: string[] = []
  for (const { zoom } of tiles.levels())
    for (const { z, x, y } of tiles.tiles({ zoom })) places.push(`${z}/${x}/${y}`)
  return places.sort()
}

t.test('a bbox and some zooms, from and to every container', async (t) => {
  const folder = t.testdir()
  const bbox: Box = [7, 45, 30, 60]
  const sources = [
    makeFlat(join(folder, 'a.pmtiles'), WORLD, { name: 'world', bounds: [-180, -85, 180, 85] }),
    makeMbtiles(join(folder, 'a.mbtiles'), WORLD),
    makeFolder(join(folder, 'a'), WORLD),
  ]
  const digests = new Set<string>()
  for (const [i, source] of sources.entries())
    for (const extension of ['pmtiles', 'mbtiles']) {
      const out = join(folder, `${i}.${extension}`)
      const report = await extract({ source, out, bbox, minZoom: 1, maxZoom: 5 })
      t.same(await placesIn(out), touching(bbox, 1, 5), `${source} → ${extension}`)
      const plan = await planExtract({ source, bbox, minZoom: 1, maxZoom: 5 })
      t.same(plan, { tiles: report.tiles, tileBytes: report.tileBytes, levels: report.levels })
      digests.add(report.digest)
    }
  t.equal(digests.size, 1)
  const cut = open(join(folder, '0.pmtiles'))
  const { bounds, minZoom, maxZoom, metadata } = describe(cut)
  t.same(
    { bounds, minZoom, maxZoom, name: metadata['name'] },
    { bounds: bbox, minZoom: 1, maxZoom: 5, name: 'world' },
  )
  t.same(
    cut.get(5, 17, 10)?.bytes,
    WORLD.find((tile) => tile.z === 5 && tile.x === 17 && tile.y === 10)?.bytes,
  )
  cut.close()
  t.end()
})

t.test('over the antimeridian', async (t) => {
  const folder = t.testdir()
  const source = makeFlat(join(folder, 'a.pmtiles'), WORLD)
  const out = join(folder, 'b.pmtiles')
  await extract({ source, out, bbox: [170, -20, -170, -10] })
  const expected = new Set([...touching([170, -20, 180, -10]), ...touching([-180, -20, -170, -10])])
  t.same(await placesIn(out), [...expected].sort())
  t.end()
})

t.test('the polygons of a region', async (t) => {
  const folder = t.testdir()
  const source = makeFlat(join(folder, 'a.pmtiles'), WORLD)
  const out = join(folder, 'b.pmtiles')
  // a thin triangle along the diagonal of its box, and a box far away
  const region = {
    type: 'MultiPolygon',
    coordinates: [
      [
        [
          [2, 2],
          [80, 60],
          [80, 59],
          [2, 2],
        ],
      ],
      [
        [
          [-100, -50],
          [-99, -50],
          [-99, -49],
          [-100, -49],
          [-100, -50],
        ],
      ],
    ],
  }
  // as @types/geojson declares it: an interface, not a record
  interface MultiPolygon {
    type: string
    coordinates: number[][][][]
  }
  const typed: MultiPolygon = region
  const report = await extract({ source, out, region: typed })
  const found = await placesIn(out)
  const far = touching([-100, -50, -99, -49])
  for (const place of far) t.ok(found.includes(place), place)
  // along the diagonal there are far fewer tiles than in the box
  const deep = found.filter((place) => place.startsWith('5/') && !far.includes(place))
  t.ok(deep.length >= 8 && deep.length <= 16, `${deep.length} tiles`)
  t.notOk(found.includes('5/22/15'), 'a corner of the box')
  const file = join(folder, 'region.geojson')
  writeFileSync(file, JSON.stringify(region))
  t.equal((await extract({ source, out, region: file, overwrite: true })).digest, report.digest)
  await t.rejects(extract({ source, out: file, to: 'pmtiles', region: file, overwrite: true }), {
    code: 'BAD_OPTION',
  })
  await t.rejects(extract({ source, out, region: join(folder, 'none.geojson') }), { code: 'NOT_FOUND' })
  t.end()
})

t.test('nothing is selected, or the options do not go together', async (t) => {
  const folder = t.testdir()
  const source = makeFlat(join(folder, 'a.pmtiles'), WORLD.slice(0, 5))
  const out = join(folder, 'b.pmtiles')
  await t.rejects(extract({ source, out, minZoom: 9 }), {
    code: 'NOTHING_TO_BUILD',
    message: /no tiles in that area/,
  })
  await t.rejects(extract({ source, out, minZoom: 3, maxZoom: 2 }), RangeError)
  await t.rejects(extract({ source, out, bbox: [1, 2, 3, 4], region: {} }), TypeError)
  for (const region of [[], 5, null, ''])
    await t.rejects(extract({ source, out, region: region as never }), { message: /region: / })
  t.notOk(existsSync(out))
  t.same(readdirSync(folder), ['a.pmtiles'])
  t.end()
})

t.test('the command, with the words of go-pmtiles', async (t) => {
  const folder = t.testdir()
  const source = makeFlat(join(folder, 'a.pmtiles'), WORLD)
  const out = join(folder, 'b.pmtiles')
  let text = ''
  const io = {
    stdout: { write: (chunk: unknown) => (text += String(chunk)) },
    stderr: { write: (chunk: unknown) => (text += String(chunk)) },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const area = ['--bbox=7,45,30,60', '--minzoom=2', '--maxzoom=4']
  t.equal(await run(['extract', source, ...area, '--dry-run', '--json'], io), 0)
  const { tiles } = JSON.parse(text) as { tiles: number }
  t.notOk(existsSync(out))
  t.equal(await run(['extract', source, out, ...area], io), 0)
  t.equal(tiles, touching([7, 45, 30, 60], 2, 4).length)
  t.same(await placesIn(out), touching([7, 45, 30, 60], 2, 4))
  t.equal(await run(['extract', source, join(folder, 'c.pmtiles'), '-z', '9'], io), 1)
  t.equal(await run(['extract', source, ...area], io), 2)
  t.equal(await run(['convert', source, join(folder, 'd.pmtiles'), '-z', '0-1'], io), 0)
  t.equal((await placesIn(join(folder, 'd.pmtiles'))).length, 5)
  t.end()
})
