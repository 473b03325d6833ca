// AssemblyScript. VP8's boolean coders (RFC 6386, 7) and the tokens of coefficients (13).

const BANDS = memory.data<u8>([0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0])
// 13.2: extra bits of the categories 3 … 6
const EXTRA = memory.data<u8>([
  173, 148, 140, 0, 0, 0, 0, 0, 0, 0, 0, 0, 176, 155, 140, 135, 0, 0, 0, 0, 0, 0, 0, 0, 180, 157, 141, 134, 130, 0, 0,
  0, 0, 0, 0, 0, 254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129, 0,
])

// Two coders: of the modes (0) and of the coefficients (1).
let low0: u32 = 0
let range0: u32 = 255
let count0: i32 = -24
export let to0: usize = 0
let low1: u32 = 0
let range1: u32 = 255
let count1: i32 = -24
export let to1: usize = 0

/** One more in what was written already. */
function carry(to: usize): void {
  let at = to - 1
  while (load<u8>(at) === 255) store<u8>(at--, 0)
  store<u8>(at, load<u8>(at) + 1)
}

export function mode(bit: i32, probability: u32): void {
  const split = 1 + (((range0 - 1) * probability) >> 8)
  if (bit) {
    low0 += split
    range0 -= split
  } else range0 = split
  let shift = i32(clz(range0)) - 24
  range0 <<= shift
  count0 += shift
  if (count0 >= 0) {
    const offset = shift - count0
    if ((low0 << (offset - 1)) & 0x80000000) carry(to0)
    store<u8>(to0++, u8(low0 >> (24 - offset)))
    low0 = (low0 << offset) & 0xffffff
    shift = count0
    count0 -= 8
  }
  low0 <<= shift
}

function put(bit: i32, probability: u32): void {
  const split = 1 + (((range1 - 1) * probability) >> 8)
  if (bit) {
    low1 += split
    range1 -= split
  } else range1 = split
  let shift = i32(clz(range1)) - 24
  range1 <<= shift
  count1 += shift
  if (count1 >= 0) {
    const offset = shift - count1
    if ((low1 << (offset - 1)) & 0x80000000) carry(to1)
    store<u8>(to1++, u8(low1 >> (24 - offset)))
    low1 = (low1 << offset) & 0xffffff
    shift = count1
    count1 -= 8
  }
  low1 <<= shift
}

export function literal(value: u32, bits: i32): void {
  while (bits-- > 0) mode(i32((value >> bits) & 1), 128)
}

/** Begins both, at these addresses; before each lies a byte that a carry never reaches. */
export function begin(modes: usize, coefficients: usize): void {
  low0 = low1 = 0
  range0 = range1 = 255
  count0 = count1 = -24
  to0 = modes
  to1 = coefficients
}

/** All that is pending. */
export function end(): void {
  for (let i = 0; i < 32; i++) {
    mode(0, 128)
    put(0, 128)
  }
}

/** The tokens of a block, RFC 6386, 13. Returns the context of its neighbours: 1 when it has any. */
export function tokens(probabilities: usize, type: usize, context: usize, levels: usize, first: i32): u8 {
  const all = probabilities + type * 264
  let last = 15
  while (last >= first && load<i16>(levels + (last << 1)) === 0) last--
  let p = all + usize(load<u8>(BANDS + first)) * 33 + context * 11
  put(i32(last >= first), load<u8>(p))
  if (last < first) return 0
  for (let n = first; n <= last; ) {
    const signed = i32(load<i16>(levels + (n << 1)))
    n++
    const next = all + usize(load<u8>(BANDS + n)) * 33
    if (signed === 0) {
      put(0, load<u8>(p, 1))
      // no end can follow a zero
      p = next
      continue
    }
    put(1, load<u8>(p, 1))
    const sign = signed >> 31
    const v = (signed ^ sign) - sign
    if (v === 1) put(0, load<u8>(p, 2))
    else {
      put(1, load<u8>(p, 2))
      large(p, v)
    }
    put(sign & 1, 128)
    p = next + (v === 1 ? 11 : 22)
    if (n < 16) put(i32(n <= last), load<u8>(p))
  }
  return 1
}

/** A level above 1. */
function large(p: usize, v: i32): void {
  if (v <= 4) {
    put(0, load<u8>(p, 3))
    put(i32(v !== 2), load<u8>(p, 4))
    if (v !== 2) put(i32(v === 4), load<u8>(p, 5))
    return
  }
  put(1, load<u8>(p, 3))
  if (v <= 10) {
    put(0, load<u8>(p, 6))
    put(i32(v > 6), load<u8>(p, 7))
    if (v <= 6) put(i32(v === 6), 159)
    else {
      put(i32(v >= 9), 165)
      put(i32(!(v & 1)), 145)
    }
    return
  }
  put(1, load<u8>(p, 6))
  const category = v < 19 ? 0 : v < 35 ? 1 : v < 67 ? 2 : 3
  put(category >> 1, load<u8>(p, 8))
  put(category & 1, load<u8>(p + 9 + (category >> 1)))
  const bits = category === 3 ? 11 : category + 3
  const rest = v - 3 - (8 << category)
  for (let i = 0; i < bits; i++) put((rest >> (bits - 1 - i)) & 1, load<u8>(EXTRA + category * 12 + i))
}

