// Encodes the tiles of an archive again: between reading and writing, several at the same time, in the order in which they
// are written.

import { FlagstoneError } from '../../errors.js'
import { nameOfTileType } from '../../format/tile-type.js'
import { placesOf, scanTiles } from '../../interop/transfer/scan.js'
import type { TileOrder } from '../../interop/transfer/sink.js'
import { coverageOf } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { decodeTile, type EncodedTile } from '../../raster/tiles/codec.js'
import { isDrawn } from '../../raster/tiles/image-format.js'
import { decodeHeights } from '../../raster/tiles/terrain.js'
import type { StoredTile, TilePlace, TileSet } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import { encodeColours, encodeLike, isAsAsked, recodeHeights } from './encode.js'
import { Memo } from './memo.js'
import { half, join, type Part, quarter } from './pieces.js'
import { type Recipe, recipeOf, resizedPlaces, type ZoomRange } from './places.js'
import type { RecodePlan } from './request.js'

/** Tiles being encoded: libuv has four threads, and each should find the next waiting. */
const IN_FLIGHT = 8

type Made = Promise<EncodedTile | undefined>

export class Recoder {
  readonly #tiles: TileSet
  readonly #plan: RecodePlan
  readonly #range: ZoomRange
  /** Zooms that are read. */
  readonly #zooms: readonly number[]
  readonly #made = new Memo<Made>(64)
  readonly #decoded = new Memo<Promise<Pixels<Samples>>>(IN_FLIGHT)
  /** Number of tiles that were copied as they are. */
  copied = 0
  /** Number of tiles that were encoded. */
  encoded = 0
  /** Number of heights that the new encoding cannot represent. */
  clamped = 0

  /** `range`: zooms of the new tiles. */
  constructor(tiles: TileSet, plan: RecodePlan, range: ZoomRange) {
    this.#tiles = tiles
    this.#plan = plan
    this.#range = range
    this.#zooms = tiles.levels().map(({ zoom }) => zoom)
  }

  /** About how many tiles come out. */
  get total(): number {
    const { step } = this.#plan
    const { minZoom, maxZoom } = this.#range
    const levels = this.#tiles.levels().filter(({ zoom }) => zoom - step >= minZoom && zoom - step <= maxZoom)
    return Math.round(levels.reduce((sum, { count }) => sum + count, 0) * 4 ** -step)
  }

  /** What the new archive says of itself. It is not as it was built, so nothing can be built like it. */
  metadataOf({ tileSize, flagstone: _, ...metadata }: Record<string, unknown>): Record<string, unknown> {
    const { request, size, step } = this.#plan
    const sizes = { '-1': size / 2, '0': tileSize, '1': 2 * size }
    const isSized = tileSize !== undefined || step !== 0
    return {
      ...metadata,
      ...(isSized ? { tileSize: sizes[step] } : {}),
      ...(request.terrain === undefined ? {} : { encoding: request.terrain }),
    }
  }

  /** The places of the new tiles. */
  places(order: TileOrder, least = 0): Iterable<TilePlace> {
    const { step } = this.#plan
    const range = this.#rangeFrom(least)
    if (step === 0) return placesOf(this.#tiles, order, range)
    return resizedPlaces({ zooms: this.#zooms, step, range }, (zoom) => this.#tiles.tiles({ zoom }), order)
  }

  /** Counts anew: what was done so far was only to see what will come. */
  forget(): void {
    this.copied = 0
    this.encoded = 0
    this.clamped = 0
  }

  #rangeFrom(least: number): ZoomRange {
    return { minZoom: Math.max(least, this.#range.minZoom), maxZoom: this.#range.maxZoom }
  }

  /** The new tile at a place. @throws DAMAGED, TOO_LARGE, BAD_OPTION */
  async read(place: TilePlace): Promise<StoredTile | undefined> {
    const { step } = this.#plan
    if (step !== 0) return this.#resized(place, recipeOf(place, step, this.#zooms[0]!))
    const tile = this.#get(place)
    return tile && this.#recoded(tile)
  }

  /** All new tiles from a zoom up, in the wanted order. */
  async *tiles(order: TileOrder, least: number): AsyncGenerator<StoredTile, void> {
    const waiting: Promise<StoredTile | undefined>[] = []
    const all = this.#plan.step === 0 ? this.#scanned(order, least) : this.#placed(order, least)
    for (const job of all) {
      // whoever waits for it sees the failure; until then it is not unhandled
      job.catch(() => {})
      waiting.push(job)
      if (waiting.length < IN_FLIGHT) continue
      const tile = await waiting.shift()
      if (tile !== undefined) yield tile
    }
    for (const job of waiting) {
      const tile = await job
      if (tile !== undefined) yield tile
    }
  }

  *#scanned(order: TileOrder, least: number): Iterable<Promise<StoredTile | undefined>> {
    const range = this.#rangeFrom(least)
    const isAll = range.minZoom === 0 && range.maxZoom === MAX_ZOOM
    // the bytes may be overwritten before they are encoded
    for (const tile of scanTiles(this.#tiles, order, isAll ? undefined : range))
      yield this.#recoded({ ...tile, bytes: new Uint8Array(tile.bytes) })
  }

  *#placed(order: TileOrder, least: number): Iterable<Promise<StoredTile | undefined>> {
    for (const place of this.places(order, least)) yield this.read(place)
  }

  #get({ z, x, y }: TilePlace): StoredTile | undefined {
    const tile = this.#tiles.get(z, x, y)
    return tile && { z, x, y, bytes: tile.bytes, type: tile.type }
  }

  async #recoded(tile: StoredTile): Promise<StoredTile | undefined> {
    if (isAsAsked(tile, this.#plan)) {
      this.copied++
      return tile
    }
    return this.#keep(tile, [tile], 'same', async () => {
      const { request, isHeights } = this.#plan
      if (isHeights && request.terrain === undefined)
        return recodeHeights(tile, request.format === 'png' ? 'png' : 'webp')
      return this.#encode(tile, await this.#decode(tile), [tile])
    })
  }

  #resized(place: TilePlace, recipe: Recipe): Promise<StoredTile | undefined> | undefined {
    if (recipe.kind === 'join') {
      const found = recipe.parts.flatMap((part) => {
        const tile = this.#get(part.place)
        return tile === undefined ? [] : [{ ...part, tile }]
      })
      const like = found.map(({ tile }) => tile)
      if (like.length === 0) return undefined
      const where = found.map(({ column, row }) => `${column}${row}`).join()
      return this.#keep(place, like, where, async () => {
        const parts: Part<Samples>[] = []
        for (const { tile, column, row } of found)
          parts.push({ pixels: await this.#decode(tile), column, row })
        return this.#encode(place, join(parts, this.#plan.size), like)
      })
    }
    const tile = this.#get(recipe.kind === 'cut' ? recipe.from.place : recipe.from)
    if (tile === undefined) return undefined
    const how = recipe.kind === 'cut' ? `${recipe.from.column}${recipe.from.row}` : 'half'
    return this.#keep(place, [tile], how, async () => {
      const pixels = await this.#decoded.get([tile.bytes], '', () => this.#decode(tile))
      const part =
        recipe.kind === 'cut'
          ? quarter(pixels, recipe.from.column, recipe.from.row)
          : half(pixels, this.#plan.isHeights)
      return this.#encode(place, part, [tile])
    })
  }

  async #keep(
    place: TilePlace,
    from: readonly StoredTile[],
    how: string,
    make: () => Made,
  ): Promise<StoredTile | undefined> {
    const inputs = from.map(({ bytes }) => bytes)
    const made = await this.#made.get(inputs, how, make)
    if (made === undefined) return undefined
    this.encoded++
    const { z, x, y } = place
    return { z, x, y, bytes: made.bytes, type: made.type }
  }

  /** @throws DAMAGED, TOO_LARGE, BAD_OPTION, with the tile's name */
  async #decode({ z, x, y, bytes, type }: StoredTile): Promise<Pixels<Samples>> {
    const name = `Tile ${z}/${x}/${y}`
    if (!isDrawn(type))
      throw new FlagstoneError(
        'BAD_OPTION',
        `${name} is of the type ${nameOfTileType(type)}, which cannot be encoded again.`,
      )
    const { isHeights, encoding, size, step } = this.#plan
    let pixels: Pixels<Samples>
    try {
      pixels = isHeights ? await decodeHeights(bytes, encoding) : await decodeTile(bytes)
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      throw new FlagstoneError(error.code, `${name}: ${error.message}`, { cause: error })
    }
    if (step === 0 || (pixels.width === size && pixels.height === size)) return pixels
    throw new FlagstoneError(
      'BAD_OPTION',
      `${name} has ${pixels.width}×${pixels.height} pixels, others have ${size}×${size}, so their size cannot be changed.`,
    )
  }

  async #encode(place: TilePlace, pixels: Pixels<Samples> | undefined, like: readonly StoredTile[]): Made {
    if (pixels === undefined) return undefined
    // a part in which nothing shows, as build would not store it
    if (this.#plan.step !== 0 && coverageOf(pixels.mask) === 'none') return undefined
    if (pixels.data instanceof Float32Array)
      return encodeLike(pixels as Pixels<Float32Array>, like, this.#plan, (count) => {
        this.clamped += count
      })
    return encodeColours(place, pixels as Pixels, like, this.#plan.request)
  }
}
