// Every task is done once, by threads that each see the whole list; neighbours stay together.
import t from 'tap'
import { createClaims, MAX_TASKS, type Task, TaskBoard } from '../../src/pyramid/work/task-board.js'

/** Squares of four roots side by side. */
const tasks = (count: number, from = 0): Task[] =>
  Array.from({ length: count }, (_, i) => ({
    id: from + i,
    unit: { kind: 'subtree', zoom: 9, x: ((from + i) >> 2) * 2 + (i & 1), y: (i >> 1) & 1, base: 13 },
  }))

function boards(count: number, list: readonly Task[]): TaskBoard[] {
  const claims = createClaims()
  const made = Array.from({ length: count }, () => new TaskBoard(claims))
  for (const board of made) for (const task of list) board.add(task)
  return made
}

t.test('each keeps to its square, and helps the other at the end', async (t) => {
  const [one, other] = boards(2, tasks(12))
  const order = Array.from({ length: 12 }, (_, i) => [i % 2, (i % 2 ? other : one)!.claim()!.id])
  const by = (thread: number) => order.filter(([who]) => who === thread).map(([, id]) => id)
  t.same(by(0), [0, 1, 2, 3, 8, 10])
  t.same(by(1), [4, 5, 6, 7, 9, 11])
  t.equal(one!.claim(), undefined)
  t.equal(other!.claim(), undefined)
})

t.test('a slow thread is left alone with what it does', async (t) => {
  const [slow, fast] = boards(2, tasks(8))
  t.equal(slow!.claim()!.id, 0)
  t.same(
    Array.from({ length: 8 }, () => fast!.claim()?.id),
    [4, 5, 6, 7, 1, 2, 3, undefined],
  )
  t.equal(slow!.claim(), undefined)
})

t.test('one that hears of tasks late takes what is left', async (t) => {
  const claims = createClaims()
  const early = new TaskBoard(claims)
  const late = new TaskBoard(claims)
  const list = tasks(5)
  for (const task of list) early.add(task)
  t.same([early.claim()!.id, early.claim()!.id], [0, 1])
  for (const task of list) late.add(task)
  t.same([late.claim()!.id, late.claim()!.id, late.claim()!.id], [4, 2, 3])
  t.equal(early.claim(), undefined)
})

t.test('cells are used again', async (t) => {
  const claims = createClaims()
  const pair = [new TaskBoard(claims), new TaskBoard(claims)]
  const seen: number[] = []
  for (let from = 0; from < 3 * MAX_TASKS; from += 8) {
    for (const task of tasks(8, from)) for (const board of pair) board.add(task)
    for (let i = 0; i < 8; i++) seen.push(pair[i & 1]!.claim()!.id)
  }
  t.same(
    seen.sort((a, b) => a - b),
    Array.from({ length: seen.length }, (_, i) => i),
  )
})
