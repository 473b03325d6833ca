// The shortest life of a file, on every kind of file: append, commit, read, seal, append again.
import { join } from 'node:path'
import t from 'tap'
import type { ByteFile } from '../../src/platform/byte-file.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'

interface Opener {
  create(): ByteFile
  reopen(writable: boolean): ByteFile
}

function memory(): Opener {
  const file = new MemoryFile()
  return { create: () => file, reopen: (writable) => file.reopen(writable) }
}

function real(directory: string): Opener {
  const path = join(directory, 'a.pmtiles')
  return {
    create: () => openRealFile(path, 'create'),
    reopen: (writable) => openRealFile(path, writable ? 'readwrite' : 'read'),
  }
}

const value = (n: number): Uint8Array => Uint8Array.from({ length: 50 + n * 7 }, (_, i) => (i * 31 + n) & 255)

for (const [name, open] of [
  ['memory', () => memory()],
  ['real file', (t) => real((t as { testdir(): string }).testdir())],
] as [string, (t: unknown) => Opener][]) {
  t.test(name, (t) => {
    const opener = open(t)
    const writer = TileWriter.create(opener.create())
    const reader = FlatReader.open(opener.reopen(false))
    t.equal(reader.get(0, 0, 0), undefined)
    for (let i = 0; i < 16; i++) writer.append(4, i, 3, value(i))
    t.equal(reader.get(4, 0, 3), undefined, 'not committed, not seen')
    t.same(writer.get(4, 2, 3)?.bytes, value(2), 'but by the writer')
    writer.commit()
    for (let i = 0; i < 16; i++) t.same(reader.get(4, i, 3)?.bytes, value(i))
    t.equal(reader.get(4, 0, 0), undefined)
    writer.append(4, 3, 3, value(99))
    t.ok(writer.remove(4, 4, 3))
    writer.commit()
    t.same(reader.get(4, 3, 3)?.bytes, value(99))
    t.equal(reader.get(4, 4, 3), undefined)
    const report = writer.seal({ metadata: { name: 'smoke' } })
    t.equal(report.tiles, 15)
    t.ok(reader.sealed)
    t.same(reader.get(4, 3, 3)?.bytes, value(99))
    t.same(reader.metadata(), { name: 'smoke' })
    writer.append(5, 1, 1, value(1))
    writer.close()
    t.same(reader.get(5, 1, 1)?.bytes, value(1))
    t.same([...reader.tiles()].length, 16)
    reader.close()
    t.end()
  })
}
