// Foreign archives that can be read and are not right all the same: verify names what the specification does not allow,
// field by field, and says nothing of archives that are right.
import t from 'tap'
import { PMTILES_HEADER } from '../../src/format/layout.js'
import { openReader } from '../../src/store/read/open.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { type ForeignArchive, foreignArchive } from './foreign-archive.js'

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52)
const data = Buffer.concat([png, png, png])
const RIGHT: ForeignArchive = {
  entries: [
    { tileId: 0, offset: 0, length: 16, runLength: 1 },
    { tileId: 1, offset: 16, length: 16, runLength: 3 },
    { tileId: 4, offset: 32, length: 16, runLength: 1 },
  ],
  data,
}

const findingsOf = (bytes: Uint8Array): string =>
  verify(new MemoryFile({ bytes }))
    .filter(({ ok }) => !ok)
    .map(({ invariant, message }) => `${invariant}: ${message}`)
    .join('\n')

function withByte(at: number, value: number): Uint8Array {
  const bytes = foreignArchive(RIGHT)
  bytes[at] = value
  return bytes
}

t.test('an archive that is right, also with numbers left out', async (t) => {
  t.equal(findingsOf(foreignArchive(RIGHT)), '')
  t.equal(
    findingsOf(foreignArchive({ ...RIGHT, header: { addressedTiles: 0, tileEntries: 0, tileContents: 0 } })),
    '',
  )
})

t.test('vector tiles say their layers', async (t) => {
  const vectors = (metadata: unknown): string =>
    findingsOf(foreignArchive({ ...RIGHT, header: { tileType: 1 }, metadata: JSON.stringify(metadata) }))
  t.equal(vectors({ vector_layers: [{ id: 'roads', fields: {} }] }), '')
  t.equal(vectors({ vector_layers: [] }), '')
  for (const metadata of [
    {},
    { vector_layers: 'roads' },
    { vector_layers: [{ id: 'roads' }] },
    { vector_layers: [7] },
  ]) {
    t.match(vectors(metadata), /^P2: .* no vector_layers .* requires$/, JSON.stringify(metadata))
  }
})

const H = PMTILES_HEADER
for (const [what, bytes, finding] of [
  ['clustered 255', withByte(H.clustered, 255), /clustered is 255/],
  ['tile compression 255', withByte(H.tileCompression, 255), /compression of tiles is 255/],
  ['internal compression 255', withByte(H.internalCompression, 255), /unknown way \(255\)/],
  ['tile type 99', withByte(H.tileType, 99), /tile type is 99/],
  ['min zoom 40', withByte(H.minZoom, 40), /min zoom is 40/],
  ['max zoom 200', withByte(H.maxZoom, 200), /max zoom is 200/],
  ['center zoom 7', withByte(H.centerZoom, 7), /center zoom 7 is not one/],
  ['a number of tiles', foreignArchive({ ...RIGHT, header: { addressedTiles: 6 } }), /addressedTiles is 6/],
  ['a number of entries', foreignArchive({ ...RIGHT, header: { tileEntries: 9 } }), /tileEntries is 9/],
  ['a number of contents', foreignArchive({ ...RIGHT, header: { tileContents: 2 } }), /tileContents is 2/],
  ['zooms', foreignArchive({ ...RIGHT, header: { maxZoom: 3 } }), /maxZoom is 3/],
  ['bounds without an area', foreignArchive({ ...RIGHT, header: { minLon: 5, maxLon: 5 } }), /no area/],
  ['bounds upside down', foreignArchive({ ...RIGHT, header: { minLat: 5, maxLat: -5 } }), /no area/],
  [
    'not clustered',
    foreignArchive({
      ...RIGHT,
      entries: [...RIGHT.entries].map((e, i) => ({ ...e, offset: [32, 16, 0][i]! })),
    }),
    /says it is clustered/,
  ],
  [
    'megabytes behind the file',
    Buffer.concat([foreignArchive(RIGHT), Buffer.alloc(3e6)]),
    /its header adds up to/,
  ],
  [
    'megabytes behind the tiles',
    foreignArchive({ ...RIGHT, data: Buffer.concat([data, Buffer.alloc(3e6)]) }),
    /last 3000000 bytes of the tile data belong to no tile/,
  ],
  [
    'megabytes behind the metadata',
    foreignArchive({ ...RIGHT, afterMetadata: new Uint8Array(3e6) }),
    /3000000 bytes follow the metadata/,
  ],
  [
    'bytes behind the root',
    foreignArchive({ ...RIGHT, afterRoot: new Uint8Array(100) }),
    /100 bytes follow the directory/,
  ],
  [
    'bytes behind the last entry',
    foreignArchive({ ...RIGHT, inRoot: new Uint8Array(7) }),
    /7 bytes follow the last entry/,
  ],
  ['sections that overlap', withByte(H.dataOffset, foreignArchive(RIGHT)[H.dataOffset]! - 5), /overlap/],
  ['metadata that is a list', foreignArchive({ ...RIGHT, metadata: '[1]' }), /not a JSON object/],
  [
    'metadata nested too deep',
    foreignArchive({ ...RIGHT, metadata: `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}` }),
    /nested more than 500 deep/,
  ],
] as const) {
  t.test(what, async (t) => {
    t.match(findingsOf(bytes), finding)
  })
}

t.test('bounds beyond the earth', async (t) => {
  const bytes = foreignArchive(RIGHT)
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(H.maxPosition, 190e7, true)
  t.match(findingsOf(bytes), /not on the earth/)
  const center = foreignArchive(RIGHT)
  new DataView(center.buffer, center.byteOffset).setInt32(H.centerPosition + 4, 95e7, true)
  t.match(findingsOf(center), /center .* is not on the earth/)
})

t.test('seal refuses what verify calls damage, and stays as it was', async (t) => {
  const file = new MemoryFile()
  const writer = TileWriter.create(file)
  for (let x = 0; x < 8; x++) writer.append(3, x, 2, Uint8Array.of(1, x))
  writer.seal()
  for (const [info, message] of [
    [{ bounds: [10, 10, 10, 20] }, /no area/],
    [{ bounds: [10, 20, 30, 5] }, /no area/],
    [{ bounds: [170, -10, -170, 10] }, /across the antimeridian: -180 to 180/],
    [{ bounds: [10, 10, 10.00000001, 20] }, /no area/],
    [{ bounds: [-200, 10, 10, 20] }, /not on the earth/],
    [{ bounds: [-20, -91, 10, 20] }, /not on the earth/],
    [{ center: [200, 0, 3] }, /center 200,0 is not on the earth/],
    [{ center: [0, 0, 3.5] }, /center zoom 3.5/],
    [{ center: [0, 0, 27] }, /center zoom 27/],
  ] as const) {
    t.throws(() => writer.seal(info as never), { name: 'RangeError', message })
    t.ok(writer.sealed, 'sealed as before')
  }
  t.throws(() => writer.seal({ center: [0, 0, 5] }), { name: 'RangeError', message: /zooms 3 to 3/ })
  writer.seal({ center: [0, 0, 3], bounds: [-180, -90, 180, 90] })
  writer.close()
  t.same(
    verify(file.reopen(false)).filter(({ ok }) => !ok),
    [],
  )
})

t.test('metadata nested very deep: a sentence, reading and writing', async (t) => {
  const deep = `{"a":${'{"b":['.repeat(1e5)}${']}'.repeat(1e5)}}`
  const reader = openReader(new MemoryFile({ bytes: foreignArchive({ ...RIGHT, metadata: deep }) }))
  t.throws(() => describeTiles(reader), { code: 'DAMAGED', message: /metadata is nested more than 500 deep/ })
  t.equal(reader.get(0, 0, 0)?.bytes.length, 16, 'its tiles are read')
  const writer = TileWriter.create(new MemoryFile())
  t.throws(() => writer.setMetadata(JSON.parse(deep) as Record<string, unknown>), TypeError)
  t.throws(() => writer.setMetadata(JSON.parse(`{"a":${'['.repeat(600)}${']'.repeat(600)}}`)), {
    name: 'TypeError',
    message: /nested more than 500 deep/,
  })
  t.same(writer.metadata, {})
  writer.setMetadata({
    brackets: '[[[{{{"'.repeat(1000),
    fine: JSON.parse(`${'['.repeat(400)}${']'.repeat(400)}`),
  })
  writer.close()
})
