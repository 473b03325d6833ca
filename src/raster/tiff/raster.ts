// The pixels of a TIFF, without georeferencing: the first image, its overviews and its masks as levels, read by window.
// All levels share one block cache.

import { type Loss, mend, overlap, type ReadPixels } from '../losses.js'
import type { PixelMemory } from '../pixels.js'
import { pixelMemory } from '../simd.js'
import type { MaskKind, PixelWindow, SourceLevel, SourceView } from '../source.js'
import type { Spool, SpooledBlocks } from '../spool.js'
import { ViewPlan } from '../view/view.js'
import type { StoredLook } from '../view/view-choice.js'
import { intersect } from '../view/view-kernels.js'
import type { ByteSource } from './file/byte-source.js'
import { type Ifd, readStructure, type TiffStructure } from './file/structure.js'
import {
  type BandNotes,
  nodataTag,
  notedNodata,
  readBandRoles,
  withNotes,
  withRoles,
} from './image/band-roles.js'
import { BlockCache } from './image/block-cache.js'
import { lookOf } from './image/colour.js'
import type { TiffImage, Unit } from './image/image.js'
import { type ImageLayout, readLayout } from './image/layout.js'
import { findLevels, type Level, type Siblings } from './image/levels.js'
import { spooledOf, unitOf } from './image/spooled-units.js'
import { requireSupported } from './image/support.js'
import { checkWindow, copyMask, copyRect } from './image/windows.js'

/** Limits of the blocks being read and decoded at the same time: their number, and their decoded bytes. */
const MAX_IN_FLIGHT = 4

const IN_FLIGHT_BYTES = 64 * 2 ** 20

/** Cache keys: image number · 2²⁴ + unit; an image has at most 2²³ blocks. */
const IMAGE_KEYS = 2 ** 24

export interface TiffRasterOptions {
  /** Nodata colours, instead of the file's own nodata tag: one value for all bands, or one per band. */
  readonly nodata?: readonly (readonly number[])[]
  /** Bytes of decoded blocks to cache. */
  readonly cacheBytes?: number
  /** Where decoded strips are kept. */
  readonly spool?: Spool
  /** What reading returns. Default: { kind: 'colour' }. */
  readonly view?: SourceView
  /** Opens files beside this one that hold overviews and masks. They are closed with it. */
  readonly siblings?: Siblings
  /** What other files say about the bands, by band from 0. */
  readonly notes?: readonly (BandNotes | undefined)[]
  /** See OpenOptions. */
  readonly skipDamaged?: boolean
}

/** What all levels of an image share. */
interface Parts {
  readonly structure: TiffStructure
  readonly look: StoredLook
  readonly plan: ViewPlan
  readonly levels: readonly Level[]
  readonly sources: readonly ByteSource[]
}

export class TiffRaster {
  /** The first directory, for georeferencing. */
  readonly ifd: Ifd
  readonly bigTiff: boolean
  readonly levels: readonly SourceLevel[]
  readonly layout: ImageLayout
  readonly look: StoredLook
  /** What reading returns. */
  readonly bands: number
  readonly samples: 'uint8' | 'float32'
  readonly maskKind: MaskKind
  readonly #levels: readonly Level[]
  readonly #cache: BlockCache<Unit>
  readonly #sources: readonly ByteSource[]
  readonly #spooled: SpooledBlocks | undefined

  private constructor(
    { structure, look, plan, levels, sources }: Parts,
    cacheBytes: number,
    spool: Spool | undefined,
  ) {
    const { colour, mask } = levels[0]!
    this.#sources = sources
    this.#levels = levels
    this.#cache = new BlockCache(cacheBytes, giveBack)
    this.#spooled = spool && spooledOf(spool, colour)
    this.ifd = structure.ifds[0]!
    this.bigTiff = structure.big
    this.layout = colour.layout
    this.look = look
    this.bands = plan.bands
    this.samples = plan.samples
    this.maskKind = plan.maskKind === 'none' && mask !== undefined ? 'binary' : plan.maskKind
    this.levels = levels.map(({ colour: image }) => ({
      width: image.layout.width,
      height: image.layout.height,
      blockWidth: image.unitWidth,
      blockHeight: image.unitHeight,
    }))
  }

  /**
   * Reads the structure of a TIFF. Takes ownership of the source, but does not close it when it throws.
   * @throws SOURCE_UNSUPPORTED, SOURCE_CORRUPT, TOO_LARGE
   * @throws BAD_OPTION when a band does not exist
   */
  static async open(source: ByteSource, options: TiffRasterOptions = {}): Promise<TiffRaster> {
    const structure = await readStructure(source)
    const first = structure.ifds[0]!
    const asRead = await readLayout(source, first, structure.littleEndian)
    requireSupported(source.name, asRead)
    const { notes = [] } = options
    const roles = withNotes(await readBandRoles(first), notes)
    const layout = withRoles(asRead, roles)
    const { view = { kind: 'colour' }, siblings } = options
    const fileNodata = await nodataTag(first)
    const nodata =
      options.nodata ??
      notedNodata(roles, notes, layout.samplesPerPixel) ??
      (fileNodata === undefined ? [] : [[fileNodata]])
    const look = lookOf(
      layout,
      roles,
      nodata.length === 1 && nodata[0]!.length === 1 ? nodata[0]![0] : undefined,
    )
    const plan = ViewPlan.of(look, view, nodata, source.name)
    const beside: ByteSource[] = []
    const opened: Siblings = async (suffix) => {
      const found = await siblings?.(suffix)
      if (found !== undefined) beside.push(found)
      return found
    }
    try {
      const base = {
        layout,
        roles,
        plan,
        view,
        nodata,
        fileNodata,
        skipsDamage: options.skipDamaged === true,
      }
      const levels = await findLevels(source, structure, base, opened)
      const parts = { structure, look, plan, levels, sources: [source, ...beside] }
      return new TiffRaster(parts, options.cacheBytes ?? 64 * 2 ** 20, options.spool)
    } catch (error) {
      for (const file of beside) await file.close()
      throw error
    }
  }

  /** See RasterSource.read. */
  async read(level: number, window: PixelWindow, memory?: PixelMemory): Promise<ReadPixels> {
    const pixels = await this.#read(level, window, memory)
    if (pixels.lost === undefined || level === 0) return pixels
    const isNumbers = this.look.palette !== undefined
    return mend(pixels, level, window, this.levels, isNumbers, (at, part) => this.read(at, part, memory))
  }

  async #read(level: number, window: PixelWindow, memory?: PixelMemory): Promise<ReadPixels> {
    const found = this.#levels[level]
    if (found === undefined) throw new RangeError(`level ${level} of ${this.#levels.length}`)
    checkWindow(window, found.colour.layout)
    const { width, height } = window
    const { bands } = this
    const size = width * height * bands
    const take = (length: number): Uint8Array => memory?.take(length) ?? new Uint8Array(length)
    const data = this.samples === 'uint8' ? take(size) : new Float32Array(size)
    let mask: Uint8Array | undefined
    let lost: Loss[] | undefined
    const lose = (unit: Unit): void => {
      const here = unit.lost?.filter((loss) => overlap(loss, window) !== undefined) ?? []
      if (here.length > 0) lost = [...(lost ?? []), ...here]
    }
    await this.#visit(
      found.colour,
      2 * found.number,
      window,
      (unit, x, y) => {
        copyRect(unit.data, unit.width, unit.rows, x, y, data, window, bands)
        if (unit.lost !== undefined) lose(unit)
        if (unit.mask === undefined) return
        mask ??= take(width * height).fill(255)
        copyRect(unit.mask, unit.width, unit.rows, x, y, mask, window, 1)
      },
      memory,
    )
    if (found.mask !== undefined) {
      const bits = new Uint8Array(width * height)
      let isFull = true
      await this.#visit(
        found.mask,
        2 * found.number + 1,
        window,
        (unit, x, y) => {
          if (unit.lost !== undefined) lose(unit)
          if (!copyMask(unit.data as Uint8Array, unit.width, unit.rows, x, y, bits, window)) isFull = false
        },
        memory,
      )
      if (!isFull) mask = mask === undefined ? bits : intersect(mask, bits)
    }
    return lost === undefined
      ? { width, height, bands, data, mask }
      : { width, height, bands, data, mask, lost }
  }

  /** Calls back with the position of every unit that touches the window, in no particular order. */
  async #visit(
    image: TiffImage,
    number: number,
    window: PixelWindow,
    visit: (unit: Unit, x: number, y: number) => void,
    memory: PixelMemory | undefined,
  ): Promise<void> {
    const { unitWidth, unitHeight } = image
    const spooled = number === 0 ? this.#spooled : undefined
    const left = Math.floor(window.x / unitWidth)
    const right = Math.floor((window.x + window.width - 1) / unitWidth)
    const bottom = Math.floor((window.y + window.height - 1) / unitHeight)
    let x = left
    let y = Math.floor(window.y / unitHeight)
    if (image.isFar) {
      const units: [number, number][] = []
      for (let v = y; v <= bottom; v++) {
        for (let u = left; u <= right; u++) {
          if (this.#cache.peek(number * IMAGE_KEYS + v * image.unitsAcross + u) === undefined)
            units.push([u, v])
        }
      }
      image.announce(units)
    }
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
          const unit = this.#cache.peek(key)
          const see = (seen: Unit): void => visit(seen, unitX * unitWidth, unitY * unitHeight)
          if (unit !== undefined) see(unit)
          else await this.#cache.visit(key, () => unitOf(image, spooled, unitX, unitY, memory), see)
        } catch (error) {
          // no further block is started once one has failed
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
    for (const source of this.#sources) await source.close()
  }
}

function giveBack({ data, mask }: Unit): void {
  const memory = pixelMemory()
  memory.give(data)
  if (mask !== undefined) memory.give(mask)
}

/** Waits for all, so that no read is still running when the first failure is reported. */
async function settle(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}
