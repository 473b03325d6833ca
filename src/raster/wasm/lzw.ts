// AssemblyScript. TIFF LZW with codes from the high bit (tiff/codecs/lzw.ts describes the table). Strings are copied
// sixteen bytes at a time: surplus bytes are overwritten later, and there are 16 spare bytes after `out`.

const CLEAR: u32 = 256
const END: u32 = 257
const MOST: u32 = 4096

/**
 * Decodes to `out`, and returns the number of bytes decoded; −1: a code is not in the table. `table`: 4097 entries of
 * (address: u32, length: u32); the first 256 refer to `literals`, the bytes 0 … 255 in order.
 */
export function lzw(
  input: usize,
  inputBytes: u32,
  out: usize,
  outBytes: u32,
  table: usize,
  literals: usize,
): i32 {
  for (let i: u32 = 0; i < 256; i++) {
    store<u8>(literals + i, <u8>i)
    store<u64>(table + (i << 3), ((<u64>1) << 32) | <u64>(<u32>literals + i))
  }
  let at = input
  const inputEnd = input + inputBytes
  const outEnd = out + outBytes
  let position = out
  // the next bits, from the high end, and their number
  let bits: u64 = 0
  let have: u32 = 0
  let width: u32 = 9
  // the entry that the next string completes; 257: none yet
  let next: u32 = 257
  let grow: u32 = 511
  while (position < outEnd) {
    if (have < width) {
      if (at + 8 <= inputEnd) {
        bits |= bswap<u64>(load<u64>(at)) >> have
        const bytes = (63 - have) >> 3
        at += bytes
        have += bytes << 3
      } else {
        while (have <= 56 && at < inputEnd) {
          bits |= (<u64>load<u8>(at)) << (56 - have)
          at++
          have += 8
        }
        if (have < width) break
      }
    }
    const code = <u32>(bits >> (64 - width))
    bits <<= width
    have -= width
    if (code >= CLEAR && code <= END) {
      if (code === END) break
      width = 9
      next = 257
      grow = 511
      continue
    }
    if (code > next) return -1
    const entry = load<u64>(table + (code << 3))
    const length = <u32>(entry >> 32)
    let from = <usize>(<u32>entry)
    let to = position
    const end = position + length
    if (end > outEnd) {
      while (to < outEnd) store<u8>(to++, load<u8>(from++))
      position = outEnd
      break
    }
    v128.store(to, v128.load(from))
    if (length > 16) {
      do {
        from += 16
        to += 16
        v128.store(to, v128.load(from))
      } while (to + 16 < end)
    }
    // the entry being completed: the previous string, and its own first byte
    if (code === next) store<u8>(end - 1, load<u8>(position))
    if (next < MOST) {
      next++
      store<u64>(table + (next << 3), ((<u64>(length + 1)) << 32) | <u64>(<u32>position))
      if (next === grow && width < 12) {
        width++
        grow = (1 << width) - 1
      }
    }
    position = end
  }
  return <i32>(position - out)
}
