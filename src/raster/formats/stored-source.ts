// Shared by all formats but TIFF: turns samples as stored in the file into a RasterSource of the requested view. A
// format describes its samples and reads windows of them; views, nodata and checks are here.
import { isDamage, type Loss, overlap, type ReadPixels, reasonOf } from '../losses.js'
import type { Pixels, Samples } from '../pixels.js'
import type { Place } from '../place/place.js'
import type { PixelWindow, RasterSource, SourceInfo, SourceLevel, SourceView } from '../source.js'
import { type SampleBlock, ViewPlan } from '../view/view.js'
import type { StoredLook } from '../view/view-choice.js'

/** Samples of a window and, if the format has a mask, its validity (0: nothing). */
export interface StoredBlock extends SampleBlock {
  readonly validity?: Uint8Array | undefined
  /** What could not be read. The validity is 0 there. */
  readonly lost?: readonly Loss[] | undefined
}

/** A file's samples as stored. */
export interface StoredImage {
  readonly look: StoredLook
  /** Finest first. */
  readonly levels: readonly SourceLevel[]
  /**
   * Reads a window that lies inside the level. `needed` has the numbers (from 0) of the samples that are used. The
   * caller owns the returned block.
   */
  samples(level: number, window: PixelWindow, needed: readonly number[]): Promise<StoredBlock>
  close(): Promise<void>
}

export interface StoredOptions {
  /** Nodata colours given by the user, else the file's own. */
  readonly nodata: readonly (readonly number[])[]
  readonly view?: SourceView | undefined
  /** See OpenOptions. */
  readonly skipDamaged?: boolean | undefined
  /** For display. */
  readonly description: string
}

/**
 * Makes a raster source of an image. Takes ownership of the image, even when it throws.
 * @throws BAD_OPTION when a band does not exist
 */
export async function sourceOf(
  path: string,
  image: StoredImage,
  place: Place,
  options: StoredOptions,
): Promise<RasterSource> {
  try {
    const plan = ViewPlan.of(image.look, options.view ?? { kind: 'colour' }, options.nodata, path)
    return new StoredSource(path, image, place, plan, options)
  } catch (error) {
    await image.close()
    throw error
  }
}

class StoredSource implements RasterSource {
  readonly info: SourceInfo
  readonly #image: StoredImage
  readonly #plan: ViewPlan
  readonly #skipsDamage: boolean

  constructor(path: string, image: StoredImage, place: Place, plan: ViewPlan, options: StoredOptions) {
    this.#skipsDamage = options.skipDamaged === true
    this.#image = image
    this.#plan = plan
    const { width, height } = image.levels[0]!
    this.info = {
      path,
      width,
      height,
      bands: plan.bands,
      samples: plan.samples,
      stored: image.look.stored,
      maskKind: plan.maskKind,
      crs: place.crs,
      geotransform: place.geotransform,
      ...(place.polynomials === undefined ? {} : { polynomials: place.polynomials }),
      levels: image.levels,
      description: options.description,
    }
  }

  async read(level: number, window: PixelWindow): Promise<ReadPixels> {
    const found = this.info.levels[level]
    if (found === undefined) throw new RangeError(`level ${level} of ${this.info.levels.length}`)
    requireInside(window, found)
    try {
      return await this.#read(level, window)
    } catch (error) {
      if (!this.#skipsDamage || !isDamage(error)) throw error
      return this.#readInPart(level, found, window)
    }
  }

  async #read(level: number, window: PixelWindow): Promise<ReadPixels> {
    const { width, height } = window
    const block = await this.#image.samples(level, window, this.#plan.needed)
    const { data, mask } = this.#plan.apply(block, width * height, block.validity)
    const pixels = { width, height, bands: this.#plan.bands, data, mask }
    return block.lost === undefined ? pixels : { ...pixels, lost: block.lost }
  }

  /** Reads block by block. Blocks that cannot be read stay empty. */
  async #readInPart(level: number, size: SourceLevel, window: PixelWindow): Promise<ReadPixels> {
    const { bands, samples } = this.#plan
    const pixels = window.width * window.height
    const data = samples === 'uint8' ? new Uint8Array(pixels * bands) : new Float32Array(pixels * bands)
    const mask = new Uint8Array(pixels)
    const lost: Loss[] = []
    for (const { number, ...block } of blocksOf(size, window)) {
      const part = overlap(block, window)!
      try {
        const read = await this.#read(level, part)
        lost.push(...(read.lost ?? []))
        paste(read, part, data, mask, window)
      } catch (error) {
        if (!isDamage(error)) throw error
        const { path } = this.info
        lost.push({ path, part: `level ${level}`, block: number, ...block, reason: reasonOf(error) })
      }
    }
    return { width: window.width, height: window.height, bands, data, mask, lost }
  }

  close(): Promise<void> {
    return this.#image.close()
  }
}

/** The blocks of a level that a window touches, with their numbers. */
function blocksOf(level: SourceLevel, window: PixelWindow): (PixelWindow & { readonly number: number })[] {
  const { width, height, blockWidth, blockHeight } = level
  const across = Math.ceil(width / blockWidth)
  const blocks: (PixelWindow & { readonly number: number })[] = []
  for (let row = Math.floor(window.y / blockHeight); row * blockHeight < window.y + window.height; row++) {
    for (
      let column = Math.floor(window.x / blockWidth);
      column * blockWidth < window.x + window.width;
      column++
    ) {
      const x = column * blockWidth
      const y = row * blockHeight
      const size = { width: Math.min(blockWidth, width - x), height: Math.min(blockHeight, height - y) }
      blocks.push({ number: row * across + column, x, y, ...size })
    }
  }
  return blocks
}

function paste(
  from: Pixels<Samples>,
  part: PixelWindow,
  data: Samples,
  mask: Uint8Array,
  window: PixelWindow,
): void {
  const { bands } = from
  for (let row = 0; row < part.height; row++) {
    const to = (part.y + row - window.y) * window.width + part.x - window.x
    const at = row * part.width
    data.set(from.data.subarray(at * bands, (at + part.width) * bands), to * bands)
    if (from.mask === undefined) mask.fill(255, to, to + part.width)
    else mask.set(from.mask.subarray(at, at + part.width), to)
  }
}

/** @throws RangeError when the window does not lie inside the level */
function requireInside({ x, y, width, height }: PixelWindow, level: SourceLevel): void {
  const isWhole = [x, y, width, height].every(Number.isInteger)
  const isInside = x >= 0 && y >= 0 && x + width <= level.width && y + height <= level.height
  if (isWhole && isInside && width >= 1 && height >= 1) return
  throw new RangeError(`window ${x},${y} ${width}×${height} leaves the ${level.width}×${level.height} image`)
}
