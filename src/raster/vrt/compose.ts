// A window of a VRT out of its pieces, as stored samples: planes filled with the background, then one layer
// painted over the other. Full resolution is sampled to the nearest pixel, as GDAL does where sizes differ;
// coarser levels average what a pixel covers, from the overviews of the files.
// Invariant: however much a file is shrunk, a bounded piece of it is in memory.
import type { PixelWindow, SampleType, SourceInfo, SourceLevel } from '../source.js'
import type { StoredBlock } from '../stored-source.js'
import type { SampleArray } from '../tone.js'
import { averageStroke, nearestStroke, type Strip, type Target } from './brush.js'
import type { VrtDocument } from './document.js'
import { type Layer, LayerIndex, MASK, type Stroke } from './layers.js'
import type { Rect } from './piece.js'
import type { OpenPiece, SourcePool } from './source-pool.js'

/** Samples of a file in memory at the same time, for one layer. */
const STRIP_SAMPLES = 2 ** 22
/** Pixels that are touched by less than this are not painted. */
const EDGE = 1e-3

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: Float64Array,
  int64: Float64Array,
  float16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
} satisfies Record<SampleType, unknown>

/** One axis of a layer in a level: destination pixels [begin, end), and where they lie in the file's level. */
export interface Axis {
  readonly begin: number
  readonly end: number
  /** Position in the file's level of the outer edge of destination pixel p: start + p · step. */
  readonly start: number
  readonly step: number
  /** Pixels of the file that the piece shows: [low, high). */
  readonly low: number
  readonly high: number
}

export class Composer {
  readonly #document: VrtDocument
  readonly #type: SampleType
  readonly #layers: readonly Layer[]
  readonly #index: LayerIndex
  readonly #pool: SourcePool

  constructor(document: VrtDocument, type: SampleType, layers: readonly Layer[], pool: SourcePool) {
    this.#document = document
    this.#type = type
    this.#layers = layers
    this.#index = new LayerIndex(layers, document.width, document.height)
    this.#pool = pool
  }

  async paint(level: SourceLevel, window: PixelWindow, needed: readonly number[]): Promise<StoredBlock> {
    const { bands, mask } = this.#document
    const pixels = window.width * window.height
    const planes: (SampleArray | undefined)[] = bands.map(() => undefined)
    for (const band of needed) {
      const plane = new ARRAYS[this.#type](pixels)
      const background = bands[band]!.background ?? 0
      if (background !== 0) plane.fill(background)
      planes[band] = plane
    }
    const validity = mask === undefined ? undefined : new Uint8Array(pixels)
    const scaleX = this.#document.width / level.width
    const scaleY = this.#document.height / level.height
    const touched = this.#index.touching({
      x: window.x * scaleX,
      y: window.y * scaleY,
      width: window.width * scaleX,
      height: window.height * scaleY,
    })
    for (const number of touched) {
      const layer = this.#layers[number]!
      const strokes = layer.strokes.filter(({ target }) => target === MASK || needed.includes(target))
      if (strokes.length === 0) continue
      await this.#pool.use(layer.file, (open) =>
        this.#paintLayer(layer, strokes, open, level, window, planes, validity),
      )
    }
    return { arrays: planes, stride: 1, validity }
  }

  async #paintLayer(
    layer: Layer,
    strokes: readonly Stroke[],
    open: OpenPiece,
    level: SourceLevel,
    window: PixelWindow,
    planes: readonly (SampleArray | undefined)[],
    validity: Uint8Array | undefined,
  ): Promise<void> {
    const { info } = open.source
    const from = layer.from ?? { x: 0, y: 0, width: info.width, height: info.height }
    const to = scaled(layer.to, level.width / this.#document.width, level.height / this.#document.height)
    const isCoarse = level.width < this.#document.width
    const shrink = Math.min(from.width / to.width, from.height / to.height)
    // Averages of two by two and more pixels keep edges that lie between the pixels of an overview.
    const fileLevel = levelFor(info, isCoarse ? shrink / 2 : shrink)
    const { width, height } = info.levels[fileLevel]!
    const across = axisOf(window.x, window.width, to.x, to.width, from.x, from.width, info.width, width)
    const down = axisOf(window.y, window.height, to.y, to.height, from.y, from.height, info.height, height)
    if (across === undefined || down === undefined) return
    const [left, right] = reach(across, across.begin, across.end)
    for (let row = down.begin; row < down.end; ) {
      let end = row + 1
      let [top, bottom] = reach(down, row, end)
      while (end < down.end) {
        const [, next] = reach(down, row, end + 1)
        if ((next - top) * (right - left) * open.bands > STRIP_SAMPLES) break
        bottom = next
        end++
      }
      const piece = { x: left, y: top, width: right - left, height: bottom - top }
      const read = await open.source.read(fileLevel, piece)
      const strip: Strip = { ...read, left, top, across, down, begin: row, end }
      for (const { target, piece: how } of strokes) {
        const plane = target === MASK ? validity : planes[target]
        if (plane === undefined) continue
        const type = target === MASK ? 'uint8' : this.#type
        const place = how.band === 'mask' ? ('mask' as const) : open.placeOf(how.band)
        const at: Target = { plane, type, window }
        const isPalette = target !== MASK && this.#document.bands[target]!.palette !== undefined
        if (isCoarse && !isPalette) averageStroke(strip, how, place, at)
        else nearestStroke(strip, how, place, at)
      }
      row = end
    }
  }
}

const scaled = ({ x, y, width, height }: Rect, byX: number, byY: number): Rect => ({
  x: x * byX,
  y: y * byY,
  width: width * byX,
  height: height * byY,
})

/** The coarsest level of a file that is not coarser than asked for. */
function levelFor(info: SourceInfo, shrink: number): number {
  let best = 0
  for (const [i, { width }] of info.levels.entries()) {
    const by = info.width / width
    if (by <= shrink * 1.01 && by > info.width / info.levels[best]!.width) best = i
  }
  return best
}

/** Undefined when nothing of the piece lies in the window. */
function axisOf(
  windowAt: number,
  windowSize: number,
  toAt: number,
  toSize: number,
  fromAt: number,
  fromSize: number,
  fileSize: number,
  levelSize: number,
): Axis | undefined {
  const begin = Math.max(windowAt, Math.floor(toAt + EDGE))
  const end = Math.min(windowAt + windowSize, Math.ceil(toAt + toSize - EDGE))
  const shrink = levelSize / fileSize
  const step = (fromSize / toSize) * shrink
  const low = Math.max(0, Math.floor(fromAt * shrink + EDGE))
  const high = Math.min(levelSize, Math.ceil((fromAt + fromSize) * shrink - EDGE))
  if (begin >= end || low >= high) return undefined
  return { begin, end, start: fromAt * shrink - toAt * step, step, low, high }
}

/** Pixels of the file under destination pixels [begin, end): [from, to), never empty. */
function reach({ start, step, low, high }: Axis, begin: number, end: number): [number, number] {
  const from = Math.min(high - 1, Math.max(low, Math.floor(start + begin * step)))
  const to = Math.max(from + 1, Math.min(high, Math.ceil(start + end * step)))
  return [from, to]
}
