// The disk that fails obeys its own rules: what its crash images may and may not hold, see fault-file.ts.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { FaultFile, SimulatedCrash } from '../helpers/fault-file.js'
import { MemoryFile } from '../helpers/memory-file.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const BLOCK = 4096
const SECTOR = 512

const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const digest = (file: MemoryFile): string => createHash('md5').update(file.bytes()).digest('hex')

/** A synced file of `blocks` blocks of the byte 1. */
function disk(blocks: number): FaultFile {
  return new FaultFile(new MemoryFile({ bytes: filled(blocks * BLOCK, 1) }))
}

function thrownBy(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}

t.test('what was synced survives, and nothing else has to', (t) => {
  const file = disk(2)
  file.write(filled(BLOCK, 2), 0)
  file.sync()
  for (const image of file.crashImages(20)) t.equal(image.bytes()[0], 2)
  file.write(filled(BLOCK, 3), 0)
  file.fallocate(FALLOC.INSERT_RANGE, BLOCK, BLOCK)
  file.truncate(BLOCK)
  const images = file.crashImages(20)
  t.equal(images[0]!.bytes()[0], 2, 'nothing of it')
  t.equal(images[0]!.size(), 2 * BLOCK)
  t.equal(images[3]!.bytes()[0], 3, 'all of it')
  t.equal(images[3]!.size(), BLOCK)
  t.end()
})

t.test('every prefix of what was not synced is among the images, the whole last', (t) => {
  const file = disk(4)
  const live = new MemoryFile({ bytes: filled(4 * BLOCK, 1) })
  const expected = [digest(live)]
  for (const step of [
    (f: FaultFile | MemoryFile) => f.write(filled(100, 7), 5000),
    (f: FaultFile | MemoryFile) => f.fallocate(FALLOC.INSERT_RANGE, BLOCK, 2 * BLOCK),
    (f: FaultFile | MemoryFile) => f.write(filled(3000, 8), 6 * BLOCK - 1000),
    (f: FaultFile | MemoryFile) => f.fallocate(FALLOC.COLLAPSE_RANGE, 0, BLOCK),
    (f: FaultFile | MemoryFile) => f.truncate(9000),
    (f: FaultFile | MemoryFile) => f.fallocate(FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE, 4000, 600),
  ]) {
    step(file)
    step(live)
    expected.push(digest(live))
  }
  const images = file.crashImages().map(digest)
  t.same(images.slice(0, expected.length), expected)
  t.end()
})

t.test(
  `a sector in place is the old one or the new one; a torn write is cut at a sector (seed ${SEED})`,
  (t) => {
    const writes = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: 3 * BLOCK }), length: fc.integer({ min: 1, max: BLOCK }) }),
      { minLength: 1, maxLength: 6 },
    )
    let tornSeen = 0
    fc.assert(
      fc.property(writes, fc.integer(), (list, seed) => {
        const file = disk(4)
        for (const [i, { at, length }] of list.entries()) file.write(filled(length, i + 2), at)
        for (const image of file.crashImages(8, seed)) {
          const bytes = image.bytes()
          if (bytes.length !== 4 * BLOCK) throw new Error('a write in place changed the size')
          for (let at = 0; at < bytes.length; at++) {
            const covering = list.flatMap((w, i) => (at >= w.at && at < w.at + w.length ? [i + 2] : []))
            if (bytes[at] !== 1 && !covering.includes(bytes[at]!))
              throw new Error(`byte ${at} is ${bytes[at]}, written there: ${covering}`)
            // Inside a sector, all that one write covers shares its fate.
            if (at % SECTOR !== 0 && bytes[at] !== bytes[at - 1]) {
              const edges = list.some((w) => w.at === at || w.at + w.length === at)
              if (!edges) throw new Error(`torn inside a sector, at ${at}`)
            }
            if (at % SECTOR === 0 && at > 0 && bytes[at] !== bytes[at - 1]) tornSeen++
          }
        }
      }),
      { seed: SEED, numRuns: 25 },
    )
    t.ok(tornSeen > 0, `${tornSeen} tears`)
    t.end()
  },
)

t.test('pages are written out in no order: the end of a write without its beginning, and with gaps', (t) => {
  const file = disk(4)
  file.write(filled(4 * BLOCK, 2), 0)
  const kinds = new Set<string>()
  for (const image of file.crashImages(300)) {
    const bytes = image.bytes()
    let shape = ''
    for (let at = 0; at < bytes.length; at += SECTOR) if (!shape.endsWith(`${bytes[at]}`)) shape += bytes[at]
    kinds.add(shape.length > 2 ? 'gaps' : shape)
  }
  t.same([...kinds].sort(), ['1', '12', '2', '21', 'gaps'])
  t.end()
})

t.test('the power goes at what the file system would have refused', (t) => {
  const file = new FaultFile(
    new MemoryFile({ bytes: filled(2 * BLOCK, 1), capabilities: { insertRange: false } }),
  )
  file.crashAt(1)
  file.write(filled(BLOCK, 2), 0)
  t.ok(thrownBy(() => file.fallocate(FALLOC.INSERT_RANGE, 0, BLOCK)) instanceof SimulatedCrash)
  for (const image of file.crashImages(10)) t.equal(image.size(), 2 * BLOCK)
  t.end()
})

t.test('changes of geometry survive in order, up to some point', (t) => {
  // Each step leaves another size, so that the size tells which of them survived.
  const file = disk(8)
  const sizes = [8]
  file.fallocate(FALLOC.INSERT_RANGE, BLOCK, BLOCK)
  sizes.push(9)
  file.truncate(20 * BLOCK)
  sizes.push(20)
  file.fallocate(FALLOC.COLLAPSE_RANGE, 0, 3 * BLOCK)
  sizes.push(17)
  file.fallocate(FALLOC.ALLOCATE, 0, 30 * BLOCK)
  sizes.push(30)
  const seen = new Set(file.crashImages(200).map((image) => image.size() / BLOCK))
  t.same([...seen].sort(), sizes.sort(), 'every point, and no other')
  t.end()
})

t.test('a write behind an insert may survive without it: at the same place of the file as it was', (t) => {
  let without = 0
  let zeros = 0
  const file = disk(4)
  file.fallocate(FALLOC.INSERT_RANGE, 0, BLOCK)
  file.write(filled(BLOCK, 9), 2 * BLOCK)
  for (const image of file.crashImages(300)) {
    const bytes = image.bytes()
    const inserted = image.size() === 5 * BLOCK
    t.ok(inserted || image.size() === 4 * BLOCK)
    if (!inserted && bytes[2 * BLOCK] === 9) without++
    if (inserted) {
      t.equal(bytes[0], 0)
      if (bytes[2 * BLOCK] === 1) zeros++
    }
  }
  t.ok(without > 0, 'the write without the insert')
  t.ok(zeros > 0, 'the insert without the write')
  t.end()
})

t.test('a write that made the file longer: lost with the size, or zeros', (t) => {
  const file = disk(1)
  file.write(filled(BLOCK, 5), BLOCK)
  const kinds = new Set<string>()
  for (const image of file.crashImages(300)) {
    const bytes = image.bytes()
    t.ok(image.size() === BLOCK || image.size() === 2 * BLOCK, `size ${image.size()}`)
    if (bytes.length === BLOCK) kinds.add('gone')
    else if (bytes[BLOCK] === 0) kinds.add('zeros')
    else kinds.add(bytes[2 * BLOCK - 1] === 5 ? 'whole' : 'torn')
  }
  t.same([...kinds].sort(), ['gone', 'torn', 'whole', 'zeros'])
  t.end()
})

t.test('the n-th operation fails, without effect, and the next goes on', (t) => {
  const file = disk(1)
  file.failAt(1, 'ENOSPC')
  file.failAt(2, 'EIO')
  file.write(filled(10, 2), 0)
  const full = thrownBy(() => file.write(filled(10, 3), 0))
  t.match(full, { code: 'DISK_FULL', errno: 'ENOSPC', call: 'write' })
  t.ok(full instanceof FlagstoneError)
  t.match(
    thrownBy(() => file.sync()),
    { code: 'SYSTEM', errno: 'EIO', call: 'fdatasync' },
  )
  const bytes = new Uint8Array(10)
  file.read(bytes, 0)
  t.equal(bytes[0], 2)
  t.equal(file.crashImages(0).length > 1, true, 'a failed sync has synced nothing')
  file.sync()
  t.equal(file.operations, 4)
  t.end()
})

t.test('the power goes at the n-th operation, and everything after it', (t) => {
  const file = disk(2)
  file.crashAt(1)
  file.write(filled(10, 2), 0)
  t.ok(thrownBy(() => file.write(filled(2 * SECTOR, 3), 0)) instanceof SimulatedCrash)
  for (const work of [
    () => file.write(filled(1, 1), 0),
    () => file.sync(),
    () => file.truncate(0),
    () => file.fallocate(0, 0, 1),
  ])
    t.ok(thrownBy(work) instanceof SimulatedCrash)
  const starts = new Set(file.crashImages(50).map((image) => image.bytes()[0]))
  t.same([...starts].sort(), [1, 2, 3], 'the write during which it went may have reached the disk')
  t.end()
})
