// Writes results to the file in Hilbert order: the tiles of a subtree, the parents they complete, and every few seconds
// a commit and a checkpoint. This is the only place that writes.
//
// Invariant: at a commit the file holds exactly the tiles of the first `subtreesDone` subtrees and the parents that
// they complete. A resumed build may also hold tiles of later subtrees, which have the same bytes.

import type { ResolvedBuildOptions } from '../options.js'
import type { BuildPlan } from '../plan/plan.js'
import { tilesOfSubtree } from '../plan/plan.js'
import { addDamage } from '../work/damage.js'
import { type EncodedAt, unpackTile } from '../work/packed.js'
import { ParentBuilder } from '../work/parents.js'
import type { SubtreeResult } from '../work/subtree.js'
import { writeCheckpoint } from './checkpoint.js'
import type { Output } from './output.js'
import { countTile, emptyTally, type Tally } from './tally.js'

export class Assembler {
  readonly tally: Tally
  #subtreesDone: number
  readonly #plan: BuildPlan
  readonly #options: ResolvedBuildOptions
  readonly #output: Output
  readonly #parents: ParentBuilder
  #lastCommit = performance.now()

  constructor(plan: BuildPlan, options: ResolvedBuildOptions, output: Output) {
    this.#plan = plan
    this.#options = options
    this.#output = output
    this.#parents = new ParentBuilder(plan, output.start.pending)
    this.#subtreesDone = output.start.subtreesDone
    this.tally = { ...emptyTally(), ...structuredClone(output.start.tally) }
  }

  get subtreesDone(): number {
    return this.#subtreesDone
  }

  /** Adds the next subtree. @throws as TileWriter.append */
  async add(x: number, y: number, { tiles, clamped, lost, root }: SubtreeResult): Promise<void> {
    for (let i = 0; i < tiles.count; i++) this.#append(unpackTile(tiles, i))
    this.tally.clamped += clamped
    if (lost !== undefined) addDamage(this.tally.damage, lost)
    this.tally.tilesDone += tilesOfSubtree(this.#plan, x, y)
    if (root !== undefined) this.#appendParents(await this.#parents.add(root))
    this.#subtreesDone++
    if (performance.now() - this.#lastCommit >= this.#options.commitEverySeconds * 1000) this.commit()
  }

  /** Writes the remaining parents, after the last subtree. */
  async finish(): Promise<void> {
    this.#appendParents(await this.#parents.finish())
  }

  /** What was added before is durable from here on. @throws DISK_FULL, SYSTEM */
  commit(): void {
    this.#output.writer.commit()
    writeCheckpoint(this.#options.out, {
      ...this.#output.start,
      subtreesDone: this.#subtreesDone,
      tally: this.tally,
      pending: this.#parents.pending(),
    })
    this.#lastCommit = performance.now()
  }

  #appendParents(tiles: readonly EncodedAt[]): void {
    for (const tile of tiles) this.#append(tile)
    this.tally.tilesDone += tiles.length
  }

  #append({ z, x, y, type, bytes }: EncodedAt): void {
    const { writer, resumed } = this.#output
    if (!resumed || !writer.has(z, x, y)) writer.append(z, x, y, bytes, type)
    countTile(this.tally, z, type, bytes.length)
  }
}
