// Thousands of files: what is said of them is found out once, and tiles are answered while it is put together.
import fs, { copyFileSync, renameSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { openTileServer, type TileServer } from '../../src/server/handler.js'
import { until } from '../helpers/waiting.js'
import { pictureFile, vectorFile } from './served.js'

const FILES = 2000
const DOCUMENTS = ['/catalog', '/index.json', '/WMTSCapabilities.xml', '/_/sources.json'] as const

let opens = 0
const { openSync } = fs
fs.openSync = (...args: Parameters<typeof openSync>) => {
  opens++
  return openSync(...args)
}
syncBuiltinESMExports()

/** Files opened by `work`. */
async function opensOf(work: () => Promise<unknown>): Promise<number> {
  const before = opens
  await work()
  return opens - before
}

const ask = (server: TileServer, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  server.fetch(new Request(`http://127.0.0.1${path}`, { headers }))

/** How many sources a document lists. */
const LISTED: Record<(typeof DOCUMENTS)[number], (text: string) => number> = {
  '/catalog': (text) => Object.keys((JSON.parse(text) as { tiles: object }).tiles).length,
  '/index.json': (text) => (JSON.parse(text) as unknown[]).length,
  '/WMTSCapabilities.xml': (text) => text.split('<Layer>').length - 1,
  '/_/sources.json': (text) => (JSON.parse(text) as { sources: unknown[] }).sources.length,
}

t.test(`${FILES} files`, async (t) => {
  const root = t.testdir({ served: {} })
  const one = join(root, 'one.pmtiles')
  await pictureFile(one, { zoom: 2, tileSize: 32, range: [0, 0, 1, 1] })
  const name = (i: number): string => `f${String(i).padStart(4, '0')}.pmtiles`
  for (let i = 0; i < FILES; i++) copyFileSync(one, join(root, 'served', name(i)))
  const last = statSync(join(root, 'served', name(FILES - 1))).ctimeMs
  await until('the files to be older than what a clock may not tell apart', () => Date.now() - last > 2500)

  let server: TileServer | undefined
  const atStart = await opensOf(async () => {
    server = await openTileServer(join(root, 'served'))
  })
  const here = server!
  t.teardown(() => here.close())
  t.ok(atStart <= FILES + 10, `each file is opened once at the start (${atStart})`)

  const tags = new Map<string, string>()
  for (const path of DOCUMENTS) {
    await t.test(path, async (t) => {
      let turns = 0
      let isDone = false
      const count = (): void => {
        turns++
        if (!isDone) setImmediate(count)
      }
      setImmediate(count)
      const opened = await opensOf(async () => {
        const answer = await ask(here, path)
        isDone = true
        t.equal(answer.status, 200)
        tags.set(path, answer.headers.get('etag')!)
        t.equal(LISTED[path](await answer.text()), FILES)
      })
      t.equal(opened, 0, 'no file is opened')
      if (path !== '/_/sources.json') t.ok(turns > 1, `others got their turn ${turns} times`)
    })
  }
  for (const [path, etag] of tags) {
    const again = await ask(here, path, { 'If-None-Match': etag })
    t.equal(again.status, 304, `${path} is the same as before`)
  }

  // the name in its metadata is another
  await pictureFile(join(root, 'next'), {
    zoom: 2,
    tileSize: 32,
    range: [0, 0, 1, 1],
    metadata: { name: 'New' },
  })
  copyFileSync(join(root, 'next'), join(root, 'served', name(7)))
  const opened = await opensOf(async () => {
    const index = (await (await ask(here, '/index.json')).json()) as { id: string; name: string }[]
    t.equal(
      index.find(({ id }) => id === 'f0007')?.name,
      'New',
      'one that was written over is described anew',
    )
    t.equal(index.length, FILES)
  })
  t.ok(opened <= 3, `and none of the others (${opened} opened)`)
})

t.test('without watch a file that was replaced while it was closed is described as it is now', async (t) => {
  const root = t.testdir()
  for (const name of ['a', 'b', 'c']) vectorFile(join(root, `${name}.pmtiles`), { name })
  const server = await openTileServer(root, { openFiles: 1 })
  t.teardown(() => server.close())
  const names = async (): Promise<string[]> =>
    ((await (await ask(server, '/index.json')).json()) as { name: string }[]).map(({ name }) => name)
  t.same(await names(), ['a', 'b', 'c'])
  vectorFile(join(root, 'next'), { name: 'other' })
  renameSync(join(root, 'next'), join(root, 'a.pmtiles'))
  t.same(await names(), ['other', 'b', 'c'])
  const all = await Promise.all(DOCUMENTS.map((path) => ask(server, path)))
  t.same(
    all.map(({ status }) => status),
    [200, 200, 200, 200],
  )
})
