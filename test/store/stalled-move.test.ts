// A read that is under way in the thread pool while a writer is in the middle of moving parts of the file, and while
// another call of the same reader has looked at the file, and found the writer at work.
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import t from 'tap'
import { openRealFile } from '../../src/platform/real-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { hooked } from '../helpers/hooked-file.js'
import { startChild } from '../helpers/processes.js'

const WRITER = new URL('../server/stalled-writer.js', import.meta.url)
const TILE = 5

for (const mode of ['mmap', 'buffered'] as const)
  for (const check of ['first', 'never'] as const)
    t.test(`read behind a move that is not finished: ${mode}, check ${check}`, async (t) => {
      const path = join(t.testdir(), 'stalled.pmtiles')
      const writer = startChild(WRITER, [path])
      t.teardown(() => writer.kill())
      if ((await writer.line('committed')).includes('no INSERT_RANGE')) {
        t.pass('no INSERT_RANGE on this file system')
        return
      }
      let release = (): void => {}
      const open = new Promise<void>((resolve) => {
        release = resolve
      })
      const reader = FlatReader.open(hooked(openRealFile(path, 'read'), { readAsync: () => open }), {
        mode,
        check,
      })
      // Its record is known to be authentic, so that its value is not compared with its check again.
      t.same(reader.get(6, TILE, 0)?.bytes, Uint8Array.of(1, TILE))
      const waiting = reader.getAsync(6, TILE, 0)
      writer.send('go on')
      await writer.line('stalled')
      // Looks at the file, and learns that it has to wait.
      const another = reader.getAsync(6, TILE + 1, 0)
      release()
      // The first read ends now, at a place from which its value was moved.
      const early = await Promise.race([waiting, after(200)])
      t.equal(early, undefined, 'no answer while the writer is at work')
      process.kill(writer.process.pid!, 'SIGCONT')
      t.same((await waiting)?.bytes, Uint8Array.of(1, TILE))
      t.same((await another)?.bytes, Uint8Array.of(1, TILE + 1))
      reader.close()
      await writer.end({ seconds: 60 })
    })
