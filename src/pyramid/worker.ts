// What runs in a worker thread: opens the sources once, then builds one subtree after another.
//
// Errors go back as data, since a class does not survive the way between threads.
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import { type ErrorCode, FlagstoneError } from '../errors.js'
import type { RasterSource } from '../raster/source.js'
import { buffersOf } from './packed.js'
import type { BuildPlan } from './plan.js'
import { type OpenOptions, openAll, openSource } from './sources.js'
import { SubtreeBuilder, type SubtreeResult } from './subtree.js'

export interface WorkerSetup {
  readonly plan: BuildPlan
  readonly open: OpenOptions
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
let builder: Promise<SubtreeBuilder> | undefined

async function makeBuilder(): Promise<SubtreeBuilder> {
  const paths = setup.plan.sources.map((info) => info.path)
  const sources: RasterSource[] = await openAll(paths, setup.open, openSource)
  return new SubtreeBuilder(setup.plan, sources, () => Atomics.load(stop, 0) !== 0)
}

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
    builder ??= makeBuilder()
    const result = await (await builder).build(task.x, task.y)
    const answer: SubtreeAnswer = { result }
    const moved = move({ [transferableSymbol]: transfersOf(result), [valueSymbol]: answer } as never)
    return moved as unknown as SubtreeAnswer
  } catch (error) {
    return failureOf(error)
  }
}
