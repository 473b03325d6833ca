// A writer that stalls in the middle of moving parts of its file: who asks for that file is told to come again, all
// others are answered as ever, a server that starts meanwhile starts, and all is well when the writer goes on or dies.
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { openTiles } from '../../src/store/read/open.js'
import { startChild } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'
import { pictureFile, serve } from './served.js'

const WRITER = new URL('./stalled-writer.js', import.meta.url)

/** The longest time in which no other had its turn on the event loop, milliseconds. */
async function longestStop(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now()
  let longest = 0
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return longest
}

for (const ending of ['goes on', 'dies'] as const) {
  t.test(`a server that runs, and one that starts; the writer ${ending}`, async (t) => {
    const root = t.testdir()
    const path = join(root, 'stalled.pmtiles')
    await pictureFile(join(root, 'other.pmtiles'))
    const early = startChild(WRITER, [path])
    t.teardown(() => early.kill())
    const first = await early.line('committed')
    if (first.includes('no INSERT_RANGE')) {
      t.pass('no INSERT_RANGE on this file system')
      return
    }
    const before = await serve(t, [root])
    early.send('go on')
    await early.line('stalled')

    // named, too: that the writer is at work is no reason not to start
    const after = await serve(t, [path, root])
    for (const { get } of [before, after]) {
      const asked = await Promise.all([
        ...Array.from({ length: 20 }, () => get('/stalled/6/0/0')),
        get('/stalled.json'),
        ...Array.from({ length: 20 }, () => get('/other/4/8/4')),
        get('/index.json'),
        get('/health'),
      ])
      for (const response of asked.slice(0, 20)) {
        t.equal(response.status, 503)
        t.ok(Number(response.headers.get('retry-after')) > 0)
      }
      for (const response of asked.slice(21)) t.equal(response.status, 200)
      for (const response of asked) await response.arrayBuffer()
    }
    if (ending === 'goes on') early.kill('SIGCONT')
    else early.kill('SIGKILL')
    for (const { get } of [before, after]) {
      const status = async (path: string): Promise<number> => {
        const response = await get(path)
        await response.arrayBuffer()
        return response.status
      }
      await until('the source is back', async () => (await status('/stalled/6/0/0')) === 200)
      t.equal(await status('/stalled.json'), 200)
      await until('it is listed', async () =>
        JSON.stringify(await (await get('/catalog')).json()).includes('stalled'),
      )
      if (ending === 'dies') continue
      t.equal((await early.end()).code, 0)
      t.equal(await status('/stalled/6/15/9'), 200, 'what came after')
    }
  })
}

t.test('readers: a bounded wait, or one that blocks nobody', async (t) => {
  const path = join(t.testdir(), 'stalled.pmtiles')
  const child = startChild(WRITER, [path])
  t.teardown(() => child.kill())
  const first = await child.line('committed')
  if (first.includes('no INSERT_RANGE')) {
    t.pass('no INSERT_RANGE on this file system')
    return
  }
  const open = openTiles(path, { waitMs: 50 })
  const patient = openTiles(path)
  t.equal(open.get(6, 0, 0)?.bytes[0], 1)
  child.send('go on')
  await child.line('stalled')
  const { pid } = child.process
  for (const work of [
    () => open.get(6, 0, 0),
    () => open.has(6, 0, 0),
    () => open.stat(6, 0, 0),
    () => open.getInto(6, 0, 0, new Uint8Array(10)),
    () => [...open.tiles()],
    () => open.levels(),
    () => open.metadata(),
    () => openTiles(path),
  ])
    t.throws(work, { code: 'LOCKED', message: new RegExp(`process ${pid} is moving parts`) })
  await t.rejects(open.getAsync(6, 0, 0), { code: 'LOCKED' })
  const stop = await longestStop(() => t.rejects(open.getAsync(6, 0, 0), FlagstoneError))
  t.comment(`the event loop stood still for ${stop.toFixed(1)} ms at most`)
  const found = patient.getAsync(6, 1, 0)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await until('others have had their turn', () => turns > 5)
  clearInterval(timer)
  child.kill('SIGCONT')
  t.equal((await found)?.bytes[1], 1, 'who waits gets it')
  await child.end()
  t.equal(open.get(6, 15, 9)?.bytes[0], 1)
  open.close()
  patient.close()
})
