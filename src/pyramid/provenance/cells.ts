// What is known of the cells of all frames: which were painted, and which of these are valid.
import type { Frame } from '../plan/plan.js'
import type { SampledPart } from './sampler.js'

/** One bit a cell, row by row, from the lowest bit on. */
export interface CellBits {
  readonly seen: Uint8Array
  readonly valid: Uint8Array
}

/** A frame, and what is known of its cells: undefined when nothing is. */
export interface KnownFrame {
  readonly frame: Frame
  readonly bits: CellBits | undefined
}

export class CellStates {
  readonly frames: readonly Frame[]
  readonly #bits: (CellBits | undefined)[]

  /** `known`: by frame; what does not fit its frame is left out. */
  constructor(frames: readonly Frame[], known: readonly (CellBits | undefined)[] = []) {
    this.frames = frames
    this.#bits = frames.map((frame, i) => {
      const length = bytesOf(frame)
      const bits = known[i]
      return bits?.seen.length === length && bits.valid.length === length ? bits : undefined
    })
  }

  /** By frame; undefined where nothing was painted. An entry whose arrays change is replaced. */
  get bits(): readonly (CellBits | undefined)[] {
    return this.#bits
  }

  /** The frames of each source that has some. */
  bySource(): Map<number, KnownFrame[]> {
    const found = new Map<number, KnownFrame[]>()
    for (const [i, frame] of this.frames.entries()) {
      found.set(frame.source, [...(found.get(frame.source) ?? []), { frame, bits: this.#bits[i] }])
    }
    return found
  }

  add(parts: readonly SampledPart[]): void {
    for (const part of parts) this.#add(part)
  }

  #add({ frame: index, x, y, width, height, valid }: SampledPart): void {
    const frame = this.frames[index]!
    const length = bytesOf(frame)
    const before = this.#bits[index] ?? { seen: new Uint8Array(length), valid: new Uint8Array(length) }
    // another object, so that it can be told that its arrays changed
    const bits = { ...before }
    this.#bits[index] = bits
    for (let row = 0; row < height; row++) {
      const from = (y + row) * frame.width + x
      setBits(bits.seen, from, from + width)
      if (valid === true) setBits(bits.valid, from, from + width)
      else if (valid !== false) orBits(bits.valid, from, valid, row * width, width)
    }
  }
}

const bytesOf = ({ width, height }: Frame): number => Math.ceil((width * height) / 8)

export const isSet = (bits: Uint8Array, i: number): boolean => (bits[i >> 3]! & (1 << (i & 7))) !== 0

function setBits(bits: Uint8Array, from: number, to: number): void {
  let i = from
  for (; i < to && (i & 7) !== 0; i++) bits[i >> 3]! |= 1 << (i & 7)
  const whole = i + ((to - i) & ~7)
  if (whole > i) bits.fill(255, i >> 3, whole >> 3)
  for (i = whole; i < to; i++) bits[i >> 3]! |= 1 << (i & 7)
}

function orBits(to: Uint8Array, at: number, from: Uint8Array, start: number, count: number): void {
  for (let i = 0; i < count; i++) if (isSet(from, start + i)) to[(at + i) >> 3]! |= 1 << ((at + i) & 7)
}
