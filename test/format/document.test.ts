// Holds together: formats/flat-1.md, formats/flat-1.ksy, the constants in src/format/layout.ts, the fixtures.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import * as yaml from 'js-yaml'
import t from 'tap'
import { validSamples } from '../../scripts/fixtures/flat.js'
import { FlagstoneError } from '../../src/errors.js'
import { crc32 } from '../../src/format/crc.js'
import * as layout from '../../src/format/layout.js'
import { sealedSections } from '../../src/format/pmtiles-sections.js'
import * as r from '../../src/format/record.js'
import { decodeSources } from '../../src/format/sources/codec.js'
import { decodeSuperblock } from '../../src/format/superblock/codec.js'
import type { Superblock } from '../../src/format/superblock/fields.js'
import { tileId, tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { mimeOf, nameOfTileType, TileType } from '../../src/format/tile-type.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { chooseFrom, readSlots } from '../../src/store/file/superblocks.js'
import type { WriterOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { FaultFile, SimulatedCrash } from '../helpers/fault-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { fixture, root } from '../helpers/paths.js'
import { sourcesOf } from '../helpers/sources.js'
import { valueFor } from '../store/model.js'

const text = readFileSync(join(root, 'formats/flat-1.md'), 'utf8')

/** The rows of the table that follows `<!-- table: name -->`, without its head. */
function table(name: string): string[][] {
  const after = text.split(`<!-- table: ${name} -->\n`)[1]
  if (after === undefined) throw new Error(`no table ${name} in the document`)
  const lines = after.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('|'))
  return lines.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

t.test('byte maps are the constants of the program', async (t) => {
  for (const [name, offsets, sizes] of [
    ['superblock', layout.SUPERBLOCK, layout.SUPERBLOCK_SIZES],
    ['level', layout.LEVEL, layout.LEVEL_SIZES],
    ['record', layout.RECORD, layout.RECORD_SIZES],
  ] as [string, Record<string, number>, Record<string, number>][]) {
    const documented = table(name).map(([offset, size, field]) => [field, Number(offset), Number(size)])
    t.same(
      documented,
      Object.keys(sizes).map((field) => [field, offsets[field], sizes[field]]),
      name,
    )
  }
  const types = table('types').map(([type, name, mime]) => [Number(type), name, mime])
  t.same(
    types,
    Object.values(TileType).map((type) => [type, nameOfTileType(type), mimeOf(type)]),
  )
  const magic = table('superblock')[0]![3]!.match(/`((?:[0-9A-F]{2} ?)+)`/)![1]!
  t.same(
    magic.split(' ').map((byte) => Number.parseInt(byte, 16)),
    [...layout.MAGIC],
  )
})

t.test('numbers in the prose', async (t) => {
  for (const phrase of [
    `${layout.SUPERBLOCK_A_OFFSET}    superblock A  (${layout.SUPERBLOCK_BYTES})`,
    `${layout.SUPERBLOCK_B_OFFSET}    superblock B  (${layout.SUPERBLOCK_BYTES})`,
    `not below ${layout.FIRST_INDEX_OFFSET.toLocaleString('en')}`,
    `the ${layout.MAX_ROOT_BYTES.toLocaleString('en')} bytes left`,
    `begins at ${layout.PMTILES_HEADER_BYTES}`,
    '4096 ≤ U ≤ 2²⁴',
  ])
    t.ok(text.includes(phrase), phrase)
  t.equal(layout.MAX_GROWTH_UNIT_BYTES, 2 ** 24)
})

t.test('invariants are numbered without gaps, and the program names only those', async (t) => {
  const numbers = [...text.matchAll(/^- \*\*F(\d+)\*\*/gm)].map((match) => Number(match[1]))
  t.same(
    numbers,
    numbers.map((_, i) => i + 1),
  )
  const source = ['codec', 'invariants', 'slots']
    .map((name) => readFileSync(join(root, `src/format/superblock/${name}.ts`), 'utf8'))
    .join('')
  for (const [, number] of source.matchAll(/['`]F(\d+):/g))
    t.ok(numbers.includes(Number(number)), `F${number}`)
})

t.test('the hex dumps are the files', async (t) => {
  const dumps = [...text.matchAll(/<!-- hexdump: (\S+) -->\n```\n(.*?)^```/gms)]
  let count = 0
  for (const [, name, dump] of dumps) {
    const file = readFileSync(fixture('valid', name!))
    for (const [, position, bytes] of dump!.matchAll(/^([0-9a-f]{8}) {2}((?:[0-9a-f]{2} )+)/gm)) {
      const expected = Buffer.from(bytes!.replaceAll(' ', ''), 'hex')
      const at = Number.parseInt(position!, 16)
      t.same(file.subarray(at, at + expected.length), expected, `${name} ${position}`)
      count++
    }
  }
  t.ok(dumps.length === 2 && count > 35, `${dumps.length} dumps, ${count} lines`)
})

// ── the algorithms of the document ──────────────────────────────────────────────────────────────────────

interface DocumentReader {
  crc32(bytes: Uint8Array): number
  superblock(file: Uint8Array, position: number): object | undefined
  open(file: Uint8Array): {
    sequence: number
    sealed: boolean
    valuesStart: number
    valuesLength: number
    levels: { offset: number; capacityBytes: number; count: number; sortedCount: number }[]
  }
  tileId(z: number, x: number, y: number): number
  get(file: Uint8Array, z: number, x: number, y: number): { bytes: Uint8Array; type: number } | undefined
  metadata(file: Uint8Array): Record<string, unknown>
  sources(file: Uint8Array): Promise<Record<string, unknown>[]>
  sections(
    placement: string,
    V: number,
    values: number,
    leaf: number,
    metadata: number,
  ): Record<string, number>
}

async function documentReader(directory: string): Promise<DocumentReader> {
  const blocks = [...text.matchAll(/^```js\n(.*?)^```/gms)].map((match) => match[1])
  const path = join(directory, 'flat-1.mjs')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(path, blocks.join('\n'))
  return (await import(pathToFileURL(path).href)) as DocumentReader
}

t.test('the reader in the document reads every sample', async (t) => {
  const reader = await documentReader(t.testdir())
  const ours = validSamples().filter(({ file }) => file !== 'foreign.pmtiles')
  for (const { file, tiles, metadata, sources = [] } of ours) {
    const bytes = readFileSync(fixture('valid', file))
    for (let z = 0; z <= 3; z++)
      for (let x = 0; x < 2 ** z; x++)
        for (let y = 0; y < 2 ** z; y++) {
          const held = tiles.find((tile) => tile.z === z && tile.x === x && tile.y === y)
          const got = reader.get(bytes, z, x, y)
          const found = got && { z, x, y, type: got.type, length: got.bytes.length, crc: crc32(got.bytes) }
          if (held !== undefined || found !== undefined) t.same(found, held, `${file} ${z}/${x}/${y}`)
        }
    t.same(reader.metadata(bytes), metadata, file)
    t.same(await reader.sources(bytes), sources, file)
  }
})

t.test('the reader in the document and the program agree', async (t) => {
  const reader = await documentReader(t.testdir())
  fc.assert(fc.property(fc.uint8Array(), (bytes) => reader.crc32(bytes) === crc32(bytes)))
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 26 }), fc.nat(), fc.nat(), (z, a, b) => {
      const x = a % 2 ** z
      const y = b % 2 ** z
      return reader.tileId(z, x, y) === tileId(z, x, y)
    }),
  )
  for (const placement of ['front', 'tail'] as const) {
    const theirs = reader.sections(placement, 1 << 20, 12345, 678, 90)
    const ours = sealedSections(placement, 1 << 20, 12345, 678, 90)
    t.match(ours, theirs)
  }
})

t.test('the reader in the document refuses what is damaged', async (t) => {
  const reader = await documentReader(t.testdir())
  for (const [file, x, message] of [
    ['DAMAGED.value-flipped.flat', 0, /F13/],
    ['DAMAGED.both-superblocks.flat', 0, /F1/],
    ['DAMAGED.wrong-slot.flat', 0, /F1/],
    ['DAMAGED.pending-size.flat', 0, /F8/],
    ['DAMAGED.sources-outside.flat', 0, /F1/],
    ['DAMAGED.sources-write-version.flat', 0, /F1/],
    ['VERSION_UNSUPPORTED.reader-2.flat', 0, /version 2/],
  ] as const)
    t.throws(() => reader.get(readFileSync(fixture('invalid', file)), 0, x, 0), { message }, file)
  for (const file of ['DAMAGED.sources-flipped.flat', 'DAMAGED.sources-count.flat'])
    await t.rejects(reader.sources(readFileSync(fixture('invalid', file))), { message: /F25/ }, file)
  t.equal(reader.get(readFileSync(fixture('invalid', 'DAMAGED.key-flipped.flat')), 0, 0, 0), undefined)
})

/** Everything that happens to a file, in little: two levels that grow, strays, removals, merges, both seals, reopening. */
function* life(disk: FaultFile): Generator<string> {
  // one disk, opened twice
  const file = new Proxy<FaultFile>(disk, {
    get(target, name) {
      if (name === 'close') return () => target.unlock('writer')
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const options: WriterOptions = {
    initialRegionBytes: 4096,
    tailRecords: 5,
    stagingBytes: 4096,
    commitBytes: 0,
  }
  let writer = TileWriter.create(file, options)
  yield 'fresh'
  const put = (zoom: number, from: number, count: number): void => {
    for (let i = from; i < from + count; i++) {
      const [z, x, y] = tileIdToZxy(zoomBase(zoom) + i)
      writer.append(z, x, y, valueFor(zoom * 1000 + i, 3 + (i % 20)))
    }
  }
  put(5, 0, 100)
  put(4, 0, 30)
  writer.commit()
  yield 'committed'
  put(5, 100, 100)
  writer.setMetadata({ name: 'life' })
  writer.setSources(sourcesOf(2))
  writer.commit()
  yield 'grown'
  for (const at of [3, 60, 150]) writer.remove(...tileIdToZxy(zoomBase(5) + at))
  writer.commit()
  yield 'with removals in the tail'
  put(5, 20, 12)
  writer.commit()
  yield 'merged'
  writer.seal()
  yield 'sealed'
  put(4, 40, 3)
  writer.setSources(sourcesOf(3))
  writer.commit()
  yield 'open again'
  writer.seal({ placement: 'tail' })
  writer.close()
  yield 'sealed at the tail, closed'
  writer = TileWriter.reopen(file, options)
  put(5, 300, 220)
  writer.commit()
  yield 'reopened and grown'
  writer.close()
  yield 'closed'
}

/** Of each state something: in order, replaced, removed, late, missing. */
const PROBES = [
  ...[0, 3, 25, 60, 150, 199, 519, 520].map((i) => tileIdToZxy(zoomBase(5) + i)),
  ...[29, 30, 42].map((i) => tileIdToZxy(zoomBase(4) + i)),
  tileIdToZxy(zoomBase(3)),
]

/** The reader of the document and the program, on one file: both refuse it, or both find the same in it. */
async function compareReaders(reader: DocumentReader, file: MemoryFile): Promise<'refused' | 'read'> {
  const bytes = file.bytes()
  let ours: FlatReader | undefined
  let theirs: ReturnType<DocumentReader['open']> | undefined
  let refusals = ''
  try {
    ours = FlatReader.open(file.reopen(false))
  } catch (error) {
    if (!(error instanceof FlagstoneError)) throw error
    refusals += `the program: ${error.message}; `
  }
  try {
    theirs = reader.open(bytes)
  } catch (error) {
    refusals += `the document: ${(error as Error).message}`
  }
  if ((ours === undefined) !== (theirs === undefined)) throw new Error(`one of them refuses it: ${refusals}`)
  if (ours === undefined || theirs === undefined) return 'refused'
  const { sequence, sealed, valuesStart, valuesLength, levels } = ours.superblock
  const same = (a: unknown, b: unknown, what: string): void => {
    if (JSON.stringify(a) !== JSON.stringify(b))
      throw new Error(`${what}: ${JSON.stringify(a)}, ${JSON.stringify(b)}`)
  }
  const { levels: theirLevels, ...rest } = theirs
  const { sequence: s, sealed: sealedToo, valuesStart: v, valuesLength: l } = rest
  same([sequence, sealed, valuesStart, valuesLength, levels], [s, sealedToo, v, l, theirLevels], 'superblock')
  same(ours.metadata(), reader.metadata(bytes), 'metadata')
  const inOrder = (records: readonly object[]): unknown => records.map((r) => Object.entries(r).sort())
  same(inOrder(ours.sources()), inOrder(await reader.sources(bytes)), 'sources')
  for (const [z, x, y] of PROBES) {
    const a = ours.get(z, x, y)
    const b = reader.get(bytes, z, x, y)
    same(a && [a.type, [...a.bytes]], b && [b.type, [...b.bytes]], `${z}/${x}/${y}`)
  }
  ours.close()
  return 'read'
}

/** What file systems may leave of an announced change that is still to come: only the size, or part of the move. */
function halfDone(image: MemoryFile): MemoryFile[] {
  const pending = chooseFrom(readSlots(image)).superblock?.pending
  if (pending === undefined || image.size() !== pending.sizeBefore) return []
  const { kind, at, length, sizeBefore } = pending
  const make = (change: (file: MemoryFile) => void): MemoryFile => {
    const file = image.snapshot()
    change(file)
    return file
  }
  if (kind === 'collapse')
    return [
      make((file) => {
        file.fallocate(FALLOC.COLLAPSE_RANGE, at, length)
        file.truncate(sizeBefore)
      }),
      make((file) => file.truncate(sizeBefore - length)),
    ]
  const bytes = image.bytes()
  const middle = Math.floor((at + sizeBefore) / 2 / 4096) * 4096
  return [
    make((file) => file.truncate(sizeBefore + length)),
    ...[at, middle].map((from) =>
      make((file) => {
        file.truncate(sizeBefore + length)
        file.write(bytes.subarray(from), from + length)
        file.write(new Uint8Array(Math.min(length, sizeBefore - from)), from)
      }),
    ),
  ]
}

for (const [name, capabilities] of [
  ['by INSERT_RANGE', {}],
  ['by relocation', { insertRange: false, collapseRange: false }],
] as const) {
  t.test(`the reader in the document opens files in every state, growing ${name}`, async (t) => {
    const reader = await documentReader(t.testdir())
    const undisturbed = new FaultFile(new MemoryFile({ capabilities }))
    for (const state of life(undisturbed)) {
      const image = undisturbed.crashImages(0).at(-1)!
      t.equal(await compareReaders(reader, image), 'read', state)
    }
    const counts = { read: 0, refused: 0, pending: 0 }
    for (let n = 0; n < undisturbed.operations; n++) {
      const file = new FaultFile(new MemoryFile({ capabilities }))
      file.crashAt(n)
      let state = 'before it was created'
      try {
        for (const reached of life(file)) state = reached
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error
      }
      for (const image of file.crashImages(1, n)) {
        try {
          counts[await compareReaders(reader, image)]++
        } catch (error) {
          throw new Error(`power lost at operation ${n}, after '${state}': ${(error as Error).message}`, {
            cause: error,
          })
        }
        for (const half of halfDone(image)) {
          try {
            await compareReaders(reader, half)
          } catch (error) {
            throw new Error(`half done at operation ${n}, after '${state}': ${(error as Error).message}`, {
              cause: error,
            })
          }
          counts.pending++
        }
      }
    }
    t.ok(counts.read > 100 && counts.refused > 0, JSON.stringify(counts))
    t.ok(name === 'by relocation' || counts.pending > 10, 'with changes of geometry announced')
    t.end()
  })
}

t.test('a copy of the superblock is valid to the document when it is to the program', async (t) => {
  const reader = await documentReader(t.testdir())
  const samples = validSamples().filter(({ file }) => file !== 'foreign.pmtiles')
  const blocks = samples.flatMap(({ file }) => {
    const bytes = readFileSync(fixture('valid', file))
    return [bytes.subarray(16384, 20480), bytes.subarray(20480, 24576)]
  })
  let valid = 0
  let invalid = 0
  // a number of the header or of a level that is wrong, with a checksum that is right
  const places = [
    8, 10, 12, 16, 40, 44, 46, 48, 56, 64, 72, 80, 88, 92, 96, 104, 112, 120, 128, 136, 148, 156, 160, 164,
    168, 200, 512, 520, 528, 536, 544, 552, 560, 568, 2000,
  ]
  fc.assert(
    fc.property(
      fc.nat(blocks.length - 1),
      fc.constantFrom(...places),
      fc.oneof(
        fc.nat(8),
        fc.constantFrom(4096, 8192, 24576, 28672, 32768, 36864, 2 ** 24, 2 ** 31),
        fc.nat(),
      ),
      fc.boolean(),
      (which, place, value, isHigh) => {
        const block = Uint8Array.from(blocks[which]!)
        const view = new DataView(block.buffer)
        view.setUint32(isHigh ? place + 4 : place, isHigh ? value % 2 ** 24 : value, true)
        view.setUint32(4092, crc32(block.subarray(0, 4092)), true)
        const file = new Uint8Array(24576)
        file.set(block, 16384)
        let theirs: boolean
        try {
          theirs = reader.superblock(file, 16384) !== undefined
        } catch (error) {
          if (!/version/.test((error as Error).message)) throw error
          theirs = false
        }
        const ours = decodeSuperblock(block)
        if ('problem' in ours) invalid++
        else valid++
        return theirs === !('problem' in ours)
      },
    ),
    { numRuns: 2000 },
  )
  t.ok(valid > 100 && invalid > 100, `${valid} valid, ${invalid} not`)
})

// ── Kaitai ──────────────────────────────────────────────────────────────────────────────────────────────

interface Long {
  value: number
}
interface KaitaiSuperblock {
  sealed: boolean
  readVersion: number
  writeVersion: number
  sequence: Long
  uuid: Uint8Array
  growthUnitBytes: number
  recordBytes: number
  levelCount: number
  valuesStart: Long
  valuesLength: Long
  fileLength: Long
  metadataOffset: Long
  metadataLength: number
  metadataCrc: number
  sourcesOffset: Long
  sourcesLength: number
  sourcesCrc: number
  sourcesCount: number
  sources?: Uint8Array
  pendingKind: number
  pendingAt: Long
  pendingLength: Long
  pendingSizeBefore: Long
  placement: number
  headerCrc: number
  directoriesOffset: Long
  directoriesLength: Long
  directoriesCrc: number
  crc: number
  tailCrcs: number[]
  levels: { offset: Long; capacityBytes: Long; count: Long; sortedCount: Long; records?: KaitaiRecord[] }[]
}
interface KaitaiRecord {
  key: Long
  offset: Long
  type: number
  flags: number
  length: number
  check: number
  deleted: boolean
}
interface KaitaiFile {
  superblockA: KaitaiSuperblock
  superblockB: KaitaiSuperblock
  headerBlock: Uint8Array
}

/** Compiles flat-1.ksy and returns a parser. */
async function kaitai(directory: string): Promise<(file: Uint8Array) => KaitaiFile> {
  const require = createRequire(import.meta.url)
  const compiler = require('kaitai-struct-compiler') as {
    compile(language: string, ksy: unknown, importer: null, debug: boolean): Promise<Record<string, string>>
  }
  const ksy = yaml.load(readFileSync(join(root, 'formats/flat-1.ksy'), 'utf8'))
  const made = await compiler.compile('javascript', ksy, null, false)
  const { writeFileSync } = await import('node:fs')
  const path = join(directory, 'Flat1.cjs')
  writeFileSync(path, made['Flat1.js']!)
  const { Flat1 } = require(path) as { Flat1: new (stream: unknown) => KaitaiFile }
  const { KaitaiStream } = require('kaitai-struct') as { KaitaiStream: new (bytes: Uint8Array) => unknown }
  return (file) => new Flat1(new KaitaiStream(file))
}

/** What Kaitai read, as the program's superblock. */
function asOurs(sb: KaitaiSuperblock): Superblock {
  const levels = sb.levels.map((l) => ({
    offset: l.offset.value,
    capacityBytes: l.capacityBytes.value,
    count: l.count.value,
    sortedCount: l.sortedCount.value,
  }))
  return {
    sequence: sb.sequence.value,
    readVersion: sb.readVersion,
    writeVersion: sb.writeVersion,
    sealed: sb.sealed,
    uuid: Uint8Array.from(sb.uuid),
    growthUnitBytes: sb.growthUnitBytes,
    valuesStart: sb.valuesStart.value,
    valuesLength: sb.valuesLength.value,
    fileLength: sb.fileLength.value,
    metadata:
      sb.metadataLength === 0
        ? undefined
        : { offset: sb.metadataOffset.value, length: sb.metadataLength, crc: sb.metadataCrc },
    sources:
      sb.sourcesLength === 0
        ? undefined
        : {
            offset: sb.sourcesOffset.value,
            length: sb.sourcesLength,
            crc: sb.sourcesCrc,
            count: sb.sourcesCount,
          },
    pending:
      sb.pendingKind === 0
        ? undefined
        : {
            kind: sb.pendingKind === 1 ? 'insert' : 'collapse',
            at: sb.pendingAt.value,
            length: sb.pendingLength.value,
            sizeBefore: sb.pendingSizeBefore.value,
          },
    pmtiles:
      sb.placement === 0
        ? undefined
        : {
            placement: sb.placement === 1 ? 'front' : 'tail',
            headerCrc: sb.headerCrc,
            directoriesOffset: sb.directoriesOffset.value,
            directoriesLength: sb.directoriesLength.value,
            directoriesCrc: sb.directoriesCrc,
          },
    levels,
    tailCrcs: sb.tailCrcs,
  }
}

t.test('flat-1.ksy, compiled, reads every sample as the program does', async (t) => {
  const parse = await kaitai(t.testdir())
  let records = 0
  for (const { file, sources } of validSamples()) {
    if (file === 'foreign.pmtiles' || file === 'torn-superblock.flat') continue
    const bytes = readFileSync(fixture('valid', file))
    const parsed = parse(bytes)
    for (const [copy, position] of [
      [parsed.superblockA, layout.SUPERBLOCK_A_OFFSET],
      [parsed.superblockB, layout.SUPERBLOCK_B_OFFSET],
    ] as const) {
      t.strictSame(asOurs(copy), decodeSuperblock(bytes.subarray(position, position + 4096)), file)
      t.equal(copy.crc, crc32(bytes.subarray(position, position + 4092)))
      t.same([copy.recordBytes, copy.levelCount], [layout.RECORD_BYTES, layout.LEVEL_COUNT])
    }
    if (file === 'pending-applied.flat') continue
    const newer =
      parsed.superblockA.sequence.value > parsed.superblockB.sequence.value ? 'superblockA' : 'superblockB'
    const packed = parsed[newer].sources
    t.same(packed && decodeSources(packed), sources, file)
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    for (const level of parsed[newer].levels)
      for (const [i, found] of (level.records ?? []).entries()) {
        const at = level.offset.value + i * layout.RECORD_BYTES
        t.same(
          [found.key.value, found.offset.value, found.type, found.flags, found.length, found.check],
          [
            r.recordKey(view, at),
            r.recordOffset(view, at),
            r.recordType(view, at),
            r.recordFlags(view, at),
            r.recordLength(view, at),
            r.recordCheck(view, at),
          ],
        )
        t.equal(found.deleted, (r.recordFlags(view, at) & layout.FLAG_DELETED) === 1)
        records++
      }
  }
  t.ok(records > 100, `${records} records`)
})

t.test('flat-1.ksy has the fields and sizes of the document', async (t) => {
  interface Field {
    id?: string
    type?: string
    size?: number
    contents?: number[]
    'repeat-expr'?: number
  }
  const ksy = yaml.load(readFileSync(join(root, 'formats/flat-1.ksy'), 'utf8')) as {
    types: Record<string, { seq: Field[] }>
  }
  const fixed: Record<string, number> = { u1: 1, u2: 2, u4: 4, u6x: 6, u8x: 8, level: layout.LEVEL_BYTES }
  const camel = (id: string): string => id.replace(/_(\w)/g, (_, c: string) => c.toUpperCase())
  for (const name of ['superblock', 'level', 'record']) {
    const fields = ksy.types[name]!.seq.map((field) => {
      const one = field.size ?? field.contents?.length ?? fixed[field.type!]!
      return [camel(field.id!), one * (field['repeat-expr'] ?? 1)]
    })
    t.same(
      fields,
      table(name).map(([, size, field]) => [field, Number(size)]),
      name,
    )
  }
})
