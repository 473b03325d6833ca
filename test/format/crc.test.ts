import fc from 'fast-check'
import t from 'tap'
import { crc32, crc32Js, crc32OfWords } from '../../src/format/crc.js'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

t.test('the published check values', async (t) => {
  for (const [text, expected] of [
    ['', 0],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
  ] as const) {
    t.equal(crc32(ascii(text)), expected)
    t.equal(crc32Js(ascii(text)), expected)
  }
})

t.test('native and JavaScript agree at every length and alignment, whole and in two parts', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(), fc.nat(7), (bytes, cut, lead) => {
      const shifted = new Uint8Array(bytes.length + lead)
      shifted.set(bytes, lead)
      const view = shifted.subarray(lead)
      const at = cut % (bytes.length + 1)
      const whole = crc32Js(bytes)
      return (
        crc32(view) === whole &&
        crc32(view.subarray(at), crc32(view.subarray(0, at))) === whole &&
        crc32Js(view.subarray(at), crc32Js(view.subarray(0, at))) === whole
      )
    }),
    { numRuns: 500 },
  )
})

t.test('five words are the bytes of a record head', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      const v = new DataView(bytes.buffer, bytes.byteOffset)
      const w = [0, 4, 8, 12, 16].map((at) => v.getUint32(at, true))
      return crc32OfWords(w[0]!, w[1]!, w[2]!, w[3]!, w[4]!) === crc32Js(bytes)
    }),
  )
})
