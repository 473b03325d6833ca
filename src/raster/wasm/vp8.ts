// AssemblyScript. A key frame of VP8 (RFC 6386), for tiles that are partly transparent: 16×16 prediction only,
// default probabilities, one partition of coefficients, the loop filter left to the decoder (it comes after
// prediction). What nobody sees costs neither time nor bytes: macroblocks that are wholly transparent are skipped, and
// in others transparent pixels take the mean of those that show.

/** What raster/webp.ts lays down at `tables`, byte offsets. */
const PROBABILITIES: usize = 0 // 4 × 8 × 3 × 11, RFC 6386 13.5
const FACTORS: usize = 1056 // of Y1, Y2, UV: 6 × i32, see quantise
// and what is worked with.
const SOURCE: usize = 2048 // 16×16 Y, 8×8 U, 8×8 V
const PREDICTED: usize = 2432 // the same
const TRIAL: usize = 2816 // 256
const LEVELS: usize = 3072 // 25 × 16 × i16, in zigzag order: Y2, 16 Y, 4 U, 4 V
const DCS: usize = 3872 // 16 × i16
const LEFT: usize = 3904 // 9 contexts: 4 Y, 2 U, 2 V, Y2
const ABOVE: usize = 3920 // 9 a macroblock, up to 32 of them
const COEFFICIENTS: usize = 4224 // 24 × 16 × i16: 16 Y, 4 U, 4 V
const PLANES: usize = 5120 // Y, U, V as a decoder will see them

const BANDS = memory.data<u8>([0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0])
// 13.2: extra bits of the categories 3 … 6
const EXTRA = memory.data<u8>([
  173, 148, 140, 0, 0, 0, 0, 0, 0, 0, 0, 0, 176, 155, 140, 135, 0, 0, 0, 0, 0, 0, 0, 0, 180, 157, 141, 134, 130, 0, 0,
  0, 0, 0, 0, 0, 254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129, 0,
])

const DC_PRED = 0
const V_PRED = 1
const H_PRED = 2
const TM_PRED = 3

// Two boolean coders (RFC 6386, 7): of the modes (0) and of the coefficients (1).
let low0: u32 = 0
let range0: u32 = 255
let count0: i32 = -24
let to0: usize = 0
let low1: u32 = 0
let range1: u32 = 255
let count1: i32 = -24
let to1: usize = 0

/** One more in what was written already. */
function carry(to: usize): void {
  let at = to - 1
  while (load<u8>(at) === 255) store<u8>(at--, 0)
  store<u8>(at, load<u8>(at) + 1)
}

function mode(bit: i32, probability: u32): void {
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

function literal(value: u32, bits: i32): void {
  while (bits-- > 0) mode(i32((value >> bits) & 1), 128)
}

/** RGB and opacity to RGBA; what has no opacity becomes 0. `pixels` is a multiple of 4; reads four bytes too many. */
function join(rgb: usize, mask: usize, to: usize, pixels: i32): void {
  for (let i = 0; i < pixels; i += 4) {
    const alpha = i8x16.swizzle(v128.load32_zero(mask), i8x16(-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3))
    const colour = i8x16.swizzle(v128.load(rgb), i8x16(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1))
    v128.store(to, v128.and(v128.or(colour, alpha), i32x4.ne(alpha, i32x4.splat(0))))
    rgb += 12
    mask += 4
    to += 16
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function channel(pixels: v128, shift: i32): v128 {
  return v128.and(i32x4.shr_u(pixels, shift), i32x4.splat(255))
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function sumOf(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  )
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function mix(r: v128, g: v128, b: v128, wr: i32, wg: i32, wb: i32, add: i32): v128 {
  const rg = i32x4.add(i32x4.mul(r, i32x4.splat(wr)), i32x4.mul(g, i32x4.splat(wg)))
  return i32x4.add(i32x4.add(rg, i32x4.mul(b, i32x4.splat(wb))), i32x4.splat(add))
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function pairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function store4(to: usize, lanes: v128): void {
  const words = i16x8.narrow_i32x4_s(lanes, lanes)
  v128.store32_lane(to, i8x16.narrow_i16x8_u(words, words), 0)
}

/** RGBA of a macroblock to planes at SOURCE (BT.601, 16 … 235). False when nothing of it is to be seen. */
function loadMacroblock(tables: usize, src: usize, stride: i32): bool {
  const none = i32x4.splat(0)
  let hidden = none
  let r = none
  let g = none
  let b = none
  for (let y = 0; y < 16; y++) {
    for (let x: usize = 0; x < 64; x += 16) {
      // what does not show is 0
      const pixels = v128.load(src + y * stride + x)
      hidden = i32x4.sub(hidden, i32x4.eq(pixels, none))
      r = i32x4.add(r, channel(pixels, 0))
      g = i32x4.add(g, channel(pixels, 8))
      b = i32x4.add(b, channel(pixels, 16))
    }
  }
  const seen = 256 - sumOf(hidden)
  if (seen === 0) return false
  const half = seen >> 1
  const red = (sumOf(r) + half) / seen
  const green = (sumOf(g) + half) / seen
  const blue = (sumOf(b) + half) / seen
  const mean = i32x4.splat(red | (green << 8) | (blue << 16))
  const to = tables + SOURCE
  for (let y = 0; y < 16; y += 2) {
    for (let x = 0; x < 16; x += 8) {
      const at = src + y * stride + (x << 2)
      const to8 = to + (y << 4) + x
      let r0 = none
      let g0 = none
      let b0 = none
      let r1 = none
      let g1 = none
      let b1 = none
      for (let row = 0; row < 2; row++) {
        let p0 = v128.load(at + row * stride)
        let p1 = v128.load(at + row * stride, 16)
        p0 = v128.bitselect(mean, p0, i32x4.eq(p0, none))
        p1 = v128.bitselect(mean, p1, i32x4.eq(p1, none))
        const pr0 = channel(p0, 0)
        const pg0 = channel(p0, 8)
        const pb0 = channel(p0, 16)
        const pr1 = channel(p1, 0)
        const pg1 = channel(p1, 8)
        const pb1 = channel(p1, 16)
        store4(to8 + (row << 4), i32x4.shr_s(mix(pr0, pg0, pb0, 16839, 33059, 6420, 1081344), 16))
        store4(to8 + (row << 4) + 4, i32x4.shr_s(mix(pr1, pg1, pb1, 16839, 33059, 6420, 1081344), 16))
        r0 = i32x4.add(r0, pr0)
        g0 = i32x4.add(g0, pg0)
        b0 = i32x4.add(b0, pb0)
        r1 = i32x4.add(r1, pr1)
        g1 = i32x4.add(g1, pg1)
        b1 = i32x4.add(b1, pb1)
      }
      const sr = pairs(r0, r1)
      const sg = pairs(g0, g1)
      const sb = pairs(b0, b1)
      const toUv = to + 256 + ((y >> 1) << 3) + (x >> 1)
      store4(toUv, i32x4.shr_s(mix(sr, sg, sb, -9719, -19081, 28800, 33685504), 18))
      store4(toUv + 64, i32x4.shr_s(mix(sr, sg, sb, 28800, -24116, -4684, 33685504), 18))
    }
  }
  return true
}

/** A prediction of size × size from what lies around `at` in its plane. */
function predict(to: usize, at: usize, stride: i32, size: i32, how: i32, hasLeft: bool, hasAbove: bool): void {
  const above = at - stride
  if (how === DC_PRED) {
    let sum = 0
    if (hasAbove) for (let x = 0; x < size; x++) sum += load<u8>(above + x)
    if (hasLeft) for (let y = 0; y < size; y++) sum += load<u8>(at + y * stride - 1)
    const count = (i32(hasAbove) + i32(hasLeft)) * size
    memory.fill(to, count === 0 ? 128 : u8((sum + (count >> 1)) / count), size * size)
    return
  }
  const corner = i32(load<u8>(above - 1))
  for (let y = 0; y < size; y++) {
    const left = load<u8>(at + y * stride - 1)
    if (how === V_PRED) memory.copy(to, above, size)
    else if (how === H_PRED) memory.fill(to, left, size)
    else {
      const shift = i16x8.splat(i16(i32(left) - corner))
      for (let x = 0; x < size; x += 8) {
        const words = i16x8.add(i16x8.extend_low_i8x16_u(v128.load64_zero(above + x)), shift)
        v128.store64_lane(to + x, i8x16.narrow_i16x8_u(words, words), 0)
      }
    }
    to += size
  }
}

/** Sum of absolute differences; `bytes` is a multiple of 16. */
function distance(a: usize, b: usize, bytes: usize): i32 {
  let sum = i32x4.splat(0)
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(a + i)
    const y = v128.load(b + i)
    const d = v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x))
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(d)))
  }
  return (
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3)
  )
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function row4(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)))
}

// 4×4 in four vectors: columns to rows. Results in these.
let q0: v128 = i32x4.splat(0)
let q1: v128 = i32x4.splat(0)
let q2: v128 = i32x4.splat(0)
let q3: v128 = i32x4.splat(0)

// @ts-ignore: a decorator of AssemblyScript
@inline
function transpose4(a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const ef = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const gh = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  q0 = v128.shuffle<i64>(ab, cd, 0, 2)
  q1 = v128.shuffle<i64>(ab, cd, 1, 3)
  q2 = v128.shuffle<i64>(ef, gh, 0, 2)
  q3 = v128.shuffle<i64>(ef, gh, 1, 3)
}

// √2·cos(π/8) and √2·sin(π/8), times 4096
const COS = 5352
const SIN = 2217

/** The inverse of the decoder's transform (RFC 6386, 14.3) of what the prediction misses: 16 × i16 at `out`. */
function forward(source: usize, predicted: usize, stride: i32, out: usize): void {
  const x0 = i32x4.sub(row4(source), row4(predicted))
  const x1 = i32x4.sub(row4(source + stride), row4(predicted + stride))
  const x2 = i32x4.sub(row4(source + 2 * stride), row4(predicted + 2 * stride))
  const x3 = i32x4.sub(row4(source + 3 * stride), row4(predicted + 3 * stride))
  let a = i32x4.add(x0, x3)
  let b = i32x4.add(x1, x2)
  let c = i32x4.sub(x1, x2)
  let d = i32x4.sub(x0, x3)
  const y1 = i32x4.add(i32x4.mul(d, i32x4.splat(COS)), i32x4.mul(c, i32x4.splat(SIN)))
  const y3 = i32x4.sub(i32x4.mul(d, i32x4.splat(SIN)), i32x4.mul(c, i32x4.splat(COS)))
  const half = i32x4.splat(256)
  transpose4(
    i32x4.shl(i32x4.add(a, b), 3),
    i32x4.shr_s(i32x4.add(y1, half), 9),
    i32x4.shl(i32x4.sub(a, b), 3),
    i32x4.shr_s(i32x4.add(y3, half), 9),
  )
  a = i32x4.add(q0, q3)
  b = i32x4.add(q1, q2)
  c = i32x4.sub(q1, q2)
  d = i32x4.sub(q0, q3)
  const eight = i32x4.splat(8)
  const z1 = i32x4.add(i32x4.mul(d, i32x4.splat(COS)), i32x4.mul(c, i32x4.splat(SIN)))
  const z3 = i32x4.sub(i32x4.mul(d, i32x4.splat(SIN)), i32x4.mul(c, i32x4.splat(COS)))
  const round = i32x4.splat(32768)
  transpose4(
    i32x4.shr_s(i32x4.add(i32x4.add(a, b), eight), 4),
    i32x4.shr_s(i32x4.add(z1, round), 16),
    i32x4.shr_s(i32x4.add(i32x4.sub(a, b), eight), 4),
    i32x4.shr_s(i32x4.add(z3, round), 16),
  )
  v128.store(out, i16x8.narrow_i32x4_s(q0, q1))
  v128.store(out, i16x8.narrow_i32x4_s(q2, q3), 16)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function times1(a: v128): v128 {
  return i32x4.add(i32x4.shr_s(i32x4.mul(a, i32x4.splat(20091)), 16), a)
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function times2(a: v128): v128 {
  return i32x4.shr_s(i32x4.mul(a, i32x4.splat(35468)), 16)
}

/** RFC 6386, 14.3 and 14.5: exactly what a decoder does, from 16 × i16 and the prediction into the plane. */
function inverse(coefficients: usize, predicted: usize, stride: i32, to: usize, toStride: i32): void {
  const low = v128.load(coefficients)
  const high = v128.load(coefficients, 16)
  const r0 = i32x4.extend_low_i16x8_s(low)
  const r1 = i32x4.extend_high_i16x8_s(low)
  const r2 = i32x4.extend_low_i16x8_s(high)
  const r3 = i32x4.extend_high_i16x8_s(high)
  let a = i32x4.add(r0, r2)
  let b = i32x4.sub(r0, r2)
  let c = i32x4.sub(times2(r1), times1(r3))
  let d = i32x4.add(times1(r1), times2(r3))
  transpose4(i32x4.add(a, d), i32x4.add(b, c), i32x4.sub(b, c), i32x4.sub(a, d))
  const dc = i32x4.add(q0, i32x4.splat(4))
  a = i32x4.add(dc, q2)
  b = i32x4.sub(dc, q2)
  c = i32x4.sub(times2(q1), times1(q3))
  d = i32x4.add(times1(q1), times2(q3))
  transpose4(
    i32x4.shr_s(i32x4.add(a, d), 3),
    i32x4.shr_s(i32x4.add(b, c), 3),
    i32x4.shr_s(i32x4.sub(b, c), 3),
    i32x4.shr_s(i32x4.sub(a, d), 3),
  )
  const s0 = i16x8.narrow_i32x4_s(i32x4.add(q0, row4(predicted)), i32x4.add(q1, row4(predicted + stride)))
  const s1 = i16x8.narrow_i32x4_s(
    i32x4.add(q2, row4(predicted + 2 * stride)),
    i32x4.add(q3, row4(predicted + 3 * stride)),
  )
  const bytes = i8x16.narrow_i16x8_u(s0, s1)
  v128.store32_lane(to, bytes, 0)
  v128.store32_lane(to + toStride, bytes, 1)
  v128.store32_lane(to + 2 * toStride, bytes, 2)
  v128.store32_lane(to + 3 * toStride, bytes, 3)
}

/** Hadamard's transform, its own inverse but for the factor; `bits` and `round`: what the result is divided by. */
function hadamard(at: usize, round: i32, bits: i32): void {
  for (let pass = 0; pass < 2; pass++) {
    const step: usize = pass === 0 ? 8 : 2
    const next: usize = pass === 0 ? 2 : 8
    for (let i: usize = 0; i < 4; i++) {
      const p = at + i * next
      const a = i32(load<i16>(p)) + load<i16>(p + 3 * step)
      const b = i32(load<i16>(p + step)) + load<i16>(p + 2 * step)
      const c = i32(load<i16>(p + step)) - load<i16>(p + 2 * step)
      const d = i32(load<i16>(p)) - load<i16>(p + 3 * step)
      const add = pass === 0 ? 0 : round
      const by = pass === 0 ? 0 : bits
      store<i16>(p, i16((a + b + add) >> by))
      store<i16>(p + step, i16((d + c + add) >> by))
      store<i16>(p + 2 * step, i16((a - b + add) >> by))
      store<i16>(p + 3 * step, i16((d - c + add) >> by))
    }
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function divided(values: v128, bias: v128, reciprocals: v128): v128 {
  return i32x4.shr_u(i32x4.mul(i32x4.add(values, bias), reciprocals), 16)
}

/**
 * Coefficients to levels in zigzag order, and to what a decoder makes of them, in place. `factors`: of DC and AC, how
 * much is added before the division, and 65536 divided by them. `first` 1: the DC is coded elsewhere, here it is 0.
 */
function quantise(coefficients: usize, levels: usize, factors: usize, first: i32): bool {
  const factorAc = i16x8.splat(load<i16>(factors, 4))
  const factorDc = i16x8.replace_lane(factorAc, 0, load<i16>(factors))
  const biasAc = i32x4.splat(load<i32>(factors, 12))
  const biasDc = i32x4.replace_lane(biasAc, 0, load<i32>(factors, 8))
  const partAc = i32x4.splat(load<i32>(factors, 20))
  const partDc = i32x4.replace_lane(partAc, 0, load<i32>(factors, 16))
  let a = v128.load(coefficients)
  let b = v128.load(coefficients, 16)
  const absA = i16x8.abs(a)
  const absB = i16x8.abs(b)
  const most = i16x8.splat(2047)
  const levelA = i16x8.min_s(
    i16x8.narrow_i32x4_s(
      divided(i32x4.extend_low_i16x8_u(absA), biasDc, partDc),
      divided(i32x4.extend_high_i16x8_u(absA), biasAc, partAc),
    ),
    most,
  )
  const levelB = i16x8.min_s(
    i16x8.narrow_i32x4_s(
      divided(i32x4.extend_low_i16x8_u(absB), biasAc, partAc),
      divided(i32x4.extend_high_i16x8_u(absB), biasAc, partAc),
    ),
    most,
  )
  const signA = i16x8.shr_s(a, 15)
  const signB = i16x8.shr_s(b, 15)
  a = i16x8.sub(v128.xor(levelA, signA), signA)
  b = i16x8.sub(v128.xor(levelB, signB), signB)
  if (first === 1) a = i16x8.replace_lane(a, 0, 0)
  v128.store(levels, v128.shuffle<i16>(a, b, 0, 1, 4, 8, 5, 2, 3, 6))
  v128.store(levels, v128.shuffle<i16>(a, b, 9, 12, 13, 10, 7, 11, 14, 15), 16)
  v128.store(coefficients, i16x8.mul(a, factorDc))
  v128.store(coefficients, i16x8.mul(b, factorAc), 16)
  return v128.any_true(v128.or(a, b))
}

/** The tokens of a block, RFC 6386, 13. Returns the context of its neighbours: 1 when it has any. */
function tokens(tables: usize, type: usize, context: usize, levels: usize, first: i32): u8 {
  const all = tables + PROBABILITIES + type * 264
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

/** The prediction that is nearest to the source; it is left at `to`. `second`: the offset of the other plane, or 0. */
function choose(
  tables: usize,
  source: usize,
  to: usize,
  at: usize,
  stride: i32,
  size: i32,
  second: usize,
  hasLeft: bool,
  hasAbove: bool,
): i32 {
  const bytes = usize(size * size)
  let best = DC_PRED
  let least = i32.MAX_VALUE
  // beyond the image's edges predictions know nothing: there the mean of what there is
  const modes = hasLeft && hasAbove ? 4 : 1
  for (let how = 0; how < modes; how++) {
    const trial = tables + TRIAL
    predict(trial, at, stride, size, how, hasLeft, hasAbove)
    let cost = distance(trial, source, bytes)
    if (second !== 0) {
      predict(trial + bytes, at + second, stride, size, how, hasLeft, hasAbove)
      cost += distance(trial + bytes, source + bytes, bytes)
    }
    if (cost >= least) continue
    least = cost
    best = how
    memory.copy(to, trial, second === 0 ? bytes : 2 * bytes)
  }
  return best
}

/** No macroblock takes more: 25 · 16 coefficients of 22 decisions, none of which takes more than a byte. */
const MOST_BYTES: usize = 8800

/**
 * Codes width × height pixels (multiples of 16, at most 512) of RGB and opacity, joined at `src`: the frame header's
 * fields and all modes to `modes`, coefficients to `out`. `update`: 1056 probabilities that a probability changes (13.4); none does. Returns
 * where the coefficients end, 0 when `out` … `limit` may not be enough; where the modes end is at `modes` − 4.
 */
export function vp8Frame(
  tables: usize,
  update: usize,
  rgb: usize,
  mask: usize,
  src: usize,
  width: i32,
  height: i32,
  quantiser: i32,
  filter: i32,
  modes: usize,
  out: usize,
  limit: usize,
): usize {
  join(rgb, mask, src, width * height)
  low0 = low1 = 0
  range0 = range1 = 255
  count0 = count1 = -24
  to0 = modes
  to1 = out
  frameHeader(update, quantiser, filter)

  const across = width >> 4
  const stride = width
  const strideUv = width >> 1
  const y0 = tables + PLANES
  const u0 = y0 + usize(width * height)
  const second = usize((width * height) >> 2)
  memory.fill(tables + ABOVE, 0, usize(across * 9))
  for (let my = 0; my < height >> 4; my++) {
    memory.fill(tables + LEFT, 0, 9)
    for (let mx = 0; mx < across; mx++) {
      if (to1 + MOST_BYTES > limit) return 0
      const y = y0 + my * 16 * stride + mx * 16
      const u = u0 + my * 8 * strideUv + mx * 8
      const hasLeft = mx > 0
      const hasAbove = my > 0
      const shows = loadMacroblock(tables, src + (my * 16 * width + mx * 16) * 4, width * 4)
      const source = tables + SOURCE
      const predicted = tables + PREDICTED
      let how = DC_PRED
      let howUv = DC_PRED
      let any = false
      if (shows) {
        how = choose(tables, source, predicted, y, stride, 16, 0, hasLeft, hasAbove)
        howUv = choose(tables, source + 256, predicted + 256, u, strideUv, 8, second, hasLeft, hasAbove)
        any = residual(tables, y, stride, u, strideUv, second)
      } else {
        predict(predicted, y, stride, 16, DC_PRED, hasLeft, hasAbove)
        predict(predicted + 256, u, strideUv, 8, DC_PRED, hasLeft, hasAbove)
        predict(predicted + 320, u + second, strideUv, 8, DC_PRED, hasLeft, hasAbove)
      }
      const above = tables + ABOVE + usize(mx * 9)
      if (any) codeCoefficients(tables, above)
      else {
        take(predicted, 16, y, stride)
        take(predicted + 256, 8, u, strideUv)
        take(predicted + 320, 8, u + second, strideUv)
        memory.fill(above, 0, 9)
        memory.fill(tables + LEFT, 0, 9)
      }
      codeModes(!any, how, howUv)
    }
  }
  for (let i = 0; i < 32; i++) {
    mode(0, 128)
    put(0, 128)
  }
  store<u32>(modes - 4, u32(to0))
  return to1
}

/** RFC 6386, 9.3 … 9.11 and 19.2. */
function frameHeader(update: usize, quantiser: i32, filter: i32): void {
  literal(0, 2) // colour space, clamping needed
  literal(0, 1) // no segments
  literal(0, 1) // the normal loop filter
  literal(filter, 6)
  literal(0, 3) // its sharpness
  literal(0, 1) // no adjustments of it
  literal(0, 2) // one partition
  literal(quantiser, 7)
  literal(0, 5) // no other quantisers
  literal(0, 1) // probabilities are those of this frame only
  for (let i = 0; i < 1056; i++) mode(0, load<u8>(update + i))
  literal(1, 1) // macroblocks say whether they have coefficients
  literal(128, 8)
}

/** RFC 6386, 11.2 and 11.3. */
function codeModes(isSkipped: bool, how: i32, howUv: i32): void {
  mode(i32(isSkipped), 128)
  mode(1, 145) // predicted as a whole
  const isTmOrH = how === TM_PRED || how === H_PRED
  mode(i32(isTmOrH), 156)
  if (isTmOrH) mode(i32(how === TM_PRED), 128)
  else mode(i32(how === V_PRED), 163)
  mode(i32(howUv !== DC_PRED), 142)
  if (howUv === DC_PRED) return
  mode(i32(howUv !== V_PRED), 114)
  if (howUv !== V_PRED) mode(i32(howUv !== H_PRED), 183)
}

function take(predicted: usize, size: i32, to: usize, stride: i32): void {
  for (let y = 0; y < size; y++) memory.copy(to + y * stride, predicted + y * size, size)
}

/** Levels of a macroblock, and what a decoder will see of it. False when there are none; nothing is done then. */
function residual(tables: usize, y: usize, stride: i32, u: usize, strideUv: i32, second: usize): bool {
  const source = tables + SOURCE
  const predicted = tables + PREDICTED
  const levels = tables + LEVELS
  const factors = tables + FACTORS
  const dcs = tables + DCS
  const blocks = tables + COEFFICIENTS
  let any = false
  for (let i: usize = 0; i < 16; i++) {
    const at = ((i >> 2) << 6) + ((i & 3) << 2)
    const block = blocks + (i << 5)
    forward(source + at, predicted + at, 16, block)
    store<i16>(dcs + (i << 1), load<i16>(block))
    if (quantise(block, levels + 32 + (i << 5), factors, 1)) any = true
  }
  hadamard(dcs, 1, 1)
  if (quantise(dcs, levels, factors + 24, 0)) any = true
  hadamard(dcs, 3, 3)
  for (let i: usize = 0; i < 8; i++) {
    const at: usize = usize(256) + ((i >> 2) << 6) + (((i >> 1) & 1) << 5) + ((i & 1) << 2)
    const block = blocks + 512 + (i << 5)
    forward(source + at, predicted + at, 8, block)
    if (quantise(block, levels + 544 + (i << 5), factors + 48, 0)) any = true
  }
  if (!any) return false
  for (let i: usize = 0; i < 16; i++) {
    const at = ((i >> 2) << 6) + ((i & 3) << 2)
    store<i16>(blocks + (i << 5), load<i16>(dcs + (i << 1)))
    inverse(blocks + (i << 5), predicted + at, 16, y + (i >> 2) * 4 * stride + (i & 3) * 4, stride)
  }
  for (let i: usize = 0; i < 8; i++) {
    const at: usize = usize(256) + ((i >> 2) << 6) + (((i >> 1) & 1) << 5) + ((i & 1) << 2)
    const to = u + (i >> 2) * second + ((i >> 1) & 1) * 4 * strideUv + (i & 1) * 4
    inverse(blocks + 512 + (i << 5), predicted + at, 8, to, strideUv)
  }
  return true
}

function codeCoefficients(tables: usize, above: usize): void {
  const levels = tables + LEVELS
  const left = tables + LEFT
  // the mean of all, then what is around the mean, then colour
  block(tables, 1, above + 8, left + 8, levels, 0)
  for (let i: usize = 0; i < 16; i++)
    block(tables, 0, above + (i & 3), left + (i >> 2), levels + 32 + (i << 5), 1)
  for (let i: usize = 0; i < 8; i++) {
    const plane: usize = usize(4) + ((i >> 2) << 1)
    block(tables, 2, above + plane + (i & 1), left + plane + ((i >> 1) & 1), levels + 544 + (i << 5), 0)
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function block(tables: usize, type: usize, above: usize, left: usize, levels: usize, first: i32): void {
  const context = usize(load<u8>(above)) + load<u8>(left)
  const has = tokens(tables, type, context, levels, first)
  store<u8>(above, has)
  store<u8>(left, has)
}
