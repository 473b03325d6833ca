// Paints a window as a picture, piece by piece in any order, from the tiles of one zoom.
//
// The pieces are rectangles small enough that the tiles under each fit into a mosaic. The zoom is the lowest stored one
// that is at least as fine as the picture, otherwise the deepest. The warp's kernels also read the pixels around the
// piece, so no seams are visible between pieces.
import { FlagstoneError } from '../errors.js'
import { intersectRects, type PixelRect } from '../grid/tiles/rect.js'
import type { Canvas } from '../raster/canvas.js'
import type { Resampling, Samples } from '../raster/pixels.js'
import { kernelReach } from '../raster/warp/kernels/kernel.js'
import type { TileSet } from '../store/read/tile-set.js'
import { MAX_ZOOM } from '../zooms.js'
import { paintScaled } from './scale.js'
import type { TileForm } from './tile-form.js'
import { type MosaicOptions, TileMosaic } from './tile-mosaic.js'
import { checkSize, type Window } from './window.js'

export interface SamplerOptions extends MosaicOptions {
  /** Size of the picture, pixels. */
  readonly width: number
  readonly height: number
  /** Default: bilinear. */
  readonly resampling?: Resampling | undefined
  /** Kernel where the picture is finer than the stored tiles; default: as `resampling`. */
  readonly enlarging?: Resampling | undefined
  /** Zoom to read; default: chosen by the resolution of the picture. */
  readonly zoom?: number | undefined
  /** Limit on pixels of a piece and of the mosaic under it, which are processed without a pause. Default: 2²³. */
  readonly piecePixels?: number | undefined
  /** Limit on tiles of the zoom that is read. Default: 2¹⁶. */
  readonly maxTiles?: number | undefined
}

/** A mosaic of RGB and mask of this size takes 32 MB. */
const PIECE_PIXELS = 2 ** 23
/** A picture that needs more tiles should be a build, not a sample. */
const MAX_TILES = 2 ** 16

/** Position of the picture's pixels in the pixel grid of a zoom. */
interface Grid {
  readonly zoom: number
  readonly tileSize: number
  readonly worldPixels: number
  /** Corner of the picture, and grid pixels per picture pixel. */
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
}

export class Sampler<T extends Samples> {
  readonly width: number
  readonly height: number
  readonly #mosaic: TileMosaic<T>
  readonly #grid: Grid
  readonly #resampling: Resampling
  readonly #piecePixels: number

  private constructor(mosaic: TileMosaic<T>, grid: Grid, options: SamplerOptions) {
    this.width = options.width
    this.height = options.height
    this.#mosaic = mosaic
    this.#grid = grid
    const { resampling = 'bilinear', enlarging = resampling } = options
    this.#resampling = grid.stepX < 1 && grid.stepY < 1 ? enlarging : resampling
    this.#piecePixels = options.piecePixels ?? PIECE_PIXELS
  }

  /**
   * Undefined for a file without tiles.
   * @throws RangeError when a size or zoom is not valid
   * @throws TOO_LARGE when it exceeds the limits
   */
  static async open<T extends Samples>(
    tiles: TileSet,
    form: TileForm<T>,
    window: Window,
    options: SamplerOptions,
  ): Promise<Sampler<T> | undefined> {
    const { width, height, maxTiles = MAX_TILES } = options
    checkSize(width, height)
    const zooms = tiles.levels().map((level) => level.zoom)
    if (zooms.length === 0) return undefined
    const mosaic = new TileMosaic(tiles, zooms, 'any', form, options)
    const zoom = options.zoom ?? (await chooseZoom(mosaic, zooms, window, width, height))
    if (!Number.isInteger(zoom) || zoom < 0 || zoom > MAX_ZOOM)
      throw new RangeError(`zoom ${zoom} is not in 0…${MAX_ZOOM}`)
    const grid = gridOf(window, zoom, await mosaic.tileSizeAt(zoom), width, height)
    const count = (grid.stepX * width * (grid.stepY * height)) / grid.tileSize ** 2
    if (count > maxTiles) {
      throw new FlagstoneError(
        'TOO_LARGE',
        `This image needs about ${Math.round(count)} tiles of zoom ${zoom}, more than ${maxTiles}: request a smaller window${options.zoom === undefined ? ', or build overviews' : ' or a lower zoom'}.`,
      )
    }
    return new Sampler(mosaic, grid, options)
  }

  /** The picture in rectangles that may be painted one after another. */
  pieces(): Generator<PixelRect> {
    return this.#split({ minX: 0, minY: 0, endX: this.width, endY: this.height })
  }

  *#split(piece: PixelRect): Generator<PixelRect> {
    const width = piece.endX - piece.minX
    const height = piece.endY - piece.minY
    const across = width * Math.max(1, this.#grid.stepX)
    const down = height * Math.max(1, this.#grid.stepY)
    if (across * down <= this.#piecePixels || (width === 1 && height === 1)) {
      yield piece
    } else if (height === 1 || (across > down && width > 1)) {
      const middle = piece.minX + (width >> 1)
      yield* this.#split({ ...piece, endX: middle })
      yield* this.#split({ ...piece, minX: middle })
    } else {
      const middle = piece.minY + (height >> 1)
      yield* this.#split({ ...piece, endY: middle })
      yield* this.#split({ ...piece, minY: middle })
    }
  }

  /**
   * Paints a rectangle of the picture, which may extend beyond its edges, with its corner at x, y of a canvas. An abort
   * rejects the promise with the signal's reason.
   * @throws DAMAGED when a tile cannot be decoded
   */
  async paint(piece: PixelRect, canvas: Canvas<T>, x: number, y: number): Promise<void> {
    for (const turn of [-1, 0, 1]) await this.#paintTurn(piece, canvas, x, y, turn)
  }

  async #paintTurn(piece: PixelRect, canvas: Canvas<T>, x: number, y: number, turn: number): Promise<void> {
    const { stepX, stepY, worldPixels, zoom } = this.#grid
    const resampling = this.#resampling
    const width = piece.endX - piece.minX
    const height = piece.endY - piece.minY
    // grid positions of the piece's corners, on the turn of the world that is painted
    const left = this.#grid.x - turn * worldPixels + piece.minX * stepX
    const top = this.#grid.y + piece.minY * stepY
    const right = left + width * stepX
    const bottom = top + height * stepY
    if (right <= 0 || left >= worldPixels) return
    const isCopy =
      stepX === 1 &&
      stepY === 1 &&
      Number.isInteger(left) &&
      Number.isInteger(top) &&
      resampling !== 'cubicspline'
    const reachX = isCopy ? 0 : kernelReach(resampling, stepX)
    const reachY = isCopy ? 0 : kernelReach(resampling, stepY)
    const world = { minX: 0, minY: 0, endX: worldPixels, endY: worldPixels }
    const wanted = intersectRects(
      {
        minX: Math.floor(left - reachX),
        minY: Math.floor(top - reachY),
        endX: Math.ceil(right + reachX),
        endY: Math.ceil(bottom + reachY),
      },
      world,
    )
    const pixels = wanted && (await this.#mosaic.read(zoom, wanted))
    if (pixels === undefined) return
    paintScaled(pixels, canvas, {
      rect: { minX: x, minY: y, endX: x + width, endY: y + height },
      x: left,
      y: top,
      stepX,
      stepY,
      windowX: wanted!.minX,
      windowY: wanted!.minY,
      imageWidth: worldPixels,
      imageHeight: worldPixels,
      resampling,
    })
  }
}

async function chooseZoom(
  mosaic: TileMosaic<Samples>,
  zooms: readonly number[],
  window: Window,
  width: number,
  height: number,
): Promise<number> {
  const wanted = Math.min((window.right - window.left) / width, (window.bottom - window.top) / height)
  for (const zoom of zooms) {
    if (1 / (2 ** zoom * (await mosaic.tileSizeAt(zoom))) <= wanted * 1.001) return zoom
  }
  return zooms.at(-1)!
}

function gridOf(window: Window, zoom: number, tileSize: number, width: number, height: number): Grid {
  const worldPixels = tileSize * 2 ** zoom
  return {
    zoom,
    tileSize,
    worldPixels,
    x: window.left * worldPixels,
    y: window.top * worldPixels,
    stepX: ((window.right - window.left) * worldPixels) / width,
    stepY: ((window.bottom - window.top) * worldPixels) / height,
  }
}
