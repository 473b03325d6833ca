// What every format but TIFF shares: samples as the file stores them come in, a RasterSource of the asked view
// goes out. A format says how its samples look and how to read a window of them; views, nodata and checks are here.
import type { Pixels, Samples } from '../pixels.js'
import type { Place } from '../place/place.js'
import type { PixelWindow, RasterSource, SourceInfo, SourceLevel, SourceView } from '../source.js'
import { type SampleBlock, ViewPlan } from '../view/view.js'
import type { StoredLook } from '../view/view-choice.js'

/** Samples of a window, and which of its pixels hold something (0: nothing) when the format has a mask. */
export interface StoredBlock extends SampleBlock {
  readonly validity?: Uint8Array | undefined
}

/** A file's samples as they are. */
export interface StoredImage {
  readonly look: StoredLook
  /** Finest first. */
  readonly levels: readonly SourceLevel[]
  /** Of a window that lies in the level; `needed`: numbers from 0 of the samples that are looked at. The block is given away. */
  samples(level: number, window: PixelWindow, needed: readonly number[]): Promise<StoredBlock>
  close(): Promise<void>
}

export interface StoredOptions {
  /** As given by the user; the file's own otherwise. */
  readonly nodata: readonly (readonly number[])[]
  readonly view?: SourceView | undefined
  /** For people. */
  readonly description: string
}

/** Takes over the image, also when it throws: BAD_OPTION for bands that are not there. */
export async function sourceOf(
  path: string,
  image: StoredImage,
  place: Place,
  options: StoredOptions,
): Promise<RasterSource> {
  try {
    const plan = ViewPlan.of(image.look, options.view ?? { kind: 'colour' }, options.nodata, path)
    return new StoredSource(path, image, place, plan, options.description)
  } catch (error) {
    await image.close()
    throw error
  }
}

class StoredSource implements RasterSource {
  readonly info: SourceInfo
  readonly #image: StoredImage
  readonly #plan: ViewPlan

  constructor(path: string, image: StoredImage, place: Place, plan: ViewPlan, description: string) {
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
      description,
    }
  }

  async read(level: number, window: PixelWindow): Promise<Pixels<Samples>> {
    const found = this.info.levels[level]
    if (found === undefined) throw new RangeError(`level ${level} of ${this.info.levels.length}`)
    requireInside(window, found)
    const { width, height } = window
    const block = await this.#image.samples(level, window, this.#plan.needed)
    const { data, mask } = this.#plan.apply(block, width * height, block.validity)
    return { width, height, bands: this.#plan.bands, data, mask }
  }

  close(): Promise<void> {
    return this.#image.close()
  }
}

/** Throws RangeError for windows that leave the level. */
function requireInside({ x, y, width, height }: PixelWindow, level: SourceLevel): void {
  const isWhole = [x, y, width, height].every(Number.isInteger)
  const isInside = x >= 0 && y >= 0 && x + width <= level.width && y + height <= level.height
  if (isWhole && isInside && width >= 1 && height >= 1) return
  throw new RangeError(`window ${x},${y} ${width}×${height} leaves the ${level.width}×${level.height} image`)
}
