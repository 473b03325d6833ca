// Foreign files that another program writes over in place: which states of them count as complete.
import { closeSync, openSync, readFileSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTiles } from '../../src/store/read/open.js'
import { editionOf, pmtilesFile } from '../server/tile-files.js'

/** Milliseconds, whole as the clock tells them. */
const NOW = 1_750_000_000_000

t.test(
  'an archive that is half written over is not read, whatever fraction of a millisecond its time has',
  (t) => {
    const now = Date.now
    t.teardown(() => {
      Date.now = now
    })
    const dir = t.testdir()
    const [path, other] = [join(dir, 'served.pmtiles'), join(dir, 'other.pmtiles')]
    for (const ahead of [0, 0.9, 100]) {
      pmtilesFile(path, 3)
      pmtilesFile(other, 4)
      const reader = openTiles(path, { mode: 'buffered' })
      Date.now = () => NOW
      t.equal(editionOf(reader.get(2, 3, 2)!.bytes, 2, 3, 2), 3)
      const bytes = readFileSync(other)
      const fd = openSync(path, 'r+')
      writeSync(fd, bytes, 0, Math.floor(bytes.length / 2), 0)
      utimesSync(path, NOW / 1000, (NOW + ahead) / 1000)
      const message = /served.pmtiles is being written over; try again/
      t.throws(() => reader.get(2, 3, 2), { code: 'LOCKED', message }, `its time is ${ahead} ms ahead`)
      writeSync(fd, bytes, 0, bytes.length, 0)
      closeSync(fd)
      utimesSync(path, NOW / 1000, (NOW + ahead) / 1000)
      t.throws(() => reader.get(2, 3, 2), { code: 'LOCKED', message })
      Date.now = () => NOW + 1000
      t.equal(editionOf(reader.get(2, 3, 2)!.bytes, 2, 3, 2), 4, 'nobody has written for a while')
      reader.close()
    }
    t.end()
  },
)

t.test('a time far in the future says nothing', (t) => {
  const path = join(t.testdir(), 'served.pmtiles')
  pmtilesFile(path, 0)
  const reader = openTiles(path, { mode: 'buffered' })
  t.teardown(() => reader.close())
  const ahead = Date.now() / 1000 + 86_400
  utimesSync(path, ahead, ahead)
  t.equal(editionOf(reader.get(2, 1, 1)!.bytes, 2, 1, 1), 0)
  t.end()
})
