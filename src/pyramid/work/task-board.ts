// The units of work that a pool's threads take from: every thread knows of all of them, in the same order, and
// claims the next one itself, so that none waits until another thread is free to give it something.
//
// A thread keeps to a square of four units while there are any, and begins with one that nobody works on:
// neighbours share blocks of the source, which are in its cache then. At the end all help with what is left.
// Invariants: a task is claimed by one thread only; claims are made in shared memory, the order of the list.

/** A root to build. */
export interface Task {
  /** 0, 1, 2 … in a pool. */
  readonly id: number
  readonly x: number
  readonly y: number
}

/** More tasks are never under way at once. */
export const MAX_TASKS = 4096

/** Claims of all threads: a cell a task, used again. */
export const createClaims = (): SharedArrayBuffer => new SharedArrayBuffer(MAX_TASKS * 4)

/** Roots with one parent: consecutive in Hilbert order. */
const squareOf = ({ x, y }: Task): string => `${x >> 1} ${y >> 1}`

export class TaskBoard {
  readonly #claims: Int32Array
  /** Those not seen claimed, and as many claimed ones as tell which squares are worked on. */
  #tasks: Task[] = []
  #square: string | undefined

  constructor(claims: SharedArrayBuffer) {
    this.#claims = new Int32Array(claims)
  }

  add(task: Task): void {
    this.#tasks.push(task)
  }

  /** What to do next; nobody else will do it. Undefined when there is nothing now. */
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

  // A cell holds the number of claims it has had: task id is the (id / MAX_TASKS)th of its cell.
  #isTaken({ id }: Task): boolean {
    return Atomics.load(this.#claims, id % MAX_TASKS) > Math.floor(id / MAX_TASKS)
  }

  #take({ id }: Task): boolean {
    const turn = Math.floor(id / MAX_TASKS)
    return Atomics.compareExchange(this.#claims, id % MAX_TASKS, turn, turn + 1) === turn
  }
}
