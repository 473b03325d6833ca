import fc from 'fast-check'
import t from 'tap'
import { findInTail, findRecord, lowerBound } from '../../src/format/search.js'
import { tileId, zoomBase } from '../../src/format/tile-id.js'

/** An index with `lead` words before it. */
function indexOf(keys: readonly number[], lead = 0): Uint32Array {
  const words = new Uint32Array(lead + keys.length * 6).fill(0xffffffff)
  keys.forEach((key, i) => {
    words[lead + i * 6] = key
    words[lead + i * 6 + 1] = Math.floor(key / 2 ** 32)
  })
  return words
}

/** How many different records `search` reads. */
function touches(words: Uint32Array, search: (spied: Uint32Array) => void): number {
  const seen = new Set<number>()
  const spied = new Proxy(words, {
    get(target, name) {
      if (typeof name === 'string' && /^-?\d+$/.test(name)) seen.add(Math.floor(Number(name) / 6))
      return Reflect.get(target, name)
    },
  })
  search(spied)
  return seen.size
}

const ascending = fc
  .tuple(
    fc.constantFrom(1, 2, 50, 2 ** 20, 2 ** 44),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 200 }),
  )
  .map(([spread, steps]) => {
    let key = 7
    return steps.map((step) => {
      key += 1 + Math.floor(step ** 3 * spread)
      return key
    })
  })

t.test('agrees with looking through all records', async () => {
  fc.assert(
    fc.property(ascending, fc.nat(5), (keys, lead) => {
      const words = indexOf(keys, lead)
      const probes = [0, 7, ...keys, ...keys.map((k) => k - 1), ...keys.map((k) => k + 1), 2 ** 52]
      return probes.every((key) => {
        const least = keys.findIndex((k) => k >= key)
        return (
          lowerBound(words, lead, keys.length, key) === (least < 0 ? keys.length : least) &&
          findRecord(words, lead, keys.length, key) === keys.indexOf(key)
        )
      })
    }),
    { numRuns: 400 },
  )
})

t.test('a dense level takes two touches, a rectangle few, anything log2(n) + 4', async (t) => {
  const dense = Array.from({ length: 40000 }, (_, i) => zoomBase(18) + i)
  const rectangle: number[] = []
  for (let x = 0; x < 200; x++)
    for (let y = 0; y < 200; y++) rectangle.push(tileId(18, 70123 + x, 100321 + y))
  const doubling = Array.from({ length: 50 }, (_, i) => 2 ** i)
  const edges = [0, ...Array.from({ length: 5000 }, (_, i) => 2 ** 50 + i * 3), 2 ** 52]
  const far = [...Array.from({ length: 4095 }, (_, i) => i * i * i * i), 2 ** 52]
  const sets: [string, number[], number][] = [
    ['dense', dense, 2],
    ['rectangle', rectangle.sort((a, b) => a - b), 7],
    ['doubling', doubling, 10],
    ['edges', edges, 17],
    ['fourth powers', far, 17],
  ]
  for (const [name, keys, meanMax] of sets) {
    const words = indexOf(keys)
    let most = 0
    let sum = 0
    let n = 0
    for (let i = 0; i < keys.length; i += 1 + Math.floor(keys.length / 400)) {
      for (const key of [keys[i]!, keys[i]! + 1]) {
        const count = touches(words, (w) => void findRecord(w, 0, keys.length, key))
        most = Math.max(most, count)
        sum += count
        n++
      }
    }
    t.ok(most <= Math.ceil(Math.log2(keys.length)) + 4, `${name}: at most ${most} of ${keys.length}`)
    t.ok(sum / n <= meanMax, `${name}: ${(sum / n).toFixed(2)} on average`)
  }
})

t.test('a hostile index ends the search and is not read outside', async () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 64 }), fc.maxSafeNat(), (keys, key) => {
      const found = findRecord(indexOf(keys), 0, keys.length, key)
      return found === -1 || keys[found] === key
    }),
    { numRuns: 3000 },
  )
})

t.test('the tail is searched from its end', async (t) => {
  const words = indexOf([1, 5, 9, 9, 2 ** 40, 5, 9], 3)
  t.equal(findInTail(words, 3, 2, 7, 9), 6)
  t.equal(findInTail(words, 3, 2, 6, 9), 3)
  t.equal(findInTail(words, 3, 2, 7, 2 ** 40), 4)
  t.equal(findInTail(words, 3, 2, 7, 1), -1)
  t.equal(findInTail(words, 3, 7, 7, 9), -1)
})
