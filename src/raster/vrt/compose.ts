// Composes a window of a VRT from its pieces, as stored samples: planes are filled with the background, then the layers
// are painted one over the other. At full resolution the nearest pixel is used, as in GDAL where sizes differ. Coarser
// levels average the covered pixels, from the overviews of the files.
//
// Invariant: however much a file is shrunk, only a bounded part of it is in memory.

import { FlagstoneError } from '../../errors.js'
import type { StoredBlock } from '../formats/stored-source.js'
import { erase, isDamage, type Loss, reasonOf } from '../losses.js'
import type { PixelWindow, SampleType, SourceLevel } from '../source.js'
import { arrayOf, newSamples } from '../view/sample-array.js'
import type { SampleArray } from '../view/tone.js'
import { axisOf, reach } from './axis.js'
import { averageStroke, nearestStroke, type Strip, type Target } from './brush.js'
import type { VrtDocument } from './document.js'
import { type Layer, LayerIndex, MASK, type Stroke } from './layers.js'
import type { Piece, Rect } from './piece.js'
import { inFile, levelFor, placed, scaled } from './placed.js'
import type { OpenPiece, SourcePool } from './source-pool.js'

/** The `part` of a loss that covers a whole file. */
const WHOLE_FILE = 'all of it'

/** Samples of a file that are in memory at the same time, per layer. */
const STRIP_SAMPLES = 2 ** 22

/** The samples that layers are painted on. */
interface Sheet extends StoredBlock {
  readonly window: PixelWindow
  /** If the VRT has no mask, this exists only after the first loss. */
  validity: Uint8Array | undefined
  readonly lost: Loss[]
}

/** Whether an error means that nothing of a file can be read. */
export const isUnusable = (error: unknown): error is FlagstoneError =>
  isDamage(error) || (error instanceof FlagstoneError && error.code === 'SOURCE_UNSUPPORTED')

/** Records that `rect` is lost, in pixels of the window's level. Fractions are rounded outwards. */
function lose(sheet: Sheet, rect: Rect, lost: readonly Loss[]): void {
  sheet.lost.push(...lost)
  sheet.validity ??= new Uint8Array(sheet.window.width * sheet.window.height).fill(255)
  const x = Math.floor(rect.x + 1e-6)
  const y = Math.floor(rect.y + 1e-6)
  const width = Math.ceil(rect.x + rect.width - 1e-6) - x
  const height = Math.ceil(rect.y + rect.height - 1e-6) - y
  erase(sheet.validity, sheet.window, { x, y, width, height })
}

/** Whether a piece is copied unchanged, and only skips values that equal the background. */
const isCopy = (piece: Piece, background: number): boolean =>
  !piece.useMask &&
  piece.scale === 1 &&
  piece.offset === 0 &&
  piece.lut === undefined &&
  (piece.nodata === undefined || piece.nodata === background)

export class Composer {
  readonly #document: VrtDocument
  readonly #type: SampleType
  readonly #layers: readonly Layer[]
  readonly #index: LayerIndex
  readonly #pool: SourcePool
  readonly #skipsDamage: boolean

  constructor(
    document: VrtDocument,
    type: SampleType,
    layers: readonly Layer[],
    pool: SourcePool,
    skipsDamage: boolean,
  ) {
    this.#skipsDamage = skipsDamage
    this.#document = document
    this.#type = type
    this.#layers = layers
    this.#index = new LayerIndex(layers)
    this.#pool = pool
  }

  async paint(level: SourceLevel, window: PixelWindow, needed: readonly number[]): Promise<StoredBlock> {
    const scaleX = this.#document.width / level.width
    const scaleY = this.#document.height / level.height
    const rect = {
      x: window.x * scaleX,
      y: window.y * scaleY,
      width: window.width * scaleX,
      height: window.height * scaleY,
    }
    const layers = this.#index.touching(rect).map((i) => this.#layers[i]!)
    // layers under one that hides the whole window need not be read
    const lowest = layers.findLastIndex((layer) => this.#hides(layer, rect, needed))
    const seen = layers.slice(Math.max(0, lowest))
    if (seen.length === 1 && level.width === this.#document.width) {
      const block = await this.#copied(seen[0]!, window, needed).catch((error: unknown) => {
        // the code below paints what can be read
        if (!this.#skipsDamage || !isUnusable(error)) throw error
        return undefined
      })
      if (block !== undefined) return block
    }
    const sheet = this.#sheet(window, needed)
    for (const layer of seen) {
      const strokes = layer.strokes.filter(({ target }) => target === MASK || needed.includes(target))
      if (strokes.length === 0) continue
      this.#cover(layer, level, rect, needed, sheet)
      try {
        await this.#pool.use(layer.file, (open) => this.#paintLayer(layer, strokes, open, level, sheet))
      } catch (error) {
        if (!this.#skipsDamage || !isUnusable(error)) throw error
        const none = { x: 0, y: 0, width: 0, height: 0 }
        const loss = { path: layer.file, part: WHOLE_FILE, block: 0, ...none, reason: reasonOf(error) }
        lose(sheet, this.#inLevel(layer.to, level), [loss])
      }
    }
    return sheet.lost.length === 0 ? { ...sheet, lost: undefined } : sheet
  }

  #inLevel(rect: Rect, level: SourceLevel): Rect {
    return scaled(rect, level.width / this.#document.width, level.height / this.#document.height)
  }

  /** Forgets losses of lower layers where this layer hides them. */
  #cover(layer: Layer, level: SourceLevel, rect: Rect, needed: readonly number[], sheet: Sheet): void {
    const { validity, window } = sheet
    if (validity === undefined || this.#document.mask !== undefined) return
    const x = Math.max(layer.to.x, rect.x)
    const y = Math.max(layer.to.y, rect.y)
    const width = Math.min(layer.to.x + layer.to.width, rect.x + rect.width) - x
    const height = Math.min(layer.to.y + layer.to.height, rect.y + rect.height) - y
    if (!(width > 0 && height > 0) || !this.#hides(layer, { x, y, width, height }, needed)) return
    const to = this.#inLevel({ x, y, width, height }, level)
    for (let v = Math.ceil(to.y - 1e-6); v < Math.floor(to.y + to.height + 1e-6); v++) {
      const from = (v - window.y) * window.width - window.x
      validity.fill(255, from + Math.ceil(to.x - 1e-6), from + Math.floor(to.x + to.width + 1e-6))
    }
  }

  /** The background, interleaved when all bands are needed, else one plane per band. */
  #sheet(window: PixelWindow, needed: readonly number[]): Sheet {
    const { bands, mask } = this.#document
    const pixels = window.width * window.height
    const stride = needed.length === bands.length ? bands.length : 1
    const arrays: (SampleArray | undefined)[] = bands.map(() => undefined)
    let array: SampleArray | undefined
    for (const band of needed) {
      if (array === undefined || stride === 1) array = newSamples(this.#type, pixels * stride)
      const background = bands[band]!.background ?? 0
      if (background !== 0)
        for (let i = stride === 1 ? 0 : band; i < array.length; i += stride) array[i] = background
      arrays[band] = array
    }
    const validity = mask === undefined ? undefined : new Uint8Array(pixels)
    return { window, arrays, stride, validity, lost: [] }
  }

  /** Whether this layer paints every pixel of the rectangle in every needed band. */
  #hides({ to, strokes }: Layer, rect: Rect, needed: readonly number[]): boolean {
    const isInside =
      to.x <= rect.x &&
      to.y <= rect.y &&
      to.x + to.width >= rect.x + rect.width &&
      to.y + to.height >= rect.y + rect.height
    if (!isInside || this.#document.mask !== undefined) return false
    return needed.every((band) =>
      strokes.some(({ target, piece }) => target === band && piece.nodata === undefined && !piece.useMask),
    )
  }

  /** The file's own samples, if the window shows them unchanged; undefined otherwise. */
  async #copied(
    layer: Layer,
    window: PixelWindow,
    needed: readonly number[],
  ): Promise<StoredBlock | undefined> {
    const { bands, mask } = this.#document
    const { from, to, strokes } = layer
    if (from === undefined || mask !== undefined || needed.length !== bands.length) return undefined
    const x = from.x + window.x - to.x
    const y = from.y + window.y - to.y
    const isPlain =
      from.width === to.width &&
      from.height === to.height &&
      Number.isInteger(x) &&
      Number.isInteger(y) &&
      window.x >= to.x &&
      window.y >= to.y &&
      window.x + window.width <= to.x + to.width &&
      window.y + window.height <= to.y + to.height &&
      strokes.length === bands.length &&
      strokes.every(({ piece, target }) => isCopy(piece, bands[target]!.background ?? 0))
    if (!isPlain) return undefined
    return this.#pool.use(layer.file, async (open): Promise<StoredBlock | undefined> => {
      const { info } = open.source
      const isThere = x >= 0 && y >= 0 && x + window.width <= info.width && y + window.height <= info.height
      const isInOrder =
        open.bands === bands.length &&
        strokes.every(({ target, piece }) => {
          if (piece.band === 'mask') return false
          const { at, scale, offset } = open.placeOf(piece.band)
          return at === target && scale === 1 && offset === 0
        })
      const isSame = arrayOf(this.#type) === (info.samples === 'uint8' ? Uint8Array : Float32Array)
      if (!isThere || !isInOrder || !isSame) return undefined
      const { data, lost } = await open.source.read(0, {
        x,
        y,
        width: window.width,
        height: window.height,
      })
      // with losses, this layer and those below it must be painted
      if (lost !== undefined) return undefined
      return { arrays: bands.map(() => data), stride: bands.length }
    })
  }

  async #paintLayer(
    layer: Layer,
    strokes: readonly Stroke[],
    open: OpenPiece,
    level: SourceLevel,
    sheet: Sheet,
  ): Promise<void> {
    const { window, arrays, stride, validity } = sheet
    const { info } = open.source
    const from = layer.from ?? { x: 0, y: 0, width: info.width, height: info.height }
    const to = scaled(layer.to, level.width / this.#document.width, level.height / this.#document.height)
    const isCoarse = level.width < this.#document.width
    const shrink = Math.min(from.width / to.width, from.height / to.height)
    // averages of at least two by two pixels preserve edges that lie between the pixels of an overview
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
        const isMask = target === MASK
        const plane = isMask ? validity : arrays[target]
        if (plane === undefined) continue
        const place = how.band === 'mask' ? ('mask' as const) : open.placeOf(how.band)
        const at: Target = {
          plane,
          stride: isMask ? 1 : stride,
          offset: isMask || stride === 1 ? 0 : target,
          type: isMask ? 'uint8' : this.#type,
          window,
        }
        const isPalette = !isMask && this.#document.bands[target]!.palette !== undefined
        if (isCoarse && !isPalette) averageStroke(strip, how, place, at)
        else nearestStroke(strip, how, place, at)
      }
      for (const loss of read.lost ?? []) {
        if (loss.replaced === true) sheet.lost.push(loss)
        else lose(sheet, this.#inLevel(placed(layer, from, inFile(loss, info)), level), [loss])
      }
      row = end
    }
  }
}
