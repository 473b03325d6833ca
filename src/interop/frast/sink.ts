// Writes frast v2 (`.ft`). JPEGs are copied: their bytes stay, and the metadata say that red and blue are where others have
// them, too. frast does not read metadata, so its own viewer shows them swapped, unless they are encoded again for it.
import { FlagstoneError } from '../../errors.js'
import { loadJpegCodec, swapRedAndBlue } from '../../raster/tiles/red-blue.js'
import { decodeHeights } from '../../raster/tiles/terrain.js'
import { type OutputRequest, outputPlace } from '../../store/output-path.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { jpegLook } from '../cog/jpeg-look.js'
import { InOrder } from '../transfer/in-order.js'
import type { LevelOutline, TransferOutline } from '../transfer/outline.js'
import { PartFile } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { chooseFrastForm, type FrastForm, requireJpeg, requireTerrainSize } from './form.js'
import { encodeFrastHeader, FRAST_MAX_ZOOM, type FrastLevel, frastOrder, HEADER_BYTES } from './layout.js'
import { appendZeros, inPages, LevelWriter } from './level-writer.js'
import { CHANNEL_ORDER } from './metadata.js'
import { isFrastFile } from './own-file.js'
import { packTerrain, unpackTerrain } from './terrain.js'

/** frast maps this much of a file. */
const MAPPED_BYTES = 64 * 2 ** 30
/** For bounds and center, which are known at the end. */
const SPARE_METADATA_BYTES = 1024

export interface FrastSinkOptions {
  /** Swaps red and blue, as frast's own viewer expects it. */
  readonly swap: boolean
}

interface Valued {
  readonly tile: Omit<StoredTile, 'bytes' | 'type'>
  readonly value: Uint8Array
}

export class FrastSink implements TileSink {
  readonly wantsSorted = 'southRows'
  readonly #path: string
  readonly #swap: boolean
  readonly #part: PartFile
  readonly #queue = new InOrder<Valued>((valued) => this.#write(valued))
  readonly #done: FrastLevel[] = []
  #form: FrastForm | undefined
  #outline: readonly LevelOutline[] = []
  #level: LevelWriter | undefined
  #metadataRoom = 0
  #hasColours = false
  #clamped = 0
  #missing = 0

  private constructor(part: PartFile, path: string, { swap }: FrastSinkOptions) {
    this.#part = part
    this.#path = path
    this.#swap = swap
  }

  /** @throws BAD_OPTION, EXISTS, NOT_FOUND, LOCKED, DISK_FULL, SYSTEM */
  static async create(
    request: Omit<OutputRequest, 'kind'> & { readonly path: string },
    options: FrastSinkOptions,
  ): Promise<FrastSink> {
    const { path, who } = request
    if (who === 'merge')
      throw new FlagstoneError(
        'BAD_OPTION',
        `merge cannot write frast files; merge to a .pmtiles file, and convert that to ${path}.`,
        { path },
      )
    const place = outputPlace(path, { kind: 'archive', ...request, extension: '.ft', isOwn: isFrastFile })
    if (options.swap) await loadJpegCodec()
    return new FrastSink(new PartFile(place), path, options)
  }

  begin(outline: TransferOutline): number {
    const deepest = outline.levels.at(-1)!.zoom
    if (deepest > FRAST_MAX_ZOOM)
      throw new FlagstoneError(
        'BAD_OPTION',
        `frast has zooms up to ${FRAST_MAX_ZOOM}, and there are tiles of zoom ${deepest}: add --max-zoom ${FRAST_MAX_ZOOM} (maxZoom).`,
        { path: this.#path },
      )
    this.#form = chooseFrastForm(outline)
    if (this.#swap && this.#form.kind !== 'jpeg')
      throw new FlagstoneError(
        'BAD_OPTION',
        'Heights have no colours; leave out --frast-colours (frastColours).',
      )
    this.#outline = outline.levels
    this.#hasColours = outline.sample.some(({ bytes }) => jpegLook(bytes)?.colour !== 'grey')
    this.#metadataRoom = inPages(Buffer.byteLength(JSON.stringify(outline.metadata)) + SPARE_METADATA_BYTES)
    appendZeros(this.#part, HEADER_BYTES + this.#metadataRoom)
    return 0
  }

  put(tile: StoredTile): Promise<void> | undefined {
    const form = this.#form!
    if (form.kind !== 'heights') {
      this.#write({ tile, value: this.#valueOf(tile, form) })
      return undefined
    }
    // the bytes may be overwritten before they are decoded
    return this.#queue.push(this.#pack({ ...tile, bytes: new Uint8Array(tile.bytes) }, form))
  }

  async finish(about: ArchiveAbout): Promise<void> {
    await this.#queue.drain()
    if (this.#level !== undefined) this.#done.push(this.#level.end())
    const metadata = Buffer.from(JSON.stringify(this.#metadataOf(about)))
    const fits = metadata.length <= this.#metadataRoom
    const at = fits ? HEADER_BYTES : this.#part.append(metadata)
    if (fits) this.#part.rewrite(metadata, at)
    const header = encodeFrastHeader({
      raster: this.#form?.kind === 'jpeg' ? 'colour' : 'terrain',
      metadata: at,
      metadataLength: metadata.length,
      levels: this.#done,
    })
    this.#part.rewrite(header, 0)
    this.#part.publish()
  }

  async abandon(): Promise<void> {
    await this.#queue.drain().catch(() => {})
    this.#part.discard()
  }

  get notes(): readonly string[] {
    const notes: string[] = []
    if (this.#hasColours && this.#isMarked)
      notes.push(
        "JPEG tiles were copied, and the file's metadata say so. frast's own viewer ignores that and shows red and blue swapped; --frast-colours (frastColours) encodes the tiles again for it.",
      )
    if (this.#clamped > 0)
      notes.push(
        `${this.#clamped} heights are not between 0 and 8191.875 m, which frast stores; the nearest is stored.`,
      )
    if (this.#missing > 0)
      notes.push(`${this.#missing} pixels have no height. frast cannot say so; they are 0 m.`)
    if (this.#part.length > MAPPED_BYTES)
      notes.push('The file is larger than 64 GiB, of which frast itself reads no more.')
    return notes
  }

  /** Whether red and blue are where others have them, which the metadata then say. */
  get #isMarked(): boolean {
    return this.#form?.kind === 'jpeg' && !this.#form.isSwapped && !this.#swap
  }

  #metadataOf({ metadata, bounds, center }: ArchiveAbout): Record<string, unknown> {
    const { [CHANNEL_ORDER]: _, encoding, ...rest } = metadata
    return {
      ...rest,
      ...(this.#form?.kind === 'jpeg' && encoding !== undefined ? { encoding } : {}),
      ...(bounds === undefined ? {} : { bounds }),
      ...(center === undefined ? {} : { center }),
      ...(this.#isMarked ? { [CHANNEL_ORDER]: 'rgb' } : {}),
    }
  }

  /** @throws BAD_OPTION, DAMAGED when frast cannot have such a tile */
  #valueOf(tile: StoredTile, form: Exclude<FrastForm, { kind: 'heights' }>): Uint8Array {
    if (form.kind === 'packed') {
      unpackTerrain(tile.bytes)
      return tile.bytes
    }
    requireJpeg(tile)
    return this.#swap && !form.isSwapped ? swapRedAndBlue(tile.bytes) : tile.bytes
  }

  async #pack(tile: StoredTile, form: Extract<FrastForm, { kind: 'heights' }>): Promise<Valued> {
    const { width, height, data, mask } = await decodeHeights(tile.bytes, form.encoding)
    requireTerrainSize(tile, width, height)
    const { bytes, clamped, missing } = await packTerrain(data, mask)
    this.#clamped += clamped
    this.#missing += missing
    return { tile, value: bytes }
  }

  #write({ tile: { z, x, y }, value }: Valued): void {
    if (this.#level?.zoom !== z) {
      if (this.#level !== undefined) this.#done.push(this.#level.end())
      const announced = this.#outline.find(({ zoom }) => zoom === z)
      this.#level = new LevelWriter(this.#part, z, announced?.count ?? 0)
    }
    this.#level.add(frastOrder(z, x, y), value)
  }
}
