// MD5 of much data, in another thread where there can be one: it takes as long as writing the data does.
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { beside } from '../../beside.js'
import { FlagstoneError } from '../../errors.js'

export const PIECE_BYTES = 128 * 1024
const PIECES = 8
const PATIENCE_MS = 60_000
/** Missing when Flagstone was bundled. */
const THREAD = beside('interop/mbtiles/md5-thread.js')

/** States of a piece: it is filled here, read there, and comes back; DONE: no more come. */
export const EMPTY = 0
const FULL = 1
export const DONE = 2

/** Shared by both threads. Pieces are used one after the other, again and again. */
export interface Md5Ring {
  readonly pieces: readonly Uint8Array[]
  readonly lengths: Int32Array
  readonly states: Int32Array
}

export interface Md5 {
  /** What comes next is put here: PIECE_BYTES. Each `submit` changes it. */
  readonly piece: Buffer
  /** Adds the first bytes of the piece. */
  submit(length: number): void
  /** Lower case. Ends it. */
  hex(): Promise<string>
  /** Ends it without a result. */
  close(): void
}

/** In another thread, or in this one if none starts. */
export async function startMd5(): Promise<Md5> {
  return (await Md5Thread.start()) ?? new Md5Here()
}

export class Md5Here implements Md5 {
  readonly piece = Buffer.alloc(PIECE_BYTES)
  readonly #hash: Hash = createHash('md5')

  submit(length: number): void {
    this.#hash.update(this.piece.subarray(0, length))
  }

  async hex(): Promise<string> {
    return this.#hash.digest('hex')
  }

  close(): void {}
}

class Md5Thread implements Md5 {
  readonly #ring: Md5Ring
  readonly #thread: Worker
  readonly #pieces: readonly Buffer[]
  #slot = 0

  private constructor() {
    const shared = Array.from({ length: PIECES }, () => new SharedArrayBuffer(PIECE_BYTES))
    this.#pieces = shared.map((memory) => Buffer.from(memory))
    this.#ring = {
      pieces: shared.map((memory) => new Uint8Array(memory)),
      lengths: new Int32Array(new SharedArrayBuffer(4 * PIECES)),
      states: new Int32Array(new SharedArrayBuffer(4 * PIECES)),
    }
    this.#thread = new Worker(THREAD, { workerData: this.#ring, execArgv: [] })
  }

  static async start(): Promise<Md5Thread | undefined> {
    if (!existsSync(THREAD)) return undefined
    try {
      const started = new Md5Thread()
      await once(started.#thread, 'online')
      started.#thread.unref()
      return started
    } catch {
      // no memory, or no more threads allowed
      return undefined
    }
  }

  get piece(): Buffer {
    return this.#pieces[this.#slot]!
  }

  /** Waits while every piece is in use. @throws SYSTEM when the thread ended */
  submit(length: number): void {
    const { lengths, states } = this.#ring
    lengths[this.#slot] = length
    this.#set(this.#slot, FULL)
    this.#slot = (this.#slot + 1) % PIECES
    if (Atomics.wait(states, this.#slot, FULL, PATIENCE_MS) === 'timed-out')
      throw new FlagstoneError('SYSTEM', 'The thread that computes agg_tiles_hash does not go on; try again.')
  }

  async hex(): Promise<string> {
    const answer = once(this.#thread, 'message')
    this.#thread.ref()
    this.#set(this.#slot, DONE)
    return String((await answer)[0])
  }

  close(): void {
    void this.#thread.terminate()
  }

  #set(slot: number, state: number): void {
    Atomics.store(this.#ring.states, slot, state)
    Atomics.notify(this.#ring.states, slot)
  }
}
