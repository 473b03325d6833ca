// The file knows where its pixels come from: at random places the topmost source is the one whose colour is there.
//
// Nine images, each of one colour, of irregular shapes with holes, of four coordinate systems and three depths, one over
// the other. Outlines are right to about a cell (two pixels here), so a place nearer than that to an edge may differ.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { crsFromEpsg } from '../../../src/grid/crs/epsg.js'
import { latToMetres, lonToMetres, metresToPixelX, metresToPixelY } from '../../../src/grid/tiles/mercator.js'
import { type BuildOptions, build } from '../../../src/pyramid/build.js'
import type { Pixels } from '../../../src/raster/pixels.js'
import type { RasterSource, SourceInfo } from '../../../src/raster/source.js'
import { decodeTile } from '../../../src/raster/tiles/codec.js'
import { verifyTiles } from '../../../src/sampling/verify.js'
import { openTiles } from '../../../src/store/read/open.js'
import type { FlatReader } from '../../../src/store/read/reader.js'
import { randomFrom } from '../../helpers/random.js'
import { ImageSource, infoOf, type Paint } from '../images.js'

interface Sheet {
  readonly epsg: number
  /** Upper left corner and size of a pixel, in units of the CRS. */
  readonly corner: readonly [x: number, y: number]
  readonly pixel: number
  readonly side: number
  /** Radians. */
  readonly turn?: number
  /** Without nodata. */
  readonly isWhole?: boolean
}

const SHEETS: readonly Sheet[] = [
  { epsg: 3857, corner: [1_000_000, 6_000_000], pixel: 150, side: 900 },
  { epsg: 32632, corner: [540_000, 5_195_000], pixel: 90, side: 700, turn: 0.4 },
  { epsg: 4326, corner: [9.3, 47.2], pixel: 0.0009, side: 800 },
  { epsg: 3035, corner: [4_300_000, 2_690_000], pixel: 100, side: 500, turn: -0.2, isWhole: true },
  { epsg: 32632, corner: [530_000, 5_240_000], pixel: 28, side: 700, turn: 0.1 },
  { epsg: 3857, corner: [1_050_000, 5_960_000], pixel: 38, side: 900 },
  { epsg: 4326, corner: [9.6, 46.9], pixel: 0.0003, side: 600 },
  { epsg: 32633, corner: [112_000, 5_220_000], pixel: 12, side: 800, turn: -0.3 },
  { epsg: 3035, corner: [4_292_000, 2_660_000], pixel: 10, side: 500, turn: 0.7 },
]

const colourOf = (i: number): readonly [number, number, number] => [20 + 25 * i, 250 - 20 * i, (i * 77) % 256]

/** A wavy blob with a hole. */
function shapeOf({ side, isWhole }: Sheet, i: number): (x: number, y: number) => boolean {
  const half = side / 2
  return (x, y) => {
    if (isWhole) return true
    const [dx, dy] = [x + 0.5 - half, y + 0.5 - half]
    const angle = Math.atan2(dy, dx)
    const outer = half * (0.75 + 0.15 * Math.sin(3 * angle + i) + 0.08 * Math.sin(7 * angle))
    const inHole = Math.hypot(dx - half / 4, dy + half / 5) < half * (0.15 + 0.04 * Math.sin(5 * angle))
    return Math.hypot(dx, dy) < outer && !inHole
  }
}

/** By sheet. */
const ZOOMS = [10, 10, 10, 10, 12, 12, 12, 13, 13]

class SheetSource extends ImageSource {
  override readonly info: SourceInfo
  constructor(i: number) {
    const sheet = SHEETS[i]!
    const { epsg, corner, pixel, side, turn = 0 } = sheet
    const isIn = shapeOf(sheet, i)
    const paint: Paint = (x, y) => [...colourOf(i), isIn(x, y) ? 255 : 0]
    const maskKind = sheet.isWhole ? 'none' : 'binary'
    const path = `sheet-${i}.tif`
    const options = { path, zoom: 10, x: 0, y: 0, width: side, height: side, paint, maskKind } as const
    super(options)
    const [cos, sin] = [Math.cos(turn) * pixel, Math.sin(turn) * pixel]
    const geotransform = [corner[0], cos, sin, corner[1], sin, -cos] as const
    this.info = { ...infoOf(options), crs: crsFromEpsg(epsg)!, geotransform, path }
  }
}

const openSource = async (path: string): Promise<RasterSource> => new SheetSource(Number(/\d/.exec(path)![0]))

async function built(t: Test, options: Partial<BuildOptions> = {}): Promise<string> {
  const out = join(t.testdir(), 'sheets.pmtiles')
  const sources = SHEETS.map((_, i) => `sheet-${i}.tif`)
  const fixed = { sources, out, format: 'png', resampling: 'nearest', overviewResampling: 'nearest' } as const
  await build({ ...fixed, ...options }, { openSource })
  return out
}

/** The deepest pixels of a file at places. */
class Pixel {
  readonly #file: FlatReader
  readonly #tiles = new Map<string, Pixels>()
  constructor(file: FlatReader) {
    this.#file = file
  }

  /** Undefined where it is transparent. */
  async at(lon: number, lat: number): Promise<readonly number[] | undefined> {
    for (const { zoom } of [...this.#file.levels()].reverse()) {
      const x = Math.floor(metresToPixelX(lonToMetres(lon), zoom))
      const y = Math.floor(metresToPixelY(latToMetres(lat), zoom))
      const found = await this.#tile(zoom, Math.floor(x / 256), Math.floor(y / 256))
      if (found === undefined) continue
      const at = (y % 256) * 256 + (x % 256)
      if (found.mask?.[at] === 0) return undefined
      const { bands, data } = found
      return [0, 1, 2].map((band) => data[at * bands + (bands === 3 ? band : 0)]!)
    }
    return undefined
  }

  async #tile(z: number, x: number, y: number): Promise<Pixels | undefined> {
    const key = `${z}/${x}/${y}`
    const before = this.#tiles.get(key)
    if (before !== undefined) return before
    const tile = this.#file.get(z, x, y)
    if (tile === undefined) return undefined
    const pixels = await decodeTile(tile.bytes)
    this.#tiles.set(key, pixels)
    return pixels
  }
}

const nameOf = (colour: readonly number[] | undefined): string | undefined =>
  colour &&
  `sheet-${SHEETS.findIndex((_, i) => colourOf(i).every((value, band) => value === colour[band]))}.tif`

interface Answer {
  readonly lon: number
  readonly lat: number
  /** The name of the source: asked for, and by its colour. */
  readonly asked: string | undefined
  readonly seen: string | undefined
}

/** What the file says of random places, and what it shows there. */
async function askedAt(file: FlatReader, pixel: Pixel, seed: number, count: number): Promise<Answer[]> {
  const random = randomFrom(seed)
  const answers: Answer[] = []
  for (let i = 0; i < count; i++) {
    const [lon, lat] = [9.2 + random() * 0.9, 46.6 + random() * 0.6]
    const seen = nameOf(await pixel.at(lon, lat))
    const asked = file.sourcesAt({ point: [lon, lat] })[0]?.name
    answers.push({ lon, lat, asked, seen })
  }
  return answers
}

/** Two cells of a zoom, degrees. */
const twoCells = (zoom: number): number => (4 * 360) / (256 * 2 ** zoom)

/** Whether the file shows something else within two cells of the sources that the answer is about. */
async function isAtEdge(pixel: Pixel, { lon, lat, asked, seen }: Answer): Promise<boolean> {
  const zooms = [asked, seen].flatMap((name) => (name === undefined ? [] : [ZOOMS[Number(name[6])]!]))
  const distance = twoCells(Math.min(...zooms))
  for (let i = 0; i < 32; i++) {
    const reach = (distance * (1 + (i % 4))) / 4
    const [dx, dy] = [reach * Math.cos(i), reach * Math.sin(i) * Math.cos((lat * Math.PI) / 180)]
    if (nameOf(await pixel.at(lon + dx, lat + dy)) !== seen) return true
  }
  return false
}

/** `sources`: how many show somewhere. */
async function isKnownEverywhere(t: Test, path: string, sources: number): Promise<void> {
  const file = openTiles(path) as FlatReader
  const pixel = new Pixel(file)
  const few = await askedAt(file, pixel, 4, 200)
  t.same(
    few.filter(({ asked, seen }) => asked !== seen),
    [],
    'at 200 places the topmost source has the colour that is there',
  )
  const many = await askedAt(file, pixel, 5, 3000)
  const seen = new Set(many.map((answer) => answer.seen))
  t.equal(seen.size, sources + 1, `${[...seen].sort()}`)
  const differing = many.filter((answer) => answer.asked !== answer.seen)
  t.comment(`${differing.length} of ${many.length} differ`)
  t.ok(differing.length <= many.length / 100, `${differing.length} of ${many.length} differ`)
  for (const answer of differing) t.ok(await isAtEdge(pixel, answer), JSON.stringify(answer))
  file.close()
}

t.test('mixed depths: each source to its own zoom', async (t) => {
  const path = await built(t)
  const file = openTiles(path) as FlatReader
  const found = file.sources().map(({ name, order, zoom }) => [name, order, zoom])
  t.same(
    found,
    ZOOMS.map((zoom, i) => [`sheet-${i}.tif`, i, zoom]),
  )
  file.close()
  await isKnownEverywhere(t, path, SHEETS.length)
  t.ok((await verifyTiles(path)).ok)
})

t.test('one depth for all, the first on top', async (t) => {
  const path = await built(t, { depth: 'uniform', maxZoom: 12, blend: 'first' })
  await isKnownEverywhere(t, path, 4)
})
