import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import * as peer from 'pmtiles'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import {
  decodeDirectory,
  directoryOf,
  type Entry,
  encodeDirectory,
  entryAt,
  findEntry,
} from '../../src/format/directory.js'
import { buildDirectories } from '../../src/format/directory-builder.js'
import { integersFrom } from '../helpers/random.js'

const entriesOf = (bytes: Uint8Array): Entry[] => {
  const directory = decodeDirectory(bytes)
  return Array.from({ length: directory.count }, (_, i) => entryAt(directory, i))
}

const someEntries = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 44 })),
      offset: fc.option(fc.integer({ min: 0, max: 2 ** 50 }), { nil: undefined }),
      length: fc.integer({ min: 1, max: 2 ** 32 }),
      runLength: fc.nat(5),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    let id = 0
    let end = 0
    return steps.map(({ gap, offset, length, runLength }): Entry => {
      const entry = { tileId: id + gap, offset: offset ?? end, length, runLength }
      id = entry.tileId + Math.max(1, runLength)
      end = entry.offset + length
      return entry
    })
  })

t.test('fixed bytes: the example of the specification, offsets relative to the one before', async (t) => {
  const bytes = encodeDirectory(
    directoryOf([
      { tileId: 5, offset: 1337, length: 42, runLength: 1 },
      { tileId: 42, offset: 1379, length: 300, runLength: 3 },
      { tileId: 69, offset: 0, length: 1, runLength: 0 },
    ]),
  )
  t.same([...bytes], [3, 5, 37, 27, 1, 3, 0, 42, 0xac, 2, 1, 0xba, 0x0a, 0, 1])
})

t.test('there and back, exact to 2^53', async () => {
  fc.assert(
    fc.property(someEntries, (entries) => {
      const back = entriesOf(encodeDirectory(directoryOf(entries)))
      return JSON.stringify(back) === JSON.stringify(entries)
    }),
    { numRuns: 1000 },
  )
})

t.test('finds what the pmtiles package finds', async () => {
  fc.assert(
    fc.property(someEntries, (entries) => {
      const directory = directoryOf(entries)
      const ids = entries.flatMap(({ tileId, runLength }) => [
        tileId - 1,
        tileId,
        tileId + 1,
        tileId + runLength,
      ])
      return ids.every((id) => {
        const theirs = peer.findTile(entries, id)
        const ours = findEntry(directory, id)
        return theirs === null ? ours === -1 : ours >= 0 && theirs === entries[ours]
      })
    }),
    { numRuns: 500 },
  )
})

t.test(
  'hostile bytes: a directory or DAMAGED, nothing else, and no memory for what is not there',
  async (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          return decodeDirectory(bytes).count <= bytes.length
        } catch (error) {
          return error instanceof FlagstoneError && error.code === 'DAMAGED'
        }
      }),
      { numRuns: 5000 },
    )
    const cases: [string, number[], RegExp][] = [
      ['nothing', [], /cut off/],
      [
        '2^40 entries',
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1, 1, 1, 1],
        /claims 1099511627776 entries in 10 bytes/,
      ],
      ['cut in a number', [1, 5, 1, 0x80, 0x80], /cut off/],
      ['over 2^53', [1, 255, 255, 255, 255, 255, 255, 255, 31, 1, 1, 1], /2\^53/],
      ['a number without end', [1, ...new Array(30).fill(0x80), 1, 1, 1], /2\^53/],
      ['the same id twice', [2, 5, 0, 1, 1, 9, 9, 1, 0], /twice/],
      ['first continues', [1, 5, 1, 9, 0], /continues/],
      ['length 0', [1, 5, 1, 0, 1], /no bytes/],
    ]
    for (const [name, bytes, message] of cases)
      t.throws(() => decodeDirectory(Uint8Array.from(bytes)), { code: 'DAMAGED', message }, name)
  },
)

t.test('what must not be written', async (t) => {
  const entry = { tileId: 5, offset: 0, length: 1, runLength: 1 }
  for (const [name, entries] of [
    ['descending', [entry, { ...entry, tileId: 4 }]],
    ['twice', [entry, entry]],
    ['no length', [{ ...entry, length: 0 }]],
    ['beyond 2^53', [{ ...entry, offset: 2 ** 53 }]],
    ['negative', [{ ...entry, runLength: -1 }]],
  ] as const)
    t.throws(() => encodeDirectory(directoryOf(entries)), RangeError, name)
})

// ── building ────────────────────────────────────────────────────────────────────────────────────────────

/** Reads an archive's directories the way a client does, and returns all tile entries. */
function readAll(root: Uint8Array, leaves: Uint8Array, leafBase: number): Entry[] {
  return entriesOf(gunzipSync(root)).flatMap((entry) => {
    if (entry.runLength > 0) return [entry]
    const at = entry.offset - leafBase
    return entriesOf(gunzipSync(leaves.subarray(at, at + entry.length)))
  })
}

function collect(): { sink: (leaf: Uint8Array, offset: number) => void; bytes: () => Uint8Array } {
  let bytes = new Uint8Array(0)
  return {
    sink: (leaf, offset) => {
      const next = new Uint8Array(offset + leaf.length)
      next.set(bytes.subarray(0, offset))
      next.set(leaf, offset)
      bytes = next
    },
    bytes: () => bytes,
  }
}

const compress = (bytes: Uint8Array): Uint8Array => gzipSync(bytes)

/** Tiles with lengths that do not compress to nothing, one object reused as a store would. */
function* tiles(count: number, stride = 1): Generator<Entry> {
  const entry: Entry = { tileId: 0, offset: 0, length: 0, runLength: 1 }
  const below = integersFrom(1)
  for (let i = 0; i < count; i++) {
    entry.tileId = i * stride
    entry.offset += entry.length
    entry.length = 1 + below(65536)
    yield entry
  }
}

t.test('few tiles: all in the root', async (t) => {
  const out = collect()
  const built = buildDirectories(() => tiles(1000), { compress, sink: out.sink })
  t.match(built, { leafCount: 0, leafBytes: 0, addressedTiles: 1000, tileEntries: 1000, clustered: true })
  t.equal(out.bytes().length, 0)
  t.ok(built.root(0).length <= 16257)
  t.same(
    readAll(built.root(0), out.bytes(), 0),
    Array.from(tiles(1000), (e) => ({ ...e })),
  )
})

t.test('many tiles: leaves of one size, a root that fits, every tile where it was', async (t) => {
  const n = 100_000
  for (const expectedEntries of [0, n]) {
    const out = collect()
    const built = buildDirectories(() => tiles(n, 3), { compress, sink: out.sink, expectedEntries })
    t.match(built, { leafCount: 25, leafEntries: 4096, tileEntries: n, minTileId: 0, maxTileId: (n - 1) * 3 })
    t.equal(built.leafBytes, out.bytes().length)
    const base = 123_456_789
    t.ok(built.root(base).length <= 16257)
    t.strictSame(
      readAll(built.root(base), out.bytes(), base),
      Array.from(tiles(n, 3), (e) => ({ ...e })),
    )
  }
})

t.test('a root too big: leaves grow until it fits, and the sink is overwritten', async (t) => {
  const n = 20_000
  const out = collect()
  let restarts = 0
  const built = buildDirectories(() => tiles(n), {
    compress,
    maxRootBytes: 300,
    minLeafEntries: 16,
    maxRootOnlyEntries: 100,
    sink: (leaf, offset) => {
      if (offset === 0) restarts++
      out.sink(leaf, offset)
    },
  })
  t.ok(restarts > 1, `${restarts} rounds`)
  t.ok(built.leafEntries > 16)
  t.equal(built.leafCount, Math.ceil(n / built.leafEntries))
  const base = 2 ** 40
  t.ok(built.root(base).length <= 300, `root of ${built.root(base).length} bytes`)
  const leaves = out.bytes().subarray(0, built.leafBytes)
  t.strictSame(
    readAll(built.root(base), leaves, base),
    Array.from(tiles(n), (e) => ({ ...e })),
  )
  t.throws(() => buildDirectories(() => tiles(n), { compress, sink: () => {}, maxRootBytes: 10 }), RangeError)
})

t.test('neighbours with the same bytes become one entry', async (t) => {
  const sea = { offset: 100, length: 9, runLength: 1 }
  const entries: Entry[] = [
    { tileId: 1, offset: 0, length: 100, runLength: 1 },
    { tileId: 2, ...sea },
    { tileId: 3, ...sea },
    { tileId: 4, ...sea, runLength: 3 },
    { tileId: 8, ...sea },
    { tileId: 9, offset: 100, length: 8, runLength: 1 },
  ]
  const built = buildDirectories(() => entries, { compress, sink: () => {} })
  t.match(built, { addressedTiles: 8, tileEntries: 4, minTileId: 1, maxTileId: 9, clustered: true })
  t.same(entriesOf(gunzipSync(built.root(0)))[1], { tileId: 2, offset: 100, length: 9, runLength: 5 })
})

t.test('clustered is what the specification says', async (t) => {
  const clustered = (...list: [offset: number, length: number][]): boolean =>
    buildDirectories(
      () => list.map(([offset, length], i) => ({ tileId: i * 2, offset, length, runLength: 1 })),
      {
        compress,
        sink: () => {},
      },
    ).clustered
  t.equal(clustered([0, 5], [5, 5], [10, 1]), true)
  t.equal(clustered([0, 5], [5, 5], [0, 5], [10, 1]), true, 'pointing back')
  t.equal(clustered([1, 5], [6, 5]), false, 'does not begin at 0')
  t.equal(clustered([0, 5], [6, 5]), false, 'a hole')
  t.equal(clustered([0, 5], [10, 5], [5, 5]), false, 'out of order')
})

t.test('ids that do not ascend are refused', async (t) => {
  for (const ids of [
    [5, 4],
    [5, 5],
  ])
    t.throws(
      () =>
        buildDirectories(() => ids.map((tileId, i) => ({ tileId, offset: i, length: 1, runLength: 1 })), {
          compress,
          sink: () => {},
        }),
      RangeError,
    )
})

t.test('no tiles: an empty root', async (t) => {
  const built = buildDirectories(() => [], { compress, sink: () => {} })
  t.match(built, { tileEntries: 0, minTileId: -1, maxTileId: -1 })
  t.same(entriesOf(gunzipSync(built.root(0))), [])
})
