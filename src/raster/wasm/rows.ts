// AssemblyScript. Copies and scans rectangles of bytes.

/** Copies a rectangle; strides are in bytes. */
export function copyRows(
  from: usize,
  fromStride: i32,
  to: usize,
  toStride: i32,
  rowBytes: usize,
  rows: i32,
): void {
  for (let y = 0; y < rows; y++) {
    memory.copy(to, from, rowBytes)
    from += fromStride
    to += toStride
  }
}

/** 0 if all bytes are 0, 255 if all are 255, else 1. `rowBytes` is a multiple of 16. */
export function coverage(at: usize, stride: i32, rowBytes: usize, rows: i32): i32 {
  const first = load<u8>(at)
  if (first !== 0 && first !== 255) return 1
  const like = i8x16.splat(first)
  for (let y = 0; y < rows; y++) {
    let differ = i8x16.splat(0)
    for (let x: usize = 0; x < rowBytes; x += 16) differ = v128.or(differ, v128.xor(v128.load(at + x), like))
    if (v128.any_true(differ)) return 1
    at += stride
  }
  return first
}
