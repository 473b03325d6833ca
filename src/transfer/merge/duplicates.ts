// What becomes of places where several archives have a tile.
import { FlagstoneError } from '../../errors.js'
import { nameOfTileType } from '../../format/tile-type.js'
import type { ElevationKind } from '../../sampling/tile-form.js'
import type { DuplicateChoice } from '../options.js'
import { blendTiles, canBlend, hasTransparency } from './blend.js'
import type { SourceTile } from './streams.js'

/** What happened to the places where several archives have a tile. */
export interface Duplicates {
  /** Number of places where all of them have the same bytes. */
  readonly same: number
  /** Number of places where a tile was made of several. */
  readonly blended: number
  /** Number of places where the tile of an archive was taken and others were dropped, by archive, in their order. */
  readonly won: readonly { readonly source: string; readonly tiles: number }[]
}

export class DuplicateResolver {
  readonly #paths: readonly string[]
  readonly #choice: DuplicateChoice | undefined
  readonly #elevation: ElevationKind | undefined
  readonly #won: number[]
  #same = 0
  #blended = 0

  /** `choice` undefined: blend, and abort where a tile hides another one entirely or cannot be blended. */
  constructor(
    paths: readonly string[],
    choice: DuplicateChoice | undefined,
    elevation: ElevationKind | undefined,
  ) {
    this.#paths = paths
    this.#choice = choice
    this.#elevation = elevation
    this.#won = paths.map(() => 0)
  }

  /**
   * The tile for a place. `here`: in the order of the archives.
   * @throws EXISTS when they differ, and are to stay apart
   * @throws as `blendTiles`
   */
  resolve(here: readonly SourceTile[]): SourceTile | Promise<SourceTile> {
    if (here.length === 1) return here[0]!
    const distinct = distinctOf(here)
    if (distinct.length === 1) {
      this.#same++
      return here[0]!
    }
    const choice = this.#choice ?? this.#choose(distinct)
    if (choice === 'abort') throw this.#conflict(here)
    if (choice === 'blend' && distinct.every(({ type }) => canBlend(type))) return this.#blend(distinct)
    if (choice === 'blend') throw this.#conflict(here, ` ${nameOfTileType(here[0]!.type)} cannot be blended:`)
    return this.#take(choice === 'first' ? here[0]! : here.at(-1)!)
  }

  get found(): Duplicates {
    const won = this.#paths.map((source, i) => ({ source, tiles: this.#won[i]! }))
    return { same: this.#same, blended: this.#blended, won: won.filter(({ tiles }) => tiles > 0) }
  }

  /** Never drops a tile that somebody may miss, unless that was asked for. */
  #choose(tiles: readonly SourceTile[]): 'blend' | 'abort' {
    const isSafe = tiles.every(({ type }) => canBlend(type)) && hasTransparency(tiles.at(-1)!.type)
    return isSafe ? 'blend' : 'abort'
  }

  async #blend(tiles: readonly SourceTile[]): Promise<SourceTile> {
    // the archives go on to their next tiles meanwhile
    const kept = tiles.map((tile) => ({ ...tile, bytes: tile.bytes.slice() }))
    const { tile, hidesOne } = await blendTiles(kept, this.#elevation)
    if (hidesOne && this.#choice === undefined) throw this.#conflict(kept)
    if (tile === kept.at(-1)) return this.#take(tile)
    this.#blended++
    return tile
  }

  #take(tile: SourceTile): SourceTile {
    this.#won[tile.from]!++
    return tile
  }

  #conflict(here: readonly SourceTile[], why = ''): FlagstoneError {
    const { z, x, y } = here[0]!
    const names = here.map(({ from }) => this.#paths[from]!)
    return new FlagstoneError(
      'EXISTS',
      `Tile ${z}/${x}/${y} is in ${names.join(' and ')}, with different contents:${why} choose with --on-duplicate (onDuplicate) first, last or blend (an opaque tile, as JPEG always is, hides those below it).`,
    )
  }
}

/** The last of equal tiles stays. */
function distinctOf(here: readonly SourceTile[]): SourceTile[] {
  return here.filter(
    ({ bytes }, i) => !here.slice(i + 1).some((other) => Buffer.compare(bytes, other.bytes) === 0),
  )
}
