// AssemblyScript. Undoes horizontal differencing of 8-bit samples in place: prefix sums, several pixels at a time.

// @ts-ignore: a decorator of AssemblyScript
@inline
function sums1(x: v128): v128 {
  x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)))
  x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)))
  x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)))
  return i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7)))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function rest(row: usize, from: usize, rowBytes: usize, samples: usize): void {
  for (let i = max(from, samples); i < rowBytes; i++) store<u8>(row + i, load<u8>(row + i) + load<u8>(row + i - samples))
}

export function undo1(data: usize, width: usize, rows: i32): void {
  for (let y = 0; y < rows; y++) {
    let carry = i8x16.splat(0)
    let i: usize = 0
    for (; i + 16 <= width; i += 16) {
      const x = i8x16.add(sums1(v128.load(data + i)), carry)
      v128.store(data + i, x)
      carry = i8x16.splat(i8x16.extract_lane_u(x, 15))
    }
    rest(data, i, width, 1)
    data += width
  }
}

export function undo3(data: usize, width: usize, rows: i32): void {
  const rowBytes = width * 3
  for (let y = 0; y < rows; y++) {
    let carry = i8x16.splat(0)
    let i: usize = 0
    // four pixels are twelve bytes; sixteen are read
    for (; i + 16 <= rowBytes; i += 12) {
      let x = v128.load(data + i)
      x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, -1, -1, -1, -1)))
      x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, -1, -1, -1, -1)))
      x = i8x16.add(x, carry)
      v128.store64_lane(data + i, x, 0)
      v128.store32_lane(data + i, x, 2, 8)
      carry = i8x16.swizzle(x, i8x16(9, 10, 11, 9, 10, 11, 9, 10, 11, 9, 10, 11, -1, -1, -1, -1))
    }
    rest(data, i, rowBytes, 3)
    data += rowBytes
  }
}

export function undo4(data: usize, width: usize, rows: i32): void {
  const rowBytes = width * 4
  for (let y = 0; y < rows; y++) {
    let carry = i8x16.splat(0)
    let i: usize = 0
    for (; i + 16 <= rowBytes; i += 16) {
      let x = v128.load(data + i)
      x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)))
      x = i8x16.add(x, i8x16.swizzle(x, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7)))
      x = i8x16.add(x, carry)
      v128.store(data + i, x)
      carry = i32x4.splat(i32x4.extract_lane(x, 3))
    }
    rest(data, i, rowBytes, 4)
    data += rowBytes
  }
}
