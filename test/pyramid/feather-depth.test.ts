// Blends of sources in builds of several depths: the ground distance over which they fade is that of their own zooms.
import { join } from 'node:path'
import t from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import type { RasterSource } from '../../src/raster/source.js'
import { type ImageOptions, ImageSource, type Paint } from './images.js'
import { region } from './region.js'

const COARSE = 10
const DEEP = 13
const SCALE = 2 ** (DEEP - COARSE)
const [X, Y] = [256 * 140, 256 * 100]

const flat =
  (red: number): Paint =>
  () => [red, red, red, 255]

/** Two images that overlap by 180 pixels, and a small deep one in their overlap. */
const images: ImageOptions[] = [
  { zoom: COARSE, x: X, y: Y, width: 300, height: 220, paint: flat(20) },
  { zoom: COARSE, x: X + 120, y: Y + 15, width: 300, height: 190, paint: flat(220) },
  { zoom: DEEP, x: (X + 135) * SCALE, y: (Y + 90) * SCALE, width: 300, height: 250, paint: flat(120) },
]

const openSource = async (path: string): Promise<RasterSource> =>
  new ImageSource({ ...images[Number(path)]!, path })

async function built(
  out: string,
  sources: BuildOptions['sources'],
  more: Partial<BuildOptions>,
): Promise<string> {
  const common = {
    sources,
    out,
    blend: 'feather',
    depth: 'native',
    format: 'png',
    resampling: 'nearest',
    threads: 0,
  } as const
  await build({ ...common, ...more }, { openSource })
  return out
}

for (const feather of [64, 20]) {
  t.test(`deep tiles show the blend of the coarse ones: ${feather} pixels`, async (t) => {
    const dir = t.testdir()
    const plain = await built(join(dir, 'plain.pmtiles'), ['0', '1'], { feather })
    const mixed = await built(join(dir, 'mixed.pmtiles'), ['0', '1', '2'], { feather })
    const [width, height] = [320, 200]
    const coarse = await region(plain, COARSE, X + 80, Y + 10, width, height)
    const same = await region(mixed, COARSE, X + 80, Y + 10, width, height)
    const at = (x: number, y: number): number => coarse.rgba[4 * (y * width + x)]!
    const shades = new Set<number>()
    let compared = 0
    let worst = 0
    // the tiles of the deep image, without it and without the edges of pixels that nearest draws where it likes
    const deep = await region(mixed, DEEP, (X + 125) * SCALE, (Y + 80) * SCALE, 480, 480)
    for (let y = 0; y < 480; y++) {
      for (let x = 0; x < 480; x++) {
        const [px, py] = [45 + (x + 0.5) / SCALE, 70 + (y + 0.5) / SCALE]
        const p = 4 * (y * 480 + x)
        const isThird = x >= 80 - 1 && y >= 80 - 1 && x < 380 + 1 && y < 330 + 1
        if (deep.rgba[p + 3] === 0 || isThird) continue
        const around = [
          at(Math.floor(px - 0.5), Math.floor(py - 0.5)),
          at(Math.ceil(px - 0.5), Math.ceil(py - 0.5)),
        ]
        const value = deep.rgba[p]!
        worst = Math.max(worst, Math.min(...around) - value, value - Math.max(...around))
        shades.add(value)
        compared++
      }
    }
    t.ok(compared > 50_000, `${compared} pixels are compared`)
    t.ok(worst <= 2, `off by ${worst} at most`)
    if (feather === 64) t.ok(shades.size > 15, `${shades.size} shades`)
    // where it is not, the coarse tiles are what they are without it
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const isFar = x < 54 || y < 79 || x > 94 || y > 113
        if (isFar && Math.abs(same.rgba[4 * (y * width + x)]! - at(x, y)) > 2) {
          t.fail(`${x},${y}: ${same.rgba[4 * (y * width + x)]} is not ${at(x, y)}`)
          return
        }
      }
    }
  })
}

t.test('a deep source fades in over pixels of its own', async (t) => {
  const out = await built(join(t.testdir(), 'out.pmtiles'), ['0', '2'], { feather: 32 })
  const line = await region(out, DEEP, (X + 135) * SCALE, (Y + 105) * SCALE, 300, 1)
  // 20 deep inside of the first, which counts 32 there; 120 counts what its distance from the left is, up to 32
  for (const x of [0, 3, 10, 25, 31, 40, 150]) {
    const weight = Math.min(32, x + 0.5)
    const expected = (20 * 32 + 120 * weight) / (32 + weight)
    t.ok(Math.abs(line.rgba[4 * x]! - expected) <= 1, `${x}: ${line.rgba[4 * x]} for ${expected}`)
  }
})
