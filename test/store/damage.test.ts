// Damaged files: a bit flipped in every structure and all over the file, the end cut off at every block. What can
// still be read is right, everything else is refused with DAMAGED; no answer is ever wrong, "missing" included.
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { RECORD_BYTES } from '../../src/format/layout.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { Capabilities } from '../../src/platform/byte-file.js'
import { openReader } from '../../src/store/read/open.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { sourcesOf } from '../helpers/sources.js'
import { valueFor } from './model.js'

interface Sample {
  bytes: Uint8Array
  tiles: Map<number, Uint8Array>
  /** Ranges whose every bit matters. */
  vital: { name: string; from: number; to: number; both?: boolean }[]
}

/** Zooms 0 to 4 whole or in part, a shared value, replaced and removed tiles, a relocated index, dead bytes. */
function makeSample(capabilities: Partial<Capabilities>, end: 'front' | 'tail' | 'open'): Sample {
  const file = new MemoryFile({ capabilities, path: 'sample' })
  const writer = TileWriter.create(file.reopen(), {
    initialRegionBytes: 4096,
    tailRecords: 1000,
    stagingBytes: 4096,
  })
  const tiles = new Map<number, Uint8Array>()
  const put = (key: number, bytes: Uint8Array): void => {
    const [z, x, y] = tileIdToZxy(key)
    writer.append(z, x, y, bytes)
    tiles.set(key, bytes)
  }
  for (let i = 0; i < 90; i++) put(zoomBase(4) + i * 2, valueFor(i, 10 + (i % 30)))
  for (const zoom of [0, 2, 3])
    for (let i = 0; i < 4 ** zoom; i += zoom + 1) put(zoomBase(zoom) + i, valueFor(zoom * 100 + i, 25))
  writer.commit()
  for (let i = 90; i < 120; i++) put(zoomBase(4) + i * 2, valueFor(5, 40))
  writer.setMetadata({ name: 'damaged on purpose' })
  writer.setSources(sourcesOf(2))
  writer.commit()
  for (let i = 0; i < 12; i++) put(zoomBase(4) + i * 11, valueFor(1000 + i, 33))
  for (const key of [zoomBase(4) + 8, zoomBase(3) + 4]) {
    const [z, x, y] = tileIdToZxy(key)
    if (!writer.remove(z, x, y)) throw new Error('nothing to remove')
    tiles.delete(key)
  }
  writer.commit()
  if (end !== 'open') writer.seal({ placement: end })
  writer.close()
  return { bytes: file.bytes(), tiles, vital: vitalRanges(file) }
}

function vitalRanges(file: MemoryFile): Sample['vital'] {
  const reader = FlatReader.open(file.reopen(false))
  const sb = reader.superblock
  reader.close()
  const vital: Sample['vital'] = [
    { name: 'superblock A', from: 16384, to: 20480, both: true },
    { name: 'superblock B', from: 20480, to: 24576, both: true },
  ]
  for (const [zoom, level] of sb.levels.entries())
    if (level.count > 0)
      vital.push({
        name: `index of zoom ${zoom}`,
        from: level.offset,
        to: level.offset + level.count * RECORD_BYTES,
      })
  if (sb.metadata !== undefined)
    vital.push({
      name: 'metadata',
      from: sb.valuesStart + sb.metadata.offset,
      to: sb.valuesStart + sb.metadata.offset + sb.metadata.length,
    })
  if (sb.sources !== undefined)
    vital.push({
      name: 'sources',
      from: sb.valuesStart + sb.sources.offset,
      to: sb.valuesStart + sb.sources.offset + sb.sources.length,
    })
  if (sb.pmtiles !== undefined) {
    const { directoriesOffset, directoriesLength } = sb.pmtiles
    vital.push({ name: 'header and root', from: 0, to: 16384 })
    vital.push({ name: 'directories', from: directoriesOffset, to: directoriesOffset + directoriesLength })
  }
  return vital
}

type Outcome = 'refused' | 'partly' | 'whole'

/** Reads every tile of zooms 0 to 4. Throws at the first wrong answer. */
function sweep(file: MemoryFile, tiles: Map<number, Uint8Array>): Outcome {
  let reader: ReturnType<typeof openReader>
  try {
    reader = openReader(file)
  } catch (error) {
    assertRefusal(error)
    return 'refused'
  }
  let outcome: Outcome = 'whole'
  for (let key = 0; key < zoomBase(5); key++) {
    const [z, x, y] = tileIdToZxy(key)
    const expected = tiles.get(key)
    let bytes: Uint8Array | undefined
    try {
      bytes = reader.get(z, x, y)?.bytes
    } catch (error) {
      assertRefusal(error)
      outcome = 'partly'
      continue
    }
    if (
      expected === undefined
        ? bytes !== undefined
        : bytes === undefined || Buffer.compare(bytes, expected) !== 0
    )
      throw new Error(`tile ${z}/${x}/${y} is ${bytes === undefined ? 'missing' : 'wrong'}`)
  }
  reader.close()
  return outcome
}

function assertRefusal(error: unknown): void {
  if (!(error instanceof FlagstoneError) || !['DAMAGED', 'NOT_A_TILE_FILE'].includes(error.code)) throw error
  if (!/^sample: .*\.$/s.test(error.message))
    throw new Error(`not a sentence about the file: ${error.message}`)
}

const relocation = { insertRange: false, collapseRange: false }
const cases: [string, Partial<Capabilities>, 'front' | 'tail' | 'open'][] = [
  ['sealed at the front', {}, 'front'],
  ['sealed at the tail, relocated', relocation, 'tail'],
  ['open, with a tail', {}, 'open'],
  ['open, relocated', relocation, 'open'],
]

for (const [name, capabilities, end] of cases) {
  t.test(name, (t) => {
    const sample = makeSample(capabilities, end)
    t.equal(sweep(new MemoryFile({ bytes: sample.bytes, path: 'sample' }), sample.tiles), 'whole')
    const at = positions(sample)
    const outcomes = { refused: 0, partly: 0, whole: 0 }
    for (const [n, position] of at.entries()) {
      const bytes = sample.bytes.slice()
      bytes[position]! ^= 1 << (n % 8)
      const where = sample.vital.find((v) => position >= v.from && position < v.to)
      try {
        outcomes[sweep(new MemoryFile({ bytes, path: 'sample' }), sample.tiles)]++
        const findings = verify(new MemoryFile({ bytes, path: 'sample' }))
        const found = findings.some(
          (f) =>
            !f.ok || (f.invariant === 'F1' && f.message.includes('checksum')) || f.message.includes('magic'),
        )
        if (where !== undefined && !found) throw new Error('verify found nothing')
      } catch (error) {
        throw new Error(
          `bit ${n % 8} of byte ${position} (${where?.name ?? 'values or slack'}): ${(error as Error).message}`,
          { cause: error },
        )
      }
    }
    t.ok(outcomes.partly > 50 && outcomes.whole > 50, `${at.length} flips: ${JSON.stringify(outcomes)}`)
    t.end()
  })

  t.test(`${name}, cut off at every block`, (t) => {
    const sample = makeSample(capabilities, end)
    for (let size = 0; size < sample.bytes.length; size += 4096) {
      for (const length of new Set([size, size + 1, Math.min(size + 4095, sample.bytes.length - 1)])) {
        const file = new MemoryFile({ bytes: sample.bytes.slice(0, length), path: 'sample' })
        t.equal(sweep(file, sample.tiles), 'refused', `${length} bytes`)
        t.ok(verify(file).some((f) => !f.ok))
        t.throws(() => TileWriter.reopen(file.reopen()), { code: /DAMAGED|NOT_A_TILE_FILE/ })
      }
    }
    t.end()
  })
}

/** Everything in the records, a spread over the rest. */
function positions(sample: Sample): number[] {
  const at: number[] = []
  for (const { name, from, to } of sample.vital) {
    const step = name.startsWith('index') ? 5 : name.startsWith('super') ? 41 : 97
    for (let p = from; p < to; p += step) at.push(p)
  }
  for (let p = 24576 + 13; p < sample.bytes.length; p += 89) at.push(p)
  return at
}
