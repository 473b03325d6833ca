// Writes results to the file in Hilbert order: the tiles of a subtree, the parents they complete, and every few seconds
// a commit and a checkpoint. This is the only place that writes. In a uniform plan parents follow from the subtrees; in
// others they are units of their own.
//
// Invariant: at a commit the file holds exactly the tiles of the first `subtreesDone` units and the parents that they
// complete. A resumed build may also hold tiles of later units, which have the same bytes.

import type { Loss } from '../../raster/losses.js'
import type { ResolvedBuildOptions } from '../options.js'
import { type ParentUnit, type SubtreeUnit, tilesOfUnit, type Unit } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import { CellStates } from '../provenance/cells.js'
import type { SampledPart } from '../provenance/sampler.js'
import type { SourceSet } from '../sources/source-set.js'
import { addDamage } from '../work/damage.js'
import { MixedParents } from '../work/mixed-parents.js'
import { type EncodedAt, unpackTile } from '../work/packed.js'
import { ParentBuilder } from '../work/parents.js'
import type { SubtreeResult } from '../work/subtree.js'
import { writeCheckpoint } from './checkpoint.js'
import type { Output } from './output.js'
import { countTile, emptyTally, type Tally } from './tally.js'

/** What a unit says besides its tiles. */
interface Facts {
  readonly clamped: number
  readonly lost?: readonly Loss[] | undefined
  readonly sampled?: readonly SampledPart[] | undefined
}

export class Assembler {
  readonly tally: Tally
  /** The valid pixels of sources that were found so far. */
  readonly cells: CellStates
  #subtreesDone: number
  readonly #plan: BuildPlan
  readonly #options: ResolvedBuildOptions
  readonly #output: Output
  readonly #parents: ParentBuilder | MixedParents
  #lastCommit = performance.now()

  /** `openSources` for what is painted above the subtrees. */
  constructor(plan: BuildPlan, options: ResolvedBuildOptions, output: Output, openSources: () => SourceSet) {
    this.#plan = plan
    this.#options = options
    this.#output = output
    const { pending, cells } = output.start
    this.cells = new CellStates(plan.frames, cells)
    this.#parents = plan.isUniform
      ? new ParentBuilder(plan, pending)
      : new MixedParents(plan, pending, openSources)
    this.#subtreesDone = output.start.subtreesDone
    this.tally = { ...emptyTally(), ...structuredClone(output.start.tally) }
  }

  get subtreesDone(): number {
    return this.#subtreesDone
  }

  /** Adds the next unit, a subtree. @throws as TileWriter.append */
  async add(unit: SubtreeUnit, { tiles, root, ...facts }: SubtreeResult): Promise<void> {
    for (let i = 0; i < tiles.count; i++) this.#append(unpackTile(tiles, i))
    this.#count(unit, facts)
    if (root !== undefined) this.#appendParents((await this.#parents.add(unit.zoom, root)) ?? [])
    this.#finishUnit()
  }

  /** Makes and adds the next unit, a tile above subtrees. @throws as TileWriter.append and RasterSource.read */
  async addParent(unit: ParentUnit): Promise<void> {
    if (!(this.#parents instanceof MixedParents)) throw new TypeError('a uniform plan has no such unit')
    const { tile, ...facts } = await this.#parents.make(unit)
    if (tile !== undefined) this.#append(tile)
    this.#count(unit, facts)
    this.#finishUnit()
  }

  #count(unit: Unit, { clamped, lost = [], sampled = [] }: Facts): void {
    this.tally.clamped += clamped
    addDamage(this.tally.damage, lost)
    this.tally.tilesDone += tilesOfUnit(this.#plan, unit)
    this.cells.add(sampled)
  }

  #finishUnit(): void {
    this.#subtreesDone++
    if (performance.now() - this.#lastCommit >= this.#options.commitEverySeconds * 1000) this.commit()
  }

  /** Writes the remaining parents, after the last unit. */
  async finish(): Promise<void> {
    if (this.#parents instanceof ParentBuilder) this.#appendParents(await this.#parents.finish())
  }

  /** Closes the sources that parents were painted from. */
  async close(): Promise<void> {
    if (this.#parents instanceof MixedParents) await this.#parents.close()
  }

  /** What was added before is durable from here on. @throws DISK_FULL, SYSTEM */
  commit(): void {
    this.#output.writer.commit()
    writeCheckpoint(this.#options.out, {
      ...this.#output.start,
      subtreesDone: this.#subtreesDone,
      tally: this.tally,
      pending: this.#parents.pending(),
      cells: this.cells.bits,
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
