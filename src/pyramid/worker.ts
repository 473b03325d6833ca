// What runs in a worker thread: builds one subtree after another, opening sources as they are met.
//
// Errors go back as data, since a class does not survive the way between threads.
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import { type ErrorCode, FlagstoneError } from '../errors.js'
import { buffersOf } from './packed.js'
import type { BuildPlan } from './plan.js'
import { type SetLimits, SourceSet, type SourceTable } from './source-set.js'
import { type OpenOptions, openSource } from './sources.js'
import { SubtreeBuilder, type SubtreeResult } from './subtree.js'

export interface WorkerSetup {
  /** Without its sources: those are in the table, which is shared. */
  readonly plan: BuildPlan
  readonly table: SourceTable
  readonly open: OpenOptions
  readonly limits: SetLimits
  /** One Int32, not 0 when all shall stop. */
  readonly stop: SharedArrayBuffer
}

export interface SubtreeTask {
  readonly x: number
  readonly y: number
}

export type SubtreeAnswer =
  | { readonly result: SubtreeResult }
  | {
      readonly failure: {
        readonly code: ErrorCode | undefined
        readonly message: string
        readonly stack?: string
      }
    }

const setup = workerData as WorkerSetup
const stop = new Int32Array(setup.stop)
const sources = new SourceSet(setup.table, setup.open, openSource, setup.limits)
const builder = new SubtreeBuilder(setup.plan, sources, () => Atomics.load(stop, 0) !== 0)

function failureOf(error: unknown): SubtreeAnswer {
  const code = error instanceof FlagstoneError ? error.code : undefined
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { failure: { code, message, ...(stack === undefined ? {} : { stack }) } }
}

/** Buffers of a result, which are handed over instead of copied. */
function transfersOf(result: SubtreeResult): ArrayBuffer[] {
  const pixels = result.root?.pixels
  const raw = pixels === undefined ? [] : [pixels.data, ...(pixels.mask === undefined ? [] : [pixels.mask])]
  return [...buffersOf(result.tiles), ...raw.map((array) => array.buffer as ArrayBuffer)]
}

export default async function run(task: SubtreeTask): Promise<SubtreeAnswer> {
  try {
    const result = await builder.build(task.x, task.y)
    const answer: SubtreeAnswer = { result }
    const moved = move({ [transferableSymbol]: transfersOf(result), [valueSymbol]: answer } as never)
    return moved as unknown as SubtreeAnswer
  } catch (error) {
    return failureOf(error)
  }
}
