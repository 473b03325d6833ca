// Reads a patch: what it says of itself, and its steps in key order.
import { FlagstoneError } from '../../errors.js'
import type { SourceRecord } from '../../format/sources/record.js'
import { tileIdToZxy } from '../../format/tile-id.js'
import { PATIENT } from '../../store/options.js'
import type { RecordRow } from '../../store/read/list.js'
import { openTiles } from '../../store/read/open.js'
import type { FlatReader } from '../../store/read/reader.js'
import type { Tile } from '../../store/read/tile.js'
import { headerOfPatch, type PatchHeader } from './header.js'
import { type KeyRun, type RunChunk, readRuns } from './removed.js'

/** One step: a tile that is put, or a run of tiles that are removed. */
export interface PatchStep extends KeyRun {
  /** The tile that is put. */
  readonly put?: RecordRow
}

export class Patch {
  readonly header: PatchHeader
  readonly path: string
  readonly #tiles: FlatReader

  private constructor(tiles: FlatReader, header: PatchHeader) {
    this.#tiles = tiles
    this.path = tiles.path
    this.header = header
  }

  /**
   * @throws NOT_FOUND when nothing is there
   * @throws NOT_A_TILE_FILE when it is something else
   * @throws VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM when it cannot be read
   */
  static open(path: string): Patch {
    const tiles = openTiles(path, PATIENT)
    try {
      const header = headerOfPatch(path, tiles.metadata())
      if (tiles.kind === 'flat') return new Patch(tiles, header)
      throw new FlagstoneError(
        'NOT_A_TILE_FILE',
        `${path} was a patch until another program rewrote it; use the original file.`,
        { path },
      )
    } catch (error) {
      tiles.close()
      throw error
    }
  }

  /** Number of tiles that are put. */
  get tiles(): number {
    return this.#tiles.levels().reduce((sum, { count }) => sum + count, 0)
  }

  /**
   * All steps in key order. No value of a tile is read.
   * @throws DAMAGED when the patch contradicts itself
   */
  *steps(): Generator<PatchStep, void> {
    let end = 0
    let removed = 0
    for (const step of inKeyOrder(this.#puts(), this.#runs())) {
      if (step.key < end) throw this.#damaged(`puts and removes the same tile, ${nameOf(step.key)}`)
      end = step.end
      if (step.put === undefined) removed += step.end - step.key
      yield step
    }
    const said = this.header.removed.tiles
    if (removed !== said) throw this.#damaged(`removes ${removed} tiles and says ${said}`)
  }

  /** What the archive remembers of its sources afterwards; undefined when that stays. @throws DAMAGED */
  sources(): readonly SourceRecord[] | undefined {
    const said = this.header.after.sources
    if (said === undefined) return undefined
    const found = this.#tiles.sources()
    if (found.length !== said) throw this.#damaged(`has ${found.length} sources and says ${said}`)
    return found
  }

  /** @throws DAMAGED when the bytes do not match their check */
  tile(key: number): Tile {
    const tile = this.#tiles.get(...tileIdToZxy(key))
    if (tile === undefined) throw this.#damaged(`lost tile ${nameOf(key)} while it was read`)
    return tile
  }

  close(): void {
    this.#tiles.close()
  }

  *#puts(): Generator<PatchStep, void> {
    for (const { zoom } of this.#tiles.levels())
      for (const put of this.#tiles.records(zoom)) yield { key: put.key, end: put.key + 1, put }
  }

  #runs(): Generator<PatchStep, void> {
    const chunks = this.header.removed.chunks.map(([offset, length, crc]) => ({ offset, length, crc }))
    return readRuns(this.path, chunks, (chunk) => this.#load(chunk))
  }

  #load({ offset, length }: RunChunk): Uint8Array {
    const bytes = new Uint8Array(length)
    this.#tiles.readBytesSync(bytes, ({ valuesStart, valuesLength }) =>
      offset + length <= valuesLength ? valuesStart + offset : undefined,
    )
    return bytes
  }

  #damaged(how: string): FlagstoneError {
    return new FlagstoneError('DAMAGED', `${this.path} is damaged: it ${how}; make the patch again.`, {
      path: this.path,
    })
  }
}

const nameOf = (key: number): string => tileIdToZxy(key).join('/')

function* inKeyOrder(first: Iterator<PatchStep>, second: Iterator<PatchStep>): Generator<PatchStep, void> {
  let [a, b] = [first.next(), second.next()]
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && a.value.key <= b.value.key)) {
      yield a.value as PatchStep
      a = first.next()
    } else {
      yield b.value
      b = second.next()
    }
  }
}
