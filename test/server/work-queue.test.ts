import t from 'tap'
import { HttpError } from '../../src/server/http/message.js'
import { WorkQueue } from '../../src/server/work/work-queue.js'
import { integersFrom } from '../helpers/random.js'
import { countingSignal, deferred, turns } from './waiting.js'

const never = new AbortController().signal
const queueOf = (limits: Partial<ConstructorParameters<typeof WorkQueue>[0]> = {}): WorkQueue =>
  new WorkQueue({ jobs: 2, waiting: 8, jobMs: 60_000, ...limits })

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  return undefined
}

t.test('so many at once, the others in the order of asking', async (t) => {
  const queue = queueOf({ jobs: 2 })
  const begun: number[] = []
  const ends = Array.from({ length: 5 }, () => deferred<number>())
  const all = ends.map((end, i) =>
    queue.run(never, () => {
      begun.push(i)
      return end.promise
    }),
  )
  await turns()
  t.same(begun, [0, 1])
  t.equal(queue.running, 2)
  t.equal(queue.waiting, 3)
  ends[1]!.resolve(10)
  await turns()
  t.same(begun, [0, 1, 2])
  ends[0]!.resolve(0)
  ends[2]!.resolve(20)
  await turns()
  t.same(begun, [0, 1, 2, 3, 4])
  ends[3]!.resolve(30)
  ends[4]!.resolve(40)
  t.same(await Promise.all(all), [0, 10, 20, 30, 40])
  t.equal(queue.running, 0)
})

t.test('who asks at the moment a job ends does not push in', async (t) => {
  const queue = queueOf({ jobs: 1 })
  const order: string[] = []
  let most = 0
  const job = (name: string) => async (): Promise<void> => {
    order.push(name)
    most = Math.max(most, queue.running)
    await turns(1)
  }
  const first = queue.run(never, job('first'))
  const second = queue.run(never, job('second'))
  const third = first.then(() => queue.run(never, job('third')))
  await Promise.all([first, second, third])
  t.same(order, ['first', 'second', 'third'])
  t.equal(most, 1)
})

t.test('a job that fails, at once or later, frees its place', async (t) => {
  const queue = queueOf({ jobs: 1 })
  t.match(
    await rejection(
      queue.run(never, () => {
        throw new Error('at once')
      }),
    ),
    { message: 'at once' },
  )
  t.match(await rejection(queue.run(never, () => Promise.reject(new Error('later')))), { message: 'later' })
  t.equal(await queue.run(never, async () => 3), 3)
  t.equal(queue.running, 0)
})

t.test('too many waiting: 503 with Retry-After', async (t) => {
  const queue = queueOf({ jobs: 1, waiting: 1 })
  const end = deferred<void>()
  const both = [queue.run(never, () => end.promise), queue.run(never, async () => {})]
  const refused = await rejection(queue.run(never, async () => t.fail('it has no turn')))
  t.ok(refused instanceof HttpError)
  t.match(refused, { status: 503, headers: ['Retry-After', /^\d+$/] })
  end.resolve()
  await Promise.all(both)
})

t.test('nothing may wait: a free place is taken all the same', async (t) => {
  const queue = queueOf({ jobs: 1, waiting: 0 })
  t.equal(await queue.run(never, async () => 1), 1)
  const end = deferred<void>()
  const running = queue.run(never, () => end.promise)
  t.match(await rejection(queue.run(never, async () => 2)), { status: 503 })
  end.resolve()
  await running
})

t.test('a job that takes too long: 503, its signal aborted, its place kept until it ends', async (t) => {
  const queue = queueOf({ jobs: 1, jobMs: 20 })
  const end = deferred<void>()
  let seen: AbortSignal | undefined
  // the queue's own timers keep no process alive
  const awake = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(awake))
  const late = await rejection(
    queue.run(never, (signal) => {
      seen = signal
      return end.promise
    }),
  )
  t.match(late, { status: 503, headers: ['Retry-After', /\d/] })
  t.ok(seen!.aborted)
  t.equal(queue.running, 1, 'it does not look at its signal, and still works')
  t.match(await rejection(queue.run(never, async () => t.fail('there is no place'))), { status: 503 })
  t.equal(queue.waiting, 0)
  clearInterval(awake)
  end.resolve()
  await turns()
  t.equal(queue.running, 0)
  t.equal(await queue.run(never, async () => 'again'), 'again')
})

t.test('a client that leaves', async (t) => {
  const queue = queueOf({ jobs: 1 })
  const [running, waiting] = [new AbortController(), new AbortController()]
  const end = deferred<void>()
  let seen: AbortSignal | undefined
  const first = rejection(
    queue.run(running.signal, (signal) => {
      seen = signal
      return end.promise
    }),
  )
  const second = rejection(queue.run(waiting.signal, async () => t.fail('it waits no longer')))
  const third = queue.run(never, async () => 'third')
  waiting.abort(new Error('left the queue'))
  t.match(await second, { message: 'left the queue' })
  t.equal(queue.waiting, 1)
  running.abort(new Error('left the counter'))
  t.match(await first, { message: 'left the counter' })
  t.ok(seen!.aborted)
  t.match(seen!.reason, { message: 'left the counter' })
  end.resolve()
  t.equal(await third, 'third')
  t.match(await rejection(queue.run(running.signal, async () => t.fail('it has gone before'))), {
    message: 'left the counter',
  })
})

t.test('heavy jobs take several places and are not overtaken for ever', async (t) => {
  const queue = queueOf({ jobs: 4 })
  const order: string[] = []
  const ends = new Map<string, () => void>()
  const job = (name: string, slots: number): Promise<void> =>
    queue.run(
      never,
      () => {
        order.push(name)
        const end = deferred<void>()
        ends.set(name, () => end.resolve())
        return end.promise
      },
      slots,
    )
  const all = [job('light', 1), job('heavy', 2), job('heavier', 3), job('behind', 1), job('giant', 99)]
  await turns()
  t.same(order, ['light', 'heavy'], 'one place is free, and the next one needs three')
  ends.get('heavy')!()
  await turns()
  t.same(order, ['light', 'heavy', 'heavier'])
  ends.get('light')!()
  await turns()
  t.same(order, ['light', 'heavy', 'heavier', 'behind'])
  ends.get('heavier')!()
  await turns()
  t.notOk(order.includes('giant'))
  ends.get('behind')!()
  await turns()
  t.ok(order.includes('giant'), 'more than there are is all of them')
  ends.get('giant')!()
  await Promise.all(all)
})

t.test('when the one that does not fit gives up, those behind it begin', async (t) => {
  const queue = queueOf({ jobs: 2 })
  const end = deferred<void>()
  const first = queue.run(never, () => end.promise)
  const leaving = new AbortController()
  const heavy = rejection(queue.run(leaving.signal, async () => {}, 2))
  const light = queue.run(never, async () => 'light')
  leaving.abort(new Error('gone'))
  t.equal(await light, 'light')
  await heavy
  end.resolve()
  await first
})

t.test('neither listeners nor timers are left', async (t) => {
  const queue = queueOf({ jobs: 1, jobMs: 1e12 })
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { signal, listeners } = countingSignal()
  for (let i = 0; i < 50; i++) await queue.run(signal, async () => i)
  await rejection(queue.run(signal, () => Promise.reject(new Error('no'))))
  t.equal(listeners(), 0)
  t.equal(timers(), before)
})

t.test('at random: never more than the places, everyone is answered, nothing is left', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
  t.comment(`SEED=${seed}`)
  const random = integersFrom(seed)
  const queue = queueOf({ jobs: 3, waiting: 10 })
  let used = 0
  let most = 0
  const outcomes = { done: 0, failed: 0, left: 0, refused: 0 }
  const all: Promise<void>[] = []
  for (let i = 0; i < 400; i++) {
    const slots = 1 + random(4)
    const client = new AbortController()
    const fails = random(5) === 0
    const work = queue.run(
      client.signal,
      async () => {
        used += Math.min(3, slots)
        most = Math.max(most, used)
        await turns(random(4))
        used -= Math.min(3, slots)
        if (fails) throw new Error('failed')
      },
      slots,
    )
    if (random(4) === 0) void turns(random(6)).then(() => client.abort(new Error('left')))
    all.push(
      work.then(
        () => void outcomes.done++,
        (error: Error) => {
          if (error instanceof HttpError) outcomes.refused++
          else if (error.message === 'left') outcomes.left++
          else outcomes.failed++
        },
      ),
    )
    await turns(random(3))
  }
  await Promise.all(all)
  await turns(20)
  t.ok(most <= 3 && most > 0, `${most} places used`)
  t.equal(outcomes.done + outcomes.failed + outcomes.left + outcomes.refused, 400)
  t.equal(queue.running, 0)
  t.equal(queue.waiting, 0)
  t.equal(used, 0)
})
