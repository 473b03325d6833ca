// What a file remembers of its sources: stored like the metadata, read only when asked for, found by place.

import fc from 'fast-check'
import t from 'tap'
import { superblockOffset } from '../../src/format/layout.js'
import type { SourceFootprint, SourceRecord } from '../../src/format/sources/record.js'
import { encodeSuperblock } from '../../src/format/superblock/codec.js'
import { archiveOf } from '../../src/store/live/virtual-archive.js'
import { PmtilesReader } from '../../src/store/read/pmtiles-reader.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { SourcePlaces } from '../../src/store/read/sources-at.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { sourceOf, sourcesOf } from '../helpers/sources.js'
import { expectSound, valueFor } from './model.js'

const OPTIONS = { initialRegionBytes: 4096, stagingBytes: 4096, commitBytes: 0 }

function newFile(capabilities = {}): { file: MemoryFile; writer: TileWriter } {
  const file = new MemoryFile({ capabilities, path: 'sample' })
  return { file, writer: TileWriter.create(file.reopen(), OPTIONS) }
}

const writeVersion = (reader: FlatReader): number => reader.superblock.writeVersion
const idsOf = (records: readonly SourceRecord[]): string[] => records.map(({ id }) => id)

t.test('they live with the file: committed, grown, sealed, reopened, replaced, removed', async (t) => {
  for (const capabilities of [{}, { insertRange: false, collapseRange: false }]) {
    const { file, writer } = newFile(capabilities)
    const reader = FlatReader.open(file.reopen(false))
    t.same(reader.sources(), [])
    t.equal(writeVersion(reader), 1)
    const given = sourcesOf(3).reverse()
    writer.setSources(given)
    given.pop()
    t.same(reader.sources(), [], 'not before a commit')
    writer.commit()
    t.same(reader.sources(), sourcesOf(3), 'copied, from the bottom to the top')
    t.equal(writeVersion(reader), 2)
    t.equal(reader.sources(), reader.sources(), 'read once')
    const held = reader.sources()
    for (let i = 0; i < 700; i++) writer.append(6, i % 64, Math.floor(i / 64), valueFor(i, 50))
    writer.commit()
    t.equal(reader.sources(), held, 'and not again while they are the same')
    writer.seal()
    t.same(reader.sources(), sourcesOf(3))
    t.match(reader.metadata(), {})
    expectSound(verify(file.reopen(false)))
    const archive = PmtilesReader.open(file.reopen(false))
    t.match(archive.metadata(), { flagstone: { sources: 3 } }, 'a client of PMTiles is told their number')
    t.same(archive.sources(), [])
    t.same(archive.sourcesAt({ point: [0, 0] }), [])
    writer.close()
    const again = TileWriter.reopen(file.reopen(), OPTIONS)
    again.append(3, 0, 0, valueFor(9, 9))
    again.commit()
    t.same(reader.sources(), sourcesOf(3))
    again.setSources(sourcesOf(5))
    again.seal()
    t.same(reader.sources(), sourcesOf(5))
    again.setSources([])
    again.close()
    t.same(reader.sources(), [])
    t.equal(writeVersion(reader), 1)
    const plain = TileWriter.reopen(file.reopen(), OPTIONS)
    plain.seal()
    plain.close()
    t.notOk('sources' in (PmtilesReader.open(file.reopen(false)).metadata()['flagstone'] as object))
    expectSound(verify(file.reopen(false)))
    reader.close()
    t.throws(() => reader.sources(), { message: /closed/ })
  }
})

t.test('the metadata of an archive stay small, whatever the number of sources', async (t) => {
  const { file, writer } = newFile()
  writer.append(0, 0, 0, valueFor(1, 9))
  writer.setSources(sourcesOf(5000))
  writer.seal()
  writer.close()
  const archive = PmtilesReader.open(file.reopen(false))
  t.ok(archive.header.metadataLength < 200, `${archive.header.metadataLength} bytes`)
  t.match(archive.metadata(), { flagstone: { sources: 5000 } })
  const reader = FlatReader.open(file.reopen(false))
  t.equal(describeTiles(reader).layout?.sourceCount, 5000)
  t.equal(reader.sources().length, 5000)
})

t.test('an absurd length is refused before so much memory is taken', async (t) => {
  const { file, writer } = newFile()
  writer.setSources(sourcesOf(1))
  writer.close()
  const sb = FlatReader.open(file.reopen(false)).superblock
  const length = 2 ** 25 + 1
  const bytes = new Uint8Array(sb.valuesStart + length)
  bytes.set(file.bytes())
  const absurd = { ...sb, valuesLength: length, sources: { offset: 0, length, crc: 0, count: 1 } }
  for (const sequence of [sb.sequence + 1, sb.sequence + 2])
    bytes.set(encodeSuperblock({ ...absurd, sequence }), superblockOffset(sequence))
  const reader = FlatReader.open(new MemoryFile({ bytes, path: 'sample' }))
  t.throws(() => reader.sources(), { code: 'DAMAGED', message: /more than 33554432 bytes long/ })
})

t.test('an absurd number is refused before they are read, and damage is found once', (t) => {
  const { file, writer } = newFile()
  writer.setSources(sourcesOf(1))
  writer.close()
  const sb = FlatReader.open(file.reopen(false)).superblock
  for (const [count, most, message] of [
    [2, 1, /is of 1 sources, not 2; the tiles are not affected\.$/],
    [3_000_000, 0, /is of 3000000 sources, more than 200000;/],
  ] as const) {
    const bytes = file.bytes().slice()
    for (const sequence of [sb.sequence + 1, sb.sequence + 2])
      bytes.set(
        encodeSuperblock({ ...sb, sources: { ...sb.sources!, count }, sequence }),
        superblockOffset(sequence),
      )
    const source = new MemoryFile({ bytes, path: 'sample' })
    const reader = FlatReader.open(source)
    const at = sb.valuesStart + sb.sources!.offset
    let reads = 0
    const read = source.read.bind(source)
    source.read = (into, position) => {
      if (position === at) reads++
      return read(into, position)
    }
    for (let i = 0; i < 3; i++) t.throws(() => reader.sources(), { code: 'DAMAGED', message })
    t.throws(() => reader.sourcesAt({ point: [0, 0] }), { code: 'DAMAGED', message })
    t.equal(reads, most, `${count} sources`)
  }
  t.end()
})

t.test('a growing file that is served as an archive names their number', async (t) => {
  const { file, writer } = newFile()
  writer.append(0, 0, 0, valueFor(1, 9))
  writer.setSources(sourcesOf(7))
  writer.commit()
  const reader = FlatReader.open(file.reopen(false))
  const archive = await archiveOf(reader)
  const bytes = new Uint8Array(archive.length)
  await archive.read(bytes, 0)
  t.match(PmtilesReader.open(new MemoryFile({ bytes })).metadata(), { flagstone: { sources: 7 } })
  writer.close()
})

t.test('who does not ask does not read them', async (t) => {
  const { file, writer } = newFile()
  writer.append(0, 0, 0, valueFor(1, 9))
  writer.setSources(sourcesOf(3))
  writer.commit()
  writer.close()
  const { sources, valuesStart } = FlatReader.open(file.reopen(false)).superblock
  const at = valuesStart + sources!.offset
  const bytes = file.bytes()
  bytes[at + 30]! ^= 1
  const reader = FlatReader.open(new MemoryFile({ bytes, path: 'sample' }))
  t.ok(reader.get(0, 0, 0))
  t.same(reader.metadata(), {})
  t.throws(() => reader.sources(), {
    code: 'DAMAGED',
    message: /^sample: what it remembers of its sources.*checksum/,
  })
  t.throws(() => reader.sourcesAt({ point: [0, 0] }), { code: 'DAMAGED' })
  t.match(
    verify(new MemoryFile({ bytes })).filter(({ ok }) => !ok),
    [{ invariant: 'F25', where: at }],
  )
  const next = TileWriter.reopen(new MemoryFile({ bytes }), OPTIONS)
  next.setSources(sourcesOf(1))
  next.commit()
})

t.test(
  'a writer that does not know them leaves the file alone; one of a later version keeps them',
  async (t) => {
    const { file, writer } = newFile()
    writer.setSources(sourcesOf(1))
    writer.close()
    const bytes = file.bytes()
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    t.equal(view.getUint16(superblockOffset(0) + 8, true), 1, 'readers of version 1 may read it')
    t.equal(view.getUint16(superblockOffset(0) + 10, true), 2, 'writers of version 1 may not change it')
  },
)

t.test('wrong records are refused at once, and what was stored stays', async (t) => {
  const { file, writer } = newFile()
  writer.setSources(sourcesOf(2))
  t.throws(() => writer.setSources([sourceOf(0), sourceOf(0)]), { code: 'BAD_OPTION', message: /used twice/ })
  t.throws(() => writer.setSources([sourceOf(1)]), {
    code: 'BAD_OPTION',
    message: /source 1 of 1: its order/,
  })
  t.throws(() => writer.setSources('x' as never), { code: 'BAD_OPTION', message: /not a list/ })
  writer.close()
  t.throws(() => writer.setSources([]), { message: /closed/ })
  t.same(FlatReader.open(file.reopen(false)).sources(), sourcesOf(2))
})

// ── by place ────────────────────────────────────────────────────────────────────────────────────────────

const ring = (west: number, south: number, east: number, north: number): number[][] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
]
const square = (...sides: [number, number, number, number]): SourceFootprint => ({
  type: 'Polygon',
  coordinates: [ring(...sides)],
})
const pile = (...footprints: (SourceFootprint | null)[]): SourcePlaces =>
  new SourcePlaces(footprints.map((footprint, i) => sourceOf(i, { id: `${i}`, footprint })))

t.test('the topmost first, holes left out, edges counted', async (t) => {
  const places = pile(
    square(0, 0, 10, 10),
    { type: 'Polygon', coordinates: [ring(2, 2, 8, 8), ring(4, 4, 6, 6)] },
    null,
    { type: 'MultiPolygon', coordinates: [[ring(0, 0, 1, 1)], [ring(9, 9, 10, 10)]] },
  )
  const at = (lon: number, lat: number): string => idsOf(places.at({ point: [lon, lat] })).join()
  t.equal(at(3, 3), '1,0')
  t.equal(at(5, 5), '0', 'in the hole')
  t.equal(at(4, 5), '1,0', 'on the edge of the hole')
  t.equal(at(0.5, 0.5), '3,0')
  t.equal(at(9.5, 9.5), '3,0')
  t.equal(at(10, 10), '3,0', 'a corner')
  t.equal(at(10.001, 10), '')
  t.equal(at(363, 3), '1,0', 'once around')
  const within = (...bbox: [number, number, number, number]): string => idsOf(places.at({ bbox })).join()
  t.equal(within(4.5, 4.5, 5.5, 5.5), '0', 'a rectangle in the hole')
  t.equal(within(4.5, 4.5, 6, 5.5), '1,0', 'that touches its edge')
  t.equal(within(-5, -5, 20, 20), '3,1,0', 'that holds them all')
  t.equal(within(1.5, 1.5, 1.9, 1.9), '0', 'inside of one')
  t.equal(within(11, 0, 12, 1), '')
  t.equal(within(-180, -90, 180, 90), '3,1,0')
  t.same(pile().at({ point: [0, 0] }), [])
})

t.test('a rectangle near a slanted edge does not touch it', async (t) => {
  const triangle = pile({
    type: 'Polygon',
    coordinates: [
      [
        [0, 0],
        [10, 0],
        [0, 10],
        [0, 0],
      ],
    ],
  })
  t.same(triangle.at({ bbox: [6, 6, 9, 9] }), [])
  t.equal(triangle.at({ bbox: [4, 4, 9, 9] }).length, 1)
})

t.test('across the antimeridian', async (t) => {
  const places = pile(
    { type: 'MultiPolygon', coordinates: [[ring(178, -1, 180, 1)], [ring(-180, -1, -178, 1)]] },
    square(-180, 10, -170, 11),
    square(170, 20, 180, 21),
  )
  const within = (...bbox: [number, number, number, number]): string => idsOf(places.at({ bbox })).join()
  t.equal(within(179, -90, -179, 90), '2,1,0')
  t.equal(within(179, -90, 181, 90), '2,1,0')
  t.equal(within(-181, -90, -179, 90), '2,1,0')
  t.equal(within(0, -90, 179.9, 90), '2,0')
  t.equal(within(0, -90, 179.9, 5), '0')
  for (const lon of [180, -180]) {
    t.same(idsOf(places.at({ point: [lon, 10.5] })), ['1'], `${lon}: the same line`)
    t.same(idsOf(places.at({ point: [lon, 20.5] })), ['2'])
  }
  t.same(idsOf(places.at({ point: [181, 0] })), ['0'])
})

t.test('a wrong question is named', async (t) => {
  const places = pile(square(0, 0, 1, 1))
  for (const [query, message] of [
    [undefined, /must be \{ point \} or \{ bbox \}/],
    [{}, /pass a point or a bbox/],
    [{ point: [0, 0], bbox: [0, 0, 1, 1] }, /pass a point or a bbox/],
    [{ pont: [0, 0] }, /no 'pont'.*point/],
    [{ point: [0] }, /\[longitude, latitude\]/],
    [{ point: ['0', 0] }, /two numbers/],
    [{ point: [0, Number.NaN] }, /not a longitude and a latitude/],
    [{ point: [0, 91] }, /not a longitude and a latitude/],
    [{ bbox: [0, 0, 1] }, /four numbers/],
    [{ bbox: [0, 1, 1, 0] }, /west, south, east, north/],
    [{ bbox: [1e6, 1e6, 2e6, 2e6] }, /metres/],
  ] as const)
    t.throws(() => places.at(query as never), { code: 'BAD_OPTION', message }, JSON.stringify(query))
})

t.test('random piles of polygons, against a count of crossings', async () => {
  // convex and not, on a grid of whole numbers; places lie between them
  const coordinate = fc.integer({ min: 0, max: 12 })
  const polygon = fc
    .array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 7 })
    .map((points) => [...points, points[0]!])
  const inside = (points: number[][], x: number, y: number): boolean => {
    let turns = 0
    for (let i = 1; i < points.length; i++) {
      const [[ax, ay], [bx, by]] = [points[i - 1]!, points[i]!] as [[number, number], [number, number]]
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) turns++
    }
    return turns % 2 === 1
  }
  fc.assert(
    fc.property(
      fc.array(polygon, { minLength: 1, maxLength: 40 }),
      fc.tuple(coordinate, coordinate),
      (rings, [cx, cy]) => {
        const [x, y] = [cx + 0.37, cy + 0.41]
        const places = pile(...rings.map((points) => ({ type: 'Polygon', coordinates: [points] }) as const))
        const expected = rings.flatMap((points, i) => (inside(points, x, y) ? [`${i}`] : [])).reverse()
        const found = idsOf(places.at({ point: [x, y] }))
        // a small rectangle around the place finds the same, and perhaps those whose edge comes near
        const near = idsOf(places.at({ bbox: [x - 1e-6, y - 1e-6, x + 1e-6, y + 1e-6] }))
        return found.join() === expected.join() && expected.every((id) => near.includes(id))
      },
    ),
    { numRuns: 300 },
  )
})
