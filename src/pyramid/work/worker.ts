// Runs in a worker thread: builds one subtree after another, and opens sources as they are needed.
//
// Errors are sent back as data, because their class does not survive the transfer between threads.
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, FlagstoneError } from '../../errors.js'
import { type KernelModule, useKernels } from '../../raster/simd.js'
import type { BuildPlan } from '../plan/plan.js'
import { type OpenOptions, openSource } from '../sources/open.js'
import { type SetLimits, SourceSet, type SourceTable } from '../sources/source-set.js'
import { buffersOf } from './packed.js'
import { SubtreeBuilder, type SubtreeResult } from './subtree.js'
import { type Task, TaskBoard } from './task-board.js'

export interface WorkerSetup {
  /** The plan without its sources, which are in the shared table. */
  readonly plan: BuildPlan
  readonly table: SourceTable
  readonly open: OpenOptions
  readonly limits: SetLimits
  /** One Int32; when it is not 0, all threads stop. */
  readonly stop: SharedArrayBuffer
  /** The claims of the task board. */
  readonly claims: SharedArrayBuffer
  /** Compiled once for all threads. */
  readonly kernels: KernelModule | undefined
}

export type SubtreeAnswer =
  | { readonly id: number; readonly result: SubtreeResult }
  | {
      readonly id: number
      readonly failure: {
        readonly code: ErrorCode | undefined
        readonly message: string
        readonly errno: string | undefined
        readonly path: string | undefined
        readonly stack?: string
      }
    }

const port = parentPort!
const setup = workerData as WorkerSetup
const stop = new Int32Array(setup.stop)
useKernels(setup.kernels)
const sources = new SourceSet(setup.table, setup.open, openSource, setup.limits)
const builder = new SubtreeBuilder(setup.plan, sources, () => Atomics.load(stop, 0) !== 0)
const board = new TaskBoard(setup.claims)

function failureOf(id: number, error: unknown): SubtreeAnswer {
  const { code, errno, path } = error instanceof FlagstoneError ? error : ({} as Partial<FlagstoneError>)
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { id, failure: { code, message, errno, path, ...(stack === undefined ? {} : { stack }) } }
}

/** Buffers of a result that are transferred rather than copied. */
function transfersOf(result: SubtreeResult): ArrayBuffer[] {
  const pixels = result.root?.pixels
  const raw = pixels === undefined ? [] : [pixels.data, ...(pixels.mask === undefined ? [] : [pixels.mask])]
  return [...buffersOf(result.tiles), ...raw.map((array) => array.buffer as ArrayBuffer)]
}

async function build({ id, unit }: Task): Promise<void> {
  try {
    const result = await builder.build(unit)
    port.postMessage({ id, result } satisfies SubtreeAnswer, transfersOf(result))
  } catch (error) {
    port.postMessage(failureOf(id, error))
  }
}

let isWorking = false

/** Builds until there are no more tasks. */
async function work(): Promise<void> {
  isWorking = true
  for (let task = board.claim(); task !== undefined; task = board.claim()) await build(task)
  isWorking = false
}

port.on('message', (task: Task) => {
  board.add(task)
  if (!isWorking) void work()
})
