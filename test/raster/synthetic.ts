// Made-up images for warp tests: pictures with detail, sources in memory, and a naive warp to compare with.

import { strict as assert } from 'node:assert'
import proj4 from 'proj4'
import type { Crs } from '../../src/grid/crs/crs.js'
import { resolution } from '../../src/grid/tiles/mercator.js'
import type { Pixels, Resampling } from '../../src/raster/pixels.js'
import type {
  Geotransform,
  MaskKind,
  PixelWindow,
  RasterSource,
  SourceInfo,
} from '../../src/raster/source.js'
import type { WarpTarget } from '../../src/raster/warp/warp-plan.js'
import { randomFrom } from '../helpers/random.js'

export type MaskStyle = 'none' | 'holes' | 'soft'

/** Waves, an edge and noise; `noise` 0…1. Never 0, so that 0 can be nodata. */
export function picture(
  width: number,
  height: number,
  bands: 1 | 3,
  style: MaskStyle,
  seed: number,
  noise = 0.5,
): Pixels {
  const random = randomFrom(seed)
  const data = new Uint8Array(width * height * bands)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < bands; c++) {
        const wave = Math.sin(x / (3 + c)) * Math.cos(y / (4 + c)) * 60 + ((x + y) % 40 < 20 ? 30 : -30)
        const v = 128 + wave + (random() - 0.5) * 150 * noise
        data[(y * width + x) * bands + c] = Math.max(1, Math.min(255, Math.round(v)))
      }
    }
  }
  const mask = style === 'none' ? undefined : new Uint8Array(width * height)
  mask?.forEach((_, p) => {
    const x = p % width
    const y = (p - x) / width
    const hole =
      Math.hypot(x - width * 0.4, y - height * 0.6) < Math.min(width, height) / 5 || random() < 0.01
    mask[p] = hole ? 0 : style === 'holes' ? 255 : Math.min(255, 20 + Math.round((235 * x) / (width * 0.7)))
  })
  return { width, height, bands, data, mask }
}

export interface MemorySource extends RasterSource {
  readonly pixels: Pixels
  /** Every window that was read. */
  readonly reads: { level: number; window: PixelWindow }[]
}

export const maskKindOf = (style: MaskStyle): MaskKind =>
  style === 'none' ? 'none' : style === 'holes' ? 'binary' : 'alpha'

/** A source whose levels are given pictures; refuses windows that leave them, as real ones do. */
export function memorySource(
  levels: Pixels | readonly Pixels[],
  crs: Crs,
  geotransform: Geotransform,
  maskKind: MaskKind = 'none',
): MemorySource {
  const list = Array.isArray(levels) ? (levels as readonly Pixels[]) : [levels as Pixels]
  const full = list[0]!
  const reads: MemorySource['reads'] = []
  const info: SourceInfo = {
    path: 'memory',
    width: full.width,
    height: full.height,
    bands: full.bands as 1 | 3,
    maskKind,
    samples: 'uint8',
    stored: { type: 'uint8', bits: 8, bands: full.bands, hasAlpha: false, palette: false },
    crs,
    geotransform,
    levels: list.map((l) => ({ width: l.width, height: l.height, blockWidth: 256, blockHeight: 256 })),
    description: 'in memory',
  }
  return {
    info,
    pixels: full,
    reads,
    async read(level, window) {
      reads.push({ level, window })
      return cut(list[level]!, window)
    },
    async close() {},
  }
}

export function cut(from: Pixels, w: PixelWindow): Pixels {
  assert(w.width > 0 && w.height > 0 && w.x >= 0 && w.y >= 0, `window ${JSON.stringify(w)}`)
  assert(w.x + w.width <= from.width && w.y + w.height <= from.height, `window ${JSON.stringify(w)}`)
  const { bands } = from
  const data = new Uint8Array(w.width * w.height * bands)
  const mask = from.mask && new Uint8Array(w.width * w.height)
  for (let y = 0; y < w.height; y++) {
    for (let x = 0; x < w.width; x++) {
      const p = (w.y + y) * from.width + w.x + x
      for (let c = 0; c < bands; c++) data[(y * w.width + x) * bands + c] = from.data[p * bands + c]!
      if (mask) mask[y * w.width + x] = from.mask[p]!
    }
  }
  return { width: w.width, height: w.height, bands, data, mask }
}

/** Exact source positions of target pixel centres, by proj4 alone. */
export function exactPositions(
  info: SourceInfo,
  target: WarpTarget,
): (x: number, y: number) => [number, number] {
  const g = info.geotransform
  const convert = proj4('EPSG:3857', info.crs.definition)
  const r = resolution(target.zoom, target.tileSize)
  return (x, y) => {
    const east = (target.x + x + 0.5) * r - Math.PI * 6378137
    const north = Math.PI * 6378137 - (target.y + y + 0.5) * r
    const [px, py] = convert.forward([east, north]) as [number, number]
    const det = g[1] * g[5] - g[2] * g[4]
    return [((px - g[0]) * g[5] - (py - g[3]) * g[2]) / det, ((py - g[3]) * g[1] - (px - g[0]) * g[4]) / det]
  }
}

/** Kernels whose weights naiveWeights knows and that keep a picture as it is when nothing is shifted or scaled. */
export const KEEPING: readonly Resampling[] = ['nearest', 'bilinear', 'cubic', 'lanczos', 'average']

const sinc = (u: number): number => (u === 0 ? 1 : Math.sin(Math.PI * u) / (Math.PI * u))

/** Textbook kernels, written apart from src. */
const TEXTBOOK: Record<string, { support: number; at: (u: number) => number }> = {
  bilinear: { support: 1, at: (u) => 1 - Math.abs(u) },
  cubic: {
    support: 2,
    at: (u) => {
      const t = Math.abs(u)
      const a = -0.5
      return t <= 1
        ? (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1
        : a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a
    },
  },
  lanczos: { support: 3, at: (u) => sinc(u) * sinc(u / 3) },
}

/** Overlap of [a, b] and pixel i. */
const overlap = (a: number, b: number, i: number): number => Math.max(0, Math.min(b, i + 1) - Math.max(a, i))

/** Weights of the pixels around position s, textbook style, at a scale. */
export function naiveWeights(kernel: Resampling, s: number, scale: number): Map<number, number> {
  const weights = new Map<number, number>()
  if (kernel === 'nearest') return weights.set(Math.floor(s), 1)
  if (kernel === 'average') {
    const [a, b] = [s - scale / 2, s + scale / 2]
    for (let i = Math.floor(a); i < b; i++) if (overlap(a, b, i) > 0) weights.set(i, overlap(a, b, i))
    return weights
  }
  const wide = scale > 1 / 0.95 ? scale : 1
  const { support, at } = TEXTBOOK[kernel]!
  for (let i = Math.floor(s - support * wide - 1); i <= s + support * wide + 1; i++) {
    const u = (i + 0.5 - s) / wide
    if (Math.abs(u) < support) weights.set(i, at(u))
  }
  return weights
}

export interface NaivePixel {
  readonly colour: number[]
  readonly opacity: number
}

/** One target pixel by direct double-precision sums; undefined where nothing is painted. */
export function naiveSample(
  from: Pixels,
  kernel: Resampling,
  x: number,
  y: number,
  scaleX: number,
  scaleY: number,
  alpha: boolean,
): NaivePixel | undefined {
  const valid = (i: number, j: number): number => {
    if (i < 0 || j < 0 || i >= from.width || j >= from.height) return 0
    return from.mask === undefined ? 255 : from.mask[j * from.width + i]!
  }
  if (kernel !== 'average' && valid(Math.floor(x), Math.floor(y)) === 0) return undefined
  const across = naiveWeights(kernel, x, scaleX)
  const down = naiveWeights(kernel, y, scaleY)
  const colour = new Array<number>(from.bands).fill(0)
  let weight = 0
  let opacity = 0
  let missing = false
  for (const [j, wy] of down) {
    for (const [i, wx] of across) {
      const m = valid(i, j)
      if (m === 0) missing = true
      if (m === 0) continue
      weight += wx * wy
      opacity += wx * wy * m
      for (let c = 0; c < from.bands; c++) {
        colour[c] = colour[c]! + wx * wy * m * from.data[(j * from.width + i) * from.bands + c]!
      }
    }
  }
  const narrow = scaleX <= 1 / 0.95 && scaleY <= 1 / 0.95
  if (kernel === 'cubic' && narrow && missing) return naiveSample(from, 'bilinear', x, y, 1, 1, alpha)
  if (weight < 1e-6 || opacity <= 0) return undefined
  return {
    colour: colour.map((v) => Math.max(0, Math.min(255, v / opacity))),
    opacity: alpha ? Math.max(0, Math.min(255, opacity / weight)) : 255,
  }
}
