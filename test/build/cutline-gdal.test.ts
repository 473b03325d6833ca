// Cutlines beside gdalwarp -cutline. GDAL cuts the source's pixels and we the tiles': where both are the same
// pixels not one may differ, elsewhere only along the line.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pixelToMetresX, pixelToMetresY } from '../../src/grid/tiles/mercator.js'
import { compareBuild } from '../helpers/compare-build.js'
import { gdal, runGdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture } from '../helpers/paths.js'

type Ring = [number, number][]

/** EPSG:32633, the image's own; where its mask says that it holds something, since gdalwarp then forgets masks. */
const STAR: Ring = Array.from({ length: 10 }, (_, i) => {
  const angle = (i * Math.PI) / 5 + 0.1
  const radius = i % 2 === 0 ? 330 : 150
  return [472480 + radius * Math.cos(angle), 5261600 + radius * Math.sin(angle)]
})
const HOLE: Ring = [
  [472430, 5261560],
  [472560, 5261590],
  [472470, 5261700],
]
const CORNER: Ring = [
  [472710.3, 5261890.2],
  [472820.7, 5261850.1],
  [472740.9, 5261850.6],
]

const closed = (ring: Ring): Ring => [...ring, ring[0]!]
const feature = (...rings: Ring[]): object => ({
  type: 'Feature',
  properties: {},
  geometry: { type: 'Polygon', coordinates: rings.map(closed) },
})
const collection = (features: object[], crs?: string): object => ({
  type: 'FeatureCollection',
  ...(crs === undefined ? {} : { crs: { type: 'name', properties: { name: crs } } }),
  features,
})

/** By GDAL, so that it is not our own arithmetic that both use. */
function toLonLat(ring: Ring): Ring {
  const input = ring.map((point) => point.join(' ')).join('\n')
  const systems = ['-s_srs', 'EPSG:32633', '-t_srs', 'EPSG:4326', '-output_xy']
  return runGdal('gdaltransform', systems, input)
    .stdout.trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number])
}

t.test('a star with a hole and a triangle, in UTM and in degrees', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const star = [STAR, HOLE]
  for (const [name, json] of [
    ['utm', collection([feature(...star), feature(CORNER)], 'urn:ogc:def:crs:EPSG::32633')],
    ['degrees', collection([feature(...star.map(toLonLat)), feature(toLonLat(CORNER))])],
  ] as const) {
    const cutline = join(dir, `${name}.geojson`)
    writeFileSync(cutline, JSON.stringify(json))
    const found = await compareBuild({
      sources: [fixture('ortho.tif')],
      out: join(dir, `${name}.pmtiles`),
      // once by a worker, which is told the line
      options: { cutline, threads: name === 'utm' ? 1 : 0 },
      gdalOptions: ['-cutline', cutline],
    })
    // tiles of which GDAL paints a pixel at the line and we none
    t.ok(found.missing.length <= 1, `${name}: ${found.missing.length} tiles are missing`)
    t.ok(found.pixels > 500_000, `${name}: ${found.pixels} pixels`)
    t.ok(found.psnr >= 45, `${name}: ${found.psnr.toFixed(1)} dB`)
    t.ok(found.coverage < 0.004, `${name}: ${(found.coverage * 100).toFixed(3)} % painted by one only`)
  }
})

t.test('the same pixels on the same grid: not one differs', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const zoom = 17
  const [x, y] = [18143100, 11683400]
  const corner = [pixelToMetresX(x, zoom), pixelToMetresY(y, zoom)]
  const end = [pixelToMetresX(x + 1100, zoom), pixelToMetresY(y + 1100, zoom)]
  const image = join(dir, 'grid.tif')
  gdal(
    'gdalwarp',
    ...['-q', '-t_srs', 'EPSG:3857', '-te', `${corner[0]}`, `${end[1]}`, `${end[0]}`, `${corner[1]}`],
    ...['-ts', '1100', '1100', fixture('ortho.tif'), image],
  )
  const at = (px: number, py: number): [number, number] => [
    pixelToMetresX(x + px, zoom),
    pixelToMetresY(y + py, zoom),
  ]
  const bow = [at(200.3, 210.7), at(500.1, 420.9), at(790.6, 230.2), at(810.8, 700.4), at(230.9, 720.6)]
  const hole = [at(300.2, 420.4), at(330.7, 470.3), at(260.1, 460.8)]
  const cutline = join(dir, 'grid.geojson')
  writeFileSync(cutline, JSON.stringify(collection([feature(bow, hole)], 'EPSG:3857')))
  const found = await compareBuild({
    sources: [image],
    out: join(dir, 'grid.pmtiles'),
    options: { cutline, zoom, resampling: 'nearest' },
    gdalOptions: ['-cutline', cutline],
  })
  t.same(found.missing, [])
  t.ok(found.pixels > 50_000, `${found.pixels} pixels`)
  t.equal(found.psnr, Number.POSITIVE_INFINITY)
  t.equal(found.coverage, 0)
})
