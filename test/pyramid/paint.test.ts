// Painting at a zoom above the sources' own: the same pixels as with a plan of that zoom.
import t from 'tap'
import type { PixelRect } from '../../src/grid/tiles/rect.js'
import { cutlineOf } from '../../src/pyramid/cutline/cutline.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { paintAreas } from '../../src/pyramid/paint/paint.js'
import type { BuildPlan } from '../../src/pyramid/plan/plan.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import { SourceSet } from '../../src/pyramid/sources/source-set.js'
import { type Canvas, createCanvas } from '../../src/raster/canvas.js'
import { type ImageOptions, ImageSource, infoOf, speckled } from './images.js'

const DEEP = 13
const ZOOM = 11

const images: readonly ImageOptions[] = [
  { zoom: 13, x: 1235896, y: 904611, width: 1700, height: 1100, paint: speckled([[0, 0, 300, 700]]) },
  { zoom: 12, x: 618449, y: 452361, width: 700, height: 611, paint: speckled([[90, 40, 160, 90]]) },
]

const bbox = [32.1701, 23.8003, 32.5302, 23.9504] as const
const diamond = {
  type: 'Polygon',
  coordinates: [
    [
      [32.12, 23.88],
      [32.35, 23.97],
      [32.56, 23.88],
      [32.35, 23.79],
      [32.12, 23.88],
    ],
  ],
}

interface Case {
  readonly name: string
  readonly options: object
  /** Pixels of DEEP. */
  readonly blendPx?: number
  /** The upper image is cut by the diamond. */
  readonly own?: boolean
}

const cases: readonly Case[] = [
  ...['nearest', 'bilinear', 'cubic', 'lanczos', 'average', 'max'].map((resampling) => ({
    name: resampling,
    options: { resampling },
  })),
  { name: 'first on top', options: { blend: 'first' } },
  { name: 'bbox', options: { bbox } },
  { name: 'cutline', options: { cutline: 'a cutline' } },
  { name: 'own cutline', options: {}, own: true },
  { name: 'own cutline below', options: { blend: 'first' }, own: true },
  { name: 'soft cutline', options: { cutline: 'a cutline' }, blendPx: 64 },
]

function planAt(zoom: number, { options, blendPx = 0, own = false }: Case): BuildPlan {
  const soft = blendPx === 0 ? {} : { cutlineBlend: blendPx / 2 ** (DEEP - zoom) }
  const parsed = parseBuildOptions({ sources: ['x'], out: 'x', zoom: [8, zoom], ...options, ...soft })
  const line = 'cutline' in options ? cutlineOf(diamond, 'The cutline') : undefined
  const said = own ? [{}, { cutline: cutlineOf(diamond, 'Its cutline') }] : []
  return planBuild(images.map(infoOf), parsed, line, said)
}

async function paintedBy(plan: BuildPlan, zoom: number, rect: PixelRect): Promise<Canvas> {
  const sources = SourceSet.of(
    plan,
    images.map((image) => new ImageSource(image)),
  )
  const canvas = createCanvas(rect.endX - rect.minX, rect.endY - rect.minY, 3)
  // two parts, which leave out a strip
  const middle = rect.minX + 500
  const parts = [{ rect: { ...rect, endX: middle } }, { rect: { ...rect, minX: middle + 20 } }]
  await paintAreas(plan, sources, zoom, [{ rect, parts }], { prepare: () => canvas })
  return canvas
}

for (const one of cases) {
  t.test(`four times as coarse: ${one.name}`, async (t) => {
    const minX = Math.floor(1235896 / 4) - 9
    const minY = Math.floor(904611 / 4) - 9
    const rect = { minX, minY, endX: minX + 700, endY: minY + 480 }
    const expected = await paintedBy(planAt(ZOOM, one), ZOOM, rect)
    const found = await paintedBy(planAt(DEEP, one), ZOOM, rect)
    let [painted, different, strip] = [0, 0, 0]
    for (let i = 0; i < found.mask.length; i++) {
      if (expected.mask[i] !== 0) painted++
      const x = i % 700
      if (x >= 500 && x < 520) strip += found.mask[i]!
      const isSame =
        Math.abs(found.mask[i]! - expected.mask[i]!) <= (one.blendPx === undefined ? 0 : 16) &&
        (found.mask[i] === 0 || [0, 1, 2].every((b) => found.data[3 * i + b] === expected.data[3 * i + b]))
      if (!isSame) different++
    }
    t.ok(painted > 50_000, `${painted} pixels are painted`)
    // the edges of a cutline are drawn to 0.02 pixels of the plan's zoom
    t.ok(different <= ('cutline' in one.options || one.own ? 20 : 0), `${different} pixels differ`)
    t.equal(strip, 0, 'nothing outside the parts')
  })
}
