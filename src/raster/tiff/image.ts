// One image of a TIFF as units of decoded pixels. A unit is a tile, or as many strips as make reading worth
// while (files with one row a strip are common); it is what is read, decoded and cached as a whole.
// Invariant: a unit is either complete and right, or SOURCE_CORRUPT names file, level and block.
import { FlagstoneError } from '../../errors.js'
import { reverseBits, unpackBits } from './bits.js'
import { type ByteSource, inside } from './byte-source.js'
import { type ColourBlock, type ColourPlan, emptySample, type SampleBlock, toColour } from './colour.js'
import { type BlockShape, decompressBytes, decompressPicture, isPictureCodec } from './decompress.js'
import type { ImageLayout } from './layout.js'
import { undoHorizontal8 } from './predictor.js'
import { Problem } from './problem.js'
import { Compression, Photometric } from './tags.js'

/** Strips are put together until a unit has about this many bytes… */
const UNIT_BYTES = 2 ** 17
/** …or this many rows, for wide images. */
const UNIT_ROWS = 16

export interface Unit extends ColourBlock {
  readonly width: number
  readonly rows: number
  readonly byteLength: number
}

export class TiffImage {
  readonly layout: ImageLayout
  readonly plan: ColourPlan
  readonly unitWidth: number
  readonly unitHeight: number
  readonly unitsAcross: number
  readonly unitsDown: number
  readonly #source: ByteSource
  /** For messages: 'level 2', 'the mask of level 0'. */
  readonly #name: string
  readonly #blocksInUnit: number
  readonly #needed: readonly number[]

  constructor(source: ByteSource, layout: ImageLayout, plan: ColourPlan, name: string) {
    this.#source = source
    this.layout = layout
    this.plan = plan
    this.#name = name
    const planes = layout.planar ? 1 : layout.samplesPerPixel
    const rowBytes = layout.blockWidth * planes
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
    this.#needed = plan.alpha === undefined ? plan.colour : [...plan.colour, plan.alpha]
  }

  /** Decoded size of a full unit, colour and mask. */
  get unitBytes(): number {
    return this.unitWidth * this.unitHeight * (this.plan.bands + 1)
  }

  /** Reads and decodes a unit. Throws SOURCE_CORRUPT, SOURCE_UNREADABLE. */
  async decode(unitX: number, unitY: number): Promise<Unit> {
    const { layout, plan } = this
    const firstRow = unitY * this.#blocksInUnit
    const lastRow = Math.min(firstRow + this.#blocksInUnit, layout.blocksDown)
    const top = firstRow * layout.blockHeight
    // Tiles are always whole; the last strip has the rows that are left.
    const rows = layout.tiled
      ? layout.blockHeight
      : Math.min(lastRow * layout.blockHeight, layout.height) - top
    const samples = layout.planar
      ? await this.#planes(unitX, firstRow, lastRow, rows)
      : await this.#interleaved(unitX, firstRow, lastRow, rows)
    const pixels = layout.blockWidth * rows
    const { data, mask } = toColour(plan, samples, pixels)
    const byteLength = data.byteLength + (mask?.byteLength ?? 0)
    return { width: layout.blockWidth, rows, data, mask, byteLength }
  }

  async #interleaved(unitX: number, from: number, to: number, rows: number): Promise<SampleBlock> {
    const samples = this.layout.samplesPerPixel
    const array = await this.#stack(unitX, from, to, rows, 0, samples)
    return { arrays: new Array(samples).fill(array), stride: samples }
  }

  async #planes(unitX: number, from: number, to: number, rows: number): Promise<SampleBlock> {
    const arrays = new Array<Uint8Array | undefined>(this.layout.samplesPerPixel).fill(undefined)
    for (const sample of this.#needed) arrays[sample] = await this.#stack(unitX, from, to, rows, sample, 1)
    return { arrays, stride: 1 }
  }

  /** The samples of block rows `from` … `to` of a column, one below the other. */
  async #stack(
    unitX: number,
    from: number,
    to: number,
    rows: number,
    plane: number,
    samples: number,
  ): Promise<Uint8Array> {
    const { layout } = this
    const first = (plane * layout.blocksDown + from) * layout.blocksAcross + unitX
    const inputs = await this.#fetch(first, to - from, unitX, from)
    if (to - from === 1) return this.#block(inputs[0], unitX, from, plane, samples)
    const rowSamples = layout.blockWidth * samples
    const out = new Uint8Array(rowSamples * rows)
    for (let y = from; y < to; y++) {
      const part = await this.#block(inputs[y - from], unitX, y, plane, samples)
      out.set(part, (y - from) * layout.blockHeight * rowSamples)
    }
    return out
  }

  /** Stored bytes of `count` strips (or of one tile); undefined where nothing is stored. One read when they lie together. */
  async #fetch(
    first: number,
    count: number,
    unitX: number,
    unitY: number,
  ): Promise<(Uint8Array | undefined)[]> {
    const { offsets, counts } = this.layout
    let start = Number.POSITIVE_INFINITY
    let end = 0
    let sum = 0
    for (let i = first; i < first + count; i++) {
      if (!this.#isStored(i)) continue
      if (!inside(this.#source, offsets[i]!, counts[i]!)) {
        const where = `bytes ${offsets[i]}…${offsets[i]! + counts[i]!} of a file of ${this.#source.sizeBytes}`
        throw this.#corrupt(unitX, unitY + i - first, `it is said to be at ${where}`)
      }
      start = Math.min(start, offsets[i]!)
      end = Math.max(end, offsets[i]! + counts[i]!)
      sum += counts[i]!
    }
    if (sum === 0) return new Array<undefined>(count).fill(undefined)
    const together = end - start <= 2 * sum ? await this.#source.read(start, end - start) : undefined
    const inputs: (Uint8Array | undefined)[] = []
    for (let i = first; i < first + count; i++) {
      if (!this.#isStored(i)) inputs.push(undefined)
      else if (together === undefined) inputs.push(await this.#source.read(offsets[i]!, counts[i]!))
      else inputs.push(together.subarray(offsets[i]! - start, offsets[i]! - start + counts[i]!))
    }
    return inputs
  }

  #isStored(block: number): boolean {
    return this.layout.counts[block] !== 0 && this.layout.offsets[block] !== 0
  }

  /** Samples of one stored block, one byte each. */
  async #block(
    input: Uint8Array | undefined,
    x: number,
    y: number,
    plane: number,
    samples: number,
  ): Promise<Uint8Array> {
    const { layout } = this
    const shape = this.#shape(y, samples)
    if (input === undefined) return this.#empty(shape, plane)
    const codec = {
      compression: layout.compression,
      jpegTables: layout.jpegTables,
      ycbcr: layout.photometric === Photometric.YCbCr,
    }
    try {
      if (isPictureCodec(layout.compression)) return await decompressPicture(codec, input, shape)
      const bytes = decompressBytes(codec, layout.reversedBits ? reverseBits(input) : input, shape)
      if (layout.bitsPerSample < 8) {
        return unpackBits(bytes, layout.bitsPerSample, shape.width * samples, shape.rows)
      }
      if (layout.predictor === 2 && layout.compression !== Compression.None) {
        undoHorizontal8(bytes, shape.width, shape.rows, samples)
      }
      return bytes
    } catch (error) {
      if (error instanceof Problem) throw this.#corrupt(x, y, error.message)
      throw error
    }
  }

  #shape(y: number, samples: number): BlockShape {
    const { layout } = this
    const rows = layout.tiled
      ? layout.blockHeight
      : Math.min(layout.blockHeight, layout.height - y * layout.blockHeight)
    const rowBytes = Math.ceil((layout.blockWidth * samples * layout.bitsPerSample) / 8)
    return { width: layout.blockWidth, rows, fullRows: layout.blockHeight, samples, bytes: rowBytes * rows }
  }

  #empty(shape: BlockShape, plane: number): Uint8Array {
    const out = new Uint8Array(shape.width * shape.rows * shape.samples)
    for (let s = 0; s < shape.samples; s++) {
      const value = emptySample(this.plan, shape.samples === 1 ? plane : s)
      if (value !== 0) for (let i = s; i < out.length; i += shape.samples) out[i] = value
    }
    return out
  }

  #corrupt(x: number, y: number, why: string): FlagstoneError {
    const kind = this.layout.tiled ? `tile ${x},${y}` : `strip ${y}`
    return new FlagstoneError(
      'SOURCE_CORRUPT',
      `${this.#source.name}: ${kind} of ${this.#name} cannot be decoded: ${why}; the file is damaged, get a complete copy`,
      { path: this.#source.name },
    )
  }
}
