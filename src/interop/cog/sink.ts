// Writes a pyramid as a Cloud Optimized GeoTIFF in web mercator. Tiles are copied as they are where TIFF knows their form.
//
// The tiles of a zoom come row by row, from the lowest zoom: the order that the layout promises. So blocks are written
// once, behind a space for the directories, which are written at the end.
import { FlagstoneError } from '../../errors.js'
import type { OutputPlace } from '../../store/output-path.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { InOrder } from '../transfer/in-order.js'
import type { TransferOutline } from '../transfer/outline.js'
import { PartFile } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { type Block, BlockEncoder } from './blocks.js'
import { type BlockIndex, type CogImage, directoriesOf } from './directories.js'
import { type CogEncoding, chooseForm } from './form.js'
import { type CogLevel, planLevels } from './grid.js'
import { type BlockLayout, encodeHead, headLength } from './head.js'
import { cogNotes } from './notes.js'

/** For metadata that are longer at the end than at the beginning. */
const SPARE_BYTES = 4096

interface Placed {
  readonly image: CogImage
  readonly number: number
  readonly block: Block | undefined
}

export class CogSink implements TileSink {
  readonly wantsSorted = 'rows'
  readonly notes: string[] = []
  readonly #path: string
  readonly #part: PartFile
  readonly #encoding: CogEncoding
  readonly #queue = new InOrder<Placed>((placed) => this.#write(placed))
  #images: CogImage[] = []
  #skipped: number[] = []
  #encoder: BlockEncoder | undefined
  #headBytes = 0
  #layout: BlockLayout = { hasMasks: false, isRowMajor: true }
  #last: { readonly image: CogImage; readonly number: number } | undefined

  /** @throws LOCKED, DISK_FULL, SYSTEM */
  constructor(place: OutputPlace, encoding: CogEncoding) {
    this.#path = place.path
    this.#encoding = encoding
    this.#part = new PartFile(place)
  }

  begin(outline: TransferOutline): number {
    const levels = planLevels(outline.levels, this.#path)
    const form = chooseForm(outline, levels, this.#encoding)
    this.#encoder = new BlockEncoder(form, this.#encoding)
    const hasMasks = form.kind === 'jpeg' && form.mask
    this.#layout = { hasMasks, isRowMajor: true }
    this.#images = levels.map((level) => ({
      level,
      blocks: emptyIndex(level),
      mask: hasMasks ? emptyIndex(level) : undefined,
    }))
    const first = levels[0]!.zoom
    this.#skipped = outline.levels.map(({ zoom }) => zoom).filter((zoom) => zoom < first)
    const about = { metadata: outline.metadata, bounds: undefined, center: undefined }
    this.#headBytes = headLength(directoriesOf(this.#images, form, 0, about), this.#layout) + SPARE_BYTES
    const zeros = new Uint8Array(65536)
    for (let left = this.#headBytes; left > 0; left -= zeros.length)
      this.#part.append(left < zeros.length ? zeros.subarray(0, left) : zeros)
    return first
  }

  put(tile: StoredTile): Promise<void> | undefined {
    const encoder = this.#encoder!
    const image = this.#images.find(({ level }) => level.zoom === tile.z)
    if (image === undefined || !isInside(image.level, tile))
      throw new FlagstoneError('DAMAGED', `The source of ${this.#path} changed while it was read; try again.`)
    const number = (tile.y - image.level.y) * image.level.across + tile.x - image.level.x
    const kept = encoder.kept(tile)
    if (kept !== undefined && this.#queue.isIdle) {
      this.#write({ image, number, block: kept })
      return undefined
    }
    // the bytes may be overwritten before the block is written
    const own = { ...tile, bytes: new Uint8Array(tile.bytes) }
    const block = kept === undefined ? encoder.encode(own) : Promise.resolve(encoder.kept(own))
    return this.#queue.push(block.then((made) => ({ image, number, block: made })))
  }

  async finish(about: ArchiveAbout): Promise<void> {
    await this.#queue.drain()
    const { form, size } = this.#encoder!
    if (size === 0)
      throw new FlagstoneError('NOTHING_TO_BUILD', `Nothing shows in any tile of ${this.#path}.`)
    let directories = directoriesOf(this.#images, form, size, about)
    if (headLength(directories, this.#layout) > this.#headBytes)
      directories = directoriesOf(this.#images, form, size, { ...about, metadata: {} })
    for (const { position, bytes } of encodeHead(directories, this.#layout, this.#part.length))
      this.#part.rewrite(bytes, position)
    this.notes.push(...cogNotes(this.#encoder!, this.#images, this.#skipped))
    this.#part.publish()
  }

  async abandon(): Promise<void> {
    await this.#queue.drain().catch(() => {})
    this.#part.discard()
  }

  #write({ image, number, block }: Placed): void {
    if (block === undefined) return
    const isNext = image !== this.#last?.image || number > this.#last.number
    // merge goes by keys; the layout then promises no order
    if (!isNext) this.#layout = { ...this.#layout, isRowMajor: false }
    this.#last = { image, number }
    this.#append(block.data, image.blocks, number)
    if (block.mask !== undefined && image.mask !== undefined) this.#append(block.mask, image.mask, number)
  }

  #append(data: Uint8Array, { offsets, counts }: BlockIndex, number: number): void {
    const around = Buffer.alloc(8)
    around.writeUInt32LE(data.length, 0)
    around.set(data.subarray(-4), 4)
    this.#part.append(around.subarray(0, 4))
    offsets[number] = this.#part.append(data)
    counts[number] = data.length
    this.#part.append(around.subarray(4))
  }
}

const isInside = ({ x, y, across, down }: CogLevel, tile: StoredTile): boolean =>
  tile.x >= x && tile.y >= y && tile.x < x + across && tile.y < y + down

function emptyIndex({ across, down }: CogLevel): BlockIndex {
  return { offsets: new Float64Array(across * down), counts: new Uint32Array(across * down) }
}
