import t from 'tap'
import type { Made } from '../../src/server/http/made.js'
import { ByteCache } from '../../src/server/work/byte-cache.js'
import { countingSignal, deferred, turns } from './waiting.js'

const madeOf = (length: number, tag = 'a'): Made => ({
  bytes: new Uint8Array(length),
  contentType: 'image/png',
  etag: `"${tag}"`,
})
const not = async (): Promise<never> => {
  throw new Error('this need not be made')
}

t.test('what was made is kept, and counted', async (t) => {
  const cache = new ByteCache(100_000)
  const first = await cache.getOrMake('one', async () => madeOf(10))
  t.equal(await cache.getOrMake('one', not), first)
  t.same([cache.hits, cache.misses, cache.entries], [1, 1, 1])
  t.ok(cache.bytes > 10)
})

t.test('by bytes, the least recently used goes first', async (t) => {
  const cache = new ByteCache(20_000)
  for (const key of ['a', 'b', 'c', 'd']) await cache.getOrMake(key, async () => madeOf(4000, key))
  await cache.getOrMake('a', not)
  await cache.getOrMake('e', async () => madeOf(4000))
  t.ok(cache.bytes <= 20_000)
  await cache.getOrMake('a', not)
  let again = 0
  await cache.getOrMake('b', async () => {
    again++
    return madeOf(4000)
  })
  t.equal(again, 1, 'b was the oldest')
})

t.test('one answer that is large beside all of them is not kept', async (t) => {
  const cache = new ByteCache(20_000)
  await cache.getOrMake('small', async () => madeOf(4000))
  t.equal((await cache.getOrMake('large', async () => madeOf(15_000)))!.bytes.length, 15_000)
  t.equal(cache.entries, 1)
  await cache.getOrMake('small', not)
})

t.test('without room nothing is kept, and still one is made for all', async (t) => {
  const cache = new ByteCache(0)
  const end = deferred<Made>()
  let count = 0
  const make = (): Promise<Made> => {
    count++
    return end.promise
  }
  const both = [cache.getOrMake('k', make), cache.getOrMake('k', make)]
  end.resolve(madeOf(1))
  await Promise.all(both)
  t.equal(count, 1)
  await cache.getOrMake('k', make)
  t.equal(count, 2)
  t.same([cache.bytes, cache.entries], [0, 0])
})

t.test('neither nothing nor a failure is kept', async (t) => {
  const cache = new ByteCache(10_000)
  t.equal(await cache.getOrMake('k', async () => undefined), undefined)
  await t.rejects(
    cache.getOrMake('k', () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  t.ok(await cache.getOrMake('k', async () => madeOf(1)))
})

t.test('a thousand clients make one picture; those who leave fail alone', async (t) => {
  const cache = new ByteCache(10_000)
  const end = deferred<Made>()
  let count = 0
  let everyone: AbortSignal | undefined
  const make = (signal: AbortSignal): Promise<Made> => {
    count++
    everyone = signal
    return end.promise
  }
  const clients = Array.from({ length: 1000 }, () => countingSignal())
  const answers = clients.map(({ signal }) =>
    cache.getOrMake('k', make, signal).catch((e: Error) => e.message),
  )
  await turns()
  // the first, who began it, is among them
  for (const client of clients.slice(0, 999)) client.abort(new Error('left'))
  t.notOk(everyone!.aborted)
  end.resolve(madeOf(7))
  const got = await Promise.all(answers)
  t.equal(count, 1)
  t.equal(got.filter((answer) => answer === 'left').length, 999)
  t.match(got[999], { etag: '"a"' })
  t.equal(clients[999]!.listeners(), 0)
})

t.test('it is given up when the last has gone; who comes then begins anew', async (t) => {
  const cache = new ByteCache(10_000)
  const signals: AbortSignal[] = []
  const ends = [deferred<Made>(), deferred<Made>()]
  const make = (signal: AbortSignal): Promise<Made> => {
    signals.push(signal)
    return ends[signals.length - 1]!.promise
  }
  const [a, b] = [new AbortController(), new AbortController()]
  const first = [cache.getOrMake('k', make, a.signal), cache.getOrMake('k', make, b.signal)]
  const failed = Promise.all(first.map((answer) => answer.catch((error: Error) => error.message)))
  await turns()
  a.abort(new Error('one'))
  t.notOk(signals[0]!.aborted)
  b.abort(new Error('two'))
  t.ok(signals[0]!.aborted)
  t.same(await failed, ['one', 'two'])
  const again = cache.getOrMake('k', make)
  ends[0]!.reject(new Error('given up'))
  await turns()
  t.equal(signals.length, 2)
  const joined = cache.getOrMake('k', not)
  ends[1]!.resolve(madeOf(1, 'second'))
  t.match(await Promise.all([again, joined]), [{ etag: '"second"' }, { etag: '"second"' }])
})

t.test('who cannot leave keeps it going; who has left already begins nothing', async (t) => {
  const cache = new ByteCache(10_000)
  const end = deferred<Made>()
  let everyone: AbortSignal | undefined
  const staying = cache.getOrMake('k', (signal) => {
    everyone = signal
    return end.promise
  })
  const leaving = new AbortController()
  const left = cache.getOrMake('k', not, leaving.signal)
  leaving.abort(new Error('left'))
  await t.rejects(left, { message: 'left' })
  t.notOk(everyone!.aborted)
  end.resolve(madeOf(1))
  t.ok(await staying)
  await t.rejects(cache.getOrMake('other', not, leaving.signal), { message: 'left' })
})
