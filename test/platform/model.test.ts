// The file in memory is the plain model of the file on the disk: the same operations leave the same bytes, and
// are refused for the same reasons.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { type ByteFile, FALLOC } from '../../src/platform/byte-file.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { FILE_SYSTEMS, mountFor } from '../helpers/mounts.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const BLOCK = 4096

type Operation =
  | { op: 'write'; at: number; length: number; fill: number }
  | { op: 'truncate'; size: number }
  | { op: 'fallocate'; mode: number; at: number; length: number }
  | { op: 'sync' }

/** Mostly multiples of the unit, sometimes one byte beside. */
const place = (unit: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }).map((n) => n * unit) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 * unit }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => n * unit - 1) },
  )

const MODES = [
  FALLOC.ALLOCATE,
  FALLOC.KEEP_SIZE,
  FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE,
  FALLOC.COLLAPSE_RANGE,
  FALLOC.ZERO_RANGE,
  FALLOC.ZERO_RANGE | FALLOC.KEEP_SIZE,
  FALLOC.INSERT_RANGE,
]

const operations = (unit: number): fc.Arbitrary<Operation[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          op: fc.constant('write' as const),
          at: place(unit),
          length: fc.integer({ min: 0, max: 6 * BLOCK }),
          fill: fc.integer({ min: 1, max: 255 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('truncate' as const), size: place(unit) }) },
      {
        weight: 8,
        arbitrary: fc.record({
          op: fc.constant('fallocate' as const),
          mode: fc.constantFrom(...MODES),
          at: place(unit),
          length: place(unit),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ op: 'sync' as const }) },
    ),
    { minLength: 5, maxLength: 40, size: 'max' },
  )

/** Bytes that differ from place to place, so that a shift by any distance shows. */
function pattern(length: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (fill + i * 7 + (i >>> 8) * 13) & 255
  return bytes
}

/** The errno an operation was refused with. */
function apply(file: ByteFile, operation: Operation): string | undefined {
  try {
    if (operation.op === 'write') file.write(pattern(operation.length, operation.fill), operation.at)
    else if (operation.op === 'truncate') file.truncate(operation.size)
    else if (operation.op === 'fallocate') file.fallocate(operation.mode, operation.at, operation.length)
    else file.sync()
    return undefined
  } catch (error) {
    if (error instanceof FlagstoneError) return error.errno
    throw error
  }
}

let files = 0
function sameOn(t: Tap, directory: string, runs: number): void {
  const first = openRealFile(join(directory, 'first'), 'create')
  const { capabilities } = first
  first.close()
  fc.assert(
    fc.property(operations(capabilities.growthUnitBytes), (list) => {
      const path = join(directory, `${files++}`)
      const real = openRealFile(path, 'create')
      const model = new MemoryFile({ path, capabilities })
      for (const [i, operation] of list.entries()) {
        const expected = apply(model, operation)
        const actual = apply(real, operation)
        const what = `step ${i}, ${JSON.stringify(operation)}`
        if (actual !== expected) throw new Error(`${what}: ${actual} on the disk, ${expected} in memory`)
        if (real.size() !== model.size())
          throw new Error(`${what}: ${real.size()} bytes on the disk, ${model.size()} in memory`)
      }
      const bytes = readFileSync(path)
      if (Buffer.compare(bytes, model.bytes()) !== 0) throw new Error('other bytes')
      const middle = new Uint8Array(5000)
      const other = new Uint8Array(5000)
      const n = real.read(middle, 3000)
      if (n !== model.read(other, 3000) || Buffer.compare(middle, other) !== 0)
        throw new Error('read differs')
      real.close()
    }),
    { seed: SEED, numRuns: runs },
  )
  t.pass(`${runs} sequences`)
}
interface Tap {
  pass(message: string): void
}

t.test(`where the repository lies (seed ${SEED})`, (t) => {
  sameOn(t, t.testdir(), 150)
  t.end()
})
for (const name of FILE_SYSTEMS) {
  t.test(`${name} (seed ${SEED})`, (t) => {
    const mount = mountFor(t, name)
    if (typeof mount === 'string') t.comment(`skipped: ${mount}`)
    else sameOn(t, mount.directory, name === 'xfs' || name === 'ext4' ? 150 : 40)
    t.end()
  })
}

t.test('positions beyond 2^40', (t) => {
  const file = new MemoryFile()
  const far = 2 ** 43
  file.write(pattern(100, 5), far)
  file.fallocate(FALLOC.INSERT_RANGE, 0, BLOCK)
  t.equal(file.size(), far + BLOCK + 100)
  const bytes = new Uint8Array(100)
  file.read(bytes, far + BLOCK)
  t.same(bytes, pattern(100, 5))
  t.end()
})

t.test('handles of one file share bytes and locks, a snapshot shares nothing', (t) => {
  const file = new MemoryFile({ bytes: pattern(10, 1) })
  const other = file.reopen()
  const copy = file.snapshot()
  file.write(Uint8Array.of(9), 0)
  t.equal(other.bytes()[0], 9)
  t.equal(copy.bytes()[0], pattern(1, 1)[0])
  t.ok(file.tryLock('writer', 'exclusive'))
  t.notOk(other.tryLock('writer', 'shared'))
  t.ok(copy.tryLock('writer', 'exclusive'))
  file.close()
  t.ok(other.tryLock('writer', 'exclusive'), 'close gives locks back')
  const write: Operation = { op: 'write', at: 0, length: 1, fill: 1 }
  t.equal(apply(file, write), 'EBADF', 'closed')
  t.equal(apply(other.reopen(false), write), 'EBADF', 'read-only')
  t.end()
})
