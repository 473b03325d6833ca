// What a record says of a tile: the same as the tile itself, without a look at its value. Reads are counted.
import { appendFileSync, copyFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import { openReader, openTiles, type TileReader } from '../../src/store/read/open.js'
import { PmtilesReader } from '../../src/store/read/pmtiles-reader.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { fixture } from '../helpers/paths.js'
import { valueFor } from './model.js'

/** Counts the reads that touch a byte from `from` on. */
class CountedFile {
  readonly file: MemoryFile
  from = Number.POSITIVE_INFINITY
  reads = 0

  constructor(inner: MemoryFile) {
    this.file = inner
    const read = inner.read.bind(inner)
    inner.read = (into, position) => {
      if (position + into.length > this.from) this.reads++
      return read(into, position)
    }
  }
}

function made(sealed: boolean): MemoryFile {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen(), { levels: [{ zoom: 3, expectedTiles: 64 }] })
  for (let x = 0; x < 8; x++)
    for (let y = 0; y < 6; y++) writer.append(3, x, y, valueFor(x * 8 + y, 300 + x), TileType.webp)
  if (sealed) writer.seal()
  else writer.commit()
  writer.close()
  return file
}

type Tap = Pick<typeof t, 'strictSame' | 'ok' | 'equal' | 'throws'>

function agree(t: Tap, reader: TileReader, z: number): void {
  let tiles = 0
  for (let x = 0; x < 2 ** z; x++)
    for (let y = 0; y < 2 ** z; y++) {
      const stat = reader.stat(z, x, y)
      const tile = reader.get(z, x, y)
      t.strictSame(stat, tile && { type: tile.type, length: tile.bytes.length, etag: tile.etag })
      if (tile !== undefined) tiles++
    }
  t.ok(tiles > 0)
  for (const { z: zoom, x, y, etag } of reader.tiles({ zoom: z })) t.equal(etag, reader.get(zoom, x, y)!.etag)
  t.throws(() => reader.stat(z, 2 ** z, 0), RangeError)
  t.equal(reader.stat(26, 0, 0), undefined)
}

for (const sealed of [false, true]) {
  t.test(`a flat file, ${sealed ? 'sealed' : 'growing'}`, (t) => {
    const file = made(sealed)
    agree(t, FlatReader.open(file.reopen(false)), 3)

    const counted = new CountedFile(file.reopen(false))
    const reader = FlatReader.open(counted.file)
    counted.from = reader.superblock.valuesStart
    for (let x = 0; x < 8; x++) t.match(reader.stat(3, x, 5)?.etag, /^"[\da-z-]+"$/)
    t.equal(counted.reads, 0, 'no value was read')
    reader.get(3, 1, 1)
    t.equal(counted.reads, 1, 'and the counting counts')
    t.end()
  })
}

t.test('a foreign archive', (t) => {
  const file = made(true)
  agree(t, PmtilesReader.open(file.reopen(false)), 3)

  const counted = new CountedFile(file.reopen(false))
  const reader = PmtilesReader.open(counted.file)
  reader.stat(3, 0, 0)
  counted.from = reader.header.dataOffset
  for (let x = 0; x < 8; x++) t.match(reader.stat(3, x, 5)?.etag, /^"[\da-z-]+"$/)
  t.equal(reader.get(3, 7, 7), undefined)
  t.equal(counted.reads, 0, 'no value was read')
  const tile = reader.get(3, 1, 1)!
  t.match(tile.etag, /"/)
  t.equal(counted.reads, 1, 'and the counting counts')
  t.end()
})

t.test('the same place in another state of the file has another tag', (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  copyFileSync(fixture('valid', 'foreign.pmtiles'), path)
  const tagOf = (): string => {
    const reader = openTiles(path)
    const first = reader.tiles().next().value!
    const tag = reader.stat(first.z, first.x, first.y)!.etag
    reader.close()
    return tag
  }
  const before = tagOf()
  t.equal(tagOf(), before, 'it does not change by itself')
  utimesSync(path, new Date(), new Date(1_700_000_000_000))
  const touched = tagOf()
  t.not(touched, before)
  appendFileSync(path, 'x')
  utimesSync(path, new Date(), new Date(1_700_000_000_000))
  t.not(tagOf(), touched)
  t.end()
})

t.test('out of bounds is damage, not a stat', (t) => {
  const file = made(false)
  const { superblock } = FlatReader.open(file.reopen(false))
  const level = superblock.levels[3]!
  // the last record's offset, made enormous
  const at = level.offset + (level.count - 1) * 24 + 8
  file.write(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x7f]), at)
  const reader = openReader(file.reopen(false))
  const last = [...FlatReader.open(made(false)).tiles({ zoom: 3 })].at(-1)!
  t.throws(() => reader.stat(last.z, last.x, last.y), { code: 'DAMAGED' })
  t.end()
})
