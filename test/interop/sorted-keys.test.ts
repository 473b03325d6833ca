import t from 'tap'
import { SortedKeys } from '../../src/interop/transfer/sorted-keys.js'
import { randomFrom } from '../helpers/random.js'

t.test('keys come out ascending and once, from memory or from parked runs', (t) => {
  const random = randomFrom(7)
  const keys = Array.from({ length: 1000 }, () => Math.floor(random() * 800) * 2 ** 40)
  const expected = [...new Set(keys)].sort((a, b) => a - b)
  for (const runKeys of [2000, 1000, 64, 7]) {
    const sorted = new SortedKeys(runKeys)
    for (const key of keys) sorted.add(key)
    t.same([...sorted], expected, `runs of ${runKeys}`)
  }
  t.same([...new SortedKeys()], [])
  t.end()
})
