// A tile archive as a source image, for re-encoding it, cutting it, or combining it with other images: the pixels of
// its deepest zoom in web mercator, with its other zooms as overviews.
//
// A place without a tile is empty, unless the archive ends higher up there (mixed depth): then its deepest tile is
// enlarged. The tiles of a zoom should have one size; others are resized.

import { type ErrorCode, FlagstoneError } from '../../errors.js'
import { TileType } from '../../format/tile-type.js'
import { crsFromEpsg } from '../../grid/crs/epsg.js'
import { LIMIT_METRES, resolution } from '../../grid/tiles/mercator.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import { openTileSet } from '../../interop/open.js'
import { createCanvas, createValueCanvas } from '../../raster/canvas.js'
import { type Loss, type ReadPixels, reasonOf } from '../../raster/losses.js'
import type { OpenOptions } from '../../raster/open-options.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import type {
  PixelWindow,
  RasterSource,
  SourceInfo,
  SourceLevel,
  StoredSamples,
  StoredTiles,
} from '../../raster/source.js'
import { isLosslessWebp } from '../../raster/tiles/codec.js'
import { colourForm, elevationOf, formOf, type TileForm } from '../../sampling/tile-form.js'
import { TileMosaic } from '../../sampling/tile-mosaic.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { type Frame, frameOf, MAX_OVERVIEWS } from './archive-frame.js'

/** Number of tiles of each zoom that are examined for their types. */
const TILES_LOOKED_AT = 8

/**
 * Opens a Flagstone file, PMTiles, MBTiles or a z/x/y folder as a source.
 * @throws as openTileSet
 * @throws NOTHING_TO_BUILD when the archive has no tiles
 * @throws SOURCE_UNSUPPORTED when its tiles are not images
 */
export async function openArchive(path: string, options: OpenOptions = {}): Promise<RasterSource> {
  const set = await openTileSet(path)
  try {
    const zooms = set.levels().map((level) => level.zoom)
    if (zooms.length === 0) {
      throw new FlagstoneError('NOTHING_TO_BUILD', `${path} has no tiles, so there is nothing to build.`, {
        path,
      })
    }
    const lost = new Map<string, LostTile>()
    const lose = (z: number, x: number, y: number, error: FlagstoneError): void =>
      void lost.set(`${z}/${x}/${y}`, { z, x, y, reason: reasonOf(error) })
    const types = typesOf(set, zooms, options.skipDamaged === true ? lose : undefined)
    if (types.has(TileType.mvt) || types.has(TileType.mlt)) throw vectorTiles(path)
    const kind = elevationOf(set)
    const wantsHeights = options.view?.kind === 'values'
    if (wantsHeights !== (kind !== undefined)) throw wantsHeights ? noValues(path) : noColours(path)
    const form = kind === undefined ? colourForm() : formOf(kind)
    const mosaic = new TileMosaic<Samples>(set, zooms, 'leaves', form as TileForm<Samples>, {
      ...(options.skipDamaged === true ? { onDamage: lose } : {}),
    })
    const frame = await frameOf(set, zooms, mosaic)
    const tiles = {
      zooms,
      tileSize: frame.size,
      types: [...types.keys()],
      isLossless: types.get(TileType.webp) ?? false,
      metadata: set.metadata(),
    }
    return new ArchiveSource(set, mosaic, frame, tiles, wantsHeights, lost)
  } catch (error) {
    set.close()
    throw asSourceError(error, path)
  }
}

/**
 * The types of the first tiles of each zoom; for WebP, whether all of them are lossless.
 * @throws DAMAGED when a tile cannot be read and `lose` is not given
 */
function typesOf(
  set: TileSet,
  zooms: readonly number[],
  lose: ((z: number, x: number, y: number, error: FlagstoneError) => void) | undefined,
): Map<TileType, boolean> {
  const types = new Map<TileType, boolean>()
  for (const zoom of zooms) {
    let seen = 0
    for (const { z, x, y } of set.tiles({ zoom })) {
      const tile = getOrLose(set, z, x, y, lose)
      if (tile === undefined) continue
      types.set(tile.type, (types.get(tile.type) ?? true) && isLosslessWebp(tile.bytes))
      if (++seen === TILES_LOOKED_AT) break
    }
  }
  return types
}

function getOrLose(
  set: TileSet,
  z: number,
  x: number,
  y: number,
  lose: ((z: number, x: number, y: number, error: FlagstoneError) => void) | undefined,
): ReturnType<TileSet['get']> {
  try {
    return set.get(z, x, y)
  } catch (error) {
    if (lose === undefined || !(error instanceof FlagstoneError) || error.code !== 'DAMAGED') throw error
    lose(z, x, y, error)
    return undefined
  }
}

function vectorTiles(path: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} has vector tiles, and build needs images; flagstone serve serves vector tiles unchanged.`,
    { path },
  )
}

/** For a build, a tile that is not an image means that the source cannot be read. */
function asSourceError(error: unknown, path: string, code: ErrorCode = 'SOURCE_UNSUPPORTED'): unknown {
  if (!(error instanceof FlagstoneError) || error.code !== 'DAMAGED') return error
  return new FlagstoneError(code, `${path} cannot be built from: ${error.message}`, {
    path,
    cause: error,
  })
}

function noValues(path: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} is a tile archive whose metadata do not have the encoding mapbox or terrarium, so its tiles are not known to be heights; build terrain from the elevation data itself.`,
    { path },
  )
}

function noColours(path: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} stores heights, whose colours must not be resampled; build it with --terrain.`,
    { path },
  )
}

interface LostTile {
  readonly z: number
  readonly x: number
  readonly y: number
  readonly reason: string
}

class ArchiveSource implements RasterSource {
  readonly info: SourceInfo
  readonly #set: TileSet
  readonly #mosaic: TileMosaic<Samples>
  /** All those found so far. */
  readonly #lost: ReadonlyMap<string, LostTile>
  readonly #frame: Frame
  /** Zoom of each level. */
  readonly #zooms: readonly number[]

  constructor(
    set: TileSet,
    mosaic: TileMosaic<Samples>,
    frame: Frame,
    tiles: StoredTiles,
    isHeights: boolean,
    lost: ReadonlyMap<string, LostTile>,
  ) {
    this.#lost = lost
    this.#set = set
    this.#mosaic = mosaic
    this.#frame = frame
    this.#zooms = tiles.zooms.slice(-MAX_OVERVIEWS - 1).reverse()
    this.info = { ...infoOf(set.path, frame, this.#zooms, isHeights), tiles }
  }

  async read(level: number, { x, y, width, height }: PixelWindow): Promise<ReadPixels> {
    const zoom = this.#zooms[level]
    const size = this.info.levels[level]
    if (zoom === undefined || size === undefined) throw new RangeError(`level ${level}`)
    if (x < 0 || y < 0 || x + width > size.width || y + height > size.height) {
      throw new RangeError(
        `window ${x},${y} ${width}×${height} leaves the ${size.width}×${size.height} image`,
      )
    }
    const { minX, minY, size: tileSize, zoom: deepest } = this.#frame
    const scale = 2 ** (deepest - zoom)
    const left = (minX * tileSize) / scale + x
    const top = (minY * tileSize) / scale + y
    const rect = { minX: left, minY: top, endX: left + width, endY: top + height }
    try {
      const pixels = (await this.#mosaic.read(zoom, rect, tileSize)) ?? this.#nothing(width, height)
      const lost = this.#lost.size === 0 ? [] : this.#lostIn(zoom, rect)
      return lost.length === 0 ? pixels : { ...pixels, lost }
    } catch (error) {
      throw asSourceError(error, this.info.path, 'SOURCE_CORRUPT')
    }
  }

  /** Tiles that could not be read and affect a rectangle of a zoom's pixels. */
  #lostIn(zoom: number, { minX, minY, endX, endY }: PixelRect): Loss[] {
    const { size, zoom: deepest } = this.#frame
    return [...this.#lost.values()].flatMap(({ z, x, y, reason }) => {
      const scale = 2 ** (zoom - z) * size
      const isHere = x * scale < endX && (x + 1) * scale > minX && y * scale < endY && (y + 1) * scale > minY
      if (!isHere) return []
      // deeper tiles take its place
      const isReplaced = z < deepest && this.#mosaic.hasChildren(z, x, y)
      return [
        {
          path: this.info.path,
          part: `zoom ${z}`,
          block: y * 2 ** z + x,
          x: x * size,
          y: y * size,
          width: size,
          height: size,
          reason: `tile ${z}/${x}/${y}: ${reason}`,
          ...(isReplaced ? { replaced: true } : {}),
        },
      ]
    })
  }

  #nothing(width: number, height: number): Pixels<Samples> {
    return this.info.samples === 'float32' ? createValueCanvas(width, height) : createCanvas(width, height, 3)
  }

  async close(): Promise<void> {
    this.#set.close()
  }
}

const STORED: StoredSamples = { type: 'uint8', bits: 8, bands: 3, hasAlpha: true, palette: false }

const HEIGHTS: StoredSamples = { type: 'float32', bits: 32, bands: 1, hasAlpha: false, palette: false }

function infoOf(path: string, frame: Frame, zooms: readonly number[], isHeights: boolean): SourceInfo {
  const { zoom, size, minX, minY, maxX, maxY } = frame
  const width = (maxX - minX + 1) * size
  const height = (maxY - minY + 1) * size
  const metres = resolution(zoom, size)
  const levels: SourceLevel[] = zooms.map((z) => ({
    width: width / 2 ** (zoom - z),
    height: height / 2 ** (zoom - z),
    blockWidth: size,
    blockHeight: size,
  }))
  const crs = crsFromEpsg(3857)!
  return {
    path,
    width,
    height,
    bands: isHeights ? 1 : 3,
    samples: isHeights ? 'float32' : 'uint8',
    stored: isHeights ? HEIGHTS : STORED,
    maskKind: isHeights ? 'binary' : 'alpha',
    crs,
    geotransform: [
      minX * size * metres - LIMIT_METRES,
      metres,
      0,
      LIMIT_METRES - minY * size * metres,
      0,
      -metres,
    ],
    levels,
    description: `tile archive ${width}×${height}, zooms ${zooms.at(-1)}–${zoom}, ${size} px tiles, ${crs.name}`,
  }
}
