// The tiles of a file as one picture per zoom, which covers every place where the file has anything.
//
// A tile that is missing at a zoom is made from deeper tiles, reduced, or where there are none from its deepest stored
// ancestor, enlarged. Tiles may differ in size and type: each is scaled to the usual size of the zoom. Tiles of heights
// are decoded to heights first, because only those may be resampled.
import { type ErrorCode, FlagstoneError } from '../errors.js'
import type { PixelRect } from '../grid/tiles/rect.js'
import { type Canvas, finishCanvas } from '../raster/canvas.js'
import type { Pixels, Samples } from '../raster/pixels.js'
import { pictureSize } from '../raster/tiles/picture-size.js'
import { holdsUnder, type TileSet } from '../store/read/tile-set.js'
import { paintScaled, stretch } from './scale.js'
import { colourForm, type TileForm } from './tile-form.js'

/** Number of zooms below a missing tile that are searched for its parts. */
const SEARCH_ZOOMS = 4
/** Limit on decoded tiles; 128 colour tiles of 256² take 25 MB. */
const CACHED_BYTES = 2 ** 25
const DECODED_AT_ONCE = 8
const USUAL_SIZE = 256
/** Limit on the side of a tile that is decoded. */
const MAX_SIDE = 4096
const DAMAGE: ReadonlySet<ErrorCode> = new Set(['DAMAGED', 'SOURCE_CORRUPT', 'SOURCE_UNREADABLE'])
/** Number of tiles that are tried to determine the size. */
const SIZED_TILES = 16

export interface MosaicOptions {
  /** Checked before each tile is decoded. */
  readonly signal?: AbortSignal | undefined
  /** Known sides of tiles by zoom. It is read and added to. */
  readonly sizes?: Map<number, number> | undefined
  /**
   * Called for a tile that cannot be read or is not a picture, which then counts as missing. Without it, reading fails.
   */
  readonly onDamage?: ((z: number, x: number, y: number, error: FlagstoneError) => void) | undefined
}

interface Decoded<T extends Samples> {
  readonly pixels: Promise<Pixels<T> | undefined>
  /** 0 while it is being decoded. */
  bytes: number
}

export class TileMosaic<T extends Samples = Uint8Array> {
  readonly #reader: TileSet
  readonly #zooms: ReadonlySet<number>
  readonly #deepest: number
  readonly #fill: 'any' | 'leaves'
  readonly #sizes: Map<number, number>
  /** In order of use. */
  readonly #decoded = new Map<string, Decoded<T>>()
  #decodedBytes = 0
  readonly #form: TileForm<T>
  readonly #signal: AbortSignal | undefined
  readonly #onDamage: MosaicOptions['onDamage']

  /** `fill`: which ancestors replace a missing tile: any, or only those with nothing stored below them. */
  constructor(
    reader: TileSet,
    zooms: readonly number[],
    fill: 'any' | 'leaves' = 'any',
    form: TileForm<T> = colourForm() as TileForm<Samples> as TileForm<T>,
    { signal, sizes = new Map(), onDamage }: MosaicOptions = {},
  ) {
    this.#onDamage = onDamage
    this.#form = form
    this.#signal = signal
    this.#sizes = sizes
    this.#reader = reader
    this.#fill = fill
    this.#zooms = new Set(zooms)
    this.#deepest = Math.max(...zooms)
  }

  /**
   * Side of the tiles of a zoom, pixels: that of its first readable tile; for a zoom without tiles, that of the nearest
   * zoom.
   */
  async tileSizeAt(zoom: number): Promise<number> {
    const nearest = [...this.#zooms].reduce((a, b) => (Math.abs(b - zoom) < Math.abs(a - zoom) ? b : a))
    const known = this.#sizes.get(nearest)
    if (known !== undefined) return known
    let size: number | undefined
    let tries = 0
    for (const tile of this.#reader.tiles({ zoom: nearest })) {
      size = await this.#sideOf(tile)
      // a damaged one does not tell
      if (size !== undefined || ++tries === SIZED_TILES) break
    }
    size ??= USUAL_SIZE
    this.#sizes.set(nearest, size)
    return size
  }

  async #sideOf({ z, x, y }: { z: number; x: number; y: number }): Promise<number | undefined> {
    // a damaged tile is reported as damage
    const stored = this.#onDamage === undefined ? this.#reader.get(z, x, y) : undefined
    const said = stored && pictureSize(stored.bytes)?.width
    // if it claims to be larger than can be decoded, decoding reports the error
    return said !== undefined && said <= MAX_SIDE ? said : (await this.#tile(z, x, y))?.width
  }

  /** RGB, or heights, in a rectangle of a zoom's pixel grid inside the world. Undefined when nothing is there. */
  async read(zoom: number, rect: PixelRect, tileSize?: number): Promise<Pixels<T> | undefined> {
    const size = tileSize ?? (await this.tileSizeAt(zoom))
    const canvas = this.#form.canvas(rect.endX - rect.minX, rect.endY - rect.minY)
    const places: [number, number][] = []
    for (let y = Math.floor(rect.minY / size); y * size < rect.endY; y++) {
      for (let x = Math.floor(rect.minX / size); x * size < rect.endX; x++) places.push([x, y])
    }
    const work = async (): Promise<void> => {
      for (let next = places.pop(); next !== undefined; next = places.pop()) {
        const [x, y] = next
        const pixels = await this.#cell(zoom, x, y, size)
        if (pixels !== undefined) paste(pixels, canvas, x * size - rect.minX, y * size - rect.minY)
      }
    }
    await Promise.all(Array.from({ length: DECODED_AT_ONCE }, work))
    return finishCanvas(canvas)
  }

  /** The contents of one tile's place, size × size. */
  async #cell(zoom: number, x: number, y: number, size: number): Promise<Pixels<T> | undefined> {
    const own = await this.#tile(zoom, x, y)
    if (own !== undefined) return this.#fitted(own, size)
    const hasParts = this.#hasBelow(zoom, x, y, SEARCH_ZOOMS)
    const ancestor = await this.#fromAncestor(zoom, x, y, size)
    if (!hasParts) return ancestor
    const canvas = this.#form.canvas(size, size)
    if (ancestor !== undefined) paste(ancestor, canvas, 0, 0)
    await this.#paintBelow(zoom, x, y, canvas, SEARCH_ZOOMS)
    return finishCanvas(canvas)
  }

  #hasBelow(zoom: number, x: number, y: number, depth: number): boolean {
    for (let down = 1; down <= depth && zoom + down <= this.#deepest; down++) {
      if (this.#zooms.has(zoom + down) && holdsUnder(this.#reader, zoom, x, y, down)) return true
    }
    return false
  }

  /** Paints a canvas for a missing tile from the tiles below it. */
  async #paintBelow(zoom: number, x: number, y: number, canvas: Canvas<T>, depth: number): Promise<void> {
    if (depth === 0 || zoom >= this.#deepest) return
    const half = canvas.width >> 1
    for (const [cx, cy] of childrenOf(x, y)) {
      const left = (cx & 1) * half
      const top = (cy & 1) * half
      const rect = { minX: left, minY: top, endX: left + half, endY: top + half }
      const tile = await this.#tile(zoom + 1, cx, cy)
      if (tile !== undefined) {
        stretch(tile, canvas, rect)
      } else if (this.#hasBelow(zoom + 1, cx, cy, depth - 1)) {
        const quarter = this.#form.canvas(canvas.width, canvas.height)
        await this.#paintBelow(zoom + 1, cx, cy, quarter, depth - 1)
        stretch(quarter, canvas, rect)
      }
    }
  }

  async #fromAncestor(zoom: number, x: number, y: number, size: number): Promise<Pixels<T> | undefined> {
    for (let up = 1; up <= zoom; up++) {
      const above = [zoom - up, Math.floor(x / 2 ** up), Math.floor(y / 2 ** up)] as const
      const tile = await this.#tile(...above)
      if (tile === undefined) continue
      if (this.#fill === 'leaves' && this.hasChildren(...above)) return undefined
      const canvas = this.#form.canvas(size, size)
      const step = 1 / 2 ** up
      paintScaled(tile, canvas, {
        rect: { minX: 0, minY: 0, endX: size, endY: size },
        x: (x % 2 ** up) * tile.width * step,
        y: (y % 2 ** up) * tile.height * step,
        stepX: (tile.width * step) / size,
        stepY: (tile.height * step) / size,
        windowX: 0,
        windowY: 0,
        imageWidth: tile.width,
        imageHeight: tile.height,
        resampling: 'bilinear',
      })
      return finishCanvas(canvas)
    }
    return undefined
  }

  /** Whether anything is stored below a tile, at the next zoom that has tiles (or SEARCH_ZOOMS down). */
  hasChildren(zoom: number, x: number, y: number): boolean {
    let depth = 1
    while (depth < SEARCH_ZOOMS && !this.#zooms.has(zoom + depth)) depth++
    return this.#hasBelow(zoom, x, y, depth)
  }

  #has(zoom: number, x: number, y: number): boolean {
    if (!this.#zooms.has(zoom)) return false
    try {
      return this.#reader.has(zoom, x, y)
    } catch (error) {
      // the tile exists, and reading it reports what is wrong
      this.#requireDamage(error, zoom, x, y)
      return true
    }
  }

  /** @throws as `error`, unless it is damage to a tile and `onDamage` is set */
  #requireDamage(error: unknown, zoom: number, x: number, y: number): asserts error is FlagstoneError {
    const isDamage = error instanceof FlagstoneError && DAMAGE.has(error.code)
    if (!isDamage) throw error
    if (this.#onDamage === undefined) throw this.#named(error, zoom, x, y)
  }

  /** The decoded tile; undefined when there is none. */
  async #tile(zoom: number, x: number, y: number): Promise<Pixels<T> | undefined> {
    if (!this.#has(zoom, x, y)) return undefined
    const key = `${zoom}/${x}/${y}`
    const known = this.#decoded.get(key)
    if (known !== undefined) {
      this.#decoded.delete(key)
      this.#decoded.set(key, known)
      return known.pixels
    }
    const decoded: Decoded<T> = { pixels: this.#decode(zoom, x, y), bytes: 0 }
    this.#decoded.set(key, decoded)
    const pixels = await decoded.pixels
    if (pixels === undefined || this.#decoded.get(key) !== decoded) return pixels
    decoded.bytes = pixels.data.byteLength + (pixels.mask?.length ?? 0)
    this.#decodedBytes += decoded.bytes
    this.#forget()
    return pixels
  }

  /** Drops the least recently used tiles until the limit is met. */
  #forget(): void {
    for (const [key, { bytes }] of this.#decoded) {
      if (this.#decodedBytes <= CACHED_BYTES) return
      this.#decoded.delete(key)
      this.#decodedBytes -= bytes
    }
  }

  async #decode(zoom: number, x: number, y: number): Promise<Pixels<T> | undefined> {
    this.#signal?.throwIfAborted()
    try {
      const tile = this.#reader.get(zoom, x, y)
      return tile && (await this.#form.decode(tile.bytes))
    } catch (error) {
      this.#requireDamage(error, zoom, x, y)
      this.#onDamage?.(zoom, x, y, error)
      return undefined
    }
  }

  /** Adds the file and the tile to errors of decoders, which know neither. */
  #named(error: FlagstoneError, zoom: number, x: number, y: number): FlagstoneError {
    const { path } = this.#reader
    const { code, message } = error
    if (message.startsWith(path)) return error
    return new FlagstoneError(code, `${path}: tile ${zoom}/${x}/${y}: ${message}`, { path, cause: error })
  }

  /** A tile scaled to the usual size. */
  #fitted(pixels: Pixels<T>, size: number): Pixels<T> | undefined {
    if (pixels.width === size && pixels.height === size) return pixels
    const canvas = this.#form.canvas(size, size)
    stretch(pixels, canvas, { minX: 0, minY: 0, endX: size, endY: size })
    return finishCanvas(canvas)
  }
}

const childrenOf = (x: number, y: number): [number, number][] => [
  [2 * x, 2 * y],
  [2 * x + 1, 2 * y],
  [2 * x, 2 * y + 1],
  [2 * x + 1, 2 * y + 1],
]

/** Copies the pixels that are not transparent and lie on the canvas. */
function paste(from: Pixels<Samples>, to: Canvas<Samples>, x: number, y: number): void {
  const { bands, data, mask } = from
  const left = Math.max(0, -x)
  const right = Math.min(from.width, to.width - x)
  const bottom = Math.min(from.height, to.height - y)
  for (let row = Math.max(0, -y); row < bottom; row++) {
    const s = row * from.width + left
    const d = (y + row) * to.width + x + left
    const count = right - left
    to.data.set(data.subarray(s * bands, (s + count) * bands), d * bands)
    if (mask === undefined) to.mask.fill(255, d, d + count)
    else to.mask.set(mask.subarray(s, s + count), d)
  }
}
