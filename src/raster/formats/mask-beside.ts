// photo.png.msk, dem.asc.msk, mosaic.vrt.msk: a mask that GDAL keeps in a TIFF of its own beside the file. 0 where there
// is nothing. (TIFFs find theirs themselves, with its overviews: tiff/image/levels.ts.)
import { FlagstoneError } from '../../errors.js'
import type { PixelWindow, SourceView } from '../source.js'
import { type ByteSource, openFileSource } from '../tiff/file/byte-source.js'
import { readBandRoles } from '../tiff/image/band-roles.js'
import { TiffRaster } from '../tiff/raster.js'
import type { StoredBlock, StoredImage } from './stored-source.js'

export interface Mask {
  /** A byte a pixel, 0 or 255. @throws SOURCE_CORRUPT */
  read(window: PixelWindow): Promise<Uint8Array>
  close(): Promise<void>
}

/** Does the view look at masks? */
export const wantsMask = (view: SourceView | undefined): boolean =>
  view?.kind !== 'colour' || view.alpha !== false

/** Undefined when there is none, or something else of that name. @throws SOURCE_CORRUPT */
export async function maskBeside(path: string, width: number, height: number): Promise<Mask | undefined> {
  let source: ByteSource
  try {
    source = await openFileSource(`${path}.msk`)
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
  let raster: TiffRaster
  try {
    raster = await TiffRaster.open(source, { view: { kind: 'values', bands: [1] }, nodata: [] })
  } catch (error) {
    await source.close()
    if (error instanceof FlagstoneError && error.code === 'SOURCE_UNSUPPORTED') return undefined
    throw error
  }
  const { items } = await readBandRoles(raster.ifd)
  const isMask = items.has('INTERNAL_MASK_FLAGS_1')
  if (!isMask || raster.layout.width !== width || raster.layout.height !== height) {
    await raster.close()
    return undefined
  }
  return {
    async read(window) {
      const { data } = await raster.read(0, window)
      return Uint8Array.from(data, (value) => (value === 0 ? 0 : 255))
    },
    close: () => raster.close(),
  }
}

/** The image, empty too where the mask beside it says so. Takes over the image, also when it throws. */
export async function withMaskBeside(
  path: string,
  image: StoredImage,
  view: SourceView | undefined,
): Promise<StoredImage> {
  const { width, height } = image.levels[0]!
  try {
    const mask = wantsMask(view) ? await maskBeside(path, width, height) : undefined
    return mask === undefined ? image : new MaskedImage(image, mask)
  } catch (error) {
    await image.close()
    throw error
  }
}

class MaskedImage implements StoredImage {
  readonly look: StoredImage['look']
  readonly levels: StoredImage['levels']
  readonly #image: StoredImage
  readonly #mask: Mask

  constructor(image: StoredImage, mask: Mask) {
    this.look = { ...image.look, validity: true }
    this.levels = image.levels
    this.#image = image
    this.#mask = mask
  }

  async samples(level: number, window: PixelWindow, needed: readonly number[]): Promise<StoredBlock> {
    const block = await this.#image.samples(level, window, needed)
    const validity = level === 0 ? await this.#mask.read(window) : await this.#shrunk(level, window)
    const { validity: own } = block
    if (own !== undefined) {
      for (const [i, value] of own.entries()) if (value === 0) validity[i] = 0
    }
    return { ...block, validity }
  }

  /** What lies under the middle of each pixel of a coarser level, a row at a time. */
  async #shrunk(level: number, window: PixelWindow): Promise<Uint8Array> {
    const [full, coarse] = [this.levels[0]!, this.levels[level]!]
    const under = (at: number, from: number, to: number): number =>
      Math.min(to - 1, Math.floor(((at + 0.5) * to) / from))
    const out = new Uint8Array(window.width * window.height)
    const x = under(window.x, coarse.width, full.width)
    const end = under(window.x + window.width - 1, coarse.width, full.width) + 1
    for (let row = 0; row < window.height; row++) {
      const y = under(window.y + row, coarse.height, full.height)
      const line = await this.#mask.read({ x, y, width: end - x, height: 1 })
      for (let column = 0; column < window.width; column++) {
        out[row * window.width + column] = line[under(window.x + column, coarse.width, full.width) - x]!
      }
    }
    return out
  }

  async close(): Promise<void> {
    await Promise.all([this.#image.close(), this.#mask.close()])
  }
}
