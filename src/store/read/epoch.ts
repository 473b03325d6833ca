// The seqlock between one writer and many readers. A file's epoch is the pair of sequence words of its two
// superblocks. A reader looks at them, reads what it wants, and looks again: if they are the same, nothing
// was moved between, because a writer that is about to move anything first writes a superblock.
//
// The words are polled in the mapping (or by positioned reads where there is none); the superblocks themselves
// are always read whole, and count only with their checksum. A superblock that announces a change of
// geometry is no state to read in: the reader waits for the writer or, when no writer lives, works out from the
// size of the file whether the change took place.
//
// Somebody may also copy another file over this one, in place. A reader that maps the file may die of it and at best
// finds out by the checks of what it reads. One that does not map it never takes one file for the other: of a file that
// is sealed, so that nobody has a reason to write to it, size and time must stay the same, of others the uuid too (and
// reader.ts compares each of their values with its check).
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
/** A superblock being written right now looks damaged for some microseconds. */
const TORN_TRIES = 20

export class EpochWatch {
  readonly #file: ByteFile
  #mapped: Int32Array | undefined
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
  /** Of a sealed file that is not mapped, as it was before it was read. */
  #facts: FileFacts | undefined
  /** The file was written to since it was read before, whatever its sequence says. */
  wasTouched = false
  #isDistrusted = false
  /** One slot is damaged, or was being written: its word may never change again, so do not rely on it. */
  #unsettled = false

  constructor(file: ByteFile, windows: Windows | undefined) {
    this.#file = file
    this.#mapped = windows && new Int32Array(windows.head, 0, WORD_B + 1)
  }

  /** Whether the file may have changed since `read`. To be asked before reading. */
  changed(): boolean {
    const words = this.#mapped
    if (!this.#valid) return true
    if (this.#unsettled) return this.#changedByComparing()
    if (words === undefined) return this.#changedByAsking()
    return Atomics.load(words, WORD_A) !== this.#a || Atomics.load(words, WORD_B) !== this.#b
  }

  /** For good: what is asked after this, also by reads that are under way, has changed. The file is not looked at any more. */
  close(): void {
    this.#valid = false
    this.#unsettled = false
    this.#mapped = NOWHERE
    this.#a = -1
    this.#facts = undefined
  }

  /** What is remembered of the file is not to be relied on. */
  distrust(): void {
    this.#valid = false
    this.#isDistrusted = true
  }

  /** As `changed`, for who will ask `changedAfterReading`: of a sealed file that is enough, and asking costs a call. */
  get mayHaveChanged(): boolean {
    return this.#facts === undefined ? this.changed() : !this.#valid
  }

  /** Whether it has changed, to be asked after reading: nothing read before may slip behind this look. */
  changedAfterReading(): boolean {
    // A look that failed, of another call meanwhile, has left the words of a state nobody was told of.
    if (!this.#valid) return true
    if (this.#unsettled) return this.#changedByComparing()
    if (this.#mapped === undefined) return this.#changedByAsking()
    // A read-modify-write of our own is a full barrier; an atomic load alone does not hold earlier loads back on ARM.
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
   * The superblock in force, without a pending change. Blocks for `waitMs` at most while a writer is in the middle of
   * one.
   * @throws LOCKED when it still is
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
        // being written, and there is no other
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
   * One look at both slots; undefined when it is to be repeated, because one is perhaps being written. `mayWait` false:
   * then the other one counts, as it does until that is written.
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
   * Whether the file is as long as `sb` needs it; false when that was a passing state.
   * @throws DAMAGED when it is cut off
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

const isSame = (a: FileFacts, b: FileFacts | undefined): boolean =>
  a.mtimeMs === b?.mtimeMs && a.size === b.size

/** Looked at in place of a file that is closed. */
const NOWHERE = new Int32Array(WORD_B + 1)

const FENCE = new Int32Array(new SharedArrayBuffer(4))
