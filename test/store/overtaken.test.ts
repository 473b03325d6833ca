// A reader that is overtaken in the middle of an answer, at the moments where that is easy to miss: while it takes
// the pin, and while the thread pool reads for it.
import t from 'tap'
import { FIRST_INDEX_OFFSET } from '../../src/format/layout.js'
import type { ByteFile } from '../../src/platform/byte-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { hooked } from '../helpers/hooked-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { valueFor } from './model.js'

/** A file with a full index: the next append inserts, and everything moves. */
function fullIndex(): { memory: MemoryFile; writer: TileWriter; move: () => void } {
  const memory = new MemoryFile()
  const writer = TileWriter.create(memory.reopen(), { initialRegionBytes: 4096, stagingBytes: 4096 })
  for (let i = 0; i < 170; i++) {
    writer.append(12, i, 0, valueFor(i, 300))
    // The region of zoom 13 lies behind, and moves too.
    writer.append(13, i, 0, valueFor(i + 1000, 300))
  }
  writer.commit()
  let next = 170
  const move = (): void => {
    const before = writer.stats.growth.inserts
    while (writer.stats.growth.inserts === before) writer.append(12, next, 0, valueFor(next++, 300))
    writer.commit()
  }
  return { memory, writer, move }
}

for (const check of ['first', 'never'] as const) {
  t.test(`moved between the look and the pin (check: ${check})`, (t) => {
    const { memory, writer, move } = fullIndex()
    let disturbances = 0
    let pins = 0
    const file = hooked(memory.reopen(false), {
      // Each try is spoiled by a commit, until the reader asks for the pin; then the file moves first.
      read: () => {
        if (armed && pins === 0 && disturbances++ % 2 === 0) {
          writer.append(14, disturbances, 0, valueFor(disturbances, 20))
          writer.commit()
        }
      },
      tryLock: () => {
        if (!armed) return
        pins++
        if (pins === 1) move()
      },
    })
    let armed = false
    const reader = FlatReader.open(file, { mode: 'buffered', check })
    armed = true
    t.same(reader.get(13, 5, 0)?.bytes, valueFor(1005, 300))
    t.ok(pins > 0, 'it came to a pin')
    armed = false
    reader.close()
    writer.close()
    t.end()
  })

  t.test(
    `moved while the thread pool reads, and another call has looked anew (check: ${check})`,
    async (t) => {
      const { memory, writer, move } = fullIndex()
      let release = (): void => {}
      let gate: Promise<void> | undefined = new Promise((resolve) => {
        release = resolve
      })
      const file = hooked(memory.reopen(false), { readAsync: () => gate })
      const reader = FlatReader.open(file, { mode: 'buffered', check })
      const waiting = reader.getAsync(13, 5, 0)
      move()
      t.same(reader.get(12, 6, 0)?.bytes, valueFor(6, 300))
      gate = undefined
      release()
      t.same((await waiting)?.bytes, valueFor(1005, 300))
      reader.close()
      writer.close()
    },
  )
}

/** Every way to read from a file, and what it should say. */
const CALLS: Record<string, (reader: FlatReader) => unknown> = {
  get: (reader) => reader.get(13, 5, 0)?.bytes,
  getInto: (reader) => reader.getInto(13, 5, 0, new Uint8Array(1000)),
  getAsync: async (reader) => (await reader.getAsync(13, 5, 0))?.bytes,
  has: (reader) => reader.has(13, 5, 0),
  'has not': (reader) => reader.has(13, 5000, 0),
  stat: (reader) => reader.stat(13, 5, 0)?.length,
  tiles: (reader) => [...reader.tiles({ zoom: 12 })].length,
  areas: (reader) => [...reader.areas(12)].reduce((n, { minX, maxX }) => n + maxX - minX + 1, 0),
  levels: (reader) => reader.levels().map(({ zoom, count }) => [zoom, count]),
  metadata: (reader) => reader.metadata(),
  readBytes: async (reader) =>
    (await reader.readBytes(new Uint8Array(9), (sb) => sb.valuesStart)) !== undefined,
  readBytesSync: (reader) => reader.readBytesSync(new Uint8Array(9), (sb) => sb.valuesStart) !== undefined,
}
/** More tries than any reader makes before it asks the writer to hold still. */
const ENOUGH_TRIES = 30

for (const [name, call] of Object.entries(CALLS)) {
  t.test(`a writer that commits during every try of ${name} is asked to hold still`, async (t) => {
    const memory = new MemoryFile()
    const writer = TileWriter.create(memory.reopen(), { initialRegionBytes: 4096, tailRecords: 1000 })
    writer.setMetadata({ name: 'busy' })
    for (let i = 0; i < 20; i++) {
      writer.append(12, i, 0, valueFor(i, 300))
      writer.append(13, i, 0, valueFor(i + 1000, 300))
    }
    // a tail, and a tile that is in both parts
    for (const i of [3, 30, 1]) writer.append(12, i, 0, valueFor(i, 200))
    writer.commit()
    let commits = 0
    let isPinned = false
    let isArmed = false
    const file: ByteFile = new Proxy(memory.reopen(false), {
      get(target, key) {
        const value = Reflect.get(target, key, target) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (key === 'tryLock' && args[0] === 'pin') isPinned = true
          const isContents = (args[1] as number) >= FIRST_INDEX_OFFSET
          if (isArmed && !isPinned && isContents && (key === 'read' || key === 'readAsync')) {
            if (commits === ENOUGH_TRIES) throw new Error(`${commits} tries, and it has not asked`)
            writer.append(14, commits++, 0, valueFor(commits, 20))
            writer.commit()
          }
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
    const expected = await call(FlatReader.open(memory.reopen(false), { mode: 'buffered' }))
    const reader = FlatReader.open(file, { mode: 'buffered', check: 'always' })
    isArmed = true
    const found = await call(reader)
    isArmed = false
    t.ok(isPinned, `after ${commits} tries`)
    t.ok(commits >= 3, 'the first tries were without a lock')
    if (name !== 'levels') t.same(found, expected)
    else t.same(found, [...(expected as unknown[]), [14, commits]])
    const taken = memory.reopen()
    t.ok(taken.tryLock('pin', 'exclusive'), 'and is let go on afterwards')
    reader.close()
    writer.close()
  })
}
