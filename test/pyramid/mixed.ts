// Builds of images of different depths without files, for any plan.
import { cutlineOf } from '../../src/pyramid/cutline/cutline.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import type { ZoomLimits } from '../../src/pyramid/plan/depth.js'
import { unitsOf } from '../../src/pyramid/plan/forest.js'
import type { BuildPlan } from '../../src/pyramid/plan/plan.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import { SourceSet } from '../../src/pyramid/sources/source-set.js'
import { MixedParents } from '../../src/pyramid/work/mixed-parents.js'
import { unpackTile } from '../../src/pyramid/work/packed.js'
import { ParentBuilder } from '../../src/pyramid/work/parents.js'
import { SubtreeBuilder } from '../../src/pyramid/work/subtree.js'
import { type ImageOptions, ImageSource, infoOf, type Paint } from './images.js'

export type Tiles = Map<string, Uint8Array>

export function planOf(
  images: readonly ImageOptions[],
  options: object,
  limits: readonly (ZoomLimits | undefined)[] = [],
  cutline?: object,
): BuildPlan {
  const parsed = parseBuildOptions({ sources: ['x'], out: 'x', format: 'png', ...options })
  const line = cutline && cutlineOf(cutline, 'The cutline')
  return planBuild(images.map(infoOf), parsed, line, limits)
}

/** The tiles of a plan, made on this thread; as the assembler does it. */
export async function tilesOfPlan(plan: BuildPlan, images: readonly ImageOptions[]): Promise<Tiles> {
  const open = (): SourceSet =>
    SourceSet.of(
      plan,
      images.map((image) => new ImageSource(image)),
    )
  const builder = new SubtreeBuilder(plan, open())
  const uniform = new ParentBuilder(plan)
  const mixed = new MixedParents(plan, [], open)
  const found: Tiles = new Map()
  const keep = (z: number, x: number, y: number, bytes: Uint8Array): void => {
    const key = `${z}/${x}/${y}`
    if (found.has(key)) throw new Error(`${key} twice`)
    found.set(key, bytes.slice())
  }
  for (const unit of unitsOf(plan)) {
    if (unit.kind === 'parent') {
      const { tile } = await mixed.make(unit)
      if (tile !== undefined) keep(tile.z, tile.x, tile.y, tile.bytes)
      continue
    }
    const { tiles, root } = await builder.build(unit)
    for (let i = 0; i < tiles.count; i++) {
      const { z, x, y, bytes } = unpackTile(tiles, i)
      keep(z, x, y, bytes)
    }
    if (root === undefined) continue
    if (!plan.isUniform) mixed.add(unit.zoom, root)
    else for (const { z, x, y, bytes } of await uniform.add(unit.zoom, root)) keep(z, x, y, bytes)
  }
  for (const { z, x, y, bytes } of await uniform.finish()) keep(z, x, y, bytes)
  if (mixed.pending().length > 0) throw new Error('tiles wait for a parent that never came')
  return found
}

/** The tiles of one zoom that a source has a pixel in. */
function touched(image: ImageOptions, zoom: number): Set<string> {
  const scale = 256 * 2 ** (image.zoom - zoom)
  const found = new Set<string>()
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      if (image.paint(x, y)[3] === 0) continue
      found.add(`${zoom}/${Math.floor((image.x + x) / scale)}/${Math.floor((image.y + y) / scale)}`)
    }
  }
  return found
}

/** The tiles that should exist: those in which a source built for their zoom has a pixel. */
export function tilesByRule(
  images: readonly ImageOptions[],
  minZoom: number,
  limits: readonly (ZoomLimits | undefined)[] = [],
): string[] {
  const all = new Set<string>()
  for (const [i, image] of images.entries()) {
    for (let zoom = Math.max(minZoom, limits[i]?.minZoom ?? 0); zoom <= image.zoom; zoom++) {
      for (const key of touched(image, zoom)) all.add(key)
    }
  }
  return [...all].sort()
}

/** An image of a place, the same at any zoom, with rectangles cut out. */
export function placeImage(
  zoom: number,
  [x, y, width, height]: readonly [number, number, number, number],
  holes: readonly (readonly [number, number, number, number])[] = [],
): ImageOptions {
  const scale = 2 ** (zoom - 8)
  const paint: Paint = (px, py) => {
    for (const [x0, y0, x1, y1] of holes) if (px >= x0 && px < x1 && py >= y0 && py < y1) return [9, 9, 9, 0]
    const u = (x + px + 0.5) / scale
    const v = (y + py + 0.5) / scale
    const wave = (a: number, b: number): number =>
      Math.round(128 + 50 * Math.sin(a / 12) + 50 * Math.cos(b / 15))
    return [wave(u, v), wave(v, u), wave(u + v, u - v), 255]
  }
  return { zoom, x, y, width, height, paint }
}
