// Sizes and costs: files beyond 2^40 bytes (sparse), and how much is read and moved for what.
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { SUPERBLOCK_BYTES, superblockOffset } from '../../src/format/layout.js'
import { encodeSuperblock } from '../../src/format/superblock/codec.js'
import type { Superblock } from '../../src/format/superblock/fields.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { ByteFile } from '../../src/platform/byte-file.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { currentSuperblock } from '../../src/store/file/superblocks.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { expectContents, expectSound, type Place, valueFor } from './model.js'

/** Pretends that so many bytes of values were committed: a hole. */
function stretch(file: ByteFile, valuesLength: number): void {
  const old = currentSuperblock(file)
  for (const sequence of [old.sequence + 1, old.sequence + 2]) {
    const sb: Superblock = { ...old, sequence, valuesLength }
    file.write(encodeSuperblock(sb, new Uint8Array(SUPERBLOCK_BYTES)), superblockOffset(sequence))
  }
  file.truncate(old.valuesStart + valuesLength)
  file.close()
}

function life(
  t: { equal(a: unknown, b: unknown): unknown },
  place: Place,
  bytes: number,
  growth: 'auto' | 'relocate',
): void {
  const tiles = new Map<number, Uint8Array>()
  const put = (writer: TileWriter, key: number): void => {
    const [z, x, y] = tileIdToZxy(key)
    const value = valueFor(key, 1 + (key % 300))
    writer.append(z, x, y, value)
    tiles.set(key, value)
  }
  let writer = TileWriter.create(place.create(), { initialRegionBytes: 4096, growth })
  for (let i = 0; i < 50; i++) put(writer, zoomBase(9) + i)
  writer.close()
  for (const end of [bytes, bytes + 2 ** 31, bytes + 2 ** 32 + 12345]) {
    stretch(place.reopen(true), end)
    writer = TileWriter.reopen(place.reopen(true), { growth, tailRecords: 50 })
    for (let i = 0; i < 200; i++) put(writer, zoomBase(9) + tiles.size)
    for (let i = 0; i < 60; i++) put(writer, zoomBase(8) + ((i * 37 + tiles.size) % 65536))
    writer.close()
  }
  for (const mode of ['mmap', 'buffered'] as const) {
    const reader = FlatReader.open(place.reopen(false), { mode })
    expectContents(reader, tiles)
    reader.close()
  }
  writer = TileWriter.reopen(place.reopen(true), { growth })
  const report = writer.seal()
  t.equal(report.tiles, tiles.size)
  t.equal(report.fileBytes > bytes, true)
  writer.close()
  const file = place.reopen(false)
  expectSound(verify(file))
  const reader = FlatReader.open(file)
  expectContents(reader, tiles)
  reader.close()
}

for (const growth of ['auto', 'relocate'] as const) {
  for (const exponent of [32, 40, 43]) {
    t.test(`values beyond 2^${exponent}, ${growth}`, (t) => {
      const file = new MemoryFile()
      life(
        t,
        { create: () => file.reopen(), reopen: (writable) => file.reopen(writable) },
        2 ** exponent,
        growth,
      )
      t.end()
    })
  }
  t.test(`a real sparse file of 2^41 bytes, ${growth}`, (t) => {
    const path = join(t.testdir(), 'huge.pmtiles')
    const place: Place = {
      create: () => openRealFile(path, 'create'),
      reopen: (writable) => openRealFile(path, writable ? 'readwrite' : 'read'),
    }
    try {
      life(t, place, 2 ** 41, growth)
    } catch (error) {
      if (!(error instanceof FlagstoneError && error.errno === 'EFBIG')) throw error
      t.comment('this file system has no files of 2 TiB')
    }
    t.end()
  })
}

/** Counts what is read. */
class CountingFile extends MemoryFile {
  reads = 0
  bytes_ = 0
  override read(into: Uint8Array, position: number): number {
    this.reads++
    this.bytes_ += into.length
    return super.read(into, position)
  }
}

t.test('what things cost', (t) => {
  const file = new CountingFile()
  const writer = TileWriter.create(file, { initialRegionBytes: 16384 })
  const n = 200_000
  const value = new Uint8Array(8)
  const view = new DataView(value.buffer)
  for (let i = 0; i < n; i++) {
    const [z, x, y] = tileIdToZxy(zoomBase(10) + i * 3)
    view.setUint32(0, i)
    writer.append(z, x, y, value)
  }
  writer.commit()
  const { growth } = writer.stats
  t.ok(growth.inserts <= 10, `${n} tiles in order: ${growth.inserts} insertions`)
  t.equal(growth.merges + growth.relocations, 0)
  file.reads = file.bytes_ = 0
  const reader = FlatReader.open(file, { check: 'never' })
  t.ok(file.reads <= 4 && file.bytes_ <= 16384, `opening: ${file.reads} reads, ${file.bytes_} bytes`)
  let most = 0
  for (let i = 0; i < 300; i++) {
    const key = zoomBase(10) + ((i * 7919 * 3) % (n * 3))
    const [z, x, y] = tileIdToZxy(key)
    file.reads = 0
    t.ok(reader.get(z, x, y) !== undefined)
    most = Math.max(most, file.reads)
  }
  t.ok(
    most <= 14,
    `a lookup without mapping: at most ${most} reads, the value and two looks at the epoch among them`,
  )
  writer.abandon()
  t.end()
})

t.test('laid out by a hint, an index never grows', (t) => {
  const writer = TileWriter.create(new MemoryFile(), {
    levels: [
      { zoom: 9, expectedTiles: 5000 },
      { zoom: 8, expectedTiles: 1250 },
    ],
  })
  for (let i = 0; i < 5000; i++) {
    const [z, x, y] = tileIdToZxy(zoomBase(9) + i)
    writer.append(z, x, y, valueFor(i, 5))
  }
  writer.commit()
  t.match(writer.stats.growth, { inserts: 0, relocations: 0, extensions: 0 })
  writer.close()
  t.end()
})
