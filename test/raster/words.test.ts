// Loops over words say what loops over bytes say, wherever in memory the bytes lie and however many they are.

import t from 'tap'
import { isFilledWith, joinFours, splitFours, wordsOf } from '../../src/raster/words.js'
import { integersFrom } from '../helpers/random.js'
import { sameBytes } from '../helpers/same-bytes.js'

/** Bytes that begin `shift` bytes behind a whole word. */
function noise(length: number, shift: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(length + 8), shift, length)
  const byte = integersFrom(seed)
  for (let i = 0; i < length; i++) bytes[i] = byte(256)
  return bytes
}

t.test('RGBA is split and joined again', async (t) => {
  for (const shift of [0, 1, 4]) {
    for (const pixels of [0, 1, 3, 4, 5, 6, 7, 64, 1021]) {
      const from = noise(pixels * 4, shift, pixels + shift)
      const three = new Uint8Array(pixels * 3)
      const fourth = new Uint8Array(pixels)
      const done = splitFours(from, pixels, three, fourth)
      t.equal(done, wordsOf(from) !== undefined)
      if (!done) continue
      t.same(
        [...from],
        Array.from({ length: pixels * 4 }, (_, i) =>
          i % 4 === 3 ? fourth[i >> 2] : three[(i >> 2) * 3 + (i % 4)],
        ),
      )
      const shown = from.map((byte, i) => (from[i | 3] === 0 ? 0 : byte))
      sameBytes(t, joinFours(three, fourth), shown)
      const only = new Uint8Array(pixels)
      t.ok(splitFours(from, pixels, undefined, only))
      sameBytes(t, only, fourth)
    }
  }
})

t.test('a block of which less than all pixels are wanted', async (t) => {
  const three = new Uint8Array(9)
  t.ok(splitFours(noise(80, 0, 1), 3, three, undefined))
  t.same([...three], [...noise(80, 0, 1)].filter((_, i) => i % 4 !== 3).slice(0, 9))
})

t.test('one byte that differs is found, wherever it is', async (t) => {
  for (const shift of [0, 1, 2, 3]) {
    for (const length of [0, 1, 4, 7, 16, 33]) {
      const bytes = new Uint8Array(new ArrayBuffer(length + 8), shift, length).fill(255)
      t.ok(isFilledWith(bytes, 255))
      t.equal(isFilledWith(bytes, 0), length === 0)
      for (let i = 0; i < length; i++) {
        bytes[i] = 254
        t.notOk(isFilledWith(bytes, 255), `${i} of ${length}`)
        bytes[i] = 255
      }
    }
  }
})
