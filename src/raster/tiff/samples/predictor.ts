// Undoes the predictors of TIFF. 2 (horizontal differencing): each sample holds the difference to the same sample of
// the pixel to the left, modulo its range; floats are differenced as integers. 3 (floating point, TIFF Technical Note
// 3): the bytes of a row are stored plane by plane, the highest first whatever the file's byte order, and are
// differenced as bytes.

import { simd } from '../../simd.js'

interface Rows {
  readonly width: number
  readonly rows: number
  readonly samples: number
}

/** Undoes predictor 2 in place: `rows` rows of `width` pixels with `samples` 8-bit samples. */
export function undoHorizontal8(data: Uint8Array, width: number, rows: number, samples: number): void {
  if (undoFast(data, width, rows, samples)) return
  const rowBytes = width * samples
  for (let y = 0; y < rows; y++) {
    const from = y * rowBytes
    const to = from + rowBytes
    if (samples === 3) undoRow3(data, from, to)
    else if (samples === 1) undoRow1(data, from, to)
    else if (samples === 4) undoRow4(data, from, to)
    else for (let i = from + samples; i < to; i++) data[i] = data[i]! + data[i - samples]!
  }
}

function undoFast(data: Uint8Array, width: number, rows: number, samples: number): boolean {
  const here = simd()
  const at = here?.addressOf(data) ?? -1
  if (here === undefined || at < 0) return false
  if (samples === 3) here.kernels.undo3(at, width, rows)
  else if (samples === 1) here.kernels.undo1(at, width, rows)
  else if (samples === 4) here.kernels.undo4(at, width, rows)
  else return false
  return true
}

// The sums are kept in local variables: reading back a value that was just stored takes a round trip per sample.

function undoRow1(data: Uint8Array, from: number, to: number): void {
  let a = 0
  for (let i = from; i < to; i++) {
    a = (a + data[i]!) | 0
    data[i] = a
  }
}

function undoRow3(data: Uint8Array, from: number, to: number): void {
  let a = 0
  let b = 0
  let c = 0
  for (let i = from; i < to; i += 3) {
    a = (a + data[i]!) | 0
    b = (b + data[i + 1]!) | 0
    c = (c + data[i + 2]!) | 0
    data[i] = a
    data[i + 1] = b
    data[i + 2] = c
  }
}

function undoRow4(data: Uint8Array, from: number, to: number): void {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let i = from; i < to; i += 4) {
    a = (a + data[i]!) | 0
    b = (b + data[i + 1]!) | 0
    c = (c + data[i + 2]!) | 0
    d = (d + data[i + 3]!) | 0
    data[i] = a
    data[i + 1] = b
    data[i + 2] = c
    data[i + 3] = d
  }
}

/** Undoes predictor 2 in place for words of 16 or 32 bits in native order; `perRow` = width · samples. */
export function undoHorizontal(
  data: Uint16Array | Uint32Array,
  perRow: number,
  { rows, samples }: Rows,
): void {
  for (let y = 0; y < rows; y++) {
    const from = y * perRow
    const to = from + perRow
    if (samples === 1) undoWords1(data, from, to)
    else if (samples === 3) undoWords3(data, from, to)
    else if (samples === 4) undoWords4(data, from, to)
    else for (let i = from + samples; i < to; i++) data[i] = data[i]! + data[i - samples]!
  }
}

function undoWords1(data: Uint16Array | Uint32Array, from: number, to: number): void {
  let a = 0
  for (let i = from; i < to; i++) {
    a = (a + data[i]!) | 0
    data[i] = a
  }
}

function undoWords3(data: Uint16Array | Uint32Array, from: number, to: number): void {
  let a = 0
  let b = 0
  let c = 0
  for (let i = from; i < to; i += 3) {
    a = (a + data[i]!) | 0
    b = (b + data[i + 1]!) | 0
    c = (c + data[i + 2]!) | 0
    data[i] = a
    data[i + 1] = b
    data[i + 2] = c
  }
}

function undoWords4(data: Uint16Array | Uint32Array, from: number, to: number): void {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let i = from; i < to; i += 4) {
    a = (a + data[i]!) | 0
    b = (b + data[i + 1]!) | 0
    c = (c + data[i + 2]!) | 0
    d = (d + data[i + 3]!) | 0
    data[i] = a
    data[i + 1] = b
    data[i + 2] = c
    data[i + 3] = d
  }
}

/** Undoes predictor 2 in place for 64-bit words, as pairs of 32-bit words with carry. */
export function undoHorizontal64(
  words: Uint32Array,
  perRow: number,
  { rows, samples }: Rows,
  isLittle: boolean,
): void {
  const low = isLittle ? 0 : 1
  const step = samples * 2
  for (let y = 0; y < rows; y++) {
    const from = y * perRow * 2
    for (let i = from + step; i < from + perRow * 2; i += 2) {
      const sum = words[i + low]! + words[i + low - step]!
      words[i + low] = sum
      words[i + 1 - low] = words[i + 1 - low]! + words[i + 1 - low - step]! + (sum > 0xffffffff ? 1 : 0)
    }
  }
}

/**
 * Undoes predictor 2 in place for unpacked samples of any number of bits. libtiff supports whole bytes only, but other
 * programs write such files.
 */
export function undoHorizontalBits(
  data: Uint8Array | Uint16Array | Uint32Array,
  bits: number,
  perRow: number,
  { rows, samples }: Rows,
): void {
  const range = 2 ** bits
  for (let y = 0; y < rows; y++) {
    const to = (y + 1) * perRow
    for (let i = y * perRow + samples; i < to; i++) {
      const sum = data[i]! + data[i - samples]!
      data[i] = sum >= range ? sum - range : sum
    }
  }
}

/** Undoes predictor 3: rows of byte planes → words in native order, in new memory. Overwrites `bytes`. */
export function undoBytePlanes(
  bytes: Uint8Array,
  wordBytes: number,
  perRow: number,
  rows: number,
  samples: number,
  isLittle: boolean,
): Uint8Array {
  const rowBytes = perRow * wordBytes
  const out = new Uint8Array(rowBytes * rows)
  for (let y = 0; y < rows; y++) {
    const from = y * rowBytes
    if (samples === 1) undoRow1(bytes, from, from + rowBytes)
    else for (let i = from + samples; i < from + rowBytes; i++) bytes[i] = bytes[i]! + bytes[i - samples]!
    for (let plane = 0; plane < wordBytes; plane++) {
      const start = from + plane * perRow
      let o = from + (isLittle ? wordBytes - 1 - plane : plane)
      for (let i = start; i < start + perRow; i++, o += wordBytes) out[o] = bytes[i]!
    }
  }
  return out
}
