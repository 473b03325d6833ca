// A reader that is overtaken in the middle of an answer, at the moments where that is easy to miss: while it takes
// the pin, and while the thread pool reads for it.
import t from 'tap'
import type { ByteFile } from '../../src/platform/byte-file.js'
import { MemoryFile } from '../../src/platform/memory-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { valueFor } from './model.js'

/** The file with something happening before some of its calls. */
function hooked(file: ByteFile, before: Partial<Record<keyof ByteFile, () => unknown>>): ByteFile {
  return new Proxy(file, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      const hook = before[name as keyof ByteFile]
      return (...args: unknown[]) => {
        const first = hook?.()
        const call = (): unknown => (value as (...args: unknown[]) => unknown).apply(target, args)
        return first instanceof Promise ? first.then(call) : call()
      }
    },
  })
}

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
