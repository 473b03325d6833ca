// Tiles as blocks of a TIFF: as they are where they have the form of all, otherwise encoded again.
import { FlagstoneError } from '../../errors.js'
import { TileType } from '../../format/tile-type.js'
import { coverageOf } from '../../raster/canvas.js'
import type { Pixels } from '../../raster/pixels.js'
import { decodeTile, encodeImage } from '../../raster/tiles/codec.js'
import { pictureSize } from '../../raster/tiles/picture-size.js'
import { decodeHeights } from '../../raster/tiles/terrain.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { deflateHeights, deflateMask, deflatePicture, opaqueMask } from './deflate.js'
import type { CogEncoding, CogForm } from './form.js'
import { TILE_UNIT } from './grid.js'
import { isSameLook, jpegLook } from './jpeg-look.js'
import { webpHasAlpha, withOpaqueAlpha } from './webp-alpha.js'

/** The bytes of a block, and of its mask. */
export interface Block {
  readonly data: Uint8Array
  readonly mask: Uint8Array | undefined
}

/** Of tiles that are encoded only to be like the others: near enough to what they were. */
const QUALITY_BESIDE = 90
/** Lossy chroma of grey pictures strays so far. */
const GREY_SLACK = 3

export class BlockEncoder {
  readonly form: CogForm
  readonly #encoding: CogEncoding
  /** Width and height of tiles, pixels; 0 before the first. */
  size = 0
  /** Number of tiles that were not copied as they are. */
  encoded = 0
  /** Number of tiles without a visible pixel. */
  empty = 0
  #opaqueMask: Uint8Array | undefined

  constructor(form: CogForm, encoding: CogEncoding) {
    this.form = form
    this.#encoding = encoding
  }

  /** A tile that is copied as it is; undefined when it must be encoded. @throws BAD_OPTION when its size is another */
  kept(tile: StoredTile): Block | undefined {
    const data = this.#asItIs(tile)
    if (data === undefined) return undefined
    this.#checkSize(tile, pictureSize(data))
    return { data, mask: this.#opaque() }
  }

  /**
   * The block of a tile that is encoded; undefined when nothing shows.
   * @throws DAMAGED, TOO_LARGE when it does not decode
   * @throws BAD_OPTION when it cannot get the form of the others
   */
  async encode(tile: StoredTile): Promise<Block | undefined> {
    try {
      return this.form.kind === 'heights' ? await this.#heights(tile) : await this.#picture(tile)
    } catch (error) {
      if (!(error instanceof FlagstoneError) || (error.code !== 'DAMAGED' && error.code !== 'TOO_LARGE'))
        throw error
      throw new FlagstoneError(error.code, `Tile ${nameOf(tile)}: ${error.message}`, { cause: error })
    }
  }

  #asItIs({ bytes, type }: StoredTile): Uint8Array | undefined {
    const { form } = this
    if (form.kind === 'jpeg' && type === TileType.jpeg) {
      const look = jpegLook(bytes)
      return look !== undefined && isSameLook(look, form.look) ? bytes : undefined
    }
    if (form.kind !== 'webp' || type !== TileType.webp || this.#encoding.lossless !== undefined)
      return undefined
    const hasAlpha = webpHasAlpha(bytes)
    if (hasAlpha === (form.samples === 4)) return bytes
    return form.samples === 4 ? withOpaqueAlpha(bytes) : undefined
  }

  async #heights(tile: StoredTile): Promise<Block | undefined> {
    const { encoding } = this.form as CogForm & { kind: 'heights' }
    const heights = await decodeHeights(tile.bytes, encoding)
    this.#checkSize(tile, heights)
    if (coverageOf(heights.mask) === 'none') return this.#nothing()
    return { data: await deflateHeights(heights), mask: undefined }
  }

  async #picture(tile: StoredTile): Promise<Block | undefined> {
    const pixels = await decodeTile(tile.bytes)
    this.#checkSize(tile, pixels)
    if (coverageOf(pixels.mask) === 'none') return this.#nothing()
    this.encoded++
    const { form } = this
    if (form.kind === 'deflate') {
      if (form.samples === 2 && !isGrey(pixels)) throw unlike(tile, 'is in colour')
      return { data: await deflatePicture(pixels, form.samples), mask: undefined }
    }
    return form.kind === 'jpeg' ? this.#jpeg(tile, pixels) : this.#webp(tile, pixels)
  }

  async #jpeg(tile: StoredTile, pixels: Pixels): Promise<Block> {
    const { look, mask } = this.form as CogForm & { kind: 'jpeg' }
    if (pixels.mask !== undefined && !mask) throw unlike(tile, 'has transparent pixels')
    const chroma = look.colour === 'grey' ? '4:2:0' : chromaOf(look.subsampling)
    if (look.colour === 'rgb' || chroma === undefined)
      throw unlike(
        tile,
        `is no JPEG like the others, whose form (${look.colour}, ${look.subsampling.join('×')}) is rare`,
      )
    if (look.colour === 'grey' && !isGrey(pixels)) throw unlike(tile, 'is in colour')
    const like = look.colour === 'grey' ? asGrey(pixels) : asColours(pixels)
    const solid = { ...like, mask: like.mask?.map((alpha) => (alpha === 0 ? 0 : 255)) }
    const { bytes } = await encodeImage(solid, {
      format: 'jpeg',
      ...this.#quality(),
      background: meanOf(solid),
      chroma,
    })
    return { data: bytes, mask: await this.#mask(pixels.mask) }
  }

  async #webp(tile: StoredTile, pixels: Pixels): Promise<Block> {
    const { samples } = this.form as CogForm & { kind: 'webp' }
    if (pixels.mask !== undefined && samples === 3) throw unlike(tile, 'has transparent pixels')
    const lossless = this.#encoding.lossless ?? false
    const { bytes } = await encodeImage(pixels, { format: 'webp', ...this.#quality(), lossless })
    const isDone = webpHasAlpha(bytes) === (samples === 4)
    return { data: isDone ? bytes : (withOpaqueAlpha(bytes) ?? bytes), mask: undefined }
  }

  #quality(): { quality?: number } {
    const { format, quality = format === undefined ? QUALITY_BESIDE : undefined } = this.#encoding
    return quality === undefined ? {} : { quality }
  }

  async #mask(mask: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const opaque = this.#opaque()
    return opaque === undefined || mask === undefined ? opaque : deflateMask(mask, this.size, this.size)
  }

  /** The mask of an opaque tile; undefined where tiles have none. */
  #opaque(): Uint8Array | undefined {
    if (this.form.kind !== 'jpeg' || !this.form.mask) return undefined
    this.#opaqueMask ??= opaqueMask(this.size)
    return this.#opaqueMask
  }

  #nothing(): undefined {
    this.empty++
  }

  #checkSize(tile: StoredTile, size: { width: number; height: number } | undefined): void {
    const { width = 0, height = 0 } = size ?? {}
    if (this.size === 0 && width === height && width > 0 && width % TILE_UNIT === 0) this.size = width
    if (width === this.size && height === this.size) return
    const others = this.size === 0 ? `squares of a multiple of ${TILE_UNIT}` : `${this.size}×${this.size}`
    throw new FlagstoneError(
      'BAD_OPTION',
      `Tile ${nameOf(tile)} has ${width}×${height} pixels; all tiles of a GeoTIFF must be ${others}.`,
    )
  }
}

const nameOf = ({ z, x, y }: StoredTile): string => `${z}/${x}/${y}`

function unlike(tile: StoredTile, how: string): FlagstoneError {
  return new FlagstoneError(
    'BAD_OPTION',
    `Tile ${nameOf(tile)} ${how}, unlike the tiles that were looked at, so it does not fit this GeoTIFF; add --format webp, which encodes all tiles again.`,
  )
}

function chromaOf([across, down]: readonly [number, number]): '4:2:0' | '4:4:4' | undefined {
  if (across !== down) return undefined
  return across === 2 ? '4:2:0' : '4:4:4'
}

function isGrey({ bands, data }: Pixels): boolean {
  if (bands === 1) return true
  for (let i = 0; i < data.length; i += 3) {
    const [red, green, blue] = [data[i]!, data[i + 1]!, data[i + 2]!]
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > GREY_SLACK) return false
  }
  return true
}

function asGrey(pixels: Pixels): Pixels {
  const { width, height, bands, data, mask } = pixels
  if (bands === 1) return pixels
  const grey = new Uint8Array(width * height)
  for (let p = 0; p < grey.length; p++) grey[p] = data[3 * p + 1]!
  return { width, height, bands: 1, data: grey, mask }
}

function asColours(pixels: Pixels): Pixels {
  const { width, height, bands, data, mask } = pixels
  if (bands === 3) return pixels
  const colours = new Uint8Array(width * height * 3)
  for (let p = 0; p < width * height; p++) colours.fill(data[p]!, 3 * p, 3 * p + 3)
  return { width, height, bands: 3, data: colours, mask }
}

/** Mean colour of what shows: behind transparent pixels, it keeps the edge free of ringing. */
function meanOf({ bands, data, mask }: Pixels): [number, number, number] {
  const sums = [0, 0, 0]
  let count = 0
  for (let p = 0; mask !== undefined && p < mask.length; p++) {
    if (mask[p] === 0) continue
    count++
    for (let c = 0; c < 3; c++) sums[c]! += data[p * bands + Math.min(c, bands - 1)]!
  }
  const [red, green, blue] = sums.map((sum) => Math.round(sum / Math.max(1, count)))
  return [red!, green!, blue!]
}
