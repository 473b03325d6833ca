// PNG, JPEG, WebP and AVIF with a world file (.pgw …), .prj or .aux.xml beside them.
//
// A picture is decoded as a whole at the first read, and cached. The pictures of a thread share a budget, so that
// thousands of sources take bounded memory: the least recently read is dropped first. Large pictures are decoded once
// for all threads (shared-pictures.ts).
import { stat } from 'node:fs/promises'
import { isDamage } from '../losses.js'
import type { OpenOptions } from '../open-options.js'
import { readPam } from '../place/pam.js'
import { placeBeside } from '../place/place.js'
import type { PixelWindow, RasterSource, SourceLevel } from '../source.js'
import type { StoredLook } from '../view/view-choice.js'
import { type Mask, wantsMask } from './mask-beside.js'
import { decodePicture, type PictureHeader, readPictureHeader } from './picture-decode.js'
import { maskOfPicture } from './picture-mask.js'
import { endShared, isWorthSharing, sharedPicture, sharePicture, useShared } from './shared-pictures.js'
import { type StoredBlock, type StoredImage, sourceOf } from './stored-source.js'

/** Budget for the decoded pictures of this thread. A single picture may exceed it. */
const BUDGET_BYTES = 256 * 2 ** 20

type Decoded = Uint8Array | Uint16Array

/** Insertion order is order of use. */
const decodedPictures = new Map<PictureFile, Decoded>()

function keep(picture: PictureFile, samples: Decoded): void {
  decodedPictures.delete(picture)
  decodedPictures.set(picture, samples)
  let bytes = 0
  for (const { byteLength } of decodedPictures.values()) bytes += byteLength
  for (const [oldest, { byteLength }] of decodedPictures) {
    if (bytes <= BUDGET_BYTES || oldest === picture) break
    decodedPictures.delete(oldest)
    bytes -= byteLength
  }
}

/**
 * Opens a picture.
 * @throws SOURCE_UNSUPPORTED when it is animated
 * @throws TOO_LARGE when it takes over 300 MB decoded
 * @throws SOURCE_CORRUPT, CRS_MISSING, CRS_UNSUPPORTED, BAD_OPTION
 */
export async function openPicture(path: string, options: OpenOptions = {}): Promise<RasterSource> {
  const header = await readPictureHeader(path, options.view?.kind === 'values')
  const pam = await readPam(path, options.crs !== undefined)
  const place = await placeBeside(path, pam, options.crs, options.anywhere)
  const own =
    header.kind === 'cmyk'
      ? []
      : nodataColour(
          pam?.bands.map((band) => band?.nodata),
          header,
        )
  const nodata = options.nodata ?? own
  const { dev, ino, size, mtimeMs } = await stat(path)
  const state = [dev, ino, size, mtimeMs, ...(header.kind === 'index' ? ['index'] : [])].join(':')
  const mask = wantsMask(options.view) ? await maskOfPicture(path, header) : undefined
  const picture = new PictureFile(path, header, own[0]?.[0], state, mask)
  await picture.share()
  return sourceOf(path, picture, place, {
    nodata,
    view: options.view,
    skipDamaged: options.skipDamaged,
    description: describe(header, place.crs.name),
  })
}

/** The nodata colour, if every colour band has a nodata value. */
function nodataColour(
  values: readonly (number | undefined)[] | undefined,
  { samples, hasAlpha }: PictureHeader,
): number[][] {
  const colours = (values ?? []).slice(0, samples - (hasAlpha ? 1 : 0))
  const isWhole = colours.length === samples - (hasAlpha ? 1 : 0) && !colours.includes(undefined)
  return isWhole && colours.length > 0 ? [colours as number[]] : []
}

function lookOf(
  { kind, hasAlpha, bits, samples, isPalette }: PictureHeader,
  nodata: number | undefined,
): StoredLook {
  return {
    stored: {
      type: bits === 16 ? 'uint16' : 'uint8',
      bits,
      bands: samples - (hasAlpha ? 1 : 0),
      hasAlpha,
      palette: false,
      ...(isPalette ? { indexed: true } : {}),
      ...(kind === 'grey' ? {} : { isColour: true }),
      ...(nodata === undefined ? {} : { nodata }),
    },
    cmyk: kind === 'cmyk',
  }
}

function describe(header: PictureHeader, crs: string): string {
  const { format, width, height, kind, hasAlpha, bits } = header
  const colour =
    { grey: 'grey', rgb: 'RGB', cmyk: 'CMYK', index: 'palette' }[kind] + (hasAlpha ? ' with alpha' : '')
  return [`${format} ${width}×${height}`, colour, ...(bits === 16 ? ['16 bits'] : []), crs].join(', ')
}

class PictureFile implements StoredImage {
  readonly look: StoredLook
  readonly levels: readonly SourceLevel[]
  readonly #path: string
  readonly #header: PictureHeader
  readonly #mask: Mask | undefined
  /** Identifies this file in its current state. */
  readonly #key: string
  #pending: Promise<Decoded> | undefined
  #sharedView: Decoded | undefined
  #failure: { error: unknown } | undefined
  #isClosed = false

  constructor(
    path: string,
    header: PictureHeader,
    nodata: number | undefined,
    key: string,
    mask: Mask | undefined,
  ) {
    this.#mask = mask
    this.#path = path
    this.#header = header
    this.#key = key
    useShared(key)
    this.look = { ...lookOf(header, nodata), validity: mask !== undefined }
    const { width, height } = header
    const blockWidth = Math.min(width, 512)
    const blockHeight = Math.min(height, 512)
    this.levels = [{ width, height, blockWidth, blockHeight }]
  }

  get #bytes(): number {
    const { width, height, samples, bits } = this.#header
    return (width * height * samples * bits) / 8
  }

  /** Decodes the picture for all threads if it is large enough. */
  async share(): Promise<void> {
    if (sharedPicture(this.#key) !== undefined || !isWorthSharing(this.#bytes)) return
    sharePicture(this.#key, await decodePicture(this.#path, this.#header))
    useShared(this.#key)
  }

  #shared(): Decoded | undefined {
    const memory = sharedPicture(this.#key)
    if (memory === undefined || memory.byteLength !== this.#bytes) return undefined
    return this.#header.bits === 8 ? new Uint8Array(memory) : new Uint16Array(memory)
  }

  async samples(_level: number, window: PixelWindow): Promise<StoredBlock> {
    const decoded = await this.#decoded()
    const { samples, width } = this.#header
    const rowSamples = window.width * samples
    const block =
      decoded instanceof Uint8Array
        ? new Uint8Array(rowSamples * window.height)
        : new Uint16Array(rowSamples * window.height)
    for (let row = 0; row < window.height; row++) {
      const from = ((window.y + row) * width + window.x) * samples
      block.set(decoded.subarray(from, from + rowSamples), row * rowSamples)
    }
    const validity = await this.#mask?.read(window)
    return { arrays: new Array(samples).fill(block), stride: samples, validity }
  }

  /** The decoded picture. Concurrent calls decode it once. */
  async #decoded(): Promise<Decoded> {
    this.#sharedView ??= this.#shared()
    if (this.#sharedView !== undefined) return this.#sharedView
    const kept = decodedPictures.get(this)
    if (kept !== undefined) {
      keep(this, kept)
      return kept
    }
    // a failed picture is not decoded again for each block
    if (this.#failure !== undefined) throw this.#failure.error
    this.#pending ??= decodePicture(this.#path, this.#header)
      .then((samples) => {
        keep(this, samples)
        return samples
      })
      .catch((error: unknown) => {
        if (isDamage(error)) this.#failure = { error }
        throw error
      })
      .finally(() => {
        this.#pending = undefined
      })
    return this.#pending
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#mask?.close()
    this.#sharedView = undefined
    decodedPictures.delete(this)
    endShared(this.#key)
  }
}
