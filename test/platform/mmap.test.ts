// Mappings are live, outlive their file, and go when nobody looks any more.
import { join } from 'node:path'
import tap from 'tap'
import { ADVICE, type Advice } from '../../src/platform/advice.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { advise } from '../../src/platform/mmap.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { mountFor } from '../helpers/mounts.js'
import { runChild } from '../helpers/processes.js'

function movedBytes(t: typeof tap, directory: string): void {
  const file = openRealFile(join(directory, 'moved'), 'create')
  const block = (fill: number): Uint8Array => new Uint8Array(4096).fill(fill)
  for (let i = 0; i < 4; i++) file.write(block(i + 1), i * 4096)
  // Reserved larger than the file: growth needs no new mapping.
  const view = new Uint8Array(file.map(0, 1 << 20)!)
  const heads = (n: number): number[] => Array.from({ length: n }, (_, i) => view[i * 4096]!)
  t.same(heads(4), [1, 2, 3, 4])
  file.fallocate(FALLOC.INSERT_RANGE, 4096, 8192)
  t.same(heads(6), [1, 0, 0, 2, 3, 4], 'an insert is seen')
  file.write(block(9), 4096)
  file.write(block(5), 6 * 4096)
  t.same(heads(7), [1, 9, 0, 2, 3, 4, 5], 'and writes, also behind the old end')
  file.fallocate(FALLOC.COLLAPSE_RANGE, 0, 8192)
  t.same(heads(5), [0, 2, 3, 4, 5])
  file.fallocate(FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE, 4096, 4096)
  t.same(heads(5), [0, 0, 3, 4, 5])
  file.close()
  t.same(heads(5), [0, 0, 3, 4, 5], 'after close too')
}
for (const name of ['ext4', 'xfs'] as const)
  tap.test(`a mapping sees what INSERT_RANGE moves: ${name}`, (t) => {
    const mount = mountFor(t, name)
    if (typeof mount === 'string') t.comment(`skipped: ${mount}`)
    else movedBytes(t as typeof tap, mount.directory)
    t.end()
  })

tap.test('every kind of view, and atomic loads, of what another handle writes', (t) => {
  const file = openRealFile(join(t.testdir(), 'file'), 'create')
  file.write(new Uint8Array(65536), 0)
  const mapping = file.map(0, 65536)!
  t.equal(Object.prototype.toString.call(mapping), '[object ArrayBuffer]')
  const words = new Uint32Array(mapping)
  const other = openRealFile(file.path, 'readwrite')
  for (const sequence of [1, 0x80000000, 0xffffffff]) {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt32LE(sequence, 4)
    bytes.writeDoubleLE(sequence, 8)
    other.write(bytes, 4096)
    t.equal(Atomics.load(words, 1025), sequence)
    t.equal(new DataView(mapping).getFloat64(4104, true), sequence)
    t.equal(new Float64Array(mapping, 4104, 1)[0], sequence)
    t.equal(new BigUint64Array(mapping, 4096, 1)[0], BigInt(sequence) << 32n)
    t.ok(Buffer.from(mapping, 4096, 16).equals(bytes))
  }
  other.close()
  file.close()
  t.end()
})

tap.test('bounds and advice', (t) => {
  const file = openRealFile(join(t.testdir(), 'file'), 'create')
  file.write(new Uint8Array(200_000).fill(3), 0)
  t.throws(() => file.map(4096, 4096), RangeError, 'not a multiple of 64 KiB')
  t.throws(() => file.map(0, 0), RangeError)
  t.throws(() => file.map(0, 2 ** 30 + 1), RangeError)
  const largest = file.map(65536, 2 ** 30)!
  t.equal(largest.byteLength, 2 ** 30)
  for (const advice of Object.keys(ADVICE) as Advice[]) advise(largest, advice)
  advise(new ArrayBuffer(8), 'random')
  t.equal(new Uint8Array(largest)[100], 3)
  file.close()
  t.throws(() => file.map(0, 65536), 'closed')
  t.end()
})

tap.test('mappings go with their last view, not before', async (t) => {
  const path = join(t.testdir(), 'file')
  const lines = await runChild(new URL('./lock-child.js', import.meta.url), ['many', path], {
    execArgv: ['--expose-gc'],
  })
  t.same(lines, ['mapped: many', 'mapped after collection: 1', 'kept: 7'])
})
