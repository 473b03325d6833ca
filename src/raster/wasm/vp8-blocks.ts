// AssemblyScript. VP8's macroblocks: pixels to planes, and predictions of them (RFC 6386, 12).

export const DC_PRED = 0
export const V_PRED = 1
export const H_PRED = 2
export const TM_PRED = 3

/** RGB and opacity to RGBA; what has no opacity becomes 0. `pixels` is a multiple of 4; reads four bytes too many. */
export function join(rgb: usize, mask: usize, to: usize, pixels: i32): void {
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

/** RGBA of a macroblock to planes at `to`: 16×16 Y, 8×8 U, 8×8 V (BT.601, 16 … 235). False when nothing of it is to be seen. */
export function loadMacroblock(to: usize, src: usize, stride: i32): bool {
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
export function predict(to: usize, at: usize, stride: i32, size: i32, how: i32, hasLeft: bool, hasAbove: bool): void {
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
export function distance(a: usize, b: usize, bytes: usize): i32 {
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
