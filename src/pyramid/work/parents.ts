// Builds the tiles above the subtrees of a uniform plan as their roots arrive. Hilbert order is a depth-first walk, so
// the children of a tile arrive one after another, and at most three tiles of a zoom wait for the fourth.
//
// A tile is made from its four children alone. A kernel wider than 2×2 repeats the pixels at the edge of the four,
// which is rarely visible: at these zooms a subtree of thousands of pixels has become one tile.
import { halve } from '../../raster/tiles/downsample.js'
import { encodePixels } from '../paint/content.js'
import type { BuildPlan } from '../plan/plan.js'
import type { EncodedAt } from './packed.js'
import { type Pending, pendingOf, quadOf, type RawTile, waitingFrom } from './quad.js'

export class ParentBuilder {
  readonly #plan: BuildPlan
  /** By zoom. */
  readonly #waiting: RawTile[][]
  #done: EncodedAt[] = []

  constructor(plan: BuildPlan, pending: readonly Pending[] = []) {
    this.#plan = plan
    this.#waiting = waitingFrom(pending, plan.maxZoom)
  }

  /** Adds the next root, in Hilbert order. Returns the tiles that are complete now, from high zooms to low. */
  async add(zoom: number, root: RawTile): Promise<EncodedAt[]> {
    await this.#add(zoom, root)
    return this.#take()
  }

  /** Completes what waits, after the last root. */
  async finish(): Promise<EncodedAt[]> {
    for (let zoom = this.#plan.maxZoom; zoom > this.#plan.minZoom; zoom--) await this.#complete(zoom)
    return this.#take()
  }

  /** What must be stored to continue later. */
  pending(): Pending[] {
    return pendingOf(this.#waiting)
  }

  async #add(zoom: number, tile: RawTile): Promise<void> {
    if (zoom <= this.#plan.minZoom) return
    const waiting = this.#waiting[zoom]!
    const [first] = waiting
    if (first !== undefined && (first.x >> 1 !== tile.x >> 1 || first.y >> 1 !== tile.y >> 1)) {
      await this.#complete(zoom)
    }
    waiting.push(tile)
    if (waiting.length === 4) await this.#complete(zoom)
  }

  /** Makes the parent of the tiles that wait at a zoom. */
  async #complete(zoom: number): Promise<void> {
    const tiles = this.#waiting[zoom]!.splice(0)
    if (tiles.length === 0) return
    const { overviewResampling, maskKind } = this.#plan
    const x = tiles[0]!.x >> 1
    const y = tiles[0]!.y >> 1
    const pixels = halve(quadOf(tiles, this.#plan), overviewResampling, maskKind)
    if (pixels === undefined) return
    const encoded = await encodePixels(this.#plan, zoom - 1, pixels)
    if (encoded !== undefined) {
      this.#done.push({ z: zoom - 1, x, y, type: encoded.type, bytes: encoded.bytes })
    }
    await this.#add(zoom - 1, { x, y, pixels })
  }

  #take(): EncodedAt[] {
    const done = this.#done
    this.#done = []
    return done
  }
}
