// Any window at any size out of a tile file, in web mercator.
//
// The window is painted in rectangles small enough that the tiles under one fit a mosaic of the zoom that
// serves: the coarsest stored one at least as fine as the picture, else the deepest. A tile missing there is
// made from deeper ones where they exist, else enlarged from its deepest stored ancestor (mixed depth), else
// transparent. The mosaic then goes through the warp's kernels, so shrinking widens them.
//
// Files of heights are resampled as heights, whatever their tiles look like.
import { FlagstoneError } from '../errors.js'
import {
  clampLatitude,
  latToMetres,
  lonToMetres,
  metresToPixelX,
  metresToPixelY,
  resolution,
} from '../grid/mercator.js'
import { type Canvas, finishCanvas } from '../raster/canvas.js'
import { greyOfHeights, shadeOfHeights } from '../raster/hillshade.js'
import { kernelReach } from '../raster/kernels.js'
import type { Pixels, Resampling, Samples } from '../raster/pixels.js'
import { heightsToRgb, isTerrainRgb } from '../raster/terrain.js'
import type { AnyReader } from '../store/open.js'
import { intersectRects, type PixelRect } from './rect.js'
import { paintScaled } from './scale.js'
import { colourForm, type ElevationKind, elevationOf, formOf, type TileForm } from './tile-form.js'
import { TileMosaic } from './tile-mosaic.js'

export interface SampleOptions {
  /** West, south, east, north, degrees; west > east, or east past 180, crosses the antimeridian. */
  readonly bbox: readonly [number, number, number, number]
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** Default: bilinear. */
  readonly resampling?: Resampling | undefined
  /** Reads this zoom instead of choosing one. */
  readonly zoom?: number | undefined
  /** Of files of heights; default: terrain-RGB as it is, numbers as a hillshade. */
  readonly elevation?: ElevationLook | undefined
}

/** How heights are shown: in the file's own encoding, lit from the north-west, or from black to white. */
export type ElevationLook = 'encoded' | 'shade' | 'grey'
export const ELEVATION_LOOKS: readonly ElevationLook[] = ['encoded', 'shade', 'grey']

const MAX_SIDE = 32768
const MAX_PIXELS = 2 ** 27
/** A mosaic of RGB and mask of this size takes 32 MB. */
const MAX_MOSAIC_PIXELS = 2 ** 23
/** A picture that needs more tiles is a build, not a sample. */
const MAX_TILES = 2 ** 16

/**
 * A picture of width × height pixels, web mercator, evenly spaced; mask 0 where the file has nothing.
 * Throws RangeError for sizes and bboxes that are none; TOO_LARGE for more than the limits; DAMAGED for tiles
 * that do not decode; BAD_OPTION for numbers that are to look encoded.
 */
export async function sample(reader: AnyReader, options: SampleOptions): Promise<Pixels> {
  const kind = elevationOf(reader)
  if (kind === undefined) {
    const form = colourForm()
    const picture = await sampleAs(reader, options, form)
    return form.isGrey && reader.levels().length > 0 ? greyOf(picture) : picture
  }
  const look = options.elevation ?? (kind === 'numbers' ? 'shade' : 'encoded')
  return lookOf(await sampleAs(reader, options, formOf(kind)), kind, look, windowOf(options))
}

/**
 * The heights of a window, metres, one band; mask 0 where there are none. Undefined for a file of pictures.
 * Throws as `sample`.
 */
export async function sampleHeights(
  reader: AnyReader,
  options: SampleOptions,
): Promise<Pixels<Float32Array> | undefined> {
  const kind = elevationOf(reader)
  return kind && sampleAs(reader, options, formOf(kind))
}

function lookOf(
  heights: Pixels<Float32Array>,
  kind: ElevationKind,
  look: ElevationLook,
  window: Window,
): Pixels {
  const { width, height, mask } = heights
  if (look === 'grey') return greyOfHeights(heights)
  if (look === 'shade') {
    return shadeOfHeights(heights, {
      north: window.north,
      metresX: (window.east - window.west) / width,
      metresY: (window.north - window.south) / height,
    })
  }
  if (!isTerrainRgb(kind)) {
    throw new FlagstoneError(
      'BAD_OPTION',
      'The file holds heights as numbers, which have no colours of their own: show them as shade or grey.',
    )
  }
  const data = new Uint8Array(width * height * 3)
  heightsToRgb(heights, kind, data, 3)
  return { width, height, bands: 3, data, mask }
}

async function sampleAs<T extends Samples>(
  reader: AnyReader,
  options: SampleOptions,
  form: TileForm<T>,
): Promise<Pixels<T>> {
  const { width, height, resampling = 'bilinear' } = options
  checkSize(width, height)
  const window = windowOf(options)
  const canvas = form.canvas(width, height)
  const zooms = reader.levels().map((level) => level.zoom)
  if (zooms.length === 0) return canvas
  const mosaic = new TileMosaic(reader, zooms, 'any', form)
  const zoom = options.zoom ?? (await chooseZoom(mosaic, zooms, window, width, height))
  if (!Number.isInteger(zoom) || zoom < 0 || zoom > 26) throw new RangeError(`zoom ${zoom} is not in 0…26`)
  const size = await mosaic.tileSizeAt(zoom)
  const grid = gridOf(window, zoom, size, width, height)
  const tiles = (grid.stepX * width * (grid.stepY * height)) / size ** 2
  if (tiles > MAX_TILES) {
    throw new FlagstoneError(
      'TOO_LARGE',
      `This picture needs about ${Math.round(tiles)} tiles of zoom ${zoom}, more than ${MAX_TILES}: ask for a smaller window${options.zoom === undefined ? ', or build overviews' : ' or a lower zoom'}.`,
    )
  }
  for (const piece of piecesOf({ minX: 0, minY: 0, endX: width, endY: height }, grid)) {
    for (const turn of [-1, 0, 1]) await paintPiece(mosaic, grid, piece, turn, resampling, canvas)
  }
  return finishCanvas(canvas) ?? canvas
}

function checkSize(width: number, height: number): void {
  if (![width, height].every((n) => Number.isInteger(n) && n > 0)) {
    throw new RangeError(`${width}×${height} is no size in pixels`)
  }
  if (width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS) return
  throw new FlagstoneError(
    'TOO_LARGE',
    `A picture of ${width}×${height} pixels is over the limit of ${MAX_SIDE} a side and ${MAX_PIXELS} in all; ask for it in pieces.`,
  )
}

interface Window {
  /** Mercator metres; east may lie past the edge of the world. */
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
}

function windowOf({ bbox }: SampleOptions): Window {
  const [w, s, e, n] = bbox
  if (!bbox.every(Number.isFinite) || s >= n || w === e) {
    throw new RangeError(`bbox ${bbox.join(',')} is not west,south,east,north in degrees`)
  }
  const south = latToMetres(clampLatitude(s))
  const north = latToMetres(clampLatitude(n))
  if (south >= north) throw new RangeError(`bbox ${bbox.join(',')} lies outside the web mercator world`)
  return { west: lonToMetres(w), south, east: lonToMetres(e > w ? e : e + 360), north }
}

async function chooseZoom(
  mosaic: TileMosaic<Samples>,
  zooms: readonly number[],
  window: Window,
  width: number,
  height: number,
): Promise<number> {
  const wanted = Math.min((window.east - window.west) / width, (window.north - window.south) / height)
  for (const zoom of zooms) {
    if (resolution(zoom, await mosaic.tileSizeAt(zoom)) <= wanted * 1.001) return zoom
  }
  return zooms.at(-1)!
}

/** Where the picture's pixels lie in the pixel grid of a zoom. */
interface Grid {
  readonly zoom: number
  readonly tileSize: number
  readonly worldPixels: number
  /** The corner of the picture, and grid pixels a picture pixel. */
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
}

function gridOf(window: Window, zoom: number, tileSize: number, width: number, height: number): Grid {
  const x = metresToPixelX(window.west, zoom, tileSize)
  const y = metresToPixelY(window.north, zoom, tileSize)
  return {
    zoom,
    tileSize,
    worldPixels: tileSize * 2 ** zoom,
    x,
    y,
    stepX: (metresToPixelX(window.east, zoom, tileSize) - x) / width,
    stepY: (metresToPixelY(window.south, zoom, tileSize) - y) / height,
  }
}

/** The picture in rectangles whose mosaics stay small. */
function* piecesOf(piece: PixelRect, grid: Grid): Generator<PixelRect> {
  const width = piece.endX - piece.minX
  const height = piece.endY - piece.minY
  const across = width * grid.stepX
  const down = height * grid.stepY
  if (across * down <= MAX_MOSAIC_PIXELS || (width === 1 && height === 1)) {
    yield piece
  } else if (height === 1 || (across > down && width > 1)) {
    const middle = piece.minX + (width >> 1)
    yield* piecesOf({ ...piece, endX: middle }, grid)
    yield* piecesOf({ ...piece, minX: middle }, grid)
  } else {
    const middle = piece.minY + (height >> 1)
    yield* piecesOf({ ...piece, endY: middle }, grid)
    yield* piecesOf({ ...piece, minY: middle }, grid)
  }
}

async function paintPiece<T extends Samples>(
  mosaic: TileMosaic<T>,
  grid: Grid,
  piece: PixelRect,
  turn: number,
  resampling: Resampling,
  canvas: Canvas<T>,
): Promise<void> {
  const { stepX, stepY, worldPixels, zoom } = grid
  // grid positions of the piece's corners, on the turn of the world that is painted
  const left = grid.x - turn * worldPixels + piece.minX * stepX
  const top = grid.y + piece.minY * stepY
  const right = left + (piece.endX - piece.minX) * stepX
  const bottom = top + (piece.endY - piece.minY) * stepY
  const reachX = kernelReach(resampling, stepX)
  const reachY = kernelReach(resampling, stepY)
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
  if (wanted === undefined || right <= 0 || left >= worldPixels) return
  const pixels = await mosaic.read(zoom, wanted)
  if (pixels === undefined) return
  paintScaled(pixels, canvas, {
    rect: piece,
    x: left,
    y: top,
    stepX,
    stepY,
    windowX: wanted.minX,
    windowY: wanted.minY,
    imageWidth: worldPixels,
    imageHeight: worldPixels,
    resampling,
  })
}

function greyOf(pixels: Pixels): Pixels {
  const data = new Uint8Array(pixels.width * pixels.height)
  for (let p = 0; p < data.length; p++) data[p] = pixels.data[3 * p]!
  return { ...pixels, bands: 1, data }
}
