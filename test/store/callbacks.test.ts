// What callers hand in may be async, and may fail: the process goes on, and warns.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { build } from '../../src/pyramid/build.js'
import { openTileServer } from '../../src/server/handler.js'
import { harmless, unawaited } from '../../src/store/callbacks.js'
import { smallTiff } from '../helpers/small-tiff.js'
import { within } from '../helpers/waiting.js'
import { vectorFile } from '../server/served.js'

async function warned(t: Test, name: string, work: () => unknown): Promise<void> {
  const warning = once(process, 'warning')
  await work()
  const [{ message }] = (await within(`a warning of ${name}`, warning)) as [Error]
  t.match(message, new RegExp(`${name}.*: Error: not today`))
}

const rejects = async (): Promise<void> => {
  throw new Error('not today')
}
const throws = (): void => {
  throw new Error('not today')
}

t.test('a promise that rejects is a warning; what is thrown is thrown, or a warning too', async (t) => {
  await warned(t, 'the promise of onNote', unawaited('onNote', rejects)!)
  t.throws(unawaited('onNote', throws)!, /not today/)
  await warned(t, 'the promise of onError', harmless('onError', rejects)!)
  await warned(t, 'onError threw', harmless('onError', throws)!)
  t.equal(unawaited('onNote', undefined), undefined)
  t.equal(harmless('onError', undefined), undefined)
})

t.test('what is called for every tile warns once', async (t) => {
  const told: string[] = []
  const listen = ({ message }: Error): void => void told.push(message)
  process.on('warning', listen)
  const [often, always] = [unawaited('often', rejects)!, harmless('always', rejects)!]
  for (let i = 0; i < 5; i++) {
    often()
    always()
  }
  await new Promise(setImmediate)
  process.off('warning', listen)
  const count = (name: string): number => told.filter((message) => message.includes(name)).length
  t.same([count('often was'), count('always was')], [1, 5])
})

t.test(
  'of a build: what onNote rejects with is a warning, what onProgress rejects with fails it',
  async (t) => {
    const dir = t.testdir()
    // 16 bits get a range, which is a note.
    writeFileSync(join(dir, 'a.tif'), smallTiff({ width: 64, height: 64, wide: true }).bytes)
    const options = (name: string) => ({ sources: [join(dir, 'a.tif')], out: join(dir, name) })
    await warned(t, 'the promise of onNote', () => build(options('a.pmtiles'), { onNote: rejects }))
    await t.rejects(build(options('b.pmtiles'), { onProgress: rejects }), /not today/)
  },
)

t.test('of a server', async (t) => {
  const path = join(t.testdir(), 'roads.pmtiles')
  vectorFile(path, {})
  for (const onAnswer of [rejects, throws]) {
    const server = await openTileServer(path, { onAnswer })
    await warned(t, 'onAnswer', async () => {
      t.equal((await server.fetch(new Request('http://a/roads/0/0/0'))).status, 200)
    })
    await server.close()
  }
})
