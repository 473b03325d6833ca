// AssemblyScript. A run of bilinear samples on a line, four pixels at a time, bit-identical to
// warp/kernels/bilinear.ts. Positions have 11 bits of fraction. Reads two bytes after the last pixel.

const BITS: i32 = 11
const FRACTION: i32 = 2047
const ONE: i32 = 2048

// @ts-ignore: a decorator of AssemblyScript
@inline
function sample(src: usize, stride: i32, ux: i32, uy: i32): v128 {
  const at = src + (uy >> BITS) * stride + (ux >> BITS) * 3
  // r0 r1 g0 g1 b0 b1 as words
  const spread = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1)
  const upper = i8x16.swizzle(v128.load64_zero(at), spread)
  const lower = i8x16.swizzle(v128.load64_zero(at + stride), spread)
  const wx = ux & FRACTION
  const weights = i32x4.splat((wx << 16) | (ONE - wx))
  const top = i32x4.dot_i16x8_s(upper, weights)
  const bottom = i32x4.dot_i16x8_s(lower, weights)
  const mixed = i32x4.mul(i32x4.sub(bottom, top), i32x4.splat(uy & FRACTION))
  const half = i32x4.splat(1 << (2 * BITS - 1))
  return i32x4.shr_s(i32x4.add(i32x4.add(i32x4.shl(top, BITS), mixed), half), 2 * BITS)
}

/**
 * Three bands. x, y and steps are in 1/2048 pixels, from the centre of the window's first pixel; `stride` is in bytes.
 */
export function bilinear3(
  src: usize,
  stride: i32,
  out: usize,
  mask: usize,
  count: i32,
  x: f64,
  y: f64,
  stepX: f64,
  stepY: f64,
): void {
  memory.fill(mask, 255, count)
  const pack = i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1)
  let at = f64x2.replace_lane(f64x2.splat(x), 1, y)
  const step = f64x2.replace_lane(f64x2.splat(stepX), 1, stepY)
  let k = 0
  for (; k + 4 <= count; k += 4) {
    const p0 = i32x4.trunc_sat_f64x2_s_zero(at)
    at = f64x2.add(at, step)
    const p1 = i32x4.trunc_sat_f64x2_s_zero(at)
    at = f64x2.add(at, step)
    const p2 = i32x4.trunc_sat_f64x2_s_zero(at)
    at = f64x2.add(at, step)
    const p3 = i32x4.trunc_sat_f64x2_s_zero(at)
    at = f64x2.add(at, step)
    const a = sample(src, stride, i32x4.extract_lane(p0, 0), i32x4.extract_lane(p0, 1))
    const b = sample(src, stride, i32x4.extract_lane(p1, 0), i32x4.extract_lane(p1, 1))
    const c = sample(src, stride, i32x4.extract_lane(p2, 0), i32x4.extract_lane(p2, 1))
    const d = sample(src, stride, i32x4.extract_lane(p3, 0), i32x4.extract_lane(p3, 1))
    const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d))
    const packed = i8x16.swizzle(bytes, pack)
    v128.store64_lane(out, packed, 0)
    v128.store32_lane(out, packed, 2, 8)
    out += 12
  }
  for (; k < count; k++) {
    const p = i32x4.trunc_sat_f64x2_s_zero(at)
    at = f64x2.add(at, step)
    const v = sample(src, stride, i32x4.extract_lane(p, 0), i32x4.extract_lane(p, 1))
    store<u8>(out, i32x4.extract_lane(v, 0))
    store<u8>(out, i32x4.extract_lane(v, 1), 1)
    store<u8>(out, i32x4.extract_lane(v, 2), 2)
    out += 3
  }
}

/** As bilinear3, for one band. */
export function bilinear1(
  src: usize,
  stride: i32,
  out: usize,
  mask: usize,
  count: i32,
  x: f64,
  y: f64,
  stepX: f64,
  stepY: f64,
): void {
  memory.fill(mask, 255, count)
  let at = f64x2.replace_lane(f64x2.splat(x), 1, y)
  const step = f64x2.replace_lane(f64x2.splat(stepX), 1, stepY)
  for (let k = 0; k < count; k++) {
    const p = i32x4.trunc_sat_f64x2_s_zero(at)
    at = f64x2.add(at, step)
    const ux = i32x4.extract_lane(p, 0)
    const uy = i32x4.extract_lane(p, 1)
    const s = src + (uy >> BITS) * stride + (ux >> BITS)
    const wx = ux & FRACTION
    const v0 = i32(load<u8>(s))
    const v1 = i32(load<u8>(s + stride))
    const top = (v0 << BITS) + (i32(load<u8>(s, 1)) - v0) * wx
    const bottom = (v1 << BITS) + (i32(load<u8>(s + stride, 1)) - v1) * wx
    store<u8>(out + k, ((top << BITS) + (bottom - top) * (uy & FRACTION) + (1 << (2 * BITS - 1))) >> (2 * BITS))
  }
}
