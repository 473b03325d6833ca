// An entry of PMTiles may stand for all tiles of many zooms: what is asked of such an archive takes as long as there are
// entries. Every count here is of up to 2^40 tiles, so that nothing which goes through them one by one comes to an end.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { zoomBase } from '../../src/format/tile-id.js'
import { openArchive } from '../../src/pyramid/sources/archive-source.js'
import { encodeImage } from '../../src/raster/tiles/codec.js'
import { sample } from '../../src/sampling/sample.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { tilesIn } from '../../src/store/read/areas.js'
import { openTiles } from '../../src/store/read/open.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { serve } from '../server/served.js'
import { foreignArchive } from '../store/foreign-archive.js'

const picture = { width: 256, height: 256, bands: 3, mask: undefined }
const red = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => (i % 3 === 0 ? 200 : 0))
const { bytes } = await encodeImage({ ...picture, data: red }, { format: 'png', lossless: true })
/** Zooms 0 to 20, all of them: 1,466,015,503,701 tiles in one entry. */
const ALL = zoomBase(21)

function archive(directory: string, name: string, from: number, to: number): string {
  const path = join(directory, name)
  const entries = [{ tileId: from, offset: 0, length: bytes.length, runLength: to - from }]
  writeFileSync(path, foreignArchive({ entries, data: bytes }))
  return path
}

t.test('described, listed, sampled, opened as a source, verified', async (t) => {
  const path = archive(t.testdir(), 'all.pmtiles', 0, ALL)
  const reader = openTiles(path)
  const d = describeTiles(reader)
  t.equal(d.tiles, ALL)
  t.same(
    d.levels.map(({ zoom, count, bytes: sum }) => [zoom, count, sum]),
    Array.from({ length: 21 }, (_, z) => [z, 4 ** z, 4 ** z * bytes.length]),
  )
  t.match(d, { minZoom: 0, maxZoom: 20 })
  t.same(
    d.bounds?.map((degrees) => Math.round(degrees * 1000) / 1000),
    [-180, -85, 180, 85],
  )
  t.same(
    [...reader.tiles({ zoom: 20, range: { minX: 7, minY: 9, maxX: 8, maxY: 9 } })]
      .map(({ x, y }) => [x, y])
      .sort(),
    [
      [7, 9],
      [8, 9],
    ],
  )
  const first = reader.tiles({ zoom: 19 })
  t.match(first.next().value, { z: 19 })
  // a window that is cut out of the run, in all zooms
  for (let zoom = 0; zoom <= 20; zoom++) {
    const range = {
      minX: 0,
      minY: 0,
      maxX: Math.floor((2 ** zoom - 1) / 3),
      maxY: Math.floor((2 ** zoom - 1) / 2),
    }
    const counted = [...reader.areas(zoom, range)].reduce((sum, area) => sum + tilesIn(area), 0)
    t.equal(counted, tilesIn(range), `zoom ${zoom}`)
  }
  const options = { bbox: [5, 5, 6, 6], width: 64, height: 64 } as const
  t.same(
    [...(await sample(reader, { ...options, bbox: [...options.bbox] })).data.subarray(0, 3)],
    [200, 0, 0],
  )
  reader.close()
  const source = await openArchive(path)
  t.equal(source.info.width, 256 * 2 ** 20)
  await source.close()
  const { findings } = await verifyTiles(path, { decode: true })
  t.same(
    findings.filter(({ ok }) => !ok),
    [],
  )
})

t.test('part of a zoom, and runs that cross from one into the next', async (t) => {
  const from = zoomBase(9) + 12_345
  const path = archive(t.testdir(), 'part.pmtiles', from, zoomBase(11) + 77)
  const reader = openTiles(path)
  const d = describeTiles(reader)
  t.same(
    d.levels.map(({ zoom, count }) => [zoom, count]),
    [
      [9, zoomBase(10) - from],
      [10, 4 ** 10],
      [11, 77],
    ],
  )
  for (const range of [undefined, { minX: 100, minY: 50, maxX: 333, maxY: 400 }]) {
    const listed = [...reader.tiles({ zoom: 9, range })].map(({ x, y }) => `${x} ${y}`)
    const inAreas = [...reader.areas(9, range)].flatMap(({ minX, minY, maxX, maxY }) =>
      Array.from({ length: (maxX - minX + 1) * (maxY - minY + 1) }, (_, i) => {
        const across = maxX - minX + 1
        return `${minX + (i % across)} ${minY + Math.floor(i / across)}`
      }),
    )
    t.same(inAreas.sort(), listed.sort(), 'the same tiles, once each')
  }
  reader.close()
})

t.test('the server: catalogue, description, coverage, tiles', async (t) => {
  const root = t.testdir()
  archive(root, 'all.pmtiles', 0, ALL)
  const { get } = await serve(t, [root])
  for (const path of ['/all.json', '/index.json', '/all/info.json', '/all/20/5/5', '/all/point/5,5']) {
    const response = await get(path)
    t.equal(response.status, 200, path)
    await response.arrayBuffer()
  }
  for (const zoom of [3, 12, 20]) {
    const response = await get(`/all/coverage/${zoom}/-100,-50,100,50.json`)
    const coverage = (await response.json()) as { cells?: number[][]; tiles?: number[][] }
    const counted = coverage.tiles?.length ?? coverage.cells!.reduce((sum, cell) => sum + cell[2]!, 0)
    const y = (lat: number): number => {
      const r = (lat * Math.PI) / 180
      return Math.floor(((1 - Math.asinh(Math.tan(r)) / Math.PI) / 2) * 2 ** zoom)
    }
    const x = (lon: number): number => Math.floor(((lon + 180) / 360) * 2 ** zoom)
    t.equal(counted, (x(100) - x(-100) + 1) * (y(-50) - y(50) + 1), `zoom ${zoom}`)
  }
})
