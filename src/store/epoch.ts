// The seqlock between one writer and many readers. A file's epoch is the pair of sequence words of its two
// superblocks. A reader looks at them, reads what it wants, and looks again: if they are the same, nothing
// was moved between, because a writer that is about to move anything first writes a superblock.
//
// The words are polled in the mapping (or by positioned reads where there is none); the superblocks themselves
// are always read whole, and count only with their checksum. A superblock that announces a change of
// geometry is no state to read in: the reader waits for the writer or, when no writer lives, works out from the
// size of the file whether the change took place.
import { FlagstoneError } from '../errors.js'
import { SEQUENCE_WORD, SUPERBLOCK, SUPERBLOCK_A_OFFSET, SUPERBLOCK_BYTES } from '../format/layout.js'
import type { Superblock } from '../format/superblock.js'
import type { ByteFile } from '../platform/byte-file.js'
import { pendingOutcome, resolved } from './pending.js'
import { assertWhole } from './recover.js'
import { sleep } from './sleep.js'
import { chooseFrom, noSuperblock, readSlots, SLOTS_BYTES } from './superblocks.js'
import type { Windows } from './window.js'

const WORD_A = SUPERBLOCK_A_OFFSET / 4 + SEQUENCE_WORD
const WORD_B = WORD_A + SUPERBLOCK_BYTES / 4
/** A superblock being written right now looks damaged for some microseconds. */
const TORN_TRIES = 20

export class EpochWatch {
  readonly #file: ByteFile
  readonly #waitMs: number
  readonly #mapped: Int32Array | undefined
  readonly #slots = new Uint8Array(SLOTS_BYTES)
  readonly #scratch = new Uint8Array(SLOTS_BYTES)
  readonly #slotWords = new Int32Array(this.#slots.buffer)
  /** For files without a mapping: from A's sequence word to the end of B's. */
  readonly #polled = new Uint8Array(SUPERBLOCK_BYTES + 4)
  readonly #polledWords = new Int32Array(this.#polled.buffer)
  #a = 0
  #b = 0
  /** False until a look has ended well: after one that failed, everything may have changed. */
  #valid = false
  /** One slot is damaged, or was being written: its word may never change again, so do not rely on it. */
  #unsettled = false

  constructor(file: ByteFile, windows: Windows | undefined, waitMs: number) {
    this.#file = file
    this.#waitMs = waitMs
    this.#mapped = windows && new Int32Array(windows.head, 0, WORD_B + 1)
  }

  /** Whether the file may have changed since `read`. To be asked before reading. */
  changed(): boolean {
    const words = this.#mapped
    if (!this.#valid) return true
    if (this.#unsettled) return this.#changedByComparing()
    if (words === undefined) return this.#changedByReading()
    return Atomics.load(words, WORD_A) !== this.#a || Atomics.load(words, WORD_B) !== this.#b
  }

  /** Whether it has changed, to be asked after reading: nothing read before may slip behind this look. */
  changedAfterReading(): boolean {
    if (this.#unsettled) return this.#changedByComparing()
    if (this.#mapped === undefined) return this.#changedByReading()
    // A read-modify-write of our own is a full barrier; an atomic load alone does not hold earlier loads back on ARM.
    Atomics.add(FENCE, 0, 0)
    return Atomics.load(this.#mapped, WORD_A) !== this.#a || Atomics.load(this.#mapped, WORD_B) !== this.#b
  }

  #changedByComparing(): boolean {
    return Buffer.compare(readSlots(this.#file, this.#scratch), this.#slots) !== 0
  }

  #changedByReading(): boolean {
    const got = this.#file.read(this.#polled, SUPERBLOCK_A_OFFSET + SUPERBLOCK.sequence)
    if (got < this.#polled.length) return true
    return this.#polledWords[0] !== this.#a || this.#polledWords[SUPERBLOCK_BYTES / 4] !== this.#b
  }

  /** The superblock in force, without a pending change. Waits for a writer in the middle of one. */
  read(): Superblock {
    const deadline = performance.now() + this.#waitMs
    this.#valid = false
    for (let tries = 0; ; tries++) {
      const found = this.#look(tries)
      if (found === undefined) sleep(1)
      else if (found.pending === undefined) {
        if (this.#isWhole(found)) {
          this.#valid = true
          return found
        }
      } else {
        const answer = this.#whenNobodyWrites(found)
        if (answer !== undefined) {
          this.#valid = true
          return answer
        }
        if (performance.now() > deadline)
          throw new FlagstoneError(
            'LOCKED',
            `${this.#file.path}: a writer has been moving parts of the file for over ${this.#waitMs / 1000} s; try again when it is done.`,
          )
        sleep(1)
      }
    }
  }

  /** One look at both slots; undefined when it should be repeated, because one is perhaps being written. */
  #look(tries: number): Superblock | undefined {
    readSlots(this.#file, this.#slots)
    this.#a = this.#slotWords[SEQUENCE_WORD]!
    this.#b = this.#slotWords[SUPERBLOCK_BYTES / 4 + SEQUENCE_WORD]!
    const chosen = chooseFrom(this.#slots)
    this.#unsettled = chosen.problems.some((problem) => problem?.code === 'DAMAGED')
    if (this.#unsettled && tries < TORN_TRIES && this.#someoneWrites()) return undefined
    if (chosen.superblock === undefined) throw noSuperblock(this.#file, chosen)
    return chosen.superblock
  }

  #someoneWrites(): boolean {
    if (!this.#file.tryLock('writer', 'shared')) return true
    this.#file.unlock('writer')
    return false
  }

  /** Whether the file is as long as `sb` needs it; false when that was a passing state. Throws DAMAGED else. */
  #isWhole(sb: Superblock): boolean {
    try {
      assertWhole(this.#file, sb)
      return true
    } catch (error) {
      if (chooseFrom(readSlots(this.#file)).superblock?.sequence !== sb.sequence) return false
      throw error
    }
  }

  /**
   * What a pending change came to, provided that no writer lives: while this reader holds the writer's lock
   * (shared), none can start. undefined when one lives, or has finished meanwhile.
   */
  #whenNobodyWrites(sb: Superblock): Superblock | undefined {
    if (!this.#file.tryLock('writer', 'shared')) return undefined
    try {
      if (chooseFrom(readSlots(this.#file)).superblock?.sequence !== sb.sequence) return undefined
      const answer = resolved(sb, pendingOutcome(this.#file, sb))
      assertWhole(this.#file, answer)
      return answer
    } finally {
      this.#file.unlock('writer')
    }
  }
}

const FENCE = new Int32Array(new SharedArrayBuffer(4))
