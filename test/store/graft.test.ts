// Tiles that are taken over from another file without reading them: the same tiles are there, and the power may go at
// any moment.
import t from 'tap'
import { tileIdToZxy } from '../../src/format/tile-id.js'
import type { Capabilities } from '../../src/platform/byte-file.js'
import type { RecordRow } from '../../src/store/read/list.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import type { ValueOrigin } from '../../src/store/write/graft.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { FaultFile, SimulatedCrash } from '../helpers/fault-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { rounds } from '../helpers/rounds.js'
import { expectSound, valueFor } from './model.js'

/** Of so many operations one is the last. */
const EVERY = rounds(3, 1)
const OPTIONS = { initialRegionBytes: 4096, stagingBytes: 4096, commitBytes: 0 }

interface Source {
  readonly origin: ValueOrigin
  readonly rows: readonly RecordRow[]
  readonly values: ReadonlyMap<number, Uint8Array>
}

/** Tiles of one zoom, two of them equal, and one that is longer than is ever buffered. */
function makeSource(seed: number, x: number): Source {
  const file = new MemoryFile()
  const writer = TileWriter.create(file, OPTIONS)
  const values = new Map<number, Uint8Array>()
  for (let i = 0; i < 40; i++) {
    const bytes = valueFor(seed + (i % 39), i === 20 ? 140_000 : 500 + i)
    writer.append(5, x + (i & 3), i >> 2, bytes)
  }
  writer.seal()
  writer.close()
  const reader = FlatReader.open(file.reopen(false))
  const rows = [...reader.records(5)]
  for (const { key } of rows) values.set(key, reader.get(...tileIdToZxy(key))!.bytes)
  const { valuesStart, valuesLength } = reader.superblock
  reader.close()
  return { origin: { file: file.reopen(false), start: valuesStart, length: valuesLength }, rows, values }
}

const SOURCES = [makeSource(1, 0), makeSource(1000, 8)]

/** Takes over both sources, with a tile of its own between; commits, seals. `done` is called after each commit. */
function live(file: FaultFile, done: (tiles: number) => void): void {
  const writer = TileWriter.create(file, OPTIONS)
  done(0)
  const graft = writer.graft()
  graft.reserve([{ zoom: 5, count: 81 }])
  const shared = SOURCES.map(({ origin }) => graft.adopt(origin))
  writer.append(0, 0, 0, valueFor(7, 100))
  for (const [i, { origin, rows }] of SOURCES.entries()) {
    const at = shared[i] ?? graft.copy(origin, 0, origin.length)
    for (const row of rows) graft.add(5, row, at + row.offset)
    writer.commit()
    done(1 + 40 * (i + 1))
  }
  writer.seal()
  writer.close()
}

/** Number of tiles, each of which is one of the sources'. */
function tilesIn(image: MemoryFile): number {
  const reader = FlatReader.open(image.reopen(false))
  let tiles = 0
  for (const { z, x, y, id } of reader.tiles()) {
    tiles++
    const expected = z === 0 ? valueFor(7, 100) : SOURCES.map((s) => s.values.get(id)).find((v) => v)
    if (Buffer.compare(reader.get(z, x, y)!.bytes, expected!) !== 0) throw new Error(`tile ${z}/${x}/${y}`)
  }
  reader.close()
  return tiles
}

const CASES: [string, Partial<Capabilities>][] = [
  ['shared', { reflink: true }],
  ['copied inside the kernel', { copyFileRange: true }],
  ['copied through memory', {}],
]
for (const [name, capabilities] of CASES)
  t.test(`${name}: whole, and at every operation at which the power may go`, (t) => {
    const memory = new MemoryFile({ capabilities })
    const undisturbed = new FaultFile(memory)
    live(undisturbed, () => {})
    t.equal(tilesIn(memory), 81)
    expectSound(verify(memory.reopen(false)))
    let images = 0
    for (let n = 0; n < undisturbed.operations; n += EVERY) {
      const file = new FaultFile(new MemoryFile({ capabilities }))
      let committed: number | undefined
      file.crashAt(n)
      try {
        live(file, (tiles) => {
          committed = tiles
        })
        throw new Error(`operation ${n} did not crash`)
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error
      }
      if (committed === undefined) continue
      for (const image of file.crashImages(1, n)) {
        images++
        const tiles = tilesIn(image)
        // the last commit that returned, or the one that was under way
        if (tiles < committed || ![0, 41, 81].includes(tiles)) throw new Error(`${tiles} tiles after ${n}`)
        TileWriter.reopen(image.reopen(), OPTIONS).close()
        expectSound(verify(image.reopen(false)))
      }
    }
    t.pass(`${undisturbed.operations} operations, ${images} images`)
    t.end()
  })

t.test('records that point outside, and files that end too early', (t) => {
  const [{ origin }] = SOURCES as [Source]
  const writer = TileWriter.create(new MemoryFile(), OPTIONS)
  const graft = writer.graft()
  t.throws(() => graft.copy(origin, origin.length - 5, 6), { code: 'DAMAGED' })
  const short = new MemoryFile({ bytes: new Uint8Array(300_000) })
  for (const length of [100, 200_000])
    t.throws(() => graft.copy({ file: short, start: 299_950, length: 400_000 }, 0, length), {
      code: 'DAMAGED',
    })
  writer.close()
  t.end()
})
