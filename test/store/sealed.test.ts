// A sealed file is a PMTiles archive: the `pmtiles` package reads every tile byte for byte as we do, also after
// reopening, appending and sealing again; and views of it stay right whatever a later writer does.
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { PMTiles, type RangeResponse, type Source } from 'pmtiles'
import t from 'tap'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { openReader } from '../../src/store/read/open.js'
import { PmtilesReader } from '../../src/store/read/pmtiles-reader.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { expectContents, expectSound, valueFor } from './model.js'

class BytesSource implements Source {
  constructor(
    readonly key: string,
    readonly bytesOf: (offset: number, length: number) => Uint8Array,
  ) {}
  getKey = (): string => this.key
  getBytes = async (offset: number, length: number): Promise<RangeResponse> => {
    const bytes = this.bytesOf(offset, length)
    return { data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer }
  }
}

type Tap = Parameters<
  Parameters<typeof t.test>[0] extends (t: infer T) => unknown ? (t: T) => void : never
>[0]
let keys = 0
function peerOf(file: MemoryFile): PMTiles {
  const bytes = file.bytes()
  return new PMTiles(
    new BytesSource(`memory-${keys++}`, (offset, length) => bytes.slice(offset, offset + length)),
  )
}

const relocation = { insertRange: false, collapseRange: false }
for (const [name, capabilities] of [
  ['insert', {}],
  ['relocation', relocation],
] as const) {
  t.test(`pmtiles reads what we read: ${name}`, async (t) => {
    const file = new MemoryFile({ capabilities })
    const tiles = new Map<number, Uint8Array>()
    const put = (writer: TileWriter, key: number, bytes: Uint8Array): void => {
      const [z, x, y] = tileIdToZxy(key)
      writer.append(z, x, y, bytes, TileType.webp)
      tiles.set(key, bytes)
    }
    let writer = TileWriter.create(file.reopen(), { stagingBytes: 65536 })
    // Enough for leaf directories, with runs of equal tiles and holes.
    for (let i = 0; i < 20_000; i++)
      if (i % 7 !== 3)
        put(writer, zoomBase(8) + i, i % 1000 < 30 ? valueFor(1, 50) : valueFor(i, 5 + (i % 20)))
    for (let zoom = 0; zoom < 7; zoom++) put(writer, zoomBase(zoom), valueFor(zoom + 9, 30))
    const metadata = { name: 'sealed', attribution: 'nobody' }
    const report = writer.seal({ metadata, bounds: [-10, -20, 30, 40], center: [5, 6, 3] })
    t.equal(report.placement, name === 'insert' ? 'front' : 'tail')
    writer.close()
    await compare(t, file, tiles, 'sealed')
    const header = await peerOf(file).getHeader()
    t.match(header, { minZoom: 0, maxZoom: 8, tileType: 4, minLon: -10, maxLat: 40, centerZoom: 3 })
    t.equal(header.numAddressedTiles, tiles.size)
    t.match(await peerOf(file).getMetadata(), {
      ...metadata,
      flagstone: { version: 1, tileTypes: { webp: tiles.size } },
    })

    writer = TileWriter.reopen(file.reopen())
    t.ok(writer.sealed, 'opening alone does not unseal')
    for (let i = 20_000; i < 30_000; i++) put(writer, zoomBase(8) + i, valueFor(i, 12))
    for (let i = 0; i < 50; i++) put(writer, zoomBase(8) + i * 100, valueFor(i, 500))
    t.notOk(writer.sealed)
    writer.commit()
    t.equal(
      (await peerOf(file)
        .getHeader()
        .catch((error: Error) => error)) instanceof Error,
      true,
      'no archive meanwhile',
    )
    writer.seal()
    writer.close()
    await compare(t, file, tiles, 'after append')
  })
}

async function compare(
  t: Tap,
  file: MemoryFile,
  tiles: Map<number, Uint8Array>,
  what: string,
): Promise<void> {
  expectSound(verify(file.reopen(false)))
  const ours = FlatReader.open(file.reopen(false))
  expectContents(ours, tiles)
  ours.close()
  const peer = peerOf(file)
  let wrong = 0
  let n = 0
  for (const [key, bytes] of tiles) {
    if (n++ % 5 !== 0 && key < zoomBase(8) + 29_000 && key > zoomBase(8) + 500) continue
    const [z, x, y] = tileIdToZxy(key)
    const theirs = await peer.getZxy(z, x, y)
    if (theirs === undefined || Buffer.compare(new Uint8Array(theirs.data), bytes) !== 0) wrong++
  }
  t.equal(wrong, 0, `${what}: pmtiles agrees`)
  t.equal(await peer.getZxy(8, 255, 255), undefined)
  // The same archive through our own reader of other archives: a second opinion on the directories.
  const foreign = PmtilesReader.open(file.reopen(false))
  t.equal([...foreign.tiles()].length, tiles.size)
  for (const [key, bytes] of tiles) {
    const [z, x, y] = tileIdToZxy(key)
    if (Buffer.compare(foreign.get(z, x, y)?.bytes ?? new Uint8Array(0), bytes) !== 0) wrong++
  }
  t.equal(wrong, 0, `${what}: through the directories`)
  t.equal(
    foreign.levels().reduce((sum, level) => sum + level.count, 0),
    tiles.size,
  )
  foreign.close()
}

t.test('views of a sealed file', async (t) => {
  const path = join(t.testdir(), 'views.pmtiles')
  const bytes = (i: number): Uint8Array => valueFor(i, 3000)
  let writer = TileWriter.create(openRealFile(path, 'create'), { initialRegionBytes: 4096 })
  for (let i = 0; i < 150; i++) writer.append(8, i, 7, bytes(i), TileType.png)
  writer.seal()
  writer.close()
  const reader = openReader(openRealFile(path, 'read'), { zeroCopy: true }) as FlatReader
  if (!reader.zeroCopy) {
    t.comment('files cannot be mapped here')
    return
  }
  const held = Array.from({ length: 150 }, (_, i) => reader.get(8, i, 7)!)
  t.ok(held[0]!.bytes.buffer.byteLength > 100_000, 'they are views of the mapping')
  writer = TileWriter.reopen(openRealFile(path, 'readwrite'))
  for (let i = 0; i < 600; i++) writer.append(9, i % 512, (i / 512) | 0, bytes(1000 + i))
  for (let i = 0; i < 600; i++) writer.append(8, i % 256, 100 + ((i / 256) | 0), bytes(2000 + i))
  writer.commit()
  t.equal(writer.stats.growth.inserts, 0, 'the pin makes the writer move indexes instead of values')
  t.ok(writer.stats.growth.relocations > 0)
  t.ok(
    held.every((tile, i) => Buffer.compare(tile.bytes, bytes(i)) === 0),
    'views are right while a writer grows',
  )
  t.same(reader.get(9, 5, 0)?.bytes, bytes(1005), 'and the reader sees what is new')
  reader.close()
  t.ok(
    held.every((tile, i) => Buffer.compare(tile.bytes, bytes(i)) === 0),
    'views outlive their reader',
  )
  writer.seal()
  writer.close()
  const again = openReader(openRealFile(path, 'read'))
  t.same(again.get(8, 5, 100)?.bytes, bytes(2005))
  const tile = (await again.getAsync(8, 5, 7))!
  t.same(tile.bytes, bytes(5))
  t.equal(tile.mime, 'image/png')
  t.match(tile.etag, /^"[0-9a-z]+-[0-9a-f]{8}-[0-9a-z]+"$/)
  t.equal(tile.etag, again.get(8, 5, 7)!.etag)
  t.equal(tile.etag, [...again.tiles({ zoom: 8, range: { minX: 5, maxX: 5, minY: 7, maxY: 7 } })][0]!.etag)
  await t.rejects(again.getAsync(8, 5, 7, { signal: AbortSignal.abort() }))
  t.throws(() => again.getInto(8, 5, 7, new Uint8Array(10)), RangeError)
  t.equal(again.getInto(0, 0, 0, new Uint8Array(10)), -1)
  t.throws(() => again.get(8, 256, 0), RangeError)
  again.close()
  t.throws(() => again.get(8, 5, 7), TypeError)
  const fd = openSync(path, 'r')
  const peer = new PMTiles(
    new BytesSource(path, (offset, length) => {
      const into = new Uint8Array(length)
      return into.subarray(0, readSync(fd, into, 0, length, offset))
    }),
  )
  const theirs = await peer.getZxy(9, 5, 0)
  t.same(new Uint8Array(theirs!.data), bytes(1005))
  closeSync(fd)
  expectSound(verify(openRealFile(path, 'read')))
})

t.test('tiles of a rectangle', (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  for (let key = zoomBase(6); key < zoomBase(7); key++) {
    const [z, x, y] = tileIdToZxy(key)
    if ((x * 7 + y) % 3 !== 0) writer.append(z, x, y, valueFor(key, 4))
  }
  writer.commit()
  const reader = FlatReader.open(file.reopen(false))
  const range = { minX: 5, minY: 17, maxX: 40, maxY: 33 }
  const listed = [...reader.tiles({ zoom: 6, range })].map((tile) => tile.id)
  const all = [...reader.tiles({ zoom: 6 })]
  const expected = all
    .filter((tile) => tile.x >= 5 && tile.x <= 40 && tile.y >= 17 && tile.y <= 33)
    .map((tile) => tile.id)
  t.ok(expected.length > 300)
  t.same(listed, expected)
  t.throws(() => [...reader.tiles({ range })], TypeError)
  writer.close()
  t.end()
})

t.test('one writer at a time', (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  t.throws(() => TileWriter.reopen(file.reopen()), { code: 'LOCKED', message: /this process is writing/ })
  writer.close()
  t.throws(() => TileWriter.create(file.reopen()), { code: 'EXISTS' })
  const second = TileWriter.reopen(file.reopen())
  t.throws(() => writer.commit(), TypeError)
  t.throws(() => second.append(3, 8, 0, new Uint8Array(1)), RangeError)
  t.throws(() => second.append(3, 0, 0, new Uint8Array(0)), RangeError)
  t.throws(() => TileWriter.reopen(file.reopen(), { dedup: true } as never), { code: 'BAD_OPTION' })
  second.close()
  t.end()
})

t.test(
  'bounds of a file that is deeper in some places than in others are those of all its tiles',
  async (t) => {
    const boundsWith = async (tiles: readonly (readonly [number, number, number])[]): Promise<number[]> => {
      const file = new MemoryFile()
      const writer = TileWriter.create(file.reopen())
      for (const [z, x, y] of tiles) writer.append(z, x, y, valueFor(z, 30), TileType.webp)
      writer.seal()
      writer.close()
      const { minLon, maxLon } = await peerOf(file).getHeader()
      const [west, , east] = describeTiles(FlatReader.open(file.reopen())).bounds!
      t.same([west, east], [minLon, maxLon], 'and of its description')
      return [minLon, maxLon]
    }
    // columns of zoom 3 are 45° wide
    t.same(
      await boundsWith([
        [0, 0, 0],
        [1, 1, 0],
        [2, 2, 1],
        [3, 5, 2],
      ]),
      [45, 90],
      'a pyramid to zoom 3',
    )
    t.same(
      await boundsWith([
        [1, 1, 0],
        [2, 2, 1],
        [2, 3, 1],
        [3, 5, 2],
      ]),
      [45, 180],
      'the east ends at zoom 2',
    )
    t.same(
      await boundsWith([
        [1, 0, 0],
        [1, 1, 0],
        [2, 2, 1],
        [3, 5, 2],
      ]),
      [-180, 90],
      'the west at zoom 1',
    )
  },
)
