// photo.png.msk, dem.asc.msk, mosaic.vrt.msk: a mask that GDAL stores as a TIFF beside the file. It is 0 where there is
// nothing. (For TIFFs, tiff/image/levels.ts finds the mask and its overviews.)
import { FlagstoneError } from '../../errors.js'
import type { PixelWindow, SourceView } from '../source.js'
import { type ByteSource, openFileSource } from '../tiff/file/byte-source.js'
import { readBandRoles } from '../tiff/image/band-roles.js'
import { TiffRaster } from '../tiff/raster.js'
import type { StoredBlock, StoredImage } from './stored-source.js'

export interface Mask {
  /** One byte per pixel, 0 or 255. @throws SOURCE_CORRUPT */
  read(window: PixelWindow): Promise<Uint8Array>
  close(): Promise<void>
}

/** Whether the view uses masks. */
export const wantsMask = (view: SourceView | undefined): boolean =>
  view?.kind !== 'colour' || view.alpha !== false

/**
 * The mask beside a file; undefined when there is none, or the file of that name is not a mask.
 * @throws SOURCE_CORRUPT
 */
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

/** The image, made empty where the mask beside it says so. Takes ownership of the image, even when it throws. */
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

  /** The mask under the centre of each pixel of a coarser level, read row by row. */
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
