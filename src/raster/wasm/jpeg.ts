// AssemblyScript. Baseline JPEG, one scan, 4:2:0 or grey, from a rectangle of a larger picture. Colours, DCT (the
// accurate integer one of libjpeg's jfdctint.c, after Loeffler, Ligtenberg and Moschytz, 1989), quantisation and
// Huffman coding in one pass over the 16×16 units. raster/tiles/jpeg.ts makes headers and tables.
//
// Blocks are stored transposed (rows in memory hold column frequencies), which saves one of two transpositions.

// Byte offsets of the tables that raster/tiles/jpeg.ts writes at `tables`. Reciprocals are 4096 / q as words,
// transposed.
const RECIPROCALS: usize = 0 // 2 × 64 × 2
const DC_CODES: usize = 256 // 2 × 16 × 4: code << 8 | length
const AC_CODES: usize = 384 // 2 × 256 × 4
const BLOCKS: usize = 2432 // 6 × 64 × 2: Y Y Y Y Cb Cr
const SCRATCH: usize = 3200 // 64 × 2

/** Zigzag index → index in a transposed block. */
const ZIGZAG = memory.data<u8>([
  0, 8, 1, 2, 9, 16, 24, 17, 10, 3, 4, 11, 18, 25, 32, 40, 33, 26, 19, 12, 5, 6, 13, 20, 27, 34, 41, 48, 56, 49, 42,
  35, 28, 21, 14, 7, 15, 22, 29, 36, 43, 50, 57, 58, 51, 44, 37, 30, 23, 31, 38, 45, 52, 59, 60, 53, 46, 39, 47, 54,
  61, 62, 55, 63,
])
/** Swizzle patterns for each quarter of the zigzag and each quarter of a block. */
const SWIZZLES = memory.data(256, 16)

/** Call this once, before anything else. */
export function jpegInit(): void {
  for (let k = 0; k < 64; k++) {
    const place = load<u8>(ZIGZAG + k)
    for (let quarter = 0; quarter < 4; quarter++) {
      const isHere = place >> 4 === quarter
      store<u8>(SWIZZLES + ((k >> 4) * 4 + quarter) * 16 + (k & 15), isHere ? place & 15 : 0x80)
    }
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function red(a: v128, b: v128, c: v128): v128 {
  const x = i8x16.swizzle(a, i8x16(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1))
  const y = i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1))
  const z = i8x16.swizzle(c, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13))
  return v128.or(v128.or(x, y), z)
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function green(a: v128, b: v128, c: v128): v128 {
  const x = i8x16.swizzle(a, i8x16(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1))
  const y = i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1))
  const z = i8x16.swizzle(c, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14))
  return v128.or(v128.or(x, y), z)
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function blue(a: v128, b: v128, c: v128): v128 {
  const x = i8x16.swizzle(a, i8x16(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1))
  const y = i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1))
  const z = i8x16.swizzle(c, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15))
  return v128.or(v128.or(x, y), z)
}

/**
 * Weighted sum of three samples (times 128, as words), rounded, without the factor 128. Weights are in 1/32768. Source:
 * ITU-R BT.601.
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function mix(r: v128, g: v128, b: v128, wr: i16, wg: i16, wb: i16): v128 {
  const x = i16x8.q15mulr_sat_s(r, i16x8.splat(wr))
  const y = i16x8.q15mulr_sat_s(g, i16x8.splat(wg))
  const z = i16x8.q15mulr_sat_s(b, i16x8.splat(wb))
  return i16x8.shr_s(i16x8.add(i16x8.add(x, y), i16x8.add(z, i16x8.splat(64))), 7)
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function luma(r: v128, g: v128, b: v128): v128 {
  const y = mix(i16x8.shl(r, 7), i16x8.shl(g, 7), i16x8.shl(b, 7), 9798, 19235, 3735)
  return i16x8.sub(y, i16x8.splat(128))
}

/** At most 127: the chroma of pure red and blue is 127.5, and the sums of the transform have no room for 128. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function chroma(r: v128, g: v128, b: v128, wr: i16, wg: i16, wb: i16): v128 {
  return i16x8.min_s(mix(r, g, b, wr, wg, wb), i16x8.splat(127))
}

/** Converts 16×16 RGB pixels to six blocks. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function loadUnit(at: usize, stride: i32, blocks: usize): void {
  for (let j: usize = 0; j < 8; j++) {
    let r4 = i16x8.splat(0)
    let g4 = i16x8.splat(0)
    let b4 = i16x8.splat(0)
    for (let row = j << 1; row < (j << 1) + 2; row++) {
      const a = v128.load(at)
      const b = v128.load(at, 16)
      const c = v128.load(at, 32)
      at += stride
      const r = red(a, b, c)
      const g = green(a, b, c)
      const u = blue(a, b, c)
      const to = blocks + ((row >> 3) << 8) + ((row & 7) << 4)
      v128.store(to, luma(i16x8.extend_low_i8x16_u(r), i16x8.extend_low_i8x16_u(g), i16x8.extend_low_i8x16_u(u)))
      v128.store(
        to,
        luma(i16x8.extend_high_i8x16_u(r), i16x8.extend_high_i8x16_u(g), i16x8.extend_high_i8x16_u(u)),
        128,
      )
      r4 = i16x8.add(r4, i16x8.extadd_pairwise_i8x16_u(r))
      g4 = i16x8.add(g4, i16x8.extadd_pairwise_i8x16_u(g))
      b4 = i16x8.add(b4, i16x8.extadd_pairwise_i8x16_u(u))
    }
    // the sum of four pixels times 32 is their mean times 128
    r4 = i16x8.shl(r4, 5)
    g4 = i16x8.shl(g4, 5)
    b4 = i16x8.shl(b4, 5)
    v128.store(blocks + (j << 4), chroma(r4, g4, b4, -5529, -10855, 16384), 512)
    v128.store(blocks + (j << 4), chroma(r4, g4, b4, 16384, -13720, -2664), 640)
  }
}

/** Converts 8×8 grey pixels to a block. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function loadGrey(at: usize, stride: i32, block: usize): void {
  for (let j: usize = 0; j < 8; j++) {
    const row = i16x8.extend_low_i8x16_u(v128.load64_zero(at))
    v128.store(block + (j << 4), i16x8.sub(row, i16x8.splat(128)))
    at += stride
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function pair(a: i32, b: i32): v128 {
  return i32x4.splat((b << 16) | (a & 0xffff))
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function descale(lo: v128, hi: v128, bits: i32): v128 {
  const half = i32x4.splat(1 << (bits - 1))
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(lo, half), bits),
    i32x4.shr_s(i32x4.add(hi, half), bits),
  )
}
// @ts-ignore: a decorator of AssemblyScript
@inline
function finish(to: usize, row: usize, value: v128, reciprocals: usize): void {
  const v = reciprocals === 0 ? value : i16x8.q15mulr_sat_s(value, v128.load(reciprocals + (row << 4)))
  v128.store(to + (row << 4), v)
}

/** Transforms one dimension: the eight rows of `from`, lane by lane. The second pass also quantises. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function transform(from: usize, to: usize, isSecond: bool, reciprocals: usize): void {
  const bits = isSecond ? 15 : 11
  const x0 = v128.load(from)
  const x1 = v128.load(from, 16)
  const x2 = v128.load(from, 32)
  const x3 = v128.load(from, 48)
  const x4 = v128.load(from, 64)
  const x5 = v128.load(from, 80)
  const x6 = v128.load(from, 96)
  const x7 = v128.load(from, 112)
  const t0 = i16x8.add(x0, x7)
  const t7 = i16x8.sub(x0, x7)
  const t1 = i16x8.add(x1, x6)
  const t6 = i16x8.sub(x1, x6)
  const t2 = i16x8.add(x2, x5)
  const t5 = i16x8.sub(x2, x5)
  const t3 = i16x8.add(x3, x4)
  const t4 = i16x8.sub(x3, x4)
  // even part
  const t10 = i16x8.add(t0, t3)
  const t13 = i16x8.sub(t0, t3)
  const t11 = i16x8.add(t1, t2)
  const t12 = i16x8.sub(t1, t2)
  const sum = i16x8.add(t10, t11)
  const difference = i16x8.sub(t10, t11)
  const two = i16x8.splat(2)
  finish(to, 0, isSecond ? i16x8.shr_s(i16x8.add(sum, two), 2) : i16x8.shl(sum, 2), reciprocals)
  finish(to, 4, isSecond ? i16x8.shr_s(i16x8.add(difference, two), 2) : i16x8.shl(difference, 2), reciprocals)
  const el = low(t13, t12)
  const eh = high(t13, t12)
  const c2 = pair(10703, 4433) // 0.5412 + 0.7654, 0.5412
  const c6 = pair(4433, -10704) // 0.5412, 0.5412 − 1.8478
  finish(to, 2, descale(i32x4.dot_i16x8_s(el, c2), i32x4.dot_i16x8_s(eh, c2), bits), reciprocals)
  finish(to, 6, descale(i32x4.dot_i16x8_s(el, c6), i32x4.dot_i16x8_s(eh, c6), bits), reciprocals)
  // odd part: z3 = t4 + t6, z4 = t5 + t7
  const z3 = i16x8.add(t4, t6)
  const z4 = i16x8.add(t5, t7)
  const zl = low(z3, z4)
  const zh = high(z3, z4)
  const cz3 = pair(-6436, 9633) // 1.1759 − 1.9616, 1.1759
  const cz4 = pair(9633, 6437) // 1.1759, 1.1759 − 0.3902
  const z3l = i32x4.dot_i16x8_s(zl, cz3)
  const z3h = i32x4.dot_i16x8_s(zh, cz3)
  const z4l = i32x4.dot_i16x8_s(zl, cz4)
  const z4h = i32x4.dot_i16x8_s(zh, cz4)
  const al = low(t4, t7)
  const ah = high(t4, t7)
  const c7 = pair(-4927, -7373) // 0.2986 − 0.9000, −0.9000
  const c1 = pair(-7373, 4926) // −0.9000, 1.5013 − 0.9000
  finish(
    to,
    7,
    descale(i32x4.add(i32x4.dot_i16x8_s(al, c7), z3l), i32x4.add(i32x4.dot_i16x8_s(ah, c7), z3h), bits),
    reciprocals,
  )
  finish(
    to,
    1,
    descale(i32x4.add(i32x4.dot_i16x8_s(al, c1), z4l), i32x4.add(i32x4.dot_i16x8_s(ah, c1), z4h), bits),
    reciprocals,
  )
  const bl = low(t5, t6)
  const bh = high(t5, t6)
  const c5 = pair(-4176, -20995) // 2.0531 − 2.5629, −2.5629
  const c3 = pair(-20995, 4177) // −2.5629, 3.0727 − 2.5629
  finish(
    to,
    5,
    descale(i32x4.add(i32x4.dot_i16x8_s(bl, c5), z4l), i32x4.add(i32x4.dot_i16x8_s(bh, c5), z4h), bits),
    reciprocals,
  )
  finish(
    to,
    3,
    descale(i32x4.add(i32x4.dot_i16x8_s(bl, c3), z3l), i32x4.add(i32x4.dot_i16x8_s(bh, c3), z3h), bits),
    reciprocals,
  )
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function transpose(at: usize): void {
  const x0 = v128.load(at)
  const x1 = v128.load(at, 16)
  const x2 = v128.load(at, 32)
  const x3 = v128.load(at, 48)
  const x4 = v128.load(at, 64)
  const x5 = v128.load(at, 80)
  const x6 = v128.load(at, 96)
  const x7 = v128.load(at, 112)
  const a0 = low(x0, x4)
  const a1 = high(x0, x4)
  const a2 = low(x1, x5)
  const a3 = high(x1, x5)
  const a4 = low(x2, x6)
  const a5 = high(x2, x6)
  const a6 = low(x3, x7)
  const a7 = high(x3, x7)
  const b0 = low(a0, a4)
  const b1 = high(a0, a4)
  const b2 = low(a1, a5)
  const b3 = high(a1, a5)
  const b4 = low(a2, a6)
  const b5 = high(a2, a6)
  const b6 = low(a3, a7)
  const b7 = high(a3, a7)
  v128.store(at, low(b0, b4))
  v128.store(at, high(b0, b4), 16)
  v128.store(at, low(b1, b5), 32)
  v128.store(at, high(b1, b5), 48)
  v128.store(at, low(b2, b6), 64)
  v128.store(at, high(b2, b6), 80)
  v128.store(at, low(b3, b7), 96)
  v128.store(at, high(b3, b7), 112)
}

/** Bit mask of the nonzero zigzag indices, lowest bit first. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function occupied(block: usize): u64 {
  const n0 = i8x16.narrow_i16x8_s(v128.load(block), v128.load(block, 16))
  const n1 = i8x16.narrow_i16x8_s(v128.load(block, 32), v128.load(block, 48))
  const n2 = i8x16.narrow_i16x8_s(v128.load(block, 64), v128.load(block, 80))
  const n3 = i8x16.narrow_i16x8_s(v128.load(block, 96), v128.load(block, 112))
  let mask: u64 = 0
  for (let quarter: usize = 0; quarter < 4; quarter++) {
    const table = SWIZZLES + (quarter << 6)
    const z01 = v128.or(i8x16.swizzle(n0, v128.load(table)), i8x16.swizzle(n1, v128.load(table, 16)))
    const z23 = v128.or(i8x16.swizzle(n2, v128.load(table, 32)), i8x16.swizzle(n3, v128.load(table, 48)))
    const bits = i8x16.bitmask(i8x16.ne(v128.or(z01, z23), i8x16.splat(0)))
    mask |= u64(bits & 0xffff) << (quarter << 4)
  }
  return mask
}

// Bits that do not fill a word yet. They are global because put() needs them; put() is inlined.
let pending: u64 = 0
let pendingBits: i32 = 0
let to: usize = 0

// @ts-ignore: a decorator of AssemblyScript
@inline
function put(code: u32, length: i32): void {
  pending = (pending << length) | code
  pendingBits += length
  if (pendingBits >= 32) {
    pendingBits -= 32
    const word = u32(pending >> pendingBits)
    if ((~word - 0x01010101) & word & 0x80808080) putStuffed(word)
    else {
      store<u32>(to, bswap<u32>(word))
      to += 4
    }
  }
}

/** Writes a word; each byte of 255 is followed by a 0. */
function putStuffed(word: u32): void {
  for (let shift = 24; shift >= 0; shift -= 8) {
    const byte = u8(word >> shift)
    store<u8>(to++, byte)
    if (byte === 255) store<u8>(to++, 0)
  }
}

/** Transforms, quantises and codes a block; returns its DC value, which the component's next block needs. */
function codeBlock(tables: usize, block: usize, chroma: usize, lastDc: i32): i32 {
  const scratch = tables + SCRATCH
  transform(block, scratch, false, 0)
  transpose(scratch)
  transform(scratch, block, true, tables + RECIPROCALS + (chroma << 7))

  const dc = i32(load<i16>(block))
  const difference = dc - lastDc
  const dcSign = difference >> 31
  const dcLength = 32 - clz((difference ^ dcSign) - dcSign)
  const dcCode = load<u32>(tables + DC_CODES + (chroma << 6) + (dcLength << 2))
  put(((dcCode >> 8) << dcLength) | ((difference + dcSign) & ((1 << dcLength) - 1)), i32(dcCode & 255) + dcLength)

  const codes = tables + AC_CODES + (chroma << 10)
  let mask = occupied(block) & ~u64(1)
  let last = 0
  while (mask !== 0) {
    const k = i32(ctz(mask))
    mask &= mask - 1
    let run = k - last - 1
    last = k
    while (run >= 16) {
      const skip = load<u32>(codes + (0xf0 << 2))
      put(skip >> 8, skip & 255)
      run -= 16
    }
    const v = i32(load<i16>(block + (usize(load<u8>(ZIGZAG + k)) << 1)))
    const sign = v >> 31
    const length = 32 - clz((v ^ sign) - sign)
    const code = load<u32>(codes + (((run << 4) | length) << 2))
    put(((code >> 8) << length) | ((v + sign) & ((1 << length) - 1)), i32(code & 255) + length)
  }
  if (last < 63) {
    const end = load<u32>(codes)
    put(end >> 8, end & 255)
  }
  return dc
}

/** The largest size of a unit: 6 · 64 coefficients of 27 bits, with every byte stuffed. */
const MOST_UNIT_BYTES: usize = 3072

/**
 * Encodes the scan of width × height pixels (multiples of 16; of 8 when grey) at `src`. Returns the end of the bytes,
 * or 0 if `out` … `limit` may be too small.
 */
export function jpegScan(
  tables: usize,
  src: usize,
  stride: i32,
  bands: i32,
  width: i32,
  height: i32,
  out: usize,
  limit: usize,
): usize {
  const blocks = tables + BLOCKS
  pending = 0
  pendingBits = 0
  to = out
  let y0 = 0
  let cb = 0
  let cr = 0
  const side = bands === 3 ? 16 : 8
  for (let y = 0; y < height; y += side) {
    for (let x = 0; x < width; x += side) {
      if (to + MOST_UNIT_BYTES > limit) return 0
      const at = src + y * stride + x * bands
      if (bands === 1) {
        loadGrey(at, stride, blocks)
        y0 = codeBlock(tables, blocks, 0, y0)
        continue
      }
      loadUnit(at, stride, blocks)
      for (let i: usize = 0; i < 4; i++) y0 = codeBlock(tables, blocks + (i << 7), 0, y0)
      cb = codeBlock(tables, blocks + 512, 1, cb)
      cr = codeBlock(tables, blocks + 640, 1, cr)
    }
  }
  // the last byte is padded with ones
  put(0x7f, 7)
  while (pendingBits >= 8) {
    pendingBits -= 8
    const byte = u8(pending >> pendingBits)
    store<u8>(to++, byte)
    if (byte === 255) store<u8>(to++, 0)
  }
  return to
}
