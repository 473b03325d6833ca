// AssemblyScript. A key frame of VP8 (RFC 6386), for tiles that are partly transparent: 16×16 prediction only,
// default probabilities, one partition of coefficients, the loop filter left to the decoder (it comes after
// prediction). What nobody sees costs neither time nor bytes: macroblocks that are wholly transparent are skipped, and
// in others transparent pixels take the mean of those that show.

import { DC_PRED, distance, H_PRED, join, loadMacroblock, predict, TM_PRED, V_PRED } from './vp8-blocks'
import { begin, end, literal, mode, to0, to1, tokens } from './vp8-coder'
import { forward, hadamard, inverse, quantise } from './vp8-transform'

// What raster/tiles/webp.ts lays down at `tables`, byte offsets,
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
  begin(modes, out)
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
      const shows = loadMacroblock(tables + SOURCE, src + (my * 16 * width + mx * 16) * 4, width * 4)
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
  end()
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
  const has = tokens(tables + PROBABILITIES, type, context, levels, first)
  store<u8>(above, has)
  store<u8>(left, has)
}
