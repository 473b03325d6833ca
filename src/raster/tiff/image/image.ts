// One image of a TIFF as units of decoded pixels. A unit is a tile, or as many strips as make reading worth
// while (files with one row a strip are common); it is what is read, decoded and cached as a whole.
// Invariant: a unit is either complete and right, or SOURCE_CORRUPT names file, level and block.
import { FlagstoneError } from '../../../errors.js'
import { isDamage, type Loss, reasonOf } from '../../losses.js'
import type { PixelMemory } from '../../pixels.js'
import type { SampleType } from '../../source.js'
import { bytesPerSample, newSamples } from '../../view/sample-array.js'
import type { SampleArray } from '../../view/tone.js'
import { intersect, type SampleBlock, type ViewedBlock } from '../../view/view-kernels.js'
import { type BlockShape, codecKind } from '../codecs/coding.js'
import { decompressBytes, decompressSamples } from '../codecs/decompress.js'
import { decompressPicture } from '../codecs/picture.js'
import { type ByteSource, inside } from '../file/byte-source.js'
import { Problem } from '../file/problem.js'
import { Compression } from '../file/tags.js'
import { reverseBits } from '../samples/bits.js'
import { unitBytes, ycbcrToRgb } from '../samples/ycbcr.js'
import type { ImageLayout } from './layout.js'
import { sampleTypeOf } from './sample-type.js'
import { decodeSamples } from './samples.js'

/** A unit of more decoded bytes than this does not fit into the memory we promise. */
const MAX_UNIT_BYTES = 2 ** 29
/** Strips are put together until a unit has about this many bytes… */
const UNIT_BYTES = 2 ** 17
/** …or this many rows, for wide images. */
const UNIT_ROWS = 16

/** What becomes of stored samples: a ViewPlan, or a mask's. */
export interface ImageView {
  readonly bands: number
  readonly samples: 'uint8' | 'float32'
  /** Sample numbers that `apply` looks at. */
  readonly needed: readonly number[]
  /** What a block that is not stored holds. */
  emptySample(sample: number): number
  apply(block: SampleBlock, pixels: number, validity?: Uint8Array): ViewedBlock
}

/** Samples of a block or of some put together. */
interface Decoded {
  readonly samples: SampleArray
  /** A byte a pixel, 0 where there is no value; undefined: everywhere. */
  readonly valid: Uint8Array | undefined
}

/** What is stored of a block: undefined for nothing; or why it cannot be had. */
type Stored = Uint8Array | FlagstoneError | undefined

export interface Unit extends ViewedBlock {
  readonly width: number
  readonly rows: number
  readonly byteLength: number
  /** Blocks of it that could not be read. */
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
  /** For messages: 'level 2', 'the mask of level 0'. */
  readonly #name: string
  readonly #blocksInUnit: number
  readonly #skipsDamage: boolean
  /** Of the decoded samples: pictures are 8-bit. */
  readonly #type: SampleType

  constructor(source: ByteSource, layout: ImageLayout, view: ImageView, name: string, skipsDamage = false) {
    this.#skipsDamage = skipsDamage
    this.#source = source
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

  /** Decoded size of a full unit: what comes out and its mask, and the samples it is made of. */
  get unitBytes(): number {
    const { bands, samples, needed } = this.view
    const stored = this.layout.planar ? needed.length : this.layout.samplesPerPixel
    const isOwnMemory = stored === bands && samples === 'uint8' && this.#type === 'uint8'
    const storedBytes = isOwnMemory ? 0 : stored * bytesPerSample(this.#type)
    return this.unitWidth * this.unitHeight * (bands * (samples === 'uint8' ? 1 : 4) + 1 + storedBytes)
  }

  /** Does it help to say what will be read? See `announce`. */
  get isFar(): boolean {
    return this.#source.prefetch !== undefined
  }

  /** Says that these units will be read soon. */
  announce(units: readonly (readonly [unitX: number, unitY: number])[]): void {
    const { layout } = this
    const ranges: [number, number][] = []
    const planes = layout.planar ? this.view.needed : [0]
    for (const [unitX, unitY] of units) {
      const lastRow = Math.min((unitY + 1) * this.#blocksInUnit, layout.blocksDown)
      for (const plane of planes) {
        for (let y = unitY * this.#blocksInUnit; y < lastRow; y++) {
          const block = (plane * layout.blocksDown + y) * layout.blocksAcross + unitX
          if (this.#isStored(block)) ranges.push([layout.offsets[block]!, layout.counts[block]!])
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
    // Tiles are always whole; the last strip has the rows that are left.
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

  /** The samples of block rows `from` … `to` of a column, one below the other. */
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
    const inputs = await this.#fetch(first, to - from, unitX, from, scratch)
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

  /**
   * Stored bytes of `count` strips (or of one tile); undefined where nothing is stored, an error where they cannot be had
   * and that may be. One read when they lie together.
   */
  async #fetch(
    first: number,
    count: number,
    unitX: number,
    unitY: number,
    scratch: Scratch,
  ): Promise<Stored[]> {
    const { offsets, counts } = this.layout
    let start = Number.POSITIVE_INFINITY
    let end = 0
    let sum = 0
    const outside = new Map<number, FlagstoneError>()
    for (let i = first; i < first + count; i++) {
      if (!this.#isStored(i)) continue
      if (!inside(this.#source, offsets[i]!, counts[i]!)) {
        const where = `bytes ${offsets[i]}…${offsets[i]! + counts[i]!} of a file of ${this.#source.sizeBytes}`
        const error = this.#corrupt(unitX, unitY + i - first, `it is said to be at ${where}`)
        if (!this.#skipsDamage) throw error
        outside.set(i, error)
        continue
      }
      start = Math.min(start, offsets[i]!)
      end = Math.max(end, offsets[i]! + counts[i]!)
      sum += counts[i]!
    }
    if (sum === 0 && outside.size === 0) return new Array<undefined>(count).fill(undefined)
    // uncompressed samples are looked at where they were read to, for as long as the unit lives
    const memory = this.layout.compression === Compression.None ? undefined : scratch.memory
    const read = async (at: number, length: number): Promise<Uint8Array> =>
      scratch.add(await this.#source.read(at, length, memory))
    const together =
      sum > 0 && end - start <= 2 * sum
        ? await this.#unlessDamaged(() => read(start, end - start))
        : undefined
    const inputs: Stored[] = []
    for (let i = first; i < first + count; i++) {
      const error = outside.get(i)
      if (error !== undefined) inputs.push(error)
      else if (!this.#isStored(i)) inputs.push(undefined)
      // what cannot be read together may be read in part
      else if (!(together instanceof Uint8Array))
        inputs.push(await this.#unlessDamaged(() => read(offsets[i]!, counts[i]!)))
      else inputs.push(together.subarray(offsets[i]! - start, offsets[i]! - start + counts[i]!))
    }
    return inputs
  }

  async #unlessDamaged(read: () => Promise<Uint8Array>): Promise<Uint8Array | FlagstoneError> {
    try {
      return await read()
    } catch (error) {
      if (this.#skipsDamage && isDamage(error)) return error
      throw error
    }
  }

  #isStored(block: number): boolean {
    return this.layout.counts[block] !== 0 && this.layout.offsets[block] !== 0
  }

  /** Samples of one stored block. */
  async #block(
    input: Stored,
    x: number,
    y: number,
    plane: number,
    samples: number,
    scratch: Scratch,
  ): Promise<Decoded> {
    const shape = this.#shape(y, samples)
    if (input === undefined) return { samples: this.#empty(shape, plane), valid: undefined }
    if (input instanceof FlagstoneError) return this.#lose(input, x, y, plane, shape, scratch)
    try {
      return await this.#decode(input, shape, scratch)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const corrupt = this.#corrupt(x, y, error.message)
      if (!this.#skipsDamage) throw corrupt
      return this.#lose(corrupt, x, y, plane, shape, scratch)
    }
  }

  /** A block without anything in it, in place of one that cannot be read. */
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

  async #decode(input: Uint8Array, shape: BlockShape, scratch: Scratch): Promise<Decoded> {
    const { layout } = this
    const kind = codecKind(layout.compression)
    if (kind === 'picture')
      return { samples: await decompressPicture(layout, input, shape), valid: undefined }
    if (kind === 'samples') {
      const { data, valid } = await decompressSamples(layout, input, shape)
      return { samples: data, valid }
    }
    const stored = layout.reversedBits ? reverseBits(input) : input
    const bytes = scratch.add(decompressBytes(layout, stored, shape, scratch.memory))
    if (layout.ycbcr !== undefined) {
      return { samples: ycbcrToRgb(layout.ycbcr, bytes, shape.width, shape.rows), valid: undefined }
    }
    // Strips may share their bytes in the file.
    const isOwned = layout.compression !== Compression.None
    return { samples: decodeSamples(layout, bytes, shape, isOwned), valid: undefined }
  }

  #shape(y: number, samples: number): BlockShape {
    const { layout } = this
    const { blockWidth: width, blockHeight, ycbcr } = layout
    const rows = layout.tiled ? blockHeight : Math.min(blockHeight, layout.height - y * blockHeight)
    const rowBytes = Math.ceil((width * samples * layout.bitsPerSample) / 8)
    const bytes = ycbcr === undefined ? rowBytes * rows : unitBytes(ycbcr, width, rows)
    return { width, rows, fullRows: blockHeight, samples, bytes }
  }

  #empty(shape: BlockShape, plane: number): SampleArray {
    const out = newSamples(this.#type, shape.width * shape.rows * shape.samples)
    for (let s = 0; s < shape.samples; s++) {
      const value = this.view.emptySample(shape.samples === 1 ? plane : s)
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

/** Memory that was taken on the way to a unit. */
class Scratch {
  readonly memory: PixelMemory | undefined
  readonly #taken = new Set<Uint8Array>()
  /** What could not be read on the way. */
  lost: Loss[] | undefined

  constructor(memory: PixelMemory | undefined) {
    this.memory = memory
  }

  add(bytes: Uint8Array): Uint8Array {
    if (this.memory !== undefined) this.#taken.add(bytes)
    return bytes
  }

  /** What the unit's arrays lie in. */
  keep({ data, mask }: Unit): void {
    for (const bytes of this.#taken) {
      const isUsed = [data, mask].some((a) => a?.buffer === bytes.buffer && a.byteOffset === bytes.byteOffset)
      if (isUsed) this.#taken.delete(bytes)
    }
  }

  giveBack(): void {
    for (const bytes of this.#taken) this.memory?.give(bytes)
  }
}

/** Samples that come out of decoding as 8-bit ones, whatever the tags say. */
const isDecodedTo8Bits = (layout: ImageLayout): boolean =>
  codecKind(layout.compression) === 'picture' || layout.ycbcr !== undefined
