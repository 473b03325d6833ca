// Bilevel fax codings (TIFF 6.0 §10 and §11, ITU-T T.4 and T.6): modified Huffman, group 3 with one- and
// two-dimensional rows, group 4. A row is decoded to the columns where its colour changes (white first), then painted.
//
// Invariants: every step consumes bits, so decoding ends; changes never exceed the row's width or go back; white is 0
// and black 1 in the output, whatever the photometric tag says.

import { Problem } from '../file/problem.js'
import { Compression } from '../file/tags.js'
import {
  BLACK_RUNS,
  MODE_BITS,
  MODE_HORIZONTAL,
  MODE_PASS,
  MODES,
  RUN_BITS,
  WHITE_RUNS,
} from './ccitt-codes.js'
import type { BlockShape } from './coding.js'

const TWO_DIMENSIONAL = 1
/** Zeros of an end-of-line code. No run code begins with that many. */
const EOL_ZEROS = 11

const broken = (what: string): Problem => new Problem(`its fax data is broken: ${what}`)

class BitReader {
  readonly #bytes: Uint8Array
  readonly #bits: number
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#bits = bytes.length * 8
  }

  get ended(): boolean {
    return this.#at >= this.#bits
  }

  /** The next `count` ≤ 16 bits; zeros after the end. */
  peek(count: number): number {
    const byte = this.#at >> 3
    const bytes = this.#bytes
    const word = ((bytes[byte] ?? 0) << 16) | ((bytes[byte + 1] ?? 0) << 8) | (bytes[byte + 2] ?? 0)
    return (word >> (24 - (this.#at & 7) - count)) & ((1 << count) - 1)
  }

  skip(count: number): void {
    this.#at += count
  }

  /** Skips to the next multiple of `bits`, a power of two. */
  align(bits: number): void {
    this.#at = (this.#at + bits - 1) & -bits
  }

  /** Skips an end-of-line code and its fill bits, if one is next. */
  skipEol(): boolean {
    if (this.peek(EOL_ZEROS) !== 0) return false
    while (!this.ended && this.peek(1) === 0) this.#at++
    this.#at++
    return this.#at <= this.#bits
  }

  /** Reads a run: any number of make-up codes and a terminating code. */
  run(table: Uint16Array, most: number): number {
    let sum = 0
    for (;;) {
      const entry = table[this.peek(RUN_BITS)]!
      if (entry === 0) throw broken(this.ended ? 'it is cut off' : 'an unknown code')
      this.#at += entry & 15
      const value = entry >> 4
      sum += value
      if (sum > most) throw broken('a row is too long')
      if (value < 64) return sum
    }
  }
}

/** Reads a row of runs; returns the number of changes. */
function readRow1(reader: BitReader, changes: Int32Array, width: number): number {
  let at = 0
  let count = 0
  while (at < width) {
    at += reader.run(count & 1 ? BLACK_RUNS : WHITE_RUNS, width - at)
    if (count >= width + 1) throw broken('a row has too many runs')
    changes[count++] = at
  }
  return count
}

/** Reads a row coded relative to the row above, whose changes `above` end with three times the width. */
function readRow2(reader: BitReader, above: Int32Array, changes: Int32Array, width: number): number {
  // before the first pixel, so that a change at column 0 is found
  let at = -1
  let count = 0
  let b = 0
  while (at < width) {
    const colour = count & 1
    if ((b & 1) !== colour) b += b > 0 ? -1 : 1
    while (above[b]! <= at) b += 2
    const entry = MODES[reader.peek(MODE_BITS)]!
    if (entry === 0) throw broken(reader.ended ? 'it is cut off' : 'an unknown mode')
    reader.skip(entry & 15)
    const mode = entry >> 4
    if (mode === MODE_PASS) {
      at = above[b + 1]!
      continue
    }
    if (count + 2 > width + 2) throw broken('a row has too many runs')
    let next: number
    if (mode === MODE_HORIZONTAL) {
      next = Math.max(0, at)
      next += reader.run(colour ? BLACK_RUNS : WHITE_RUNS, width - next)
      changes[count++] = next
      next += reader.run(colour ? WHITE_RUNS : BLACK_RUNS, width - next)
    } else {
      next = above[b]! + mode - 3
    }
    if (next < at || next < 0 || next > width) throw broken('a run ends outside its row')
    changes[count++] = next
    at = next
  }
  return count
}

/** Sets the bits of every second run, the black ones. */
function paint(out: Uint8Array, rowStart: number, changes: Int32Array, count: number, width: number): void {
  for (let i = 0; i < count; i += 2) {
    const to = i + 1 < count ? changes[i + 1]! : width
    for (let x = changes[i]!; x < to; ) {
      if ((x & 7) === 0 && to - x >= 8) {
        out[rowStart + (x >> 3)] = 255
        x += 8
      } else {
        out[rowStart + (x >> 3)]! |= 128 >> (x & 7)
        x++
      }
    }
  }
}

/** Decodes to packed rows of one bit per pixel. @throws Problem */
export function decodeCcitt(
  input: Uint8Array,
  shape: BlockShape,
  compression: number,
  t4Options: number,
): Uint8Array {
  const { width, rows } = shape
  const out = new Uint8Array(shape.bytes)
  const reader = new BitReader(input)
  const rowBytes = Math.ceil(width / 8)
  let above = new Int32Array(width + 6).fill(width)
  let changes = new Int32Array(width + 6)
  for (let y = 0; y < rows; y++) {
    if (reader.ended) throw new Problem(`its data ends after ${y} of ${rows} rows`)
    const count = readRow(reader, compression, t4Options, above, changes, width)
    paint(out, y * rowBytes, changes, count, width)
    changes.fill(width, count, count + 4)
    const free = above
    above = changes
    changes = free
  }
  return out
}

function readRow(
  reader: BitReader,
  compression: number,
  t4Options: number,
  above: Int32Array,
  changes: Int32Array,
  width: number,
): number {
  switch (compression) {
    case Compression.CcittGroup4:
      return readRow2(reader, above, changes, width)
    case Compression.CcittGroup3: {
      const found = reader.skipEol()
      if ((t4Options & TWO_DIMENSIONAL) === 0) return readRow1(reader, changes, width)
      if (!found) throw broken('a row does not begin with the required code')
      const isRuns = reader.peek(1) === 1
      reader.skip(1)
      return isRuns ? readRow1(reader, changes, width) : readRow2(reader, above, changes, width)
    }
    default: {
      // rows begin on a byte or on a word
      const count = readRow1(reader, changes, width)
      reader.align(compression === Compression.CcittRleWords ? 16 : 8)
      return count
    }
  }
}
