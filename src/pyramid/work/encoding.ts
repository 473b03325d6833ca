// Encodes the tiles of a subtree, several at once, in the thread pool.
import type { Canvas } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import type { TilePool } from '../paint/buffers.js'
import { encodePixels, paintedClamped } from '../paint/content.js'
import type { Halved } from '../paint/presence.js'
import type { BuildPlan } from '../plan/plan.js'
import { type EncodedAt, type PackedTiles, packTiles } from './packed.js'

/** Tiles being encoded at once: enough to keep the encoding threads busy. */
const MAX_ENCODING = 24

/** A tile to encode. */
export interface TileJob {
  readonly zoom: number
  readonly x: number
  readonly y: number
  readonly pixels: Pixels<Samples>
  /** Its memory, which goes back to the pool. */
  readonly canvas: Canvas<Samples>
  readonly halved: Halved
}

export class Encoding {
  readonly #plan: BuildPlan
  readonly #pool: TilePool<Samples>
  readonly #running = new Set<Promise<void>>()
  readonly #encoded: EncodedAt[] = []
  #clamped = 0
  #failure: { error: unknown } | undefined

  constructor(plan: BuildPlan, pool: TilePool<Samples>) {
    this.#plan = plan
    this.#pool = pool
  }

  /** Resolves when there is room for another tile. Releases the tile's memory once it is encoded. */
  async add({ zoom, x, y, pixels, canvas, halved }: TileJob): Promise<void> {
    while (this.#running.size >= MAX_ENCODING) await Promise.race(this.#running)
    if (this.#failure !== undefined) throw this.#failure.error
    const job = encodePixels(this.#plan, zoom, pixels)
      .then(
        (encoded) => {
          if (encoded === undefined) return
          this.#encoded.push({ z: zoom, x, y, type: encoded.type, bytes: encoded.bytes })
          this.#clamped += paintedClamped(this.#plan, encoded, pixels, halved)
        },
        (error: unknown) => {
          this.#failure ??= { error }
        },
      )
      .finally(() => {
        this.#pool.give(canvas)
        this.#running.delete(job)
      })
    this.#running.add(job)
  }

  /** Waits for the tiles being encoded. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Everything that was encoded. @throws as encodePixels */
  result(): { tiles: PackedTiles; clamped: number } {
    if (this.#failure !== undefined) throw this.#failure.error
    return { tiles: packTiles(this.#encoded), clamped: this.#clamped }
  }
}
