// AssemblyScript. The blocks of one ZSTD frame (RFC 8878 §3.1.1.2), in the order of the document. The frame's header
// is read, and its blocks are walked, before this is called (tiff/zstd.ts). Invariants: nothing is read outside the
// input (and 8 bytes around it), a match never begins before the output, and writing ends at its end (and 32 bytes).
// Bits are taken from the end of a stream backwards: `position` bits are left before each read.

const MAX_LITERALS: u32 = 131072
const HUFFMAN_LOG: u32 = 11

/** Where things lie in the caller's work space, bytes. */
const HUFFMAN: usize = 0
const LENGTHS: usize = 4096
const OFFSETS: usize = 6144
const MATCHES: usize = 7168
const WEIGHT_STATES: usize = 9216
const COUNTS: usize = 9472
const NEXT: usize = 9984
const WEIGHTS: usize = 10496
const LITERALS: usize = 10752

const LENGTH_COUNTS: StaticArray<i16> = [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1]
const MATCH_COUNTS: StaticArray<i16> = [1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1]
const OFFSET_COUNTS: StaticArray<i16> = [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1]
const LENGTH_BASE: StaticArray<u32> = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
const LENGTH_BITS: StaticArray<u8> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
const MATCH_BASE: StaticArray<u32> = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539]
const MATCH_BITS: StaticArray<u8> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]

let work: usize = 0
/** Of the tree and the three tables that a block may take over from the one before; 0: there is none. */
let huffmanLog: u32 = 0
let lengthLog: i32 = -1
let offsetLog: i32 = -1
let matchLog: i32 = -1
let literals: usize = 0
let literalBytes: u32 = 0

// @ts-ignore: a decorator of AssemblyScript
@inline
function high(x: u32): u32 {
  return 31 - clz(x)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function bitsAt(start: usize, position: i32, count: u32): u32 {
  return <u32>((load<u64>(start + (position >> 3)) >> (position & 7)) & ((<u64>1 << count) - 1))
}

/** The `count` bits before `position + count`, zeros before the start. */
function bitsBefore(start: usize, position: i32, count: u32): u32 {
  if (position >= 0) return bitsAt(start, position, count)
  const left = position + <i32>count
  return left <= 0 ? 0 : bitsAt(start, 0, left) << -position
}

/** Bits of a stream without the mark at its end; -1: there is no mark. */
function streamBits(start: usize, bytes: u32): i32 {
  if (bytes === 0) return -1
  const last = <u32>load<u8>(start + bytes - 1)
  return last === 0 ? -1 : <i32>((bytes - 1) * 8 + high(last))
}

/** Reads the counts of a table; returns its bytes, 0 when broken. The log goes to `readLog`, the symbols' number to `readSymbols`. */
let readLog: u32 = 0
let readSymbols: u32 = 0
function readCounts(start: usize, end: usize, maxLog: u32, maxSymbols: u32): u32 {
  const limit = <i32>(end - start) * 8
  if (limit < 8) return 0
  const log = <u32>(load<u8>(start) & 15) + 5
  if (log > maxLog) return 0
  let at: i32 = 4
  let left: i32 = 1 << log
  let symbol: u32 = 0
  const counts = work + COUNTS
  while (left > 0) {
    if (symbol >= maxSymbols || at > limit) return 0
    const bits = high(left + 1) + 1
    let value = <i32>bitsAt(start, at, bits)
    at += bits
    const mask = (1 << (bits - 1)) - 1
    const threshold = (1 << bits) - 1 - (left + 1)
    if ((value & mask) < threshold) {
      at--
      value &= mask
    } else if (value > mask) value -= threshold
    const count = value - 1
    left -= count < 0 ? 1 : count
    store<i16>(counts + symbol * 2, <i16>count)
    symbol++
    if (count === 0) {
      let repeat: u32
      do {
        if (at > limit) return 0
        repeat = bitsAt(start, at, 2)
        at += 2
        if (symbol + repeat > maxSymbols) return 0
        for (let i: u32 = 0; i < repeat; i++) store<i16>(counts + symbol++ * 2, 0)
      } while (repeat === 3)
    }
  }
  if (left !== 0 || at > limit) return 0
  readLog = log
  readSymbols = symbol
  return <u32>(at + 7) >> 3
}

/** Counts → a table of entries (base of the next state: u16, bits: u8, symbol: u8). False when broken. */
function buildTable(table: usize, log: u32, symbols: u32): bool {
  const counts = work + COUNTS
  const next = work + NEXT
  const size: u32 = 1 << log
  let top = size
  for (let s: u32 = 0; s < symbols; s++) {
    const count = load<i16>(counts + s * 2)
    store<u16>(next + s * 2, count < 0 ? 1 : <u16>count)
    if (count < 0) store<u8>(table + --top * 4 + 3, <u8>s)
  }
  const step = (size >> 1) + (size >> 3) + 3
  let at: u32 = 0
  for (let s: u32 = 0; s < symbols; s++) {
    const count = <i32>load<i16>(counts + s * 2)
    for (let i = 0; i < count; i++) {
      store<u8>(table + at * 4 + 3, <u8>s)
      do {
        at = (at + step) & (size - 1)
      } while (at >= top)
    }
  }
  if (at !== 0) return false
  for (let i: u32 = 0; i < size; i++) {
    const entry = table + i * 4
    const slot = next + <usize>load<u8>(entry + 3) * 2
    const n = <u32>load<u16>(slot)
    store<u16>(slot, <u16>(n + 1))
    const bits = log - high(n)
    store<u16>(entry, <u16>((n << bits) - size))
    store<u8>(entry + 2, <u8>bits)
  }
  return true
}

/** Reads the weights of a tree; returns its bytes, 0 when broken. Their number goes to `readSymbols`. */
function readWeights(start: usize, end: usize): u32 {
  const weights = work + WEIGHTS
  const head = <u32>load<u8>(start)
  if (head >= 128) {
    const count = head - 127
    const bytes = (count + 1) >> 1
    if (start + 1 + bytes > end) return 0
    for (let i: u32 = 0; i < count; i++) {
      const pair = load<u8>(start + 1 + (i >> 1))
      store<u8>(weights + i, i & 1 ? pair & 15 : pair >> 4)
    }
    readSymbols = count
    return 1 + bytes
  }
  const first = start + 1
  const stop = first + head
  if (stop > end) return 0
  const used = readCounts(first, stop, 6, 256)
  const table = work + WEIGHT_STATES
  if (used === 0 || !buildTable(table, readLog, readSymbols)) return 0
  const stream = first + used
  let position = streamBits(stream, <u32>(stop - stream))
  if (position < 0) return 0
  const log = readLog
  position -= log
  let a = bitsBefore(stream, position, log)
  position -= log
  let b = bitsBefore(stream, position, log)
  let count: u32 = 0
  for (;;) {
    if (count > 253) return 0
    let entry = table + a * 4
    store<u8>(weights + count++, load<u8>(entry + 3))
    position -= load<u8>(entry + 2)
    a = <u32>load<u16>(entry) + bitsBefore(stream, position, load<u8>(entry + 2))
    if (position < 0) {
      store<u8>(weights + count++, load<u8>(table + b * 4 + 3))
      break
    }
    entry = table + b * 4
    store<u8>(weights + count++, load<u8>(entry + 3))
    position -= load<u8>(entry + 2)
    b = <u32>load<u16>(entry) + bitsBefore(stream, position, load<u8>(entry + 2))
    if (position < 0) {
      store<u8>(weights + count++, load<u8>(table + a * 4 + 3))
      break
    }
  }
  readSymbols = count
  return 1 + head
}

/** Reads a tree into entries (symbol: u8, bits: u8); returns its bytes, 0 when broken. */
function readTree(start: usize, end: usize): u32 {
  if (start >= end) return 0
  const used = readWeights(start, end)
  if (used === 0) return 0
  const weights = work + WEIGHTS
  let count = readSymbols
  let total: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const w = <u32>load<u8>(weights + i)
    if (w > HUFFMAN_LOG) return 0
    if (w > 0) total += 1 << (w - 1)
  }
  if (total === 0) return 0
  const log = high(total) + 1
  const left = (<u32>1 << log) - total
  if (log > HUFFMAN_LOG || popcnt(left) !== 1) return 0
  store<u8>(weights + count++, <u8>(high(left) + 1))
  let at: u32 = 0
  for (let w: u32 = 1; w <= log; w++) {
    const length: u32 = 1 << (w - 1)
    for (let s: u32 = 0; s < count; s++) {
      if (<u32>load<u8>(weights + s) !== w) continue
      if (at + length > (<u32>1 << log)) return 0
      const entry = <u16>(s | ((log + 1 - w) << 8))
      for (let i: u32 = 0; i < length; i++) store<u16>(work + HUFFMAN + (at + i) * 2, entry)
      at += length
    }
  }
  huffmanLog = log
  return used
}

/** `count` literals from the last `position` bits of a stream. False when it does not end where it has to. */
function finishStream(start: usize, position: i32, out: usize, count: usize): bool {
  const table = work + HUFFMAN
  const log = huffmanLog
  const down: u64 = 64 - log
  const end = out + count
  // Five symbols of at most 11 bits in 56.
  while (out + 5 <= end && position >= 56) {
    const from = position - 56
    let word = (load<u64>(start + (from >> 3)) >> (from & 7)) << 8
    let entry = <u32>load<u16>(table + (<usize>(word >> down) << 1))
    store<u8>(out, <u8>entry)
    let taken = entry >> 8
    word <<= taken
    entry = <u32>load<u16>(table + (<usize>(word >> down) << 1))
    store<u8>(out + 1, <u8>entry)
    word <<= entry >> 8
    taken += entry >> 8
    entry = <u32>load<u16>(table + (<usize>(word >> down) << 1))
    store<u8>(out + 2, <u8>entry)
    word <<= entry >> 8
    taken += entry >> 8
    entry = <u32>load<u16>(table + (<usize>(word >> down) << 1))
    store<u8>(out + 3, <u8>entry)
    word <<= entry >> 8
    taken += entry >> 8
    entry = <u32>load<u16>(table + (<usize>(word >> down) << 1))
    store<u8>(out + 4, <u8>entry)
    position -= taken + (entry >> 8)
    out += 5
  }
  while (out < end) {
    const entry = load<u16>(table + (<usize>bitsBefore(start, position - log, log) << 1))
    store<u8>(out++, <u8>entry)
    position -= entry >> 8
  }
  return position === 0
}

/** Four streams of `count` literals each, the last one of `lastCount`, side by side as long as all have five. */
function readStreams(start: usize, bytes: u32, a: u32, b: u32, c: u32, count: u32, lastCount: u32): bool {
  const start2 = start + a
  const start3 = start2 + b
  const start4 = start3 + c
  const bytes4 = bytes - a - b - c
  let p1 = streamBits(start, a)
  let p2 = streamBits(start2, b)
  let p3 = streamBits(start3, c)
  let p4 = streamBits(start4, bytes4)
  if (p1 < 0 || p2 < 0 || p3 < 0 || p4 < 0) return false
  const table = work + HUFFMAN
  const down: u64 = 64 - huffmanLog
  let out = work + LITERALS
  const fastEnd = out + lastCount
  const out2: usize = count
  const out3: usize = 2 * count
  const out4: usize = 3 * count
  while (out + 5 <= fastEnd && p1 >= 56 && p2 >= 56 && p3 >= 56 && p4 >= 56) {
    let w1 = (load<u64>(start + ((p1 - 56) >> 3)) >> ((p1 - 56) & 7)) << 8
    let w2 = (load<u64>(start2 + ((p2 - 56) >> 3)) >> ((p2 - 56) & 7)) << 8
    let w3 = (load<u64>(start3 + ((p3 - 56) >> 3)) >> ((p3 - 56) & 7)) << 8
    let w4 = (load<u64>(start4 + ((p4 - 56) >> 3)) >> ((p4 - 56) & 7)) << 8
    const stop = out + 5
    do {
      const e1 = <u32>load<u16>(table + (<usize>(w1 >> down) << 1))
      const e2 = <u32>load<u16>(table + (<usize>(w2 >> down) << 1))
      const e3 = <u32>load<u16>(table + (<usize>(w3 >> down) << 1))
      const e4 = <u32>load<u16>(table + (<usize>(w4 >> down) << 1))
      store<u8>(out, <u8>e1)
      store<u8>(out + out2, <u8>e2)
      store<u8>(out + out3, <u8>e3)
      store<u8>(out + out4, <u8>e4)
      w1 <<= e1 >> 8
      w2 <<= e2 >> 8
      w3 <<= e3 >> 8
      w4 <<= e4 >> 8
      p1 -= e1 >> 8
      p2 -= e2 >> 8
      p3 -= e3 >> 8
      p4 -= e4 >> 8
    } while (++out < stop)
  }
  const left = work + LITERALS + count - out
  return (
    finishStream(start, p1, out, left) &&
    finishStream(start2, p2, out + out2, left) &&
    finishStream(start3, p3, out + out3, left) &&
    finishStream(start4, p4, out + out4, left - (count - lastCount))
  )
}

/** Makes `literals`; returns the bytes of the section, 0 when broken. */
function readLiterals(start: usize, end: usize): u32 {
  const head = load<u32>(start)
  const kind = head & 3
  const format = (head >> 2) & 3
  if (kind < 2) {
    const headBytes: u32 = format === 1 ? 2 : format === 3 ? 3 : 1
    const count = format === 1 ? (head & 0xffff) >> 4 : format === 3 ? (head & 0xffffff) >> 4 : (head & 255) >> 3
    const bytes: u32 = kind === 0 ? count : 1
    if (count > MAX_LITERALS || start + headBytes + bytes > end) return 0
    literalBytes = count
    if (kind === 0) literals = start + headBytes
    else {
      literals = work + LITERALS
      memory.fill(literals, load<u8>(start + headBytes), count)
    }
    return headBytes + bytes
  }
  const wide = load<u64>(start)
  const headBytes: u32 = format < 2 ? 3 : format === 2 ? 4 : 5
  const sizeBits: u64 = format < 2 ? 10 : format === 2 ? 14 : 18
  const mask = (<u64>1 << sizeBits) - 1
  const count = <u32>((wide >> 4) & mask)
  const packed = <u32>((wide >> (4 + sizeBits)) & mask)
  let at = start + headBytes
  const stop = at + packed
  if (count > MAX_LITERALS || stop > end) return 0
  if (kind === 2) {
    const used = readTree(at, stop)
    if (used === 0) return 0
    at += used
  } else if (huffmanLog === 0) return 0
  literals = work + LITERALS
  literalBytes = count
  if (format === 0) {
    const bits = streamBits(at, <u32>(stop - at))
    return bits >= 0 && finishStream(at, bits, literals, count) ? headBytes + packed : 0
  }
  if (at + 6 > stop) return 0
  const a = <u32>load<u16>(at)
  const b = <u32>load<u16>(at + 2)
  const c = <u32>load<u16>(at + 4)
  at += 6
  const part = (count + 3) >> 2
  if (at + a + b + c > stop || part * 3 > count) return 0
  const isGood = readStreams(at, <u32>(stop - at), a, b, c, part, count - 3 * part)
  return isGood ? headBytes + packed : 0
}

/** One of the three tables of a block, by its mode; returns the bytes it takes, -1 when broken. Its log goes to `readLog`. */
function readTable(mode: u32, table: usize, start: usize, end: usize, before: i32, counts: StaticArray<i16>, log: u32, maxLog: u32): i32 {
  if (mode === 0) {
    memory.copy(work + COUNTS, changetype<usize>(counts), counts.length * 2)
    readLog = log
    return buildTable(table, log, counts.length) ? 0 : -1
  }
  if (mode === 1) {
    if (start >= end || <i32>load<u8>(start) >= counts.length + (maxLog === 8 ? 3 : 0)) return -1
    store<u32>(table, <u32>load<u8>(start) << 24)
    readLog = 0
    return 1
  }
  if (mode === 3) {
    readLog = before
    return before < 0 ? -1 : 0
  }
  const used = readCounts(start, end, maxLog, maxLog === 8 ? 32 : counts.length)
  return used > 0 && buildTable(table, readLog, readSymbols) ? used : -1
}

/** At least `count` bytes, sixteen at a time; for what does not overlap within sixteen bytes. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function copy16(to: usize, from: usize, count: usize): void {
  const end = to + count
  do {
    v128.store(to, v128.load(from))
    to += 16
    from += 16
  } while (to < end)
}

let rep1: u32 = 1
let rep2: u32 = 4
let rep3: u32 = 8

/** A compressed block. Returns where the output ends then, 0 when broken; never beyond `limit`. */
function readBlock(start: usize, end: usize, base: usize, out: usize, limit: usize): usize {
  if (start + 2 > end) return 0
  const used = readLiterals(start, end)
  if (used === 0) return 0
  let at = start + used
  if (at >= end) return 0
  let left = <u32>load<u8>(at++)
  if (left === 255) {
    if (at + 2 > end) return 0
    left = <u32>load<u16>(at) + 0x7f00
    at += 2
  } else if (left >= 128) {
    if (at >= end) return 0
    left = ((left - 128) << 8) + <u32>load<u8>(at++)
  }
  let literal = literals
  const literalEnd = literal + literalBytes
  if (left > 0) {
    if (at >= end) return 0
    const modes = <u32>load<u8>(at++)
    const lengths = work + LENGTHS
    const offsets = work + OFFSETS
    const matches = work + MATCHES
    let bytes = readTable(modes >> 6, lengths, at, end, lengthLog, LENGTH_COUNTS, 6, 9)
    if (bytes < 0) return 0
    at += bytes
    lengthLog = readLog
    bytes = readTable((modes >> 4) & 3, offsets, at, end, offsetLog, OFFSET_COUNTS, 5, 8)
    if (bytes < 0) return 0
    at += bytes
    offsetLog = readLog
    bytes = readTable((modes >> 2) & 3, matches, at, end, matchLog, MATCH_COUNTS, 6, 9)
    if (bytes < 0) return 0
    at += bytes
    matchLog = readLog
    let position = at < end ? streamBits(at, <u32>(end - at)) : -1
    position -= lengthLog + offsetLog + matchLog
    if (position < 0) return 0
    let states = bitsAt(at, position, lengthLog + offsetLog + matchLog)
    let m = states & ((1 << matchLog) - 1)
    states >>= matchLog
    let o = states & ((1 << offsetLog) - 1)
    let l = states >> offsetLog
    for (;;) {
      const lengthEntry = load<u32>(lengths + (l << 2))
      const offsetEntry = load<u32>(offsets + (o << 2))
      const matchEntry = load<u32>(matches + (m << 2))
      const lengthCode = lengthEntry >> 24
      const offsetCode = offsetEntry >> 24
      const matchCode = matchEntry >> 24
      position -= offsetCode
      if (position < 0) return 0
      const said = (<u32>1 << offsetCode) + bitsAt(at, position, offsetCode)
      const lengthBits = <u32>unchecked(LENGTH_BITS[lengthCode])
      const matchBits = <u32>unchecked(MATCH_BITS[matchCode])
      position -= lengthBits + matchBits
      if (position < 0) return 0
      const extra = bitsAt(at, position, lengthBits + matchBits)
      const length = unchecked(LENGTH_BASE[lengthCode]) + (extra & ((1 << lengthBits) - 1))
      const match = unchecked(MATCH_BASE[matchCode]) + (extra >> lengthBits)
      let offset: u32
      if (said > 3) {
        offset = said - 3
        rep3 = rep2
        rep2 = rep1
        rep1 = offset
      } else {
        const which = said + (length === 0 ? 1 : 0)
        if (which === 1) offset = rep1
        else {
          offset = which === 2 ? rep2 : which === 3 ? rep3 : rep1 - 1
          if (which !== 2) rep3 = rep2
          rep2 = rep1
          rep1 = offset
        }
      }
      if (literal + length > literalEnd || offset === 0) return 0
      if (out + length > limit) {
        memory.copy(out, literal, limit - out)
        return limit
      }
      if (length > 0) {
        copy16(out, literal, length)
        literal += length
        out += length
      }
      if (offset > <u32>(out - base)) return 0
      let from = out - offset
      let stop = out + match
      const isFull = stop >= limit
      if (isFull) stop = limit
      if (offset >= 16) {
        if (out < stop) copy16(out, from, stop - out)
      } else if (offset === 1) {
        memory.fill(out, load<u8>(from), stop - out)
      } else {
        while (out < stop) store<u8>(out++, load<u8>(from++))
      }
      out = stop
      if (isFull) return limit
      if (--left === 0) break
      const lBits = (lengthEntry >> 16) & 255
      const mBits = (matchEntry >> 16) & 255
      const oBits = (offsetEntry >> 16) & 255
      position -= lBits + mBits + oBits
      if (position < 0) return 0
      let more = bitsAt(at, position, lBits + mBits + oBits)
      o = (offsetEntry & 0xffff) + (more & ((1 << oBits) - 1))
      more >>= oBits
      m = (matchEntry & 0xffff) + (more & ((1 << mBits) - 1))
      l = (lengthEntry & 0xffff) + (more >> mBits)
    }
    if (position !== 0) return 0
  } else if (at !== end) return 0
  const rest = literalEnd - literal
  const count = min(rest, limit - out)
  memory.copy(out, literal, count)
  return out + count
}

/**
 * Decodes the blocks of a frame to `out` and returns how many bytes came out (at most `outBytes`); −1: broken.
 * `space`: ZSTD_WORK_BYTES of work space. 8 bytes before and 32 behind the input are readable, 32 behind `out` writable.
 */
export function zstd(input: usize, inputBytes: u32, out: usize, outBytes: u32, space: usize): i32 {
  work = space
  huffmanLog = 0
  lengthLog = -1
  offsetLog = -1
  matchLog = -1
  rep1 = 1
  rep2 = 4
  rep3 = 8
  const base = out
  const limit = out + outBytes
  const end = input + inputBytes
  while (input + 3 <= end && out < limit) {
    const head = load<u32>(input) & 0xffffff
    input += 3
    const kind = (head >> 1) & 3
    const size = <usize>(head >> 3)
    if (kind === 1) {
      if (input >= end) return -1
      const count = min(size, limit - out)
      memory.fill(out, load<u8>(input++), count)
      out += count
    } else {
      if (input + size > end || kind === 3) return -1
      if (kind === 0) {
        const count = min(size, limit - out)
        memory.copy(out, input, count)
        out += count
      } else {
        out = readBlock(input, input + size, base, out, limit)
        if (out === 0) return -1
      }
      input += size
    }
    if (head & 1) break
  }
  return <i32>(out - base)
}
