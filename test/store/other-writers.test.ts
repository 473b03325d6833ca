// Files as formats/flat-1.md allows or forbids them and as this writer does not leave them by itself: those of other
// programs, of writers that were killed, and of other options.
import t from 'tap'
import { crc32 } from '../../src/format/crc.js'
import {
  HEADER_BLOCK_BYTES,
  RECORD_BYTES,
  SUPERBLOCK,
  SUPERBLOCK_A_OFFSET,
  SUPERBLOCK_BYTES,
} from '../../src/format/layout.js'
import { Compression, decodeHeader } from '../../src/format/pmtiles.js'
import { decodeSuperblock } from '../../src/format/superblock/codec.js'
import type { Superblock } from '../../src/format/superblock/fields.js'
import { TileType } from '../../src/format/tile-type.js'
import { archiveOf } from '../../src/store/live/virtual-archive.js'
import { openReader } from '../../src/store/read/open.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { valueFor } from './model.js'

function written(fill: (writer: TileWriter) => void): MemoryFile {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  fill(writer)
  writer.close()
  return file
}

const found = (file: MemoryFile): string[] =>
  verify(file.reopen(false))
    .filter(({ ok }) => !ok)
    .map(({ invariant, message }) => `${invariant} ${message}`)

/** A copy with both superblocks, and whatever else, changed, and right checksums. */
function changed(file: MemoryFile, change: (bytes: Buffer, sb: Superblock) => void): MemoryFile {
  const bytes = Buffer.from(file.bytes())
  change(bytes, decodeSuperblock(bytes.subarray(SUPERBLOCK_A_OFFSET)) as Superblock)
  for (const slot of [0, 1]) {
    const copy = bytes.subarray(SUPERBLOCK_A_OFFSET + slot * SUPERBLOCK_BYTES).subarray(0, SUPERBLOCK_BYTES)
    copy.writeUInt32LE(crc32(copy.subarray(0, SUPERBLOCK.crc)), SUPERBLOCK.crc)
  }
  return new MemoryFile({ bytes })
}

t.test('deleted records among the sorted ones are left out by a seal', async (t) => {
  for (const [tiles, deleted] of [
    [9, [0, 4, 8]],
    [2, [0, 1]],
  ] as const) {
    const file = changed(
      written((writer) => {
        for (let x = 0; x < tiles; x++) writer.append(4, x, 0, valueFor(x, 20), TileType.png)
        writer.append(0, 0, 0, valueFor(99, 20), TileType.png)
      }),
      (bytes, sb) => {
        for (const index of deleted) {
          const record = bytes.subarray(sb.levels[4]!.offset + index * RECORD_BYTES).subarray(0, RECORD_BYTES)
          record.fill(0, 8)
          record[15] = 1
          record.writeUInt32LE(crc32(record.subarray(0, 20)), 20)
        }
      },
    )
    t.same(found(file), [], 'right as it is')
    const before = openReader(file.reopen(false))
    const listed = [...before.tiles()].map(({ z, x, y }) => `${z}/${x}/${y}`)
    before.close()
    t.equal(listed.length, tiles + 1 - deleted.length)

    const writer = TileWriter.reopen(file.reopen())
    t.equal(writer.seal().tiles, listed.length)
    writer.close()
    t.same(found(file), [])
    const after = openReader(file.reopen(false))
    t.same(
      [...after.tiles()].map(({ z, x, y }) => `${z}/${x}/${y}`),
      listed,
    )
    after.close()
  }
})

t.test('metadata that are not UTF-8, or begin with a byte order mark, are damage', async (t) => {
  const file = written((writer) => {
    writer.append(0, 0, 0, valueFor(1, 20))
    writer.setMetadata({ name: 'cafe!' })
  })
  const respelt = (spell: (metadata: Buffer) => void): MemoryFile =>
    changed(file, (bytes, sb) => {
      const { offset, length } = sb.metadata!
      const metadata = bytes.subarray(sb.valuesStart + offset).subarray(0, length)
      spell(metadata)
      for (const slot of [0, 1])
        bytes.writeUInt32LE(
          crc32(metadata),
          SUPERBLOCK_A_OFFSET + slot * SUPERBLOCK_BYTES + SUPERBLOCK.metadataCrc,
        )
    })
  t.same(found(respelt(() => {})), [])
  for (const [spell, message] of [
    [(bytes: Buffer) => bytes.write('é', bytes.indexOf('e!'), 'latin1'), /is not UTF-8/],
    [(bytes: Buffer) => bytes.write('\ufeff{"n":"cafe!"}'), /is not a JSON object/],
  ] as const) {
    const wrong = respelt(spell)
    t.match(found(wrong), [message])
    const reader = openReader(wrong.reopen(false))
    t.throws(() => reader.metadata(), { code: 'DAMAGED', message })
    t.ok(reader.get(0, 0, 0), 'its tiles are read all the same')
    reader.close()
  }
})

t.test('the header says how vector tiles are packed, whatever the first tile of the file is', async (t) => {
  const gzipped = Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3)
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3)
  for (const [first, others, expected] of [
    [png, gzipped, Compression.gzip],
    [gzipped, Uint8Array.of(0x1a, 1, 2, 3), Compression.none],
  ] as const) {
    const file = written((writer) => {
      writer.append(0, 0, 0, first, TileType.unknown)
      for (let i = 0; i < 4; i++) writer.append(1, i & 1, i >> 1, others, TileType.mvt)
    })
    const growing = FlatReader.open(file.reopen(false))
    const head = new Uint8Array(HEADER_BLOCK_BYTES)
    const archive = await archiveOf(growing)
    await archive.read(head, 0)
    growing.close()
    t.match(
      decodeHeader(head, archive.length),
      { tileType: TileType.mvt, tileCompression: expected },
      'grows',
    )
    const writer = TileWriter.reopen(file.reopen())
    writer.seal()
    writer.close()
    const bytes = file.bytes()
    t.match(
      decodeHeader(bytes, bytes.length),
      { tileType: TileType.mvt, tileCompression: expected },
      'sealed',
    )
  }
})

t.test('a writer clears all of the header that a crash left, not only where it begins', async (t) => {
  const file = written((writer) => writer.append(0, 0, 0, valueFor(1, 20)))
  const left = changed(file, (bytes) => bytes.fill(7, 4096, HEADER_BLOCK_BYTES))
  const writer = TileWriter.reopen(left.reopen())
  t.ok(
    left
      .bytes()
      .subarray(0, HEADER_BLOCK_BYTES)
      .every((byte) => byte === 0),
  )
  writer.abandon()
})

t.test('an index that was moved among the values grows by insertion later', async (t) => {
  const file = new MemoryFile()
  const options = { initialRegionBytes: 24, dedupe: false } as const
  const put = (writer: TileWriter, from: number, to: number): void => {
    for (let i = from; i < to; i++) writer.append(9, i % 512, i >> 9, valueFor(i, 10), TileType.png)
    writer.commit()
  }
  const first = TileWriter.create(file.reopen(), { ...options, growth: 'relocate' })
  put(first, 0, 3000)
  first.close()
  const level = (): Superblock['levels'][number] =>
    (decodeSuperblock(Buffer.from(file.bytes()).subarray(SUPERBLOCK_A_OFFSET)) as Superblock).levels[9]!
  const start = (): number =>
    (decodeSuperblock(Buffer.from(file.bytes()).subarray(SUPERBLOCK_A_OFFSET)) as Superblock).valuesStart
  t.ok(level().offset >= start(), 'among the values')
  const second = TileWriter.reopen(file.reopen(), { ...options, growth: 'insert' })
  put(second, 3000, 12_000)
  second.close()
  t.ok(level().offset < start(), 'in front again')
  t.same(found(file), [])
  const reader = openReader(file.reopen(false))
  for (let i = 0; i < 12_000; i += 37)
    t.same(Buffer.from(reader.get(9, i % 512, i >> 9)!.bytes), Buffer.from(valueFor(i, 10)))
  t.equal([...reader.tiles()].length, 12_000)
  reader.close()
})
