// Files that appear, grow and go while they are served.

import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { insideOf } from '../../src/server/handler.js'
import { FileEntry, SETTLED_MS } from '../../src/server/sources/file-entry.js'
import { OpenFiles } from '../../src/server/sources/open-files.js'
import { sleep } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'
import { startLoad } from './load.js'
import { serve } from './served.js'
import { editionOf, flatFile, mbtilesFile, pmtilesFile, tileFolder } from './tile-files.js'

const LIVE = { watch: true, watchSeconds: 0.2 } as const

t.test('added, removed, added again', async (t) => {
  const root = t.testdir({ 'broken.pmtiles': 'not yet' })
  const { get, server } = await serve(t, [root], LIVE)
  const { catalog } = insideOf(server).context
  const status = async (path: string): Promise<number> => (await get(path)).status
  t.equal(await status('/a/2/1/1'), 404)
  t.match(catalog.problems(), [{ path: join(root, 'broken.pmtiles') }])

  pmtilesFile(join(root, 'a.pmtiles'), 1)
  mkdirSync(join(root, 'sub'))
  mbtilesFile(join(root, 'sub/a.mbtiles'), 2)
  tileFolder(join(root, 'loose'), 3)
  flatFile(join(root, 'broken.pmtiles'), 4)
  await until('all are served', () => catalog.list().length === 4)
  t.same(catalog.problems(), [], 'what was broken is whole now')
  const ids = catalog.list().map(({ id }) => id)
  t.match(ids[0], /^a$/)
  t.match(ids[1], /^a-[0-9a-f]{4}$/)
  for (const id of ids) t.equal(await status(`/${id}/2/1/1`), 200, id)
  const { generation } = catalog

  const first = catalog.get('a')!.path
  rmSync(first)
  await until('it is gone', async () => (await status('/a/2/1/1')) === 404)
  t.ok(catalog.generation > generation)
  t.equal(await status(`/${ids[1]}/2/1/1`), 200, 'the other keeps its name')
  copyFileSync(join(root, 'broken.pmtiles'), join(root, 'temporary'))
  renameSync(join(root, 'temporary'), first)
  await until('it is back under its name', async () => (await status('/a/2/1/1')) === 200)

  rmSync(join(root, 'sub'), { recursive: true })
  rmSync(join(root, 'loose'), { recursive: true })
  await until('a folder and all in it are gone', () => catalog.list().length === 2)
  t.equal(catalog.openFiles, 2)
})

t.test('where no folder tells of a change, it is found by looking', async (t) => {
  const root = t.testdir({ links: {}, files: {} })
  pmtilesFile(join(root, 'files/now.pmtiles'), 1)
  symlinkSync('../files/now.pmtiles', join(root, 'links/current.pmtiles'))
  const { get } = await serve(t, [join(root, 'links/current.pmtiles')], LIVE)
  const edition = async (): Promise<number | undefined> =>
    editionOf(new Uint8Array(await (await get('/current/2/1/1')).arrayBuffer()), 2, 1, 1)
  t.equal(await edition(), 1)
  // the folder of the link, which is watched, does not notice this
  pmtilesFile(join(root, 'files/next'), 2)
  renameSync(join(root, 'files/next'), join(root, 'files/now.pmtiles'))
  await until('the file behind the link is replaced', async () => (await edition()) === 2)
  pmtilesFile(join(root, 'files/other.pmtiles'), 3)
  symlinkSync('../files/other.pmtiles', join(root, 'links/temporary'))
  renameSync(join(root, 'links/temporary'), join(root, 'links/current.pmtiles'))
  await until('the link leads elsewhere', async () => (await edition()) === 3)
})

t.test('what could not be opened is tried again when only its ctime has changed, as by chmod', async (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  pmtilesFile(path, 1)
  const whole = readFileSync(path)
  writeFileSync(path, Buffer.alloc(whole.length))
  const { atime, mtime } = statSync(path)
  const about = { id: undefined, missing: undefined, isNamed: false, label: 'a.pmtiles' }
  const found = { ...about, path, real: path, place: path }
  const entry = new FileEntry('a', found, new OpenFiles(4))
  t.teardown(() => entry.drop())
  entry.tryOpen()
  t.equal(entry.look(found), undefined)
  t.match(entry.problem, /a\.pmtiles/)
  await sleep(20)
  writeFileSync(path, whole)
  utimesSync(path, atime, mtime)
  t.equal(entry.look(found), 'changed')
  t.equal(entry.problem, undefined)
})

for (const [kind, make, name] of [
  ['PMTiles', pmtilesFile, 'a.pmtiles'],
  ['ours', flatFile, 'a.pmtiles'],
  ['MBTiles', mbtilesFile, 'a.mbtiles'],
] as const) {
  t.test(`${kind}: while a new file is being copied, the old one is served`, async (t) => {
    const root = t.testdir({ served: {} })
    const path = join(root, 'served', name)
    make(path, 1)
    make(join(root, 'next'), 2)
    const bytes = readFileSync(join(root, 'next'))
    const { url, server } = await serve(t, [join(root, 'served')], LIVE)
    const load = startLoad(url, ['a'], 4)
    await until('the old one is served', () => load.editions.has(1))
    // as `cp --remove-destination` does, slowly; of full length at once for some tools
    rmSync(path)
    const fd = openSync(path, 'wx')
    const steps = 8
    let [longestMs, last] = [0, performance.now()]
    for (let i = 0; i < steps; i++) {
      const from = Math.floor((bytes.length * i) / steps)
      writeSync(fd, bytes, from, Math.floor((bytes.length * (i + 1)) / steps) - from, from)
      longestMs = Math.max(longestMs, performance.now() - last)
      last = performance.now()
      await sleep(100)
      // a pause as long as that is an end: a machine that is too busy to copy faster tells nothing here
      if (Math.max(longestMs, performance.now() - last) > SETTLED_MS) continue
      t.same([...load.editions], [1], `after ${i + 1} of ${steps} parts`)
    }
    closeSync(fd)
    await until('the copy is complete and served', () => load.editions.has(2))
    await sleep(100)
    const seen = await load.stop()
    t.same(seen.wrong, [])
    if (longestMs <= SETTLED_MS) t.same([...seen.statuses.keys()], [200])
    await until('there is no problem left', () => insideOf(server).context.catalog.problems().length === 0)
  })
}
