// Samples the values of the sources: a bounded number of pixels over all of them, always the same ones.
//
// Small images and small overviews are read whole. For large ones, blocks are spread evenly over the image (the R2
// sequence of M. Roberts). Pixels without a value are left out, and so are single bands that are nodata. At most
// MAX_SOURCES sources are read.
import type { OpenOptions } from '../../raster/open-options.js'
import { isPicture } from '../../raster/pixels.js'
import type { PixelWindow, RasterSource, SourceInfo, SourceLevel } from '../../raster/source.js'
import type { SourceOpener } from './open.js'

export interface BandStatistics {
  /** Number of sampled pixels with a value. If it is 0, the other fields are 0. */
  readonly count: number
  readonly min: number
  readonly max: number
  /** The 2nd and 98th percentile. */
  readonly low: number
  readonly high: number
  /** Whether no value had a fraction. */
  readonly integers: boolean
}

const MAX_SOURCES = 64
/** Limit on pixels over all sources, for each band. */
const MAX_PIXELS = 4 * 2 ** 20
/** An overview of at least this many pixels represents an image well enough. */
const LEVEL_PIXELS = 2 ** 18
const WINDOW_PIXELS = 2 ** 17
const MIN_WINDOWS = 24
/** Limit on windows in one block, because each may decode the block again. */
const MOST_A_BLOCK = 6

/** Statistics of each of `bands` (from 1) over all sources that have it. @throws as RasterSource.read */
export async function sampleValues(
  infos: readonly SourceInfo[],
  bands: readonly number[],
  open: SourceOpener,
  options: OpenOptions,
): Promise<BandStatistics[]> {
  const chosen = spread(infos, MAX_SOURCES)
  const values = bands.map(() => new Collector())
  const budget = Math.max(WINDOW_PIXELS, Math.floor(MAX_PIXELS / chosen.length))
  for (const info of chosen) {
    const own = bands.map((band) => Math.min(band, samplesOf(info)))
    const source = await open(info.path, { ...options, view: { kind: 'values', bands: own, perBand: true } })
    try {
      await collect(source, budget, values)
    } finally {
      await source.close()
    }
  }
  return values.map((list) => list.statistics())
}

const samplesOf = ({ stored }: SourceInfo): number => stored.bands + (stored.hasAlpha ? 1 : 0)

function spread<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!)
}

async function collect(source: RasterSource, budget: number, values: readonly Collector[]): Promise<void> {
  const { levels } = source.info
  const level = levels.findLastIndex(({ width, height }) => width * height >= LEVEL_PIXELS)
  const at = Math.max(0, level)
  for (const window of windowsOf(levels[at]!, budget)) {
    const pixels = await source.read(at, window)
    if (isPicture(pixels))
      throw new TypeError(`${source.info.path} gives colours where values were asked for`)
    const { data, mask, bands } = pixels
    for (const [band, list] of values.entries()) list.add(data as Float32Array, mask, band, bands)
  }
}

/** The whole level, or blocks spread over it with at most `budget` pixels (but at least MIN_WINDOWS blocks). */
export function windowsOf(level: SourceLevel, budget: number): PixelWindow[] {
  const { width, height } = level
  const blockWidth = Math.min(level.blockWidth, width)
  const blockHeight = Math.min(level.blockHeight, height)
  const w = Math.min(blockWidth, WINDOW_PIXELS)
  const h = Math.max(1, Math.min(blockHeight, Math.floor(WINDOW_PIXELS / w)))
  const columns = Math.ceil(width / blockWidth)
  const rows = Math.ceil(height / blockHeight)
  const whole = width * height <= budget
  if (whole) return bandsOfRows(width, height)
  const count = Math.min(columns * rows * MOST_A_BLOCK, Math.max(MIN_WINDOWS, Math.floor(budget / (w * h))))
  const found = new Map<number, PixelWindow>()
  for (let i = 1; found.size < count && i <= 4 * count; i++) {
    const column = Math.floor(((0.5 + i * 0.7548776662466927) % 1) * columns)
    const row = Math.floor(((0.5 + i * 0.5698402909980532) % 1) * rows)
    // without this, a single row of strips would always be sampled at its left, a single block at its corner
    const x = Math.min(
      width - w,
      column * blockWidth + Math.floor(((i * 0.618034) % 1) * (blockWidth - w + 1)),
    )
    const y = Math.min(
      height - h,
      row * blockHeight + Math.floor(((i * 0.381966) % 1) * (blockHeight - h + 1)),
    )
    const key = columns * rows < count * 2 ? y * width + x : row * columns + column
    if (!found.has(key)) found.set(key, { x, y, width: w, height: h })
  }
  return [...found.values()].sort((a, b) => a.y - b.y || a.x - b.x)
}

function bandsOfRows(width: number, height: number): PixelWindow[] {
  const rows = Math.max(1, Math.floor((8 * WINDOW_PIXELS) / width))
  const windows: PixelWindow[] = []
  for (let y = 0; y < height; y += rows) windows.push({ x: 0, y, width, height: Math.min(rows, height - y) })
  return windows
}

/** The values of one band. */
export class Collector {
  #values = new Float32Array(2 ** 16)
  #count = 0

  /** Adds every `stride`-th sample from `offset` on where the mask is not 0. */
  add(data: Float32Array, mask: Uint8Array | undefined, offset: number, stride: number): void {
    const pixels = Math.floor(data.length / stride)
    while (this.#count + pixels > this.#values.length) {
      const larger = new Float32Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    for (let p = 0, s = offset; p < pixels; p++, s += stride) {
      const value = data[s]!
      if ((mask === undefined || mask[p] !== 0) && Number.isFinite(value)) this.#values[this.#count++] = value
    }
  }

  statistics(): BandStatistics {
    const sorted = this.#values.subarray(0, this.#count).sort()
    const count = sorted.length
    const at = (share: number): number => sorted[Math.round(share * (count - 1))] ?? 0
    return {
      count,
      min: at(0),
      max: at(1),
      low: at(0.02),
      high: at(0.98),
      integers: sorted.every((value) => Number.isInteger(value)),
    }
  }
}
