// AssemblyScript. RFC 1950 and 1951: decodes a zlib stream of known length into memory of that length.
//
// Anything but a complete and valid stream of exactly the expected length gives 0, and raster/inflate.ts lets zlib
// report the error. Reads up to 16 bytes after the input, and writes up to SLACK bytes after the output.
//
// A table entry: bits 0-7 are the number of bits to drop, 8-11 the length of the code itself (the rest are extra bits),
// 16-30 the base. LITERAL, LONG (bits 8-11: bits of the second table, 16-30: its start) and END are flags. In literals,
// bits 8-23 are one or two of them, and 24-25 their number: two if both codes fit into one look-up.

const LITERAL: i32 = 1 << 31
const ONE: i32 = 1 << 24
const TWO: i32 = 2 << 24
const LONG: i32 = 1 << 15
const END: i32 = 1 << 14
const EXCEPTION: i32 = LONG | END

const LENGTH_BITS: i32 = 11
const DISTANCE_BITS: i32 = 8
const LENGTHS = memory.data((2048 + 288 * 16) * 4, 16)
const DISTANCES = memory.data((256 + 32 * 128) * 4, 16)
/** Code lengths of a block: 288 + 32, and those of the code length code. */
const CODE_LENGTHS = memory.data(320 + 32, 16)
const COUNTS = memory.data(16 * 4, 16)
const NEXT = memory.data(16 * 4, 16)

const LENGTH_BASE = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
])
const LENGTH_EXTRA = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
])
const DISTANCE_BASE = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
])
const DISTANCE_EXTRA = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
])
const ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])

/**
 * The table entry of a symbol whose code has `length` bits. Kinds: 0 literals and lengths, 1 distances, 2 code lengths.
 */
function entryOf(kind: i32, symbol: i32, length: i32): i32 {
  if (kind === 2) return (symbol << 16) | (length << 8) | length
  if (kind === 1) {
    if (symbol >= 30) return 0
    const extra = i32(load<u8>(DISTANCE_EXTRA + symbol))
    return (i32(load<u16>(DISTANCE_BASE + (usize(symbol) << 1))) << 16) | (length << 8) | (length + extra)
  }
  if (symbol < 256) return LITERAL | ONE | (symbol << 8) | length
  if (symbol === 256) return END | (length << 8) | length
  if (symbol >= 286) return 0
  const extra = i32(load<u8>(LENGTH_EXTRA + symbol - 257))
  return (i32(load<u16>(LENGTH_BASE + (usize(symbol - 257) << 1))) << 16) | (length << 8) | (length + extra)
}

/** Builds a table; false when the lengths do not form a prefix code. An incomplete code leaves entries of 0. */
function buildTable(lengths: usize, count: i32, table: usize, bits: i32, kind: i32): bool {
  memory.fill(COUNTS, 0, 64)
  for (let i = 0; i < count; i++) {
    const at = COUNTS + (usize(load<u8>(lengths + i)) << 2)
    store<i32>(at, load<i32>(at) + 1)
  }
  store<i32>(COUNTS, 0)
  let code = 0
  let left = 1
  for (let length = 1; length < 16; length++) {
    code = (code + load<i32>(COUNTS + ((length - 1) << 2))) << 1
    store<i32>(NEXT + (length << 2), code)
    left = (left << 1) - load<i32>(COUNTS + (length << 2))
    if (left < 0) return false
  }
  const size = 1 << bits
  const more = 15 - bits
  memory.fill(table, 0, size << 2)
  let end = size
  for (let symbol = 0; symbol < count; symbol++) {
    const length = i32(load<u8>(lengths + symbol))
    if (length === 0) continue
    const at = NEXT + (length << 2)
    let rest = load<i32>(at)
    store<i32>(at, rest + 1)
    let reversed = 0
    for (let i = 0; i < length; i++) {
      reversed = (reversed << 1) | (rest & 1)
      rest >>= 1
    }
    const entry = entryOf(kind, symbol, length)
    if (length <= bits) {
      for (let i = reversed; i < size; i += 1 << length) store<i32>(table + (i << 2), entry)
      continue
    }
    const first = table + ((reversed & (size - 1)) << 2)
    if (load<i32>(first) === 0) {
      store<i32>(first, LONG | (end << 16) | (more << 8))
      memory.fill(table + (end << 2), 0, 4 << more)
      end += 1 << more
    }
    const base = (load<i32>(first) >> 16) & 0x7fff
    for (let i = reversed >> bits; i < 1 << more; i += 1 << (length - bits)) store<i32>(table + ((base + i) << 2), entry)
  }
  return true
}

// The input, and the bits that were loaded but not used. The hot loops copy these to local variables, which are faster.
let from: usize = 0
let limit: usize = 0
let held: u64 = 0
let heldBits: i32 = 0

// @ts-ignore: a decorator of AssemblyScript
@inline
function refill(): void {
  held |= load<u64>(from) << heldBits
  from += (63 - heldBits) >> 3
  heldBits |= 56
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function take(bits: i32): i32 {
  const value = i32(held & ((u64(1) << bits) - 1))
  held >>= bits
  heldBits -= bits
  return value
}

function fixedTables(): void {
  for (let i = 0; i < 288; i++) store<u8>(CODE_LENGTHS + i, i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)
  for (let i = 288; i < 320; i++) store<u8>(CODE_LENGTHS + i, 5)
  buildTable(CODE_LENGTHS, 288, LENGTHS, LENGTH_BITS, 0)
  buildTable(CODE_LENGTHS + 288, 32, DISTANCES, DISTANCE_BITS, 1)
}

function dynamicTables(): bool {
  refill()
  const literals = take(5) + 257
  const distances = take(5) + 1
  const codes = take(4) + 4
  if (literals > 286 || distances > 30) return false
  const small = CODE_LENGTHS + 320
  memory.fill(small, 0, 19)
  for (let i = 0; i < codes; i++) {
    refill()
    store<u8>(small + load<u8>(ORDER + i), take(3))
  }
  // at most seven bits, so there is no second table
  if (!buildTable(small, 19, DISTANCES, DISTANCE_BITS, 2)) return false
  const all = literals + distances
  for (let i = 0; i < all; ) {
    refill()
    if (from > limit + 8) return false
    const entry = load<i32>(DISTANCES + (usize(held & 255) << 2))
    if (entry === 0) return false
    take(entry & 255)
    const symbol = entry >> 16
    if (symbol < 16) {
      store<u8>(CODE_LENGTHS + i++, symbol)
      continue
    }
    if (symbol === 16 && i === 0) return false
    const value = symbol === 16 ? load<u8>(CODE_LENGTHS + i - 1) : 0
    const times = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7)
    if (i + times > all) return false
    memory.fill(CODE_LENGTHS + i, value, times)
    i += times
  }
  if (load<u8>(CODE_LENGTHS + 256) === 0) return false
  // the lengths of the distance codes follow the others
  return (
    buildTable(CODE_LENGTHS, literals, LENGTHS, LENGTH_BITS, 0) &&
    buildTable(CODE_LENGTHS + literals, distances, DISTANCES, DISTANCE_BITS, 1)
  )
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function literals(to: usize, entry: i32): usize {
  store<u16>(to, entry >> 8)
  return to + ((entry >> 24) & 3)
}

/** Combines two literals whose codes fit into one look-up into one entry. */
function pairLiterals(): void {
  // downwards, so that the entry for the second literal is still single
  for (let i = (1 << LENGTH_BITS) - 1; i >= 0; i--) {
    const first = load<i32>(LENGTHS + (i << 2))
    if (first >= 0) continue
    const bits = first & 255
    const second = load<i32>(LENGTHS + ((i >> bits) << 2))
    const both = bits + (second & 255)
    if (second >= 0 || both > LENGTH_BITS) continue
    store<i32>(LENGTHS + (i << 2), LITERAL | TWO | ((second & 0xff00) << 8) | (first & 0xff00) | both)
  }
}

/** Decodes a compressed block; returns the end of its output, or 0 on an error. */
function block(begin: usize, to: usize, most: usize): usize {
  let input = from
  let bits = held
  let count = heldBits
  while (true) {
    if (input > limit + 8 || to > most) return 0
    bits |= load<u64>(input) << count
    input += (63 - count) >> 3
    count |= 56
    let entry = load<i32>(LENGTHS + (usize(bits & 2047) << 2))
    if (entry < 0) {
      // up to four look-ups of 11 bits
      to = literals(to, entry)
      bits >>= entry & 255
      count -= entry & 255
      entry = load<i32>(LENGTHS + (usize(bits & 2047) << 2))
      if (entry < 0) {
        to = literals(to, entry)
        bits >>= entry & 255
        count -= entry & 255
        entry = load<i32>(LENGTHS + (usize(bits & 2047) << 2))
        if (entry < 0) {
          to = literals(to, entry)
          bits >>= entry & 255
          count -= entry & 255
          entry = load<i32>(LENGTHS + (usize(bits & 2047) << 2))
          if (entry < 0) {
            to = literals(to, entry)
            bits >>= entry & 255
            count -= entry & 255
            continue
          }
        }
      }
      bits |= load<u64>(input) << count
      input += (63 - count) >> 3
      count |= 56
    }
    if (entry & EXCEPTION) {
      if (entry & LONG) {
        const second = i32((bits >> LENGTH_BITS) & ((u64(1) << ((entry >> 8) & 15)) - 1))
        entry = load<i32>(LENGTHS + (usize(((entry >> 16) & 0x7fff) + second) << 2))
        if (entry < 0) {
          bits >>= entry & 255
          count -= entry & 255
          to = literals(to, entry)
          continue
        }
      }
      if (entry & END) {
        from = input
        held = bits >> (entry & 255)
        heldBits = count - (entry & 255)
        return to
      }
    }
    if (entry === 0) return 0
    let all = entry & 255
    let own = (entry >> 8) & 15
    const length = usize((entry >> 16) + i32((bits >> own) & ((u64(1) << (all - own)) - 1)))
    bits >>= all
    count -= all
    entry = load<i32>(DISTANCES + (usize(bits & 255) << 2))
    if (entry & LONG) {
      const second = i32((bits >> DISTANCE_BITS) & ((u64(1) << ((entry >> 8) & 15)) - 1))
      entry = load<i32>(DISTANCES + (usize(((entry >> 16) & 0x7fff) + second) << 2))
    }
    if (entry === 0) return 0
    all = entry & 255
    own = (entry >> 8) & 15
    const distance = usize((entry >> 16) + i32((bits >> own) & ((u64(1) << (all - own)) - 1)))
    bits >>= all
    count -= all
    if (distance > to - begin) return 0
    copyBack(to, distance, length)
    to += length
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function copyBack(to: usize, distance: usize, length: usize): void {
  const end = to + length
  let source = to - distance
  if (distance >= 16) {
    do {
      v128.store(to, v128.load(source))
      to += 16
      source += 16
    } while (to < end)
  } else if (distance === 1) {
    const value = i8x16.splat(load<u8>(source))
    do {
      v128.store(to, value)
      to += 16
    } while (to < end)
  } else if (distance >= 8) {
    do {
      store<u64>(to, load<u64>(source))
      to += 8
      source += 8
    } while (to < end)
  } else {
    do store<u8>(to++, load<u8>(source++))
    while (to < end)
  }
}

function stored(to: usize, most: usize): usize {
  // skip to a whole byte
  from -= heldBits >> 3
  held = 0
  heldBits = 0
  if (from + 4 > limit) return 0
  const length = u32(load<u16>(from))
  if (length !== (u32(load<u16>(from, 2)) ^ 0xffff)) return 0
  from += 4
  if (from + length > limit || to + length > most) return 0
  memory.copy(to, from, length)
  from += length
  return to + length
}

/** The checksum of RFC 1950. Sums stay below 2^32 for 5552 bytes; 5536 is a whole number of vectors. */
function adler32(at: usize, length: usize): u32 {
  const end = at + length
  const low = i16x8(16, 15, 14, 13, 12, 11, 10, 9)
  const high = i16x8(8, 7, 6, 5, 4, 3, 2, 1)
  let a: u32 = 1
  let b: u32 = 0
  while (at + 16 <= end) {
    const stop = min(at + 5536, end - ((end - at) & 15))
    const vectors = u32(stop - at) >> 4
    let sums = i32x4.splat(0)
    let before = i32x4.splat(0)
    let weighed = i32x4.splat(0)
    for (; at < stop; at += 16) {
      const v = v128.load(at)
      before = i32x4.add(before, sums)
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(v)))
      weighed = i32x4.add(weighed, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(v), low))
      weighed = i32x4.add(weighed, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(v), high))
    }
    b = (b + a * (vectors << 4) + (across(before) << 4) + across(weighed)) % 65521
    a = (a + across(sums)) % 65521
  }
  for (; at < end; at++) {
    a += load<u8>(at)
    b += a
  }
  return ((b % 65521) << 16) | a % 65521
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function across(v: v128): u32 {
  return (
    u32(i32x4.extract_lane(v, 0)) +
    u32(i32x4.extract_lane(v, 1)) +
    u32(i32x4.extract_lane(v, 2)) +
    u32(i32x4.extract_lane(v, 3))
  )
}

/** Returns 1 if the zlib stream at `input` decoded to exactly `outLength` bytes with the right checksum, else 0. */
export function inflate(input: usize, inLength: usize, out: usize, outLength: usize): i32 {
  if (inLength < 6) return 0
  const header = (u32(load<u8>(input)) << 8) | load<u8>(input, 1)
  if ((header & 0x0f20) !== 0x0800 || header % 31 !== 0) return 0
  from = input + 2
  limit = input + inLength
  held = 0
  heldBits = 0
  const most = out + outLength
  let to = out
  let isLast = false
  while (!isLast) {
    if (from > limit + 8) return 0
    refill()
    isLast = take(1) === 1
    const kind = take(2)
    if (kind === 0) to = stored(to, most)
    else {
      if (kind === 3) return 0
      if (kind === 1) fixedTables()
      else if (!dynamicTables()) return 0
      pairLiterals()
      to = block(out, to, most)
    }
    if (to === 0 || to > most) return 0
  }
  from -= heldBits >> 3
  if (to !== most || from + 4 > limit) return 0
  return bswap<u32>(load<u32>(from)) === adler32(out, outLength) ? 1 : 0
}
