// Files replaced by renaming others over them, under load: every answer is wholly of the old or of the new file.

import { readdirSync, readlinkSync, renameSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { insideOf } from '../../src/server/handler.js'
import { sleep } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'
import { fetchTile, startLoad } from './load.js'
import { serve } from './served.js'
import { flatFile, type Maker, mbtilesFile, pmtilesFile, zipFile } from './tile-files.js'

// every wait in it has an end of its own, and says what it waited for
t.setTimeout(1_800_000)

const KINDS: readonly [name: string, make: Maker, times: number][] = [
  ['ours.pmtiles', flatFile, 100],
  ['foreign.pmtiles', pmtilesFile, 100],
  ['lite.mbtiles', mbtilesFile, 50],
  ['packed.zip', zipFile, 25],
]

for (const [name, make, times] of KINDS) {
  t.test(`${name}, replaced ${times} times under load`, async (t) => {
    const root = t.testdir({ served: {}, made: {} })
    const served = join(root, 'served', name)
    make(served, 0)
    for (let edition = 1; edition <= times; edition++) make(join(root, 'made', `${edition}`), edition)
    const { url, server } = await serve(t, [join(root, 'served')], { watch: true, watchSeconds: 0.1 })
    const id = name.split('.')[0]!
    const descriptors = (): number =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(join(root, 'served'))
        } catch {
          return false
        }
      }).length
    const before = descriptors()

    const load = startLoad(url, [id])
    const versions = new Set<string>()
    for (let edition = 1; edition <= times; edition++) {
      renameSync(join(root, 'made', `${edition}`), served)
      // some follow each other faster than anyone could look, some are waited for
      if (edition % 5 > 0) await sleep(edition % 5 === 1 ? 1 : 20)
      else {
        await until(`edition ${edition} is served`, () => load.editions.has(edition))
        versions.add(insideOf(server).context.catalog.get(id)!.version)
      }
    }
    await until('the last edition is served', () => load.editions.has(times))
    const seen = await load.stop()
    t.same(seen.wrong, [])
    t.same([...seen.statuses.keys()], [200])
    t.ok(seen.editions.size >= times / 5, `${seen.editions.size} editions in ${seen.answers} answers`)
    t.equal(versions.size, times / 5, 'each has its version')
    t.equal(insideOf(server).context.catalog.openFiles, 1)
    // SQLite's are closed by and by
    t.ok(descriptors() - before <= (name.endsWith('.mbtiles') ? 17 : 0), `${before}, then ${descriptors()}`)
    const agent = new Agent()
    const last = await fetchTile(`${url}/${id}/2/1/1`, agent)
    t.equal(last.status, 200)
  })
}

t.test('without watch the old file is served on', async (t) => {
  const root = t.testdir()
  for (const [name, make] of KINDS) make(join(root, name), 1)
  const { url } = await serve(t, [root])
  for (const [name, make] of KINDS) {
    make(join(root, 'next'), 2)
    renameSync(join(root, 'next'), join(root, name))
  }
  const load = startLoad(
    url,
    KINDS.map(([name]) => name.split('.')[0]!),
  )
  await sleep(500)
  const seen = await load.stop()
  t.same(seen.wrong, [])
  t.same([...seen.editions], [1])
})

t.test('who holds a source reads on from the old file', async (t) => {
  const root = t.testdir()
  for (const [name, make] of KINDS) make(join(root, name), 1)
  const { server } = await serve(t, [root], { watch: true, watchSeconds: 0.1 })
  const { catalog } = insideOf(server).context
  for (const [name, make] of KINDS) {
    const id = name.split('.')[0]!
    const source = catalog.get(id)!
    const release = source.hold()
    const { version } = source
    const etag = source.stat(2, 3, 1)!.etag
    make(join(root, 'next'), 2)
    renameSync(join(root, 'next'), join(root, name))
    await until(`${name} is replaced`, () => catalog.get(id) !== source)
    t.not(catalog.get(id)!.version, version)
    t.not(catalog.get(id)!.stat(2, 3, 1)!.etag, etag)
    t.equal(source.stat(2, 3, 1)!.etag, etag)
    t.equal(source.version, version)
    t.match(Buffer.from(source.get(2, 3, 1)!.bytes).toString(), /^1 2\/3\/1 /)
    t.match(Buffer.from(source.tiles.get(2, 3, 1)!.bytes).toString(), /^1 2\/3\/1 /)
    t.equal(catalog.openFiles, KINDS.length + 1, 'the old file is open')
    release()
    t.equal(catalog.openFiles, KINDS.length, 'until it is let go')
    t.throws(() => source.get(2, 3, 1), /replaced/)
  }
})
