// The units of work that the threads of a pool take. Every thread knows all of them, in the same order, and claims the
// next one itself, so that none waits until another thread is free to give it something.
//
// A thread keeps to a square of four units while there are any, and starts with a square that no other thread works on:
// neighbours share blocks of the source, which are in its cache then. At the end all threads help with what is left.
// Invariants: a task is claimed by one thread only. Claims are in shared memory, in the order of the list.

import type { SubtreeUnit } from '../plan/forest.js'

export interface Task {
  /** 0, 1, 2 … within a pool. */
  readonly id: number
  readonly unit: SubtreeUnit
}

/** Limit on tasks in progress at once. */
export const MAX_TASKS = 4096

/** Claims of all threads: one cell per task, reused. */
export const createClaims = (): SharedArrayBuffer => new SharedArrayBuffer(MAX_TASKS * 4)

/** Roots with the same parent, which are consecutive in Hilbert order. */
const squareOf = ({ unit: { zoom, x, y } }: Task): string => `${zoom} ${x >> 1} ${y >> 1}`

export class TaskBoard {
  readonly #claims: Int32Array
  /** Tasks that are not known to be claimed, and enough claimed ones to tell which squares are being worked on. */
  #tasks: Task[] = []
  #square: string | undefined

  constructor(claims: SharedArrayBuffer) {
    this.#claims = new Int32Array(claims)
  }

  add(task: Task): void {
    this.#tasks.push(task)
  }

  /** Claims the next task, so that no other thread takes it. Undefined when there is none now. */
  claim(): Task | undefined {
    for (let next = this.#choose(); next !== undefined; next = this.#choose()) {
      if (!this.#take(next)) continue
      this.#square = squareOf(next)
      return next
    }
    return undefined
  }

  #choose(): Task | undefined {
    const open = this.#tasks.filter((task) => !this.#isTaken(task))
    const squares = new Set(open.map(squareOf))
    this.#tasks = this.#tasks.filter((task) => squares.has(squareOf(task)))
    const begun = new Set(this.#tasks.filter((task) => this.#isTaken(task)).map(squareOf))
    return (
      open.find((task) => squareOf(task) === this.#square) ??
      open.find((task) => !begun.has(squareOf(task))) ??
      open[0]
    )
  }

  // A cell counts the claims it has had: task `id` is number id / MAX_TASKS of its cell.
  #isTaken({ id }: Task): boolean {
    return Atomics.load(this.#claims, id % MAX_TASKS) > Math.floor(id / MAX_TASKS)
  }

  #take({ id }: Task): boolean {
    const turn = Math.floor(id / MAX_TASKS)
    return Atomics.compareExchange(this.#claims, id % MAX_TASKS, turn, turn + 1) === turn
  }
}
