// Opacity as WebP keeps it: one plane without loss, in the manner of "WebP Lossless Bitstream Specification" (RFC
// 9649, 3), of which this uses what masks need: runs of the pixel to the left and of the row above, and one Huffman
// code. The plane is the green channel; the other channels are constant.

import { wordsOf } from '../words.js'

/** Bits, the lowest first. */
class BitWriter {
  #bytes = new Uint8Array(4096)
  #length = 0
  #pending = 0
  #count = 0

  put(value: number, bits: number): void {
    this.#pending |= value << this.#count
    this.#count += bits
    while (this.#count >= 8) {
      if (this.#length === this.#bytes.length) this.#grow()
      this.#bytes[this.#length++] = this.#pending
      this.#pending >>>= 8
      this.#count -= 8
    }
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2)
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  finish(): Uint8Array {
    if (this.#count > 0) this.put(0, 8 - this.#count)
    return this.#bytes.subarray(0, this.#length)
  }
}

interface Code {
  readonly lengths: Uint8Array
  /** As they are written: the first bit lowest. */
  readonly codes: Uint16Array
}

/** Huffman's code with no length over `most`; a symbol that is alone gets a length too. */
function codeOf(counts: Uint32Array, most: number): Code {
  const lengths = new Uint8Array(counts.length)
  // counts are brought nearer to each other until the tree is flat enough
  for (let least = 1; ; least *= 2) {
    const nodes: { count: number; symbols: number[] }[] = []
    counts.forEach((count, symbol) => {
      if (count > 0) nodes.push({ count: Math.max(count, least), symbols: [symbol] })
    })
    lengths.fill(0)
    if (nodes.length === 1) lengths[nodes[0]!.symbols[0]!] = 1
    while (nodes.length > 1) {
      nodes.sort((a, b) => b.count - a.count || b.symbols[0]! - a.symbols[0]!)
      const a = nodes.pop()!
      const b = nodes.pop()!
      const symbols = [...a.symbols, ...b.symbols]
      for (const symbol of symbols) lengths[symbol]!++
      nodes.push({ count: a.count + b.count, symbols })
    }
    if (lengths.every((length) => length <= most)) return { lengths, codes: codesOf(lengths) }
  }
}

/** Canonical codes, RFC 9649, 3.7.2.1 (as DEFLATE's). */
function codesOf(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length)
  let code = 0
  for (let length = 1; length <= 15; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue
      let turned = 0
      for (let bit = 0; bit < length; bit++) turned |= ((code >> bit) & 1) << (length - 1 - bit)
      codes[symbol] = turned
      code++
    }
    code <<= 1
  }
  return codes
}

/** A length of a run as symbol, and how many more bits with what in them. RFC 9649, 3.6.2.2. */
function prefixOf(value: number): readonly [symbol: number, bits: number, extra: number] {
  if (value <= 4) return [value - 1, 0, 0]
  const high = 31 - Math.clz32(value - 1)
  const bits = high - 1
  return [2 * high + (((value - 1) >> bits) & 1), bits, (value - 1) & ((1 << bits) - 1)]
}

const LITERALS = 256
const GREEN_SYMBOLS = LITERALS + 24
const MAX_RUN = 4096
/** Shorter runs cost more than what they stand for. */
const MIN_RUN = 3
/** Distances: 0 the row above, 1 the pixel to the left. */
const ABOVE = 0
const LEFT = 1

/** How many bytes from `i` on are as those `back` before them, up to `most`. */
function runOf(
  plane: Uint8Array,
  words: Uint32Array | undefined,
  i: number,
  back: number,
  most: number,
): number {
  const end = i + most
  let at = i
  while (at < end && (at & 3) !== 0 && plane[at] === plane[at - back]) at++
  if (words !== undefined && (at & 3) === 0 && (back & 3) === 0) {
    const step = back >> 2
    let word = at >> 2
    const last = end >> 2
    while (word < last && words[word] === words[word - step]) word++
    at = Math.max(at, word << 2)
  }
  while (at < end && plane[at] === plane[at - back]) at++
  return at - i
}

/** Runs (length · 2 + distance, negated) and single values. */
function tokensOf(plane: Uint8Array, width: number): Int32Array {
  const words = wordsOf(plane)
  const tokens = new Int32Array(plane.length)
  let count = 0
  for (let i = 0; i < plane.length; ) {
    const most = Math.min(MAX_RUN, plane.length - i)
    const above = i < width ? 0 : runOf(plane, words, i, width, most)
    // a run of more than a row is as good as any
    const left = i === 0 || above >= width ? 0 : runOf(plane, words, i, 1, most)
    const run = Math.max(above, left)
    if (run >= MIN_RUN) {
      tokens[count++] = -(run * 2 + (above >= left ? ABOVE : LEFT))
      i += run
    } else tokens[count++] = plane[i++]!
  }
  return tokens.subarray(0, count)
}

const LENGTH_ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

/** The lengths of a code, run-length coded: 17 and 18 are runs of 3 … 10 and of 11 … 138 zeros. RFC 9649, 3.7.2.1.2. */
function putLengths(to: BitWriter, lengths: Uint8Array): void {
  const symbols: [symbol: number, bits: number, extra: number][] = []
  for (let i = 0; i < lengths.length; ) {
    let zeros = 0
    while (zeros < 138 && i + zeros < lengths.length && lengths[i + zeros] === 0) zeros++
    if (zeros >= 11) symbols.push([18, 7, zeros - 11])
    else if (zeros >= 3) symbols.push([17, 3, zeros - 3])
    else symbols.push([lengths[i]!, 0, 0])
    i += zeros >= 3 ? zeros : 1
  }
  const counts = new Uint32Array(19)
  for (const [symbol] of symbols) counts[symbol]!++
  const code = codeOf(counts, 7)
  to.put(0, 1) // not a simple code
  to.put(LENGTH_ORDER.length - 4, 4)
  for (const symbol of LENGTH_ORDER) to.put(code.lengths[symbol]!, 3)
  to.put(0, 1) // as many as there are symbols
  for (const [symbol, bits, extra] of symbols) {
    to.put(code.codes[symbol]!, code.lengths[symbol]!)
    to.put(extra, bits)
  }
}

/** What follows the first byte of an ALPH chunk. `plane` holds at least two pixels. */
export function encodeAlphaPlane(plane: Uint8Array, width: number): Uint8Array {
  const tokens = tokensOf(plane, width)
  const counts = new Uint32Array(GREEN_SYMBOLS)
  for (const token of tokens) counts[token >= 0 ? token : LITERALS + prefixOf(-token >> 1)[0]]!++
  // a code of one symbol would be read without any bits
  const { lengths, codes } = codeOf(counts, 15)
  const to = new BitWriter()
  to.put(0, 3) // no transform, no colour cache, one set of codes
  putLengths(to, lengths)
  for (let channel = 0; channel < 3; channel++) to.put(1, 4) // red, blue, alpha: a simple code of the symbol 0
  to.put(0b011, 3) // distances: a simple code of two symbols,
  to.put(ABOVE, 1)
  to.put(LEFT, 8)
  for (const token of tokens) {
    if (token >= 0) {
      to.put(codes[token]!, lengths[token]!)
      continue
    }
    const [symbol, bits, extra] = prefixOf(-token >> 1)
    to.put(codes[LITERALS + symbol]!, lengths[LITERALS + symbol]!)
    to.put(extra, bits)
    to.put(-token & 1, 1)
  }
  return to.finish()
}
