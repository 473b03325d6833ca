// AssemblyScript. Halves by the exact average of four, rounded half up, as in tiles/downsample-average.ts. `width` and
// `height` are those of the result; strides are in bytes.

// @ts-ignore: a decorator of AssemblyScript
@inline
function pairs3(at: usize, stride: i32): v128 {
  // four pixels of two rows → the sums of two blocks: r g b r g b as words
  const spread = i8x16(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1)
  const upper = i16x8.extadd_pairwise_i8x16_u(i8x16.swizzle(v128.load(at), spread))
  const lower = i16x8.extadd_pairwise_i8x16_u(i8x16.swizzle(v128.load(at + stride), spread))
  return i16x8.shr_u(i16x8.add(i16x8.add(upper, lower), i16x8.splat(2)), 2)
}

/** Reads up to four bytes after the last pixel. */
export function average3(src: usize, stride: i32, out: usize, outStride: i32, width: i32, height: i32): void {
  const pack = i8x16(0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1)
  for (let j = 0; j < height; j++) {
    let s = src + 2 * j * stride
    let d = out + j * outStride
    let i = 0
    for (; i + 4 <= width; i += 4) {
      const bytes = i8x16.swizzle(i8x16.narrow_i16x8_u(pairs3(s, stride), pairs3(s + 12, stride)), pack)
      v128.store64_lane(d, bytes, 0)
      v128.store32_lane(d, bytes, 2, 8)
      s += 24
      d += 12
    }
    for (; i < width; i++) {
      for (let c = 0; c < 3; c++) store<u8>(d + c, average4(s + c, stride, 3))
      s += 6
      d += 3
    }
  }
}

export function average1(src: usize, stride: i32, out: usize, outStride: i32, width: i32, height: i32): void {
  for (let j = 0; j < height; j++) {
    let s = src + 2 * j * stride
    let d = out + j * outStride
    let i = 0
    for (; i + 8 <= width; i += 8) {
      const upper = i16x8.extadd_pairwise_i8x16_u(v128.load(s))
      const lower = i16x8.extadd_pairwise_i8x16_u(v128.load(s + stride))
      const mean = i16x8.shr_u(i16x8.add(i16x8.add(upper, lower), i16x8.splat(2)), 2)
      v128.store64_lane(d, i8x16.narrow_i16x8_u(mean, mean), 0)
      s += 16
      d += 8
    }
    for (; i < width; i++) {
      store<u8>(d, average4(s, stride, 1))
      s += 2
      d += 1
    }
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function average4(at: usize, stride: i32, next: i32): u32 {
  const upper = u32(load<u8>(at)) + load<u8>(at + next)
  const lower = u32(load<u8>(at + stride)) + load<u8>(at + stride + next)
  return (upper + lower + 2) >> 2
}
