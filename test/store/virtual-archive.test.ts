// A file that is not sealed, as a PMTiles archive: the `pmtiles` package reads out of it what was committed, through
// every kind of change; an archive once made stays readable, byte for byte, while the file goes on; and where an
// archive cannot be had any more it says so.
import { PMTiles, type RangeResponse, type Source } from 'pmtiles'
import t from 'tap'
import { RECORD_BYTES, roundUp, SUPERBLOCK_BYTES, superblockOffset } from '../../src/format/layout.js'
import { decodeHeader } from '../../src/format/pmtiles.js'
import { headerFindings } from '../../src/format/pmtiles-findings.js'
import { encodeSuperblock } from '../../src/format/superblock/codec.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { currentSuperblock } from '../../src/store/file/superblocks.js'
import { type ArchiveBytes, archiveOf } from '../../src/store/live/virtual-archive.js'
import { PmtilesReader } from '../../src/store/read/pmtiles-reader.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { valueFor } from './model.js'

type Tap = Parameters<
  Parameters<typeof t.test>[0] extends (t: infer T) => unknown ? (t: T) => void : never
>[0]

let keys = 0
class ArchiveSource implements Source {
  readonly #archive: ArchiveBytes
  readonly #key = `archive-${keys++}`
  constructor(archive: ArchiveBytes) {
    this.#archive = archive
  }
  getKey = (): string => this.#key
  getBytes = async (offset: number, length: number): Promise<RangeResponse> => {
    const into = new Uint8Array(Math.max(0, Math.min(length, this.#archive.length - offset)))
    await this.#archive.read(into, offset)
    return { data: into.buffer }
  }
}

/** What a file should hold. */
class Contents {
  readonly tiles = new Map<number, Uint8Array>()
  readonly gone = new Set<number>()

  put(writer: TileWriter, key: number, bytes: Uint8Array): void {
    const [z, x, y] = tileIdToZxy(key)
    writer.append(z, x, y, bytes, TileType.webp)
    this.tiles.set(key, bytes)
    this.gone.delete(key)
  }

  remove(writer: TileWriter, key: number): void {
    const [z, x, y] = tileIdToZxy(key)
    writer.remove(z, x, y)
    this.tiles.delete(key)
    this.gone.add(key)
  }

  copy(): Contents {
    const other = new Contents()
    for (const [key, bytes] of this.tiles) other.tiles.set(key, bytes)
    for (const key of this.gone) other.gone.add(key)
    return other
  }
}

async function whole(archive: ArchiveBytes): Promise<Uint8Array> {
  const bytes = new Uint8Array(archive.length)
  await archive.read(bytes, 0)
  return bytes
}

/** As a server reads it: into Buffers, whose methods are not those of a Uint8Array. */
async function inPieces(archive: ArchiveBytes): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  for (let at = 0; at < archive.length; at += 5000) {
    const piece = Buffer.alloc(Math.min(5000, archive.length - at), 0xee)
    await archive.read(piece, at)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Read by the `pmtiles` package, and by our reader of foreign archives out of a copy of all bytes. */
async function expectArchive(t: Tap, archive: ArchiveBytes, wanted: Contents, label: string): Promise<void> {
  const peer = new PMTiles(new ArchiveSource(archive))
  const bytes = await whole(archive)
  const ours = PmtilesReader.open(new MemoryFile({ bytes }))
  let wrong = 0
  const sparse = wanted.tiles.size > 2000 ? 7 : 1
  let n = 0
  for (const [key, value] of wanted.tiles) {
    const [z, x, y] = tileIdToZxy(key)
    const mine = ours.get(z, x, y)
    if (mine === undefined || Buffer.compare(mine.bytes, value) !== 0) wrong++
    if (n++ % sparse !== 0) continue
    const theirs = await peer.getZxy(z, x, y)
    if (theirs === undefined || Buffer.compare(new Uint8Array(theirs.data), value) !== 0) wrong++
  }
  for (const key of wanted.gone) {
    const [z, x, y] = tileIdToZxy(key)
    if (ours.has(z, x, y) || (await peer.getZxy(z, x, y)) !== undefined) wrong++
  }
  t.equal(wrong, 0, `${label}: every tile, and none that was removed`)
  const listed = [...ours.tiles()].length
  t.equal(listed, wanted.tiles.size, `${label}: nothing else`)
  const header = decodeHeader(bytes, bytes.length)
  const zooms = [...wanted.tiles.keys()].map((key) => tileIdToZxy(key)[0])
  const contents = new Set([...wanted.tiles.values()].map((value) => Buffer.from(value).toString('base64')))
  t.strictSame(
    headerFindings(header, bytes.length, {
      addressedTiles: listed,
      tileEntries: header.tileEntries,
      tileContents: contents.size,
      minZoom: Math.min(...zooms),
      maxZoom: Math.max(...zooms),
    }),
    [],
    `${label}: go-pmtiles' rules`,
  )
}

for (const [name, capabilities] of [
  ['insert', {}],
  ['relocation', { insertRange: false, collapseRange: false }],
] as const) {
  t.test(`through the life of a file: ${name}`, async (t) => {
    const file = new MemoryFile({ capabilities })
    const writer = TileWriter.create(file.reopen(), { stagingBytes: 65536, initialRegionBytes: 24 })
    writer.setMetadata({ name: 'growing', bounds: [-10, -20, 30, 40] })
    const contents = new Contents()
    const reader = FlatReader.open(file)
    const past: { archive: ArchiveBytes; contents: Contents; bytes: Uint8Array }[] = []
    const look = async (label: string): Promise<void> => {
      writer.commit()
      const archive = await archiveOf(reader)
      t.equal(archive.isVirtual, true)
      await expectArchive(t, archive, contents, label)
      past.push({ archive, contents: contents.copy(), bytes: await whole(archive) })
    }
    for (let i = 0; i < 600; i++) contents.put(writer, zoomBase(6) + i, valueFor(i, 10 + (i % 90)))
    await look('in order')
    for (let i = 0; i < 300; i++)
      contents.put(writer, zoomBase(5) + ((i * 37) % 1024), valueFor(i + 5000, 40))
    contents.put(writer, 0, valueFor(7, 99))
    await look('out of order, a tail')
    for (let i = 0; i < 500; i += 3) contents.put(writer, zoomBase(6) + i, valueFor(i + 9000, 33))
    for (let i = 1; i < 500; i += 5) contents.remove(writer, zoomBase(6) + i)
    await look('replaced and removed')
    // equal neighbours are one entry, equal tiles far apart one value
    for (let i = 1000; i < 3000; i++)
      contents.put(writer, zoomBase(6) + i, valueFor(i % 1000 < 300 ? 1 : 2, 20))
    for (let i = 0; i < 30_000; i++) contents.put(writer, zoomBase(9) + i * 2, valueFor(i + 20_000, 6))
    await look('leaf directories')
    for (let i = 0; i < 4000; i++) contents.put(writer, zoomBase(8) + i, valueFor(i + 70_000, 8))
    writer.seal()
    const sealed = await archiveOf(reader)
    t.equal(sealed.isVirtual, false)
    t.equal(Buffer.compare(await whole(sealed), file.bytes()), 0, 'sealed: the file as it lies')
    contents.put(writer, zoomBase(10) + 5, valueFor(3, 3))
    await t.rejects(whole(sealed), { code: 'LOCKED' }, 'a sealed file that was opened for writing')
    await look('after a seal')
    const tags = past.map(({ archive }) => archive.tag)
    t.equal(new Set([...tags, sealed.tag]).size, past.length + 1, 'every state has its own tag')
    for (const [i, { archive, bytes, contents }] of past.entries()) {
      t.equal(Buffer.compare(await whole(archive), bytes), 0, `archive ${i} is what it was, byte for byte`)
      t.equal(Buffer.compare(await inPieces(archive), bytes), 0, `archive ${i}, piece by piece`)
      if (i < 2) await expectArchive(t, archive, contents, `archive ${i}, later`)
    }
    if (name === 'insert') t.ok(writer.stats.growth.inserts > 0, 'values were moved')
    else t.ok(writer.stats.growth.relocations > 0, 'indexes were moved')
    t.ok(writer.stats.growth.merges > 0)
    writer.close()
    reader.close()
  })
}

t.test('what is not committed is not there, and changes no byte', async (t) => {
  const file = new MemoryFile({ capabilities: { insertRange: false, collapseRange: false } })
  const writer = TileWriter.create(file.reopen(), { stagingBytes: 4096, initialRegionBytes: 24 })
  const contents = new Contents()
  for (let i = 0; i < 400; i++) contents.put(writer, zoomBase(6) + i, valueFor(i, 100))
  writer.commit()
  const reader = FlatReader.open(file)
  const archive = await archiveOf(reader)
  const before = await whole(archive)
  const later = contents.copy()
  // few enough not to move the index, enough to be written to it
  const { relocations } = writer.stats.growth
  for (let i = 400; i < 480; i++) later.put(writer, zoomBase(6) + i, valueFor(i, 100))
  t.equal(writer.stats.growth.relocations, relocations)
  const again = await archiveOf(reader)
  t.equal(again.tag, archive.tag)
  t.equal(Buffer.compare(await whole(again), before), 0)
  writer.commit()
  t.equal(Buffer.compare(await whole(archive), before), 0, 'nor when they are committed')
  t.not((await archiveOf(reader)).tag, archive.tag)
  await expectArchive(t, archive, contents, 'the old state')
  await expectArchive(t, await archiveOf(reader), later, 'the new state')
})

t.test('any range is that part of the whole', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  for (let i = 0; i < 50; i++) writer.append(...tileIdToZxy(zoomBase(4) + i), valueFor(i, 300))
  writer.commit()
  const archive = await archiveOf(FlatReader.open(file))
  const bytes = await whole(archive)
  const edges = [0, 1, 127, 16383, 16384, 16385, 16384 + 15000, 16384 + 15001, bytes.length - 1, bytes.length]
  for (const from of edges) {
    for (const to of edges.filter((edge) => edge >= from)) {
      const part = new Uint8Array(to - from).fill(7)
      await archive.read(part, from)
      if (Buffer.compare(part, bytes.subarray(from, to)) !== 0) t.fail(`${from} to ${to}`)
    }
  }
  await t.rejects(archive.read(new Uint8Array(2), bytes.length - 1), RangeError)
  await t.rejects(archive.read(new Uint8Array(1), -1), RangeError)
  await t.rejects(archive.read(new Uint8Array(1), Number.NaN), RangeError)
  t.match(bytes.subarray(0, 7), Buffer.from('PMTiles'))
})

t.test('a file without tiles', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  const archive = await archiveOf(FlatReader.open(file))
  const peer = new PMTiles(new ArchiveSource(archive))
  t.equal((await peer.getHeader()).numAddressedTiles, 0)
  t.equal(await peer.getZxy(0, 0, 0), undefined)
  writer.close()
})

t.test('bounds and metadata are those of the file', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  writer.append(2, 1, 1, valueFor(1, 50), TileType.mvt)
  writer.setMetadata({ name: 'x', bounds: [-80, 10, -70, 20] })
  writer.commit()
  const reader = FlatReader.open(file)
  const peer = new PMTiles(new ArchiveSource(await archiveOf(reader)))
  const header = await peer.getHeader()
  t.match(header, { minLon: -80, minLat: 10, maxLon: -70, maxLat: 20, tileType: 1, tileCompression: 1 })
  t.match(await peer.getMetadata(), { name: 'x', flagstone: { tileTypes: { mvt: 1 } } })
  for (const bounds of [[1, 2, 3], ['a', 2, 3, 4], [1, 2, 3, 1e9], null, 'x']) {
    writer.setMetadata({ bounds })
    writer.commit()
    const other = await new PMTiles(new ArchiveSource(await archiveOf(reader))).getHeader()
    t.match([other.minLon, other.maxLon], [-90, 0], `${JSON.stringify(bounds)}: of the tiles`)
  }
})

t.test('damage is found before it is served', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file.reopen())
  for (let i = 0; i < 9; i++) writer.append(...tileIdToZxy(zoomBase(4) + i * 2), valueFor(i, 300))
  for (let i = 0; i < 5; i++) writer.append(...tileIdToZxy(zoomBase(4) + i * 2 + 1), valueFor(i + 100, 300))
  writer.commit()
  const { offset, count } = FlatReader.open(file).superblock.levels[4]!
  t.equal(count, 14)
  const broken = (at: number): Promise<ArchiveBytes> => {
    const other = file.snapshot()
    other.write(Uint8Array.of(0xff, 0xff, 0xff), at)
    return archiveOf(FlatReader.open(other))
  }
  await t.rejects(broken(offset + 24 * 10), { code: 'DAMAGED', message: /tail of zoom 4/ })
  await t.rejects(broken(offset + 24 * 3), { code: 'DAMAGED', message: /key/ })
  await t.rejects(broken(offset + 24 * 3 + 10), { code: 'DAMAGED', message: /outside/ })
  await t.resolves(broken(offset + 24 * 20), 'beyond the records nothing matters')
})

t.test('an index that is too large to be copied is refused before it is read', async (t) => {
  const file = new MemoryFile()
  TileWriter.create(file.reopen()).close()
  const sb = currentSuperblock(file)
  const count = 2 ** 23 + 1
  const capacityBytes = roundUp(count * RECORD_BYTES, sb.growthUnitBytes)
  const levels = sb.levels.with(12, { offset: sb.valuesStart, capacityBytes, count, sortedCount: count })
  const valuesStart = sb.valuesStart + capacityBytes
  for (const sequence of [sb.sequence + 1, sb.sequence + 2]) {
    const block = encodeSuperblock({ ...sb, sequence, levels, valuesStart }, new Uint8Array(SUPERBLOCK_BYTES))
    file.write(block, superblockOffset(sequence))
  }
  file.truncate(valuesStart)
  await t.rejects(archiveOf(FlatReader.open(file)), { code: 'TOO_LARGE', message: /seal it/ })
})
