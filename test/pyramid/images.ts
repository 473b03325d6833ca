// Images that exist only as a function, placed exactly on the pixel grid of a zoom, and what to compare builds with.
import { createHash } from 'node:crypto'
import { WEB_MERCATOR } from '../../src/grid/crs/epsg.js'
import { pixelToMetresX, pixelToMetresY, resolution } from '../../src/grid/tiles/mercator.js'
import type { SourceOpener } from '../../src/pyramid/sources/open.js'
import type { Pixels } from '../../src/raster/pixels.js'
import type { MaskKind, PixelWindow, RasterSource, SourceInfo } from '../../src/raster/source.js'
import { openTiles } from '../../src/store/read/open.js'

/** r, g, b, opacity. */
export type Paint = (x: number, y: number) => readonly [number, number, number, number]

export interface ImageOptions {
  readonly path?: string
  readonly zoom: number
  /** Corner in the pixel grid of the zoom. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly paint: Paint
  readonly maskKind?: MaskKind
  readonly tileSize?: number
  /** Only the red of it, as one band. */
  readonly grey?: boolean
  /** Called before each read. */
  readonly onRead?: (window: PixelWindow) => void
  readonly onClose?: () => void
}

export function infoOf(options: ImageOptions): SourceInfo {
  const { zoom, x, y, width, height, tileSize = 256 } = options
  const metres = resolution(zoom, tileSize)
  return {
    path: options.path ?? 'image.tif',
    width,
    height,
    bands: options.grey === true ? 1 : 3,
    maskKind: options.maskKind ?? 'binary',
    samples: 'uint8',
    stored: { type: 'uint8', bits: 8, bands: 3, hasAlpha: false, palette: false },
    crs: WEB_MERCATOR,
    geotransform: [
      pixelToMetresX(x, zoom, tileSize),
      metres,
      0,
      pixelToMetresY(y, zoom, tileSize),
      0,
      -metres,
    ],
    levels: [{ width, height, blockWidth: 256, blockHeight: 256 }],
    description: 'a function',
  }
}

export class ImageSource implements RasterSource {
  readonly info: SourceInfo
  readonly #options: ImageOptions
  constructor(options: ImageOptions) {
    this.info = infoOf(options)
    this.#options = options
  }

  async read(_level: number, window: PixelWindow): Promise<Pixels> {
    const { x, y, width, height } = window
    this.#options.onRead?.(window)
    const { bands } = this.info
    const data = new Uint8Array(width * height * bands)
    const mask = new Uint8Array(width * height)
    for (let j = 0, p = 0; j < height; j++) {
      for (let i = 0; i < width; i++, p++) {
        const colour = this.#options.paint(x + i, y + j)
        for (let b = 0; b < bands; b++) data[bands * p + b] = colour[b]!
        mask[p] = colour[3]
      }
    }
    return { width, height, bands, data, mask }
  }

  async close(): Promise<void> {
    this.#options.onClose?.()
  }
}

export const openerOf =
  (options: ImageOptions): SourceOpener =>
  async () =>
    new ImageSource(options)

/** z/x/y to a digest of the bytes. */
export function tilesOf(path: string): Record<string, string> {
  const reader = openTiles(path)
  try {
    const found: Record<string, string> = {}
    for (const { z, x, y } of reader.tiles()) {
      found[`${z}/${x}/${y}`] = createHash('sha1')
        .update(reader.get(z, x, y)!.bytes)
        .digest('hex')
    }
    return found
  } finally {
    reader.close()
  }
}

/** Speckled, so that tiles differ, with rectangles cut out. */
export const speckled =
  (holes: readonly (readonly [number, number, number, number])[] = []): Paint =>
  (x, y) => {
    for (const [x0, y0, x1, y1] of holes) if (x >= x0 && x < x1 && y >= y0 && y < y1) return [9, 9, 9, 0]
    const h = Math.imul(((x >> 3) * 73856093) ^ ((y >> 3) * 19349663), 0x9e3779b1) >>> 0
    return [h & 255, (h >>> 8) & 255, (x + y) & 255, 255]
  }
