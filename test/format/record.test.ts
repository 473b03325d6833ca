import fc from 'fast-check'
import t from 'tap'
import { crc32 } from '../../src/format/crc.js'
import { FLAG_DELETED, MAX_VALUE_OFFSET } from '../../src/format/layout.js'
import * as r from '../../src/format/record.js'

const value = new TextEncoder().encode('a tile')

t.test('fixed bytes', async (t) => {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  r.writeRecord(view, 8, 0x1234_56789abc, 0x0102_03040506, 3, 1, 0x0a0b0c0d, 0xfedcba98)
  t.equal(
    Buffer.from(bytes).toString('hex'),
    '0000000000000000bc9a785634120000060504030201' + '0301' + '0d0c0b0a98badcfe',
  )
})

const fields = fc.record({
  key: fc.maxSafeNat(),
  offset: fc.integer({ min: 0, max: MAX_VALUE_OFFSET }),
  type: fc.nat(255),
  flags: fc.nat(255),
  length: fc.integer({ min: 0, max: 2 ** 31 }),
  check: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
})

t.test('there and back, over bytes and over words', async () => {
  fc.assert(
    fc.property(fields, fc.nat(3), ({ key, offset, type, flags, length, check }, index) => {
      const u32 = new Uint32Array(24)
      const view = new DataView(u32.buffer)
      r.writeRecord(view, index * 24, key, offset, type, flags, length, check)
      const words = new Uint32Array(24)
      r.writeRecordWords(words, index * 6, key, offset, type, flags, length, check)
      const pos = index * 24
      const word = index * 6
      return (
        Buffer.from(u32.buffer).equals(Buffer.from(words.buffer)) &&
        r.recordKey(view, pos) === key &&
        r.recordOffset(view, pos) === offset &&
        r.recordType(view, pos) === type &&
        r.recordFlags(view, pos) === flags &&
        r.recordLength(view, pos) === length &&
        r.recordCheck(view, pos) === check &&
        r.keyAt(u32, word) === key &&
        r.offsetAt(u32, word) === offset &&
        r.typeAt(u32, word) === type &&
        r.flagsAt(u32, word) === flags &&
        r.isDeletedAt(u32, word) === ((flags & FLAG_DELETED) === 1) &&
        r.lengthAt(u32, word) === length &&
        r.checkAt(u32, word) === check &&
        r.recordContentCrc(view, pos) === r.contentCrcAt(u32, word)
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('the check finds every flipped bit of the record and gives the content CRC back', async (t) => {
  const bytes = new Uint8Array(24)
  const view = new DataView(bytes.buffer)
  const check = r.checkOf(2 ** 40 + 5, 2 ** 35 + 1, 2, 0, value.length, crc32(value))
  r.writeRecord(view, 0, 2 ** 40 + 5, 2 ** 35 + 1, 2, 0, value.length, check)
  t.equal((crc32(bytes.subarray(0, 20)) ^ crc32(value)) >>> 0, check)
  t.equal(r.recordContentCrc(view, 0), crc32(value))
  let missed = 0
  for (let bit = 0; bit < 24 * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    if (r.recordContentCrc(view, 0) === crc32(value)) missed++
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  t.equal(missed, 0)
})

t.test('what does not fit is a RangeError, not a wrong record', async (t) => {
  const view = new DataView(new ArrayBuffer(24))
  const words = new Uint32Array(6)
  for (const [key, offset, type, flags, length] of [
    [-1, 0, 0, 0, 1],
    [2 ** 53, 0, 0, 0, 1],
    [Number.NaN, 0, 0, 0, 1],
    [0, 2 ** 48, 0, 0, 1],
    [0, -1, 0, 0, 1],
    [0, 0, 256, 0, 1],
    [0, 0, 0, 256, 1],
    [0, 0, 0, 0, 2 ** 31 + 1],
    [0, 0, 0, 0, -1],
  ] as const) {
    t.throws(() => r.writeRecord(view, 0, key, offset, type, flags, length, 0), RangeError)
    t.throws(() => r.writeRecordWords(words, 0, key, offset, type, flags, length, 0), RangeError)
  }
  t.doesNotThrow(() => r.writeRecord(view, 0, 0, 0, 0, 0, 2 ** 31, 0))
})
