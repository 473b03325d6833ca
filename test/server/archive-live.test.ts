// '/{id}.pmtiles' of a file that another process is writing: never a tile under another's key, downloads that are
// whole archives, and clients that get along.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FetchSource, PMTiles } from 'pmtiles'
import t from 'tap'
import { tileId, tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { PATIENT } from '../../src/store/options.js'
import { openReader, openTiles } from '../../src/store/read/open.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { until, within } from '../helpers/waiting.js'
import { serve } from './served.js'

const MILLISECONDS = 3000
const writerScript = fileURLToPath(new URL('archive-writer.js', import.meta.url))

const isRight = (bytes: Buffer, key: number): boolean =>
  bytes.length === 100 + (key % 400) && bytes.readDoubleLE(8) === key

for (const growth of ['auto', 'relocate']) {
  t.test(`while a file grows: ${growth}`, async (t) => {
    const path = join(t.testdir(), 'live.pmtiles')
    const child = spawn(process.execPath, [writerScript, path, growth, String(MILLISECONDS)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let isWriting = true
    const ended = once(child, 'exit').then(([code]) => {
      isWriting = false
      return code as number
    })
    t.teardown(() => child.kill())
    await within('the first commit', once(child.stdout, 'data'))
    const { url, get } = await serve(t, path)
    const found = { right: 0, wrong: 0, whole: 0, cut: 0, busy: 0, mixed: [] as string[] }

    const reads = async (name: number): Promise<void> => {
      let client = new PMTiles(new FetchSource(`${url}/live.pmtiles?${name}`))
      for (let i = 0; isWriting; i++) {
        // the client answers from directories that it has without waiting for anything: the writer's end must be seen
        await setImmediate()
        const key = zoomBase(9) + ((i * 7919) % (found.right + 300))
        try {
          const tile = await client.getZxy(...tileIdToZxy(key))
          if (tile === undefined) {
            // its directories may be those of the first commit: a new client sees what came
            if (i % 50 === 49) client = new PMTiles(new FetchSource(`${url}/live.pmtiles?${name}-${i}`))
            continue
          }
          if (isRight(Buffer.from(tile.data), key)) found.right++
          else found.wrong++
        } catch (error) {
          // two commits within one look-up: it says so, and may begin anew
          found.mixed.push((error as Error).message)
          client = new PMTiles(new FetchSource(`${url}/live.pmtiles?${name}-${i}`))
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
    }
    const downloads = async (): Promise<void> => {
      while (isWriting) {
        const response = await get('/live.pmtiles')
        if (response.status === 503) {
          found.busy++
          await response.arrayBuffer()
          continue
        }
        let bytes: Uint8Array
        try {
          bytes = new Uint8Array(await response.arrayBuffer())
        } catch {
          // a sealed file that was opened for writing meanwhile: cut off, so that the client knows
          found.cut++
          continue
        }
        const reader = openReader(new MemoryFile({ bytes }))
        for (const { z, x, y } of reader.tiles()) {
          if (!isRight(Buffer.from(reader.get(z, x, y)!.bytes), tileId(z, x, y))) found.wrong++
        }
        found.whole++
      }
    }
    const enough = until(
      () => `5 tiles and one archive: ${JSON.stringify(found)}`,
      () => found.right >= 5 && found.whole > 0,
      { seconds: 600 },
    ).finally(() => child.stdin.end())
    const [code] = await Promise.all([ended, downloads(), reads(1), reads(2), enough])
    t.equal(code, 0, 'the writer ended well')
    t.equal(found.wrong, 0, 'no tile is another')
    t.ok(found.right >= 5, `${found.right} tiles were read`)
    t.ok(
      found.whole > 0,
      `${found.whole} archives were downloaded, ${found.cut} cut off, ${found.busy} times later`,
    )
    t.strictSame(
      found.mixed.filter((message) => !/non-matching ETag|Bad response code: 503/.test(message)),
      [],
      'no error but that of two commits in one look-up, or of a writer that moves things right now',
    )
    t.ok(found.mixed.length <= 10 + found.right / 10, `${found.mixed.length} look-ups failed`)
    // in the end it is the file
    t.equal(
      Buffer.compare(Buffer.from(await (await get('/live.pmtiles')).arrayBuffer()), readFileSync(path)),
      0,
    )
    const reader = openTiles(path, PATIENT)
    const client = new PMTiles(new FetchSource(`${url}/live.pmtiles?end`))
    let wrong = 0
    for (const { z, x, y } of [...reader.tiles()].filter((_, i) => i % 97 === 0)) {
      const tile = await client.getZxy(z, x, y)
      if (tile === undefined || Buffer.compare(new Uint8Array(tile.data), reader.get(z, x, y)!.bytes) !== 0)
        wrong++
    }
    t.equal(wrong, 0)
    reader.close()
  })
}
