// Identical values are stored once, whatever their distance allows; values that only share CRC and length are not.
import t from 'tap'
import { crc32 } from '../../src/format/crc.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { valueFor } from './model.js'

/** Other bytes with the same CRC-32: the generator polynomial, added anywhere, divides out. */
function collide(bytes: Uint8Array): Uint8Array {
  const other = bytes.slice()
  const pattern = 1n | (0xedb88320n << 1n)
  for (let i = 0; i < 5; i++) other[3 + i]! ^= Number((pattern >> BigInt(8 * i)) & 0xffn)
  return other
}

t.test('a collision of CRCs', (t) => {
  const one = valueFor(1, 500)
  const two = collide(one)
  t.equal(crc32(one), crc32(two))
  t.not(Buffer.compare(one, two), 0)
  for (const stagingBytes of [4096, 65536]) {
    const file = new MemoryFile()
    const writer = TileWriter.create(file.reopen(), { stagingBytes })
    for (let i = 0; i < 64; i++) writer.append(4, i % 16, i >> 4, [one, two][i % 2]!)
    writer.commit()
    const reader = FlatReader.open(file.reopen(false))
    for (let i = 0; i < 64; i++) t.same(reader.get(4, i % 16, i >> 4)?.bytes, [one, two][i % 2]!)
    reader.close()
    writer.close()
  }
  t.end()
})

t.test('what it saves', (t) => {
  for (const dedupe of [true, false]) {
    const file = new MemoryFile()
    const writer = TileWriter.create(file.reopen(), { dedupe, stagingBytes: 65536 })
    const blank = valueFor(7, 30_000)
    for (let i = 0; i < 50; i++) {
      writer.append(5, i % 32, i >> 5, blank)
      writer.append(6, i, 3, valueFor(i, 100))
    }
    writer.commit()
    t.equal(writer.stats.dedupeHits, dedupe ? 49 : 0)
    t.equal(writer.stats.valueBytes, 5000 + (dedupe ? 1 : 50) * 30_000)
    writer.close()
  }
  t.end()
})

t.test('commits by bytes and by time come by themselves, before the append that would be too much', (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen(), { commitBytes: 1000 })
  for (let i = 0; i < 11; i++) writer.append(6, i, 0, valueFor(i, 100))
  t.equal(writer.stats.commits, 1)
  const reader = FlatReader.open(file.reopen(false))
  t.ok(reader.has(6, 9, 0))
  t.notOk(reader.has(6, 10, 0), 'the eleventh is not committed')
  writer.abandon()
  const again = TileWriter.reopen(file.reopen(), { commitBytes: 0, commitSeconds: 1e-6 })
  t.notOk(again.has(6, 10, 0))
  for (let i = 0; i < 1200; i++) again.append(8, i % 256, i >> 8, valueFor(i, 10))
  t.equal(again.stats.commits, 1)
  again.close()
  t.end()
})
