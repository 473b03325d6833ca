// The pixels of a TIFF, without asking where on earth they are: the first image, its overviews and its masks
// as levels, read by window. Blocks go through one cache shared by all levels.

import type { Pixels } from '../pixels.js'
import type { MaskKind, PixelWindow, SourceLevel, StoredSamples } from '../source.js'
import { readBandRoles, withRoles } from './band-roles.js'
import { BlockCache } from './block-cache.js'
import type { ByteSource } from './byte-source.js'
import { MASK_PLAN, planColour } from './colour.js'
import { TiffImage, type Unit } from './image.js'
import { type ImageLayout, readLayout } from './layout.js'
import { type Ifd, readStructure, type TiffStructure } from './structure.js'
import { requireSupported, unsupported } from './support.js'
import { Photometric, Tag } from './tags.js'

const MAX_LEVELS = 32
/** Blocks being read and decoded at once, and the decoded bytes they may take together. */
const MAX_IN_FLIGHT = 4
const IN_FLIGHT_BYTES = 64 * 2 ** 20
/** Cache keys: image number · 2²⁴ + unit; an image has at most 2²³ blocks. */
const IMAGE_KEYS = 2 ** 24

export interface TiffRasterOptions {
  /** Colours that mean "nothing here", instead of the file's own nodata tag: one value for all bands or one a band. */
  readonly nodata?: readonly (readonly number[])[]
  /** Decoded blocks kept, bytes. */
  readonly cacheBytes?: number
}

interface Level {
  readonly colour: TiffImage
  readonly mask: TiffImage | undefined
  /** Numbers for cache keys. */
  readonly number: number
}

const isMask = (layout: ImageLayout): boolean => (layout.subfileType & 4) !== 0
const isReduced = (layout: ImageLayout): boolean => (layout.subfileType & 1) !== 0

/** The same picture, smaller: within a pixel of what dividing the size by one factor gives. */
function isOverviewOf(base: ImageLayout, layout: ImageLayout): boolean {
  if (layout.width >= base.width && layout.height >= base.height) return false
  const factor = base.width / layout.width
  return Math.abs(base.height / factor - layout.height) <= 1 + base.height / base.width
}

/** Directories that may be overviews or masks of the first one: the chain behind it, and its SubIFDs. */
async function candidates(structure: TiffStructure): Promise<Ifd[]> {
  const own = await structure.ifds[0]!.numbers(Tag.SubIfds, MAX_LEVELS)
  const found: Ifd[] = []
  for (const ifd of structure.ifds.slice(1)) {
    const type = (await ifd.number(Tag.NewSubfileType)) ?? 0
    if ((type & 5) !== 0 || ifd.has(Tag.OldSubfileType)) found.push(ifd)
  }
  for (const offset of own ?? []) found.push(await structure.ifdAt(offset))
  return found
}

/** The file's nodata value as a colour; text like "255", "0.0", "nan". */
async function nodataTag(ifd: Ifd): Promise<number[][]> {
  const text = (await ifd.text(Tag.GdalNodata, 256))?.trim()
  const value = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? [[value]] : []
}

export class TiffRaster {
  /** Of the first directory, for georeferencing. */
  readonly ifd: Ifd
  readonly bigTiff: boolean
  readonly levels: readonly SourceLevel[]
  readonly layout: ImageLayout
  readonly bands: 1 | 3
  readonly maskKind: MaskKind
  readonly stored: StoredSamples
  readonly #levels: readonly Level[]
  readonly #cache: BlockCache<Unit>
  readonly #source: ByteSource

  private constructor(
    source: ByteSource,
    structure: TiffStructure,
    levels: readonly Level[],
    cacheBytes: number,
  ) {
    const { colour, mask } = levels[0]!
    this.#source = source
    this.#levels = levels
    this.#cache = new BlockCache(cacheBytes)
    this.ifd = structure.ifds[0]!
    this.bigTiff = structure.big
    this.layout = colour.layout
    this.bands = colour.plan.bands
    this.maskKind = colour.plan.maskKind === 'none' && mask !== undefined ? 'binary' : colour.plan.maskKind
    const { alpha } = colour.plan
    this.stored = {
      type: 'uint8',
      bits: this.layout.bitsPerSample,
      bands: this.layout.samplesPerPixel - (alpha === undefined ? 0 : 1),
      hasAlpha: alpha !== undefined,
      palette: this.layout.photometric === Photometric.Palette,
    }
    this.levels = levels.map(({ colour: image }) => ({
      width: image.layout.width,
      height: image.layout.height,
      blockWidth: image.unitWidth,
      blockHeight: image.unitHeight,
    }))
  }

  /** Reads the structure of a TIFF. Takes over the source. Throws SOURCE_UNSUPPORTED, SOURCE_CORRUPT, TOO_LARGE. */
  static async open(source: ByteSource, options: TiffRasterOptions = {}): Promise<TiffRaster> {
    const structure = await readStructure(source)
    const first = structure.ifds[0]!
    const asRead = await readLayout(source, first, structure.littleEndian)
    requireSupported(source.name, asRead)
    const roles = await readBandRoles(first)
    const base = withRoles(asRead, roles)
    const nodata = options.nodata ?? (await nodataTag(first))
    const plan = planColour(base, nodata)
    const layouts: ImageLayout[] = []
    for (const ifd of await candidates(structure)) {
      const layout = await readLayout(source, ifd, structure.littleEndian)
      if (unsupported(layout) === undefined) layouts.push(layout)
    }
    const colours = layouts
      .filter((layout) => isReduced(layout) && !isMask(layout) && isOverviewOf(base, layout))
      .sort((a, b) => b.width - a.width)
      .slice(0, MAX_LEVELS)
      .map((layout) => ({ layout, plan: planColour(withRoles(layout, roles), nodata) }))
      .filter(
        ({ plan: own }) =>
          own.bands === plan.bands && (own.alpha === undefined) === (plan.alpha === undefined),
      )
    const all = [{ layout: base, plan }, ...colours].map((image) => ({
      ...image,
      mask: maskOf(image.layout),
    }))
    function maskOf(of: ImageLayout): ImageLayout | undefined {
      return layouts.find(
        (m) => isMask(m) && m.samplesPerPixel === 1 && m.width === of.width && m.height === of.height,
      )
    }
    const levels = all
      // An overview without the mask that the full image has would show what is hidden there.
      .filter(({ mask }) => all[0]!.mask === undefined || mask !== undefined)
      .map(({ layout, plan: own, mask }, i) => ({
        number: i,
        colour: new TiffImage(source, layout, own, `level ${i}`),
        mask: mask && new TiffImage(source, mask, MASK_PLAN, `the mask of level ${i}`),
      }))
    return new TiffRaster(source, structure, levels, options.cacheBytes ?? 64 * 2 ** 20)
  }

  /** Pixels of a window; see RasterSource.read. */
  async read(level: number, window: PixelWindow): Promise<Pixels> {
    const found = this.#levels[level]
    if (found === undefined) throw new RangeError(`level ${level} of ${this.#levels.length}`)
    checkWindow(window, found.colour.layout)
    const { width, height } = window
    const { bands } = this
    const data = new Uint8Array(width * height * bands)
    let mask: Uint8Array | undefined
    await this.#visit(found.colour, 2 * found.number, window, (unit, x, y) => {
      copyRect(unit.data, unit.width, unit.rows, x, y, data, window, bands)
      if (unit.mask === undefined) return
      mask ??= new Uint8Array(width * height).fill(255)
      copyRect(unit.mask, unit.width, unit.rows, x, y, mask, window, 1)
    })
    if (found.mask !== undefined) {
      const bits = new Uint8Array(width * height)
      let isFull = true
      await this.#visit(found.mask, 2 * found.number + 1, window, (unit, x, y) => {
        if (!copyMask(unit.data, unit.width, unit.rows, x, y, bits, window)) isFull = false
      })
      if (!isFull) mask = mask === undefined ? bits : darker(mask, bits)
    }
    return { width, height, bands, data, mask }
  }

  /** Calls back with every unit that touches the window and where it begins, in no particular order. */
  async #visit(
    image: TiffImage,
    number: number,
    window: PixelWindow,
    visit: (unit: Unit, x: number, y: number) => void,
  ): Promise<void> {
    const { unitWidth, unitHeight } = image
    const left = Math.floor(window.x / unitWidth)
    const right = Math.floor((window.x + window.width - 1) / unitWidth)
    const bottom = Math.floor((window.y + window.height - 1) / unitHeight)
    let x = left
    let y = Math.floor(window.y / unitHeight)
    const worker = async (): Promise<void> => {
      while (y <= bottom) {
        const unitX = x
        const unitY = y
        if (++x > right) {
          x = left
          y++
        }
        const key = number * IMAGE_KEYS + unitY * image.unitsAcross + unitX
        try {
          const unit = this.#cache.peek(key) ?? (await this.#cache.get(key, () => image.decode(unitX, unitY)))
          visit(unit, unitX * unitWidth, unitY * unitHeight)
        } catch (error) {
          // Nobody begins another block once one has failed.
          y = bottom + 1
          throw error
        }
      }
    }
    const atOnce = Math.max(1, Math.min(MAX_IN_FLIGHT, Math.floor(IN_FLIGHT_BYTES / image.unitBytes)))
    await settle(Array.from({ length: atOnce }, worker))
  }

  async close(): Promise<void> {
    this.#cache.clear()
    await this.#source.close()
  }
}

/** Waits for all, so that nothing is still reading when the first failure is reported. */
async function settle(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

function checkWindow(window: PixelWindow, layout: ImageLayout): void {
  const { x, y, width, height } = window
  const whole = [x, y, width, height].every(Number.isInteger)
  if (
    !whole ||
    x < 0 ||
    y < 0 ||
    width < 1 ||
    height < 1 ||
    x + width > layout.width ||
    y + height > layout.height
  ) {
    throw new RangeError(
      `window ${x},${y} ${width}×${height} leaves the ${layout.width}×${layout.height} image`,
    )
  }
}

/** Copies what a unit at (x, y) and the window share; `bands` bytes a pixel. */
function copyRect(
  from: Uint8Array,
  fromWidth: number,
  fromRows: number,
  x: number,
  y: number,
  to: Uint8Array,
  window: PixelWindow,
  bands: number,
): void {
  const left = Math.max(x, window.x)
  const right = Math.min(x + fromWidth, window.x + window.width)
  const top = Math.max(y, window.y)
  const bottom = Math.min(y + fromRows, window.y + window.height)
  const length = (right - left) * bands
  for (let row = top; row < bottom; row++) {
    const start = ((row - y) * fromWidth + left - x) * bands
    to.set(from.subarray(start, start + length), ((row - window.y) * window.width + left - window.x) * bands)
  }
}

/** As copyRect; says whether all that was copied is 255. */
function copyMask(
  from: Uint8Array,
  fromWidth: number,
  fromRows: number,
  x: number,
  y: number,
  to: Uint8Array,
  window: PixelWindow,
): boolean {
  const left = Math.max(x, window.x)
  const right = Math.min(x + fromWidth, window.x + window.width)
  const top = Math.max(y, window.y)
  const bottom = Math.min(y + fromRows, window.y + window.height)
  let all = 255
  for (let row = top; row < bottom; row++) {
    let s = (row - y) * fromWidth + left - x
    let d = (row - window.y) * window.width + left - window.x
    for (let col = left; col < right; col++) {
      const value = from[s++]!
      to[d++] = value
      all &= value
    }
  }
  return all === 255
}

/** The smaller of both, pixel by pixel, in the first. */
function darker(a: Uint8Array, b: Uint8Array): Uint8Array {
  for (let i = 0; i < a.length; i++) if (b[i]! < a[i]!) a[i] = b[i]!
  return a
}
