// AssemblyScript. VP8's transforms of 4×4 blocks, both ways (RFC 6386, 14), and their coefficients as levels.

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
export function forward(source: usize, predicted: usize, stride: i32, out: usize): void {
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
export function inverse(coefficients: usize, predicted: usize, stride: i32, to: usize, toStride: i32): void {
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
export function hadamard(at: usize, round: i32, bits: i32): void {
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
export function quantise(coefficients: usize, levels: usize, factors: usize, first: i32): bool {
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
