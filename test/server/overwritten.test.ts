// Files that are cut off and written over in place while they are served, as `cp` and `>` do: the server lives, and each
// answer is a whole tile of the old or the new file, or an error in a sentence.
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import { createTiles } from '../../src/store/paths.js'
import { sleep } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'
import { startLoad } from './load.js'
import { serve } from './served.js'
import {
  editionTile,
  flatFile,
  type Maker,
  mbtilesFile,
  pmtilesFile,
  tarFile,
  tilesOf,
  versatilesFile,
} from './tile-files.js'

// every wait in it has an end of its own, and says what it waited for
t.setTimeout(1_800_000)

/** As `cp` does it: cut off to nothing, then written from the beginning. */
async function copyOver(bytes: Uint8Array, path: string): Promise<void> {
  const fd = openSync(path, 'w')
  await writeParts(fd, bytes)
  closeSync(fd)
}

/** As `rsync --inplace` does it: written over from the beginning, cut to size at the end. */
async function writeOver(bytes: Uint8Array, path: string): Promise<void> {
  const fd = openSync(path, 'r+')
  await writeParts(fd, bytes)
  ftruncateSync(fd, bytes.length)
  closeSync(fd)
}

async function writeParts(fd: number, bytes: Uint8Array): Promise<void> {
  const step = Math.ceil(bytes.length / 5)
  for (let from = 0; from < bytes.length; from += step) {
    writeSync(fd, bytes, from, Math.min(step, bytes.length - from), from)
    await sleep(15)
  }
}

/** Ours, without the end that sealing makes. */
const unsealedFile: Maker = (path, edition) => {
  rmSync(path, { force: true })
  const writer = createTiles(path)
  for (const [z, x, y] of tilesOf(2)) writer.append(z, x, y, editionTile(edition, z, x, y), TileType.png)
  writer.close()
}

const KINDS: readonly [name: string, make: Maker][] = [
  ['ours.pmtiles', flatFile],
  ['unsealed.pmtiles', unsealedFile],
  ['foreign.pmtiles', pmtilesFile],
  ['lite.mbtiles', mbtilesFile],
  ['packed.tar', tarFile],
  ['blocks.versatiles', versatilesFile],
]

for (const watch of [false, true]) {
  for (const [name, make] of KINDS) {
    t.test(`${name}, written over in place, ${watch ? 'watched' : 'not watched'}`, async (t) => {
      const root = t.testdir({ served: {}, made: {} })
      const path = join(root, 'served', name)
      const id = name.split('.')[0]!
      make(path, 0)
      const editions = [1, 2, 3, 4].map((edition) => {
        make(join(root, 'made', `${edition}`), edition)
        return readFileSync(join(root, 'made', `${edition}`))
      })
      const { url, get } = await serve(t, [join(root, 'served')], { watch, watchSeconds: 0.1 })
      // what was read before is remembered: directories, pages of indexes, checks that were made
      const load = startLoad(url, [id], 6)
      await until('there is load', () => load.answers > 300)
      for (const [i, bytes] of editions.entries()) {
        if (i % 2 === 0) await copyOver(bytes, path)
        else await writeOver(bytes, path)
        await until(`edition ${i + 1} is served`, () => load.editions.has(i + 1))
      }
      truncateSync(path, Math.floor(editions[3]!.length / 2))
      await sleep(100)
      truncateSync(path, 0)
      await sleep(50)
      t.ok((await get(`/${id}/2/1/1`)).status >= 500, 'nothing is there to answer from')
      await copyOver(editions[0]!, path)
      await until('a whole file is served again', async () => (await get(`/${id}/2/1/1`)).status === 200)
      const seen = await load.stop()
      t.same(seen.wrong, [])
      t.same([...seen.editions].sort(), [0, 1, 2, 3, 4])
      const statuses = [...seen.statuses.keys()].sort()
      t.ok(
        statuses.every((status) => status === 200 || (status >= 500 && status < 600)),
        statuses.join(),
      )
    })
  }
}
