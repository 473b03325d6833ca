// A server on files that are being made: what is committed is served at once, what is not is not.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import type Database from 'libsql'
import t from 'tap'
import { crc32 } from '../../src/format/crc.js'
import { TileType } from '../../src/format/tile-type.js'
import { insideOf } from '../../src/server/handler.js'
import { PATIENT } from '../../src/store/options.js'
import { createTiles } from '../../src/store/paths.js'
import { openTiles, type TileReader } from '../../src/store/read/open.js'
import { sleep, startChild } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'
import { startLoad } from './load.js'
import { serve } from './served.js'
import { editionOf, editionTile, mbtilesFile, tilesOf } from './tile-files.js'

// every wait in it has an end of its own, and says what it waited for
t.setTimeout(1_800_000)

for (const watch of [false, true]) {
  t.test(`level by level, ${watch ? 'watched' : 'not watched'}`, async (t) => {
    const root = t.testdir()
    const path = join(root, 'growing.pmtiles')
    const writer = createTiles(path)
    writer.commit()
    const { get, server } = await serve(t, [root], { watch })
    const source = insideOf(server).context.catalog.get('growing')!
    const edition = async (z: number, x: number, y: number): Promise<number | undefined> => {
      const response = await get(`/growing/${z}/${x}/${y}?missing=404`)
      if (response.status === 404) return undefined
      t.equal(response.status, 200)
      return editionOf(new Uint8Array(await response.arrayBuffer()), z, x, y)
    }
    const versions = new Set([source.version])
    const levels: number[] = []
    // overviews last, as builds make them, with levels that outgrow what was kept for them
    for (const zoom of [5, 4, 3, 2, 1, 0]) {
      const tiles = [...tilesOf(zoom)]
      for (const [z, x, y] of tiles) writer.append(z, x, y, editionTile(1, z, x, y), TileType.png)
      t.equal(await edition(...tiles.at(-1)!), undefined, `${zoom} is not committed`)
      writer.commit()
      for (const zxy of tiles.slice(-20)) t.equal(await edition(...zxy), 1, `${zoom} is committed`)
      levels.unshift(zoom)
      t.same(
        source.describe().levels.map((level) => level.zoom),
        levels,
      )
      t.notOk(versions.has(source.version), 'another version with each commit')
      versions.add(source.version)
    }
    for (const [z, x, y] of tilesOf(2)) writer.append(z, x, y, editionTile(2, z, x, y), TileType.png)
    t.equal(await edition(2, 1, 1), 1)
    writer.commit()
    t.equal(await edition(2, 1, 1), 2, 'replaced in the same file')
    writer.remove(3, 1, 1)
    writer.commit()
    t.equal(await edition(3, 1, 1), undefined, 'removed')
    writer.seal()
    for (const [z, x, y] of tilesOf(2)) t.equal(await edition(z, x, y), 2, 'sealed')
    writer.close()
    t.equal(await edition(2, 3, 3), 2, 'closed')
    t.equal(await edition(5, 31, 31), 1)
    t.equal(insideOf(server).context.catalog.get('growing'), source, 'the same source all along')
  })
}

for (const journal of ['delete', 'wal']) {
  t.test(`an MBTiles archive that is written by SQLite, journal ${journal}`, async (t) => {
    const root = t.testdir()
    const path = join(root, 'a.mbtiles')
    mbtilesFile(path, 0)
    const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database
    const db = new Sqlite(path)
    db.prepare(`PRAGMA journal_mode = ${journal}`).get()
    const { url, server } = await serve(t, [root])
    const source = insideOf(server).context.catalog.get('a')!
    const load = startLoad(url, ['a'], 4)
    const update = db.prepare('UPDATE tiles SET tile_data = ? WHERE tile_column = ? AND tile_row = ?')
    const versions = new Set<string>()
    for (let edition = 1; edition <= 20; edition++) {
      db.exec('BEGIN')
      for (const [z, x, y] of tilesOf(2)) update.run(Buffer.from(editionTile(edition, z, x, y)), x, 3 - y)
      db.exec('COMMIT')
      t.equal(editionOf(source.get(2, 1, 1)!.bytes, 2, 1, 1), edition, 'served at once')
      versions.add(source.version)
      await sleep(20)
    }
    const seen = await load.stop()
    t.same(seen.wrong, [])
    t.same([...seen.statuses.keys()], [200])
    t.equal(versions.size, 20)
    db.close()
  })
}

t.test('a build in another process', async (t) => {
  const root = t.testdir()
  const out = join(root, 'ortho.pmtiles')
  const { get, server } = await serve(t, [root], { watch: true, watchSeconds: 0.1 })
  const { catalog } = insideOf(server).context
  const child = startChild(new URL('./building.js', import.meta.url), [out])
  t.teardown(() => child.kill())
  let isOver = false
  const ended = child.end({ seconds: 900 }).finally(() => {
    isOver = true
  })
  ended.catch(() => {})
  let reader: TileReader | undefined
  await until('the file is found', () => catalog.list().length === 1)
  const asked = new Set<number>()
  const counts = new Set<number>()
  const wrong: string[] = []
  let isSealed = false
  const askForNew = async (): Promise<void> => {
    reader ??= openTiles(out, { ...PATIENT, mode: 'buffered' })
    isSealed = reader.sealed
    const listed = [...reader.tiles()].filter(({ id }) => !asked.has(id))
    if (listed.length > 0) counts.add(asked.size + listed.length)
    for (const { z, x, y, id, crc, etag } of listed) {
      asked.add(id)
      const response = await get(`/ortho/${z}/${x}/${y}`)
      const bytes = new Uint8Array(await response.arrayBuffer())
      const isRight = response.status === 200 && crc32(bytes) === crc && response.headers.get('etag') === etag
      if (!isRight) wrong.push(`${z}/${x}/${y}: ${response.status}, ${bytes.length} bytes`)
    }
  }
  for (let told = 0; !isOver; ) {
    const stopped = child.lines.filter((line) => line === 'stopped').length
    await askForNew()
    if (stopped > told) {
      child.process.stdin!.write('.')
      told++
    }
    await sleep(5)
  }
  t.equal((await ended).code, 0, child.stderr)
  await askForNew()
  reader?.close()
  t.same(wrong, [])
  t.ok(isSealed)
  t.ok(asked.size > 100, `${asked.size} tiles`)
  t.ok(counts.size > 3, `seen growing ${counts.size} times`)
  t.equal(catalog.list().length, 1)
  t.same(catalog.problems(), [])
  t.equal(catalog.get('ortho')!.describe().tiles, asked.size)
})
