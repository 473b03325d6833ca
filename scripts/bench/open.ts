// Opening a file with 10^8 tiles, and the first tile from it. The file is synthetic and sparse: its index
// (2.4 GB) is real and valid to the last record, its values are zeros that take no room on the disk.
//
// Three starts: in a process that has opened files before, in a new one, and in a new one with no page of the
// file in memory.
import { spawnSync } from 'node:child_process'
import { randomBytes as randomUuid } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from '../../src/format/crc.js'
import { indexStart, RECORD_BYTES, RECORD_WORDS, roundUp, superblockOffset } from '../../src/format/layout.js'
import { checkOf, writeRecordWords } from '../../src/format/record.js'
import { encodeSuperblock } from '../../src/format/superblock/codec.js'
import { emptySuperblock } from '../../src/format/superblock/fields.js'
import { decodeTileId, zoomBase } from '../../src/format/tile-id.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { type Context, sized } from './context.js'
import { dropCache, settle } from './disk.js'
import { medianOf, type Report, type Row, ratios } from './report.js'
import { interleave, type Variant } from './rounds.js'

const VALUE_BYTES = 100
const BUFFER_RECORDS = 2 ** 19
const ONCE = fileURLToPath(new URL('open-once.js', import.meta.url))

export async function benchOpen(context: Context): Promise<Report> {
  const zoom = sized(context, 14, 11, 8)
  const count = sized(context, 100_000_000, 1_000_000, 10_000)
  const path = join(context.scratch, 'sparse.pmtiles')
  context.say(`writing an index of ${count.toLocaleString('en-US')} records`)
  const ids = writeSparse(path, zoom, count)
  const notes = ['keys have random gaps of 0 to 3, so that places have to be searched for']
  const next = picker(ids)

  const rows: Row[] = []
  const rounds = context.rounds ?? sized(context, 9, 5, 1)
  const inNewProcess = (name: string, cold: boolean): Variant[] =>
    (['open', 'first get', 'open and first get'] as const).map((part) => ({
      name: `${part}, ${name}`,
      unit: 'ms',
      run: () => {
        if (cold && !dropCache(path)) throw new Error('dd cannot drop the page cache here')
        const { open, get } = openOnce(path, next())
        return part === 'open' ? open : part === 'first get' ? get : open + get
      },
    }))
  settle(context.scratch)
  const variants = [...inNewProcess('new process', false)]
  if (dropCache(path)) variants.push(...inNewProcess('new process, nothing cached', true))
  else notes.push('the page cache cannot be dropped here (dd oflag=nocache), so no cold start was measured')
  variants.push({
    name: 'open and first get, same process again',
    unit: 'ms',
    run: () => {
      const [z, x, y] = next()
      const start = performance.now()
      const reader = FlatReader.open(openRealFile(path, 'read'))
      const tile = reader.get(z, x, y)
      const ms = performance.now() - start
      reader.close()
      if (tile?.bytes.length !== VALUE_BYTES) throw new Error(`tile ${z}/${x}/${y} was not read`)
      return ms
    },
  })
  rows.push(...(await interleave(variants, rounds, sized(context, 2, 2, 0), context.say)))
  const bar = '< 5'
  return {
    bench: 'open',
    what: `a file with ${count.toLocaleString('en-US')} tiles, its index ${((count * RECORD_BYTES) / 1e9).toFixed(2)} GB`,
    rows,
    ratios: ratios(
      ...rows
        .filter((row) => row.name.startsWith('open'))
        .map((row) => ({ name: `${row.name}, ms`, value: medianOf(rows, row.name), bar })),
    ),
    notes,
  }
}

/** Opens the file in a process of its own; milliseconds. */
function openOnce(path: string, [z, x, y]: [number, number, number]): { open: number; get: number } {
  const ran = spawnSync(process.execPath, [ONCE, path, `${z}`, `${x}`, `${y}`], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`opening the file failed: ${ran.stderr}`)
  const answer = JSON.parse(ran.stdout) as { open: number; get: number; length: number }
  if (answer.length !== VALUE_BYTES) throw new Error(`tile ${z}/${x}/${y} was not read`)
  return answer
}

/** Writes the file; returns some of its TileIDs, from all over. */
function writeSparse(path: string, zoom: number, count: number): number[] {
  const file = openRealFile(path, 'create')
  try {
    const unit = Math.max(4096, file.capabilities.growthUnitBytes)
    const superblock = emptySuperblock(new Uint8Array(randomUuid(16)), unit)
    const offset = indexStart(unit)
    const capacityBytes = roundUp(count * RECORD_BYTES, unit)
    superblock.levels[zoom] = { offset, capacityBytes, count, sortedCount: count }
    superblock.valuesStart = offset + capacityBytes
    superblock.valuesLength = count * VALUE_BYTES
    file.truncate(superblock.valuesStart + superblock.valuesLength)
    const ids = writeIndex(count, zoom, (records, first) =>
      file.write(records, offset + first * RECORD_BYTES),
    )
    for (const sequence of [1, 2])
      file.write(encodeSuperblock({ ...superblock, sequence }), superblockOffset(sequence))
    file.sync()
    return ids
  } finally {
    file.close()
  }
}

function writeIndex(
  count: number,
  zoom: number,
  write: (records: Uint8Array, first: number) => void,
): number[] {
  const words = new Uint32Array(BUFFER_RECORDS * RECORD_WORDS)
  const bytes = new Uint8Array(words.buffer)
  const valueCrc = crc32(new Uint8Array(VALUE_BYTES))
  const ids: number[] = []
  let id = zoomBase(zoom) - 1
  let random = 1
  for (let first = 0; first < count; first += BUFFER_RECORDS) {
    const n = Math.min(BUFFER_RECORDS, count - first)
    for (let i = 0; i < n; i++) {
      random = (Math.imul(random, 1664525) + 1013904223) | 0
      id += 1 + (random >>> 30)
      const offset = (first + i) * VALUE_BYTES
      const check = checkOf(id, offset, 0, 0, VALUE_BYTES, valueCrc)
      writeRecordWords(words, i * RECORD_WORDS, id, offset, 0, 0, VALUE_BYTES, check)
      if ((random & 0x3fff0000) === 0) ids.push(id)
    }
    ids.push(id)
    write(bytes.subarray(0, n * RECORD_BYTES), first)
  }
  return ids
}

/** Another tile each time, far from the last one. */
function picker(ids: readonly number[]): () => [number, number, number] {
  let at = 0
  return () => {
    at = (at + Math.ceil(ids.length * 0.618)) % ids.length
    const zxy: [number, number, number] = [0, 0, 0]
    decodeTileId(ids[at]!, zxy)
    return zxy
  }
}
