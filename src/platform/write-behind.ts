// Large writes past the page cache in another thread, while this one fills the next buffer. They use a ring of aligned
// buffers in shared memory; handing one over needs no copy and no turn of the event loop.
//
// Invariants: pieces are aligned in memory, length and position (ALIGN_BYTES). A piece stays in its buffer until it is
// written, so a failed one can be tried again. Only `drain` ensures that everything handed over is in the file (it is
// durable only after a sync).
import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { beside } from '../beside.js'
import { O_DIRECT } from './direct.js'
import { addressOf } from './libc.js'

/** A page: pieces never share one with bytes that are written through the cache. Sufficient for O_DIRECT everywhere. */
const ALIGN_BYTES = 4096
const BUFFERS = 3
/** Missing when Flagstone was bundled. */
const THREAD = beside('platform/write-thread.js')
/** A thread that has not started by then will not start: there was no memory or no descriptor for it. */
const BEGIN_MS = 10_000

/** States of the thread. Whoever changes STARTING first decides: a thread that was given up writes nothing. */
export const STARTING = 0
export const BEGUN = 1
const GIVEN_UP = 2

/** States of a buffer. FREE → FULL (here), FULL → FREE or FAILED (there), FAILED → FREE (here). */
export const FREE = 0
export const FULL = 1
export const FAILED = 2
export const STOP = 3

/** Shared by both threads. */
export interface Ring {
  readonly fd: number
  readonly pieces: readonly Uint8Array[]
  readonly states: Int32Array
  /** One Int32: the state of the thread. */
  readonly thread: Int32Array
  /** from, length and position of each piece. */
  readonly places: Float64Array
}

/** Writes in the calling thread through the cache; used to retry a failed piece. */
export type PlainWrite = (bytes: Uint8Array, position: number) => void

function sharedAligned(bytes: number): Uint8Array {
  const room = new Uint8Array(new SharedArrayBuffer(bytes + ALIGN_BYTES))
  const past = Number(addressOf(room) % BigInt(ALIGN_BYTES))
  return room.subarray(past === 0 ? 0 : ALIGN_BYTES - past).subarray(0, bytes)
}

export class WriteBehind {
  readonly #ring: Ring
  readonly #thread: Worker
  readonly #write: PlainWrite
  #slot = 0

  private constructor(fd: number, pieceBytes: number, write: PlainWrite) {
    this.#write = write
    this.#ring = {
      fd,
      pieces: Array.from({ length: BUFFERS }, () => sharedAligned(pieceBytes)),
      states: new Int32Array(new SharedArrayBuffer(4 * BUFFERS)),
      thread: new Int32Array(new SharedArrayBuffer(4)),
      places: new Float64Array(new SharedArrayBuffer(24 * BUFFERS)),
    }
    this.#thread = new Worker(THREAD, { workerData: this.#ring, execArgv: [] })
    // a thread that could not start is given up, see #wait
    this.#thread.on('error', () => {})
    this.#thread.unref()
  }

  /** Undefined where the file has no direct I/O. `fd` is any open descriptor of the file; pieces hold `pieceBytes`. */
  static open(fd: number, pieceBytes: number, write: PlainWrite): WriteBehind | undefined {
    if (O_DIRECT === undefined || process.platform !== 'linux' || !existsSync(THREAD)) return undefined
    try {
      // By descriptor rather than by name: the file may have been renamed.
      const direct = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | O_DIRECT)
      return new WriteBehind(direct, pieceBytes, write)
    } catch {
      return undefined
    }
  }

  /** The buffer to fill. Each `submit` changes it. */
  get buffer(): Uint8Array {
    return this.#ring.pieces[this.#slot]!
  }

  /**
   * Hands over [from, from + length) of the buffer, to be written at `position`; all are multiples of ALIGN_BYTES.
   * Waits while every buffer is in use. If it throws, this piece was not handed over.
   * @throws DISK_FULL, SYSTEM when an earlier piece cannot be written
   */
  submit(from: number, length: number, position: number): void {
    const { states, places } = this.#ring
    const next = (this.#slot + 1) % BUFFERS
    this.#settle(next)
    places[this.#slot * 3] = from
    places[this.#slot * 3 + 1] = length
    places[this.#slot * 3 + 2] = position
    Atomics.store(states, this.#slot, FULL)
    Atomics.notify(states, this.#slot)
    this.#slot = next
  }

  /**
   * When this returns, everything handed over is in the file. May be called again if it throws.
   * @throws DISK_FULL, SYSTEM
   */
  drain(): void {
    for (let i = 1; i <= BUFFERS; i++) this.#settle((this.#slot + i) % BUFFERS)
  }

  /** Ends the thread. Pieces that were not drained may be lost. */
  close(): void {
    const { states, fd } = this.#ring
    for (let slot = 0; slot < BUFFERS; slot++) this.#wait(slot)
    for (let slot = 0; slot < BUFFERS; slot++) {
      Atomics.store(states, slot, STOP)
      Atomics.notify(states, slot)
    }
    closeSync(fd)
  }

  #wait(slot: number): number {
    const { states } = this.#ring
    let state = Atomics.load(states, slot)
    while (state === FULL) {
      if (!this.#begins()) return FAILED
      Atomics.wait(states, slot, FULL)
      state = Atomics.load(states, slot)
    }
    return state
  }

  /** Waits until the thread has started; false when it never will. */
  #begins(): boolean {
    const { thread } = this.#ring
    Atomics.wait(thread, 0, STARTING, BEGIN_MS)
    return Atomics.compareExchange(thread, 0, STARTING, GIVEN_UP) === BEGUN
  }

  /** Waits until a buffer is free. Writes it here if the thread could not. */
  #settle(slot: number): void {
    if (this.#wait(slot) !== FAILED) return
    const { pieces, places, states } = this.#ring
    const from = places[slot * 3]!
    this.#write(pieces[slot]!.subarray(from, from + places[slot * 3 + 1]!), places[slot * 3 + 2]!)
    Atomics.store(states, slot, FREE)
  }
}
