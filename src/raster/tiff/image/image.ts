// One image of a TIFF as units of decoded pixels. A unit is read, decoded and cached as a whole. It is a tile, or
// enough strips to be worth reading (files with one row per strip are common).
//
// Invariant: a unit is complete and right, or SOURCE_CORRUPT names file, level and block.

import { FlagstoneError } from '../../../errors.js'
import { type Loss, reasonOf } from '../../losses.js'
import type { PixelMemory } from '../../pixels.js'
import type { SampleType } from '../../source.js'
import { bytesPerSample, newSamples } from '../../view/sample-array.js'
import type { SampleArray } from '../../view/tone.js'
import { intersect, type SampleBlock, type ViewedBlock } from '../../view/view-kernels.js'
import type { BlockShape } from '../codecs/coding.js'
import type { ByteSource } from '../file/byte-source.js'
import { Problem } from '../file/problem.js'
import { type Decoded, decodeBlock, isDecodedTo8Bits, shapeOf } from './decode-block.js'
import type { ImageLayout } from './layout.js'
import { sampleTypeOf } from './sample-type.js'
import { Scratch } from './scratch.js'
import { type Stored, StoredBlocks } from './stored-blocks.js'

/** A larger decoded unit would exceed the memory bound. */
const MAX_UNIT_BYTES = 2 ** 29
/** Strips are joined until a unit has about this many bytes … */
const UNIT_BYTES = 2 ** 17
/** … or this many rows, for wide images. */
const UNIT_ROWS = 16

/** Converts stored samples: a ViewPlan, or the view of a mask. */
export interface ImageView {
  readonly bands: number
  readonly samples: 'uint8' | 'float32'
  /** Sample numbers that `apply` uses. */
  readonly needed: readonly number[]
  /** The value of a sample in blocks that are not stored. */
  emptySample(sample: number): number
  apply(block: SampleBlock, pixels: number, validity?: Uint8Array): ViewedBlock
}

export interface Unit extends ViewedBlock {
  readonly width: number
  readonly rows: number
  readonly byteLength: number
  /** Blocks of the unit that could not be read. */
  readonly lost?: readonly Loss[] | undefined
}

export class TiffImage {
  readonly layout: ImageLayout
  readonly view: ImageView
  readonly unitWidth: number
  readonly unitHeight: number
  readonly unitsAcross: number
  readonly unitsDown: number
  readonly #source: ByteSource
  readonly #stored: StoredBlocks
  /** For messages: 'level 2', 'the mask of level 0'. */
  readonly #name: string
  readonly #blocksInUnit: number
  readonly #skipsDamage: boolean
  /** Type of the decoded samples: 8-bit for picture codecs. */
  readonly #type: SampleType

  constructor(source: ByteSource, layout: ImageLayout, view: ImageView, name: string, skipsDamage = false) {
    this.#skipsDamage = skipsDamage
    this.#source = source
    this.#stored = new StoredBlocks(source, layout, name, skipsDamage)
    this.layout = layout
    this.view = view
    this.#name = name
    this.#type = isDecodedTo8Bits(layout) ? 'uint8' : sampleTypeOf(layout)!
    const planes = layout.planar ? 1 : layout.samplesPerPixel
    const rowBytes = layout.blockWidth * planes * bytesPerSample(this.#type)
    const rows = Math.max(
      1,
      Math.min(Math.max(UNIT_ROWS, UNIT_BYTES / rowBytes), (UNIT_BYTES * 8) / rowBytes),
    )
    this.#blocksInUnit = layout.tiled ? 1 : Math.max(1, Math.floor(rows / layout.blockHeight))
    this.unitWidth = layout.blockWidth
    this.unitHeight = Math.min(
      layout.blockHeight * this.#blocksInUnit,
      layout.tiled ? Infinity : layout.height,
    )
    this.unitsAcross = layout.blocksAcross
    this.unitsDown = Math.ceil(layout.blocksDown / this.#blocksInUnit)
    if (this.unitBytes > MAX_UNIT_BYTES) {
      throw new FlagstoneError(
        'TOO_LARGE',
        `${source.name} has blocks of ${this.unitWidth}×${this.unitHeight} pixels, more than can be decoded in bounded memory; re-tile it, for example with gdal_translate -co TILED=YES -co COMPRESS=DEFLATE`,
      )
    }
  }

  /** Memory for a full unit: its pixels and mask, and the stored samples that they are made from. */
  get unitBytes(): number {
    const { bands, samples, needed } = this.view
    const stored = this.layout.planar ? needed.length : this.layout.samplesPerPixel
    const isOwnMemory = stored === bands && samples === 'uint8' && this.#type === 'uint8'
    const storedBytes = isOwnMemory ? 0 : stored * bytesPerSample(this.#type)
    return this.unitWidth * this.unitHeight * (bands * (samples === 'uint8' ? 1 : 4) + 1 + storedBytes)
  }

  /** Whether reading gets faster with `announce`. */
  get isFar(): boolean {
    return this.#source.prefetch !== undefined
  }

  /** Announces that these units will be read soon. */
  announce(units: readonly (readonly [unitX: number, unitY: number])[]): void {
    const { layout } = this
    const ranges: [number, number][] = []
    const planes = layout.planar ? this.view.needed : [0]
    for (const [unitX, unitY] of units) {
      const lastRow = Math.min((unitY + 1) * this.#blocksInUnit, layout.blocksDown)
      for (const plane of planes) {
        for (let y = unitY * this.#blocksInUnit; y < lastRow; y++) {
          const block = (plane * layout.blocksDown + y) * layout.blocksAcross + unitX
          if (this.#stored.isStored(block)) ranges.push([layout.offsets[block]!, layout.counts[block]!])
        }
      }
    }
    this.#source.prefetch?.(ranges)
  }

  /** Reads and decodes a unit; its arrays may be taken from `memory`. @throws SOURCE_CORRUPT, SOURCE_UNREADABLE */
  async decode(unitX: number, unitY: number, memory?: PixelMemory): Promise<Unit> {
    const scratch = new Scratch(memory)
    try {
      const unit = await this.#unit(unitX, unitY, scratch)
      scratch.keep(unit)
      return unit
    } finally {
      scratch.giveBack()
    }
  }

  async #unit(unitX: number, unitY: number, scratch: Scratch): Promise<Unit> {
    const { layout } = this
    const firstRow = unitY * this.#blocksInUnit
    const lastRow = Math.min(firstRow + this.#blocksInUnit, layout.blocksDown)
    const top = firstRow * layout.blockHeight
    // tiles are always full; the last strip has the remaining rows
    const rows = layout.tiled
      ? layout.blockHeight
      : Math.min(lastRow * layout.blockHeight, layout.height) - top
    const pixels = layout.blockWidth * rows
    const { block, valid } = layout.planar
      ? await this.#planes(unitX, firstRow, lastRow, rows, scratch)
      : await this.#interleaved(unitX, firstRow, lastRow, rows, scratch)
    const { data, mask } = this.view.apply(block, pixels, valid)
    const byteLength = data.byteLength + (mask?.byteLength ?? 0)
    const { lost } = scratch
    return { width: layout.blockWidth, rows, data, mask, byteLength, lost }
  }

  async #interleaved(
    unitX: number,
    from: number,
    to: number,
    rows: number,
    scratch: Scratch,
  ): Promise<{ block: SampleBlock; valid: Uint8Array | undefined }> {
    const stride = this.layout.samplesPerPixel
    const { samples, valid } = await this.#stack(unitX, from, to, rows, 0, stride, scratch)
    return { block: { arrays: new Array(stride).fill(samples), stride }, valid }
  }

  async #planes(
    unitX: number,
    from: number,
    to: number,
    rows: number,
    scratch: Scratch,
  ): Promise<{ block: SampleBlock; valid: Uint8Array | undefined }> {
    const arrays = new Array<SampleArray | undefined>(this.layout.samplesPerPixel).fill(undefined)
    let all: Uint8Array | undefined
    for (const sample of this.view.needed) {
      const { samples, valid } = await this.#stack(unitX, from, to, rows, sample, 1, scratch)
      arrays[sample] = samples
      if (valid !== undefined) all = all === undefined ? valid : intersect(all, valid)
    }
    return { block: { arrays, stride: 1 }, valid: all }
  }

  /** The samples of block rows `from` … `to` (exclusive) of a column, joined from top to bottom. */
  async #stack(
    unitX: number,
    from: number,
    to: number,
    rows: number,
    plane: number,
    samples: number,
    scratch: Scratch,
  ): Promise<Decoded> {
    const { layout } = this
    const first = (plane * layout.blocksDown + from) * layout.blocksAcross + unitX
    const inputs = await this.#stored.fetch(first, to - from, unitX, from, scratch)
    if (to - from === 1) return this.#block(inputs[0], unitX, from, plane, samples, scratch)
    const blockPixels = layout.blockWidth * layout.blockHeight
    const out = newSamples(this.#type, layout.blockWidth * rows * samples)
    let valid: Uint8Array | undefined
    for (let y = from; y < to; y++) {
      const part = await this.#block(inputs[y - from], unitX, y, plane, samples, scratch)
      out.set(part.samples, (y - from) * blockPixels * samples)
      if (part.valid === undefined) continue
      valid ??= new Uint8Array(layout.blockWidth * rows).fill(255)
      valid.set(part.valid, (y - from) * blockPixels)
    }
    return { samples: out, valid }
  }

  async #block(
    input: Stored,
    x: number,
    y: number,
    plane: number,
    samples: number,
    scratch: Scratch,
  ): Promise<Decoded> {
    const shape = shapeOf(this.layout, y, samples)
    if (input === undefined) return { samples: this.#empty(shape, plane), valid: undefined }
    if (input instanceof FlagstoneError) return this.#lose(input, x, y, plane, shape, scratch)
    try {
      return await decodeBlock(this.layout, input, shape, scratch)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const corrupt = this.#stored.corrupt(x, y, error.message)
      if (!this.#skipsDamage) throw corrupt
      return this.#lose(corrupt, x, y, plane, shape, scratch)
    }
  }

  /** Records a block that cannot be read, and returns an empty block in its place. */
  #lose(
    error: FlagstoneError,
    x: number,
    y: number,
    plane: number,
    shape: BlockShape,
    scratch: Scratch,
  ): Decoded {
    const { layout } = this
    const left = x * layout.blockWidth
    const top = y * layout.blockHeight
    scratch.lost ??= []
    scratch.lost.push({
      path: this.#source.name,
      part: this.#name,
      block: (plane * layout.blocksDown + y) * layout.blocksAcross + x,
      x: left,
      y: top,
      width: Math.min(layout.blockWidth, layout.width - left),
      height: Math.min(shape.rows, layout.height - top),
      reason: reasonOf(error),
    })
    return { samples: this.#empty(shape, plane), valid: new Uint8Array(shape.width * shape.rows) }
  }

  #empty(shape: BlockShape, plane: number): SampleArray {
    const out = newSamples(this.#type, shape.width * shape.rows * shape.samples)
    for (let s = 0; s < shape.samples; s++) {
      const value = this.view.emptySample(shape.samples === 1 ? plane : s)
      if (value !== 0) for (let i = s; i < out.length; i += shape.samples) out[i] = value
    }
    return out
  }
}
