// The seqlock between one writer and many readers. A file's epoch is the pair of sequence words of its two superblocks.
// A reader notes them, reads, and compares them again: if they are unchanged, nothing was moved in between, because a
// writer writes a superblock before it moves anything.
//
// The words are polled in the mapping, or by positioned reads where there is none. The superblocks themselves are
// always read whole and are used only if their checksum is right. A superblock that announces a change of geometry is
// not a state to read in. The reader then waits for the writer or, if no writer is alive, works out from the size of
// the file whether the change took place.
//
// Another program may also copy a different file over this one, in place. This may kill a reader that maps the file; at
// best it is noticed by the checks of what is read. A reader that does not map the file never confuses the two: for a
// sealed file, which has no reason to be written, size and mtime must stay the same; for other files the uuid must stay
// the same too (and reader.ts compares each of their values with its check).
import { SEQUENCE_WORD, SUPERBLOCK, SUPERBLOCK_A_OFFSET, SUPERBLOCK_BYTES } from '../../format/layout.js'
import type { Superblock } from '../../format/superblock/fields.js'
import type { ByteFile, FileFacts } from '../../platform/byte-file.js'
import { movedNow } from '../file/locked.js'
import { pendingOutcome, resolved } from '../file/pending.js'
import { sleep } from '../file/sleep.js'
import { chooseFrom, noSuperblock, readSlots, SLOTS_BYTES } from '../file/superblocks.js'
import { assertWhole } from '../file/whole.js'
import type { Windows } from '../index/window.js'

const WORD_A = SUPERBLOCK_A_OFFSET / 4 + SEQUENCE_WORD
const WORD_B = WORD_A + SUPERBLOCK_BYTES / 4
const UUID_WORD = SUPERBLOCK.uuid / 4
const UUID_WORDS = 4
/** A superblock that is being written looks damaged for some microseconds. */
const TORN_TRIES = 20

export class EpochWatch {
  readonly #file: ByteFile
  #mapped: Int32Array | undefined
  readonly #slots = new Uint8Array(SLOTS_BYTES)
  readonly #scratch = new Uint8Array(SLOTS_BYTES)
  readonly #slotWords = new Int32Array(this.#slots.buffer)
  /** For files without a mapping: the bytes from A's sequence word to the end of B's. */
  readonly #polled = new Uint8Array(SUPERBLOCK_BYTES + 4)
  readonly #polledWords = new Int32Array(this.#polled.buffer)
  #a = 0
  #b = 0
  /** False until a read has succeeded: after a failed one, everything may have changed. */
  #valid = false
  /** Facts of a sealed file that is not mapped, taken before it was read. */
  #facts: FileFacts | undefined
  /** Whether the file was written to since the previous read, whatever its sequence says. */
  wasTouched = false
  #isDistrusted = false
  /**
   * Whether one slot is damaged or was being written. Its word may never change again, so the slots are compared
   * instead.
   */
  #unsettled = false

  constructor(file: ByteFile, windows: Windows | undefined) {
    this.#file = file
    this.#mapped = windows && new Int32Array(windows.head, 0, WORD_B + 1)
  }

  /** Whether the file may have changed since `read`. Call it before reading. */
  changed(): boolean {
    const words = this.#mapped
    if (!this.#valid) return true
    if (this.#unsettled) return this.#changedByComparing()
    if (words === undefined) return this.#changedByAsking()
    return Atomics.load(words, WORD_A) !== this.#a || Atomics.load(words, WORD_B) !== this.#b
  }

  /** From now on every query answers "changed", also for reads in progress. The file is not accessed any more. */
  close(): void {
    this.#valid = false
    this.#unsettled = false
    this.#mapped = NOWHERE
    this.#a = -1
    this.#facts = undefined
  }

  /** Marks everything remembered about the file as unreliable. */
  distrust(): void {
    this.#valid = false
    this.#isDistrusted = true
  }

  /**
   * As `changed`, for callers that will call `changedAfterReading`. That call is sufficient for a sealed file, so this
   * saves a system call.
   */
  get mayHaveChanged(): boolean {
    return this.#facts === undefined ? this.changed() : !this.#valid
  }

  /** Whether the file has changed. Call it after reading: earlier loads are ordered before it. */
  changedAfterReading(): boolean {
    // A failed read by another call has left the words of a state that was never returned.
    if (!this.#valid) return true
    if (this.#unsettled) return this.#changedByComparing()
    if (this.#mapped === undefined) return this.#changedByAsking()
    // Our own read-modify-write is a full barrier. An atomic load alone does not order earlier loads on ARM.
    Atomics.add(FENCE, 0, 0)
    return Atomics.load(this.#mapped, WORD_A) !== this.#a || Atomics.load(this.#mapped, WORD_B) !== this.#b
  }

  #changedByComparing(): boolean {
    return Buffer.compare(readSlots(this.#file, this.#scratch), this.#slots) !== 0
  }

  #changedByAsking(): boolean {
    const facts = this.#facts
    if (facts === undefined ? this.#hasOtherWords() : !isSame(facts, this.#file.facts?.()))
      this.#valid = false
    return !this.#valid
  }

  #hasOtherWords(): boolean {
    const words = this.#polledWords
    const got = this.#file.read(this.#polled, SUPERBLOCK_A_OFFSET + SUPERBLOCK.sequence)
    if (got < this.#polled.length) return true
    if (words[0] !== this.#a || words[SUPERBLOCK_BYTES / 4] !== this.#b) return true
    for (let i = 0; i < UUID_WORDS; i++) {
      if (words[UUID_WORD - SEQUENCE_WORD + i] !== this.#slotWords[UUID_WORD + i]) return true
    }
    return false
  }

  /**
   * The superblock in force, without a pending change. Blocks for at most `waitMs` while a writer is making one.
   * @throws LOCKED when the writer is still not done
   */
  read(waitMs: number): Superblock {
    const deadline = performance.now() + waitMs
    const before = this.#facts
    const isDistrusted = this.#isDistrusted
    this.#isDistrusted = false
    this.#valid = false
    for (let tries = 0; ; tries++) {
      const facts = this.#mapped === undefined ? this.#file.facts?.() : undefined
      const isLate = performance.now() >= deadline
      const found = this.#look(tries < TORN_TRIES && !isLate)
      if (found === undefined) {
        // being written, and the other copy is not usable
      } else if (found.pending === undefined) {
        if (this.#isWhole(found)) {
          this.#valid = true
          this.#facts = found.sealed && !this.#unsettled ? facts : undefined
          this.wasTouched = isDistrusted || (before !== undefined && !isSame(before, facts))
          return found
        }
        continue
      } else {
        const answer = this.#whenNobodyWrites(found)
        if (answer !== undefined) {
          this.#valid = true
          this.#facts = undefined
          this.wasTouched = isDistrusted || before !== undefined
          return answer
        }
      }
      if (isLate) throw movedNow(this.#file, waitMs)
      sleep(1)
    }
  }

  /**
   * Reads both slots once. Undefined means try again, because one may be being written. With `mayWait` false the other
   * slot is used, which is in force until the write is complete.
   */
  #look(mayWait: boolean): Superblock | undefined {
    readSlots(this.#file, this.#slots)
    this.#a = this.#slotWords[SEQUENCE_WORD]!
    this.#b = this.#slotWords[SUPERBLOCK_BYTES / 4 + SEQUENCE_WORD]!
    const chosen = chooseFrom(this.#slots)
    this.#unsettled = chosen.problems.some((problem) => problem?.code === 'DAMAGED')
    const isWanting = mayWait || chosen.superblock === undefined
    if (this.#unsettled && isWanting && this.#someoneWrites()) return undefined
    if (chosen.superblock === undefined) throw noSuperblock(this.#file, chosen)
    return chosen.superblock
  }

  #someoneWrites(): boolean {
    if (!this.#file.tryLock('writer', 'shared')) return true
    this.#file.unlock('writer')
    return false
  }

  /**
   * Whether the file is as long as `sb` requires; false when the short length was temporary.
   * @throws DAMAGED when the file is truncated
   */
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
   * The outcome of a pending change when no writer is alive: while this reader holds the writer's lock (shared), none
   * can start. undefined when one is alive, or has finished meanwhile.
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

const isSame = (a: FileFacts, b: FileFacts | undefined): boolean =>
  a.mtimeMs === b?.mtimeMs && a.size === b.size

/** Polled in place of a closed file. */
const NOWHERE = new Int32Array(WORD_B + 1)

const FENCE = new Int32Array(new SharedArrayBuffer(4))
