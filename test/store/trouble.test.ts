// Errors of the system at every operation: what was committed stays, what failed can be tried again or is refused
// with a sentence, and the next writer goes on. Also changes of geometry that a file system half did.
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { systemError } from '../../src/platform/system-error.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { FaultFile, SimulatedCrash } from '../helpers/fault-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { sameBytes } from '../helpers/same-bytes.js'
import { expectContents, expectSound, valueFor } from './model.js'

const OPTIONS = { initialRegionBytes: 4096, tailRecords: 10, stagingBytes: 4096, commitBytes: 0 }

function put(writer: TileWriter, live: Map<number, Uint8Array>, key: number, bytes: Uint8Array): void {
  const [z, x, y] = tileIdToZxy(key)
  writer.append(z, x, y, bytes)
  live.set(key, bytes)
}

for (const errno of ['ENOSPC', 'EIO', 'EOPNOTSUPP']) {
  t.test(`${errno} at every operation`, (t) => {
    let operations = Number.POSITIVE_INFINITY
    let failures = 0
    for (let n = 0; n < operations; n++) {
      const memory = new MemoryFile()
      const file = new FaultFile(memory)
      if (n > 0) file.failAt(n, errno)
      let committed: Map<number, Uint8Array> | undefined
      let underWay: Map<number, Uint8Array> | undefined
      const live = new Map<number, Uint8Array>()
      let writer: TileWriter | undefined
      const commit = (work: () => void): void => {
        underWay = new Map(live)
        work()
        committed = underWay
        underWay = undefined
      }
      try {
        commit(() => {
          writer = TileWriter.create(file, OPTIONS)
        })
        for (let i = 0; i < 90; i++) put(writer!, live, zoomBase(6) + i, valueFor(i, 60))
        commit(() => writer!.commit())
        for (let i = 90; i < 250; i++) put(writer!, live, zoomBase(6) + i, valueFor(i, 60))
        for (let i = 0; i < 15; i++) put(writer!, live, zoomBase(6) + i * 9, valueFor(i + 500, 90))
        commit(() => writer!.commit())
        commit(() => void writer!.seal())
        put(writer!, live, zoomBase(7), valueFor(1, 9000))
        commit(() => writer!.close())
        writer = undefined
        if (n === 0) operations = file.operations
      } catch (error) {
        failures++
        if (!(error instanceof FlagstoneError) || error.errno !== errno) throw error
        try {
          writer?.abandon()
        } catch (second) {
          throw new Error('a writer that failed cannot be given up', { cause: second })
        }
      }
      if (committed === undefined) continue
      try {
        const reader = FlatReader.open(memory.reopen(false))
        const state =
          underWay !== undefined && [...reader.tiles()].length === underWay.size ? underWay : committed
        try {
          expectContents(reader, state)
        } catch (error) {
          if (underWay === undefined) throw error
          expectContents(reader, state === committed ? underWay : committed)
        }
        reader.close()
        const again = TileWriter.reopen(memory.reopen(), OPTIONS)
        for (let i = 0; i < 90; i++) put(again, new Map(), zoomBase(4) + i, valueFor(i, 60))
        again.seal()
        again.close()
        expectSound(verify(memory.reopen(false)))
      } catch (error) {
        throw new Error(`${errno} at operation ${n} of ${operations}: ${(error as Error).message}`, {
          cause: error,
        })
      }
    }
    t.ok(operations > 40, `${operations} operations, ${failures} failures`)
    t.end()
  })
}

t.test('a refused COLLAPSE_RANGE: the merge is done, and the writer knows what there is', (t) => {
  for (const errno of ['ENOSPC', 'EDQUOT', 'EIO', 'EINTR', 'EOPNOTSUPP']) {
    const memory = new MemoryFile()
    const file = new FaultFile(memory)
    const writer = TileWriter.create(file, { ...OPTIONS, tailRecords: 1 })
    const live = new Map<number, Uint8Array>()
    for (let i = 0; i < 40; i += 2) put(writer, live, zoomBase(6) + i, valueFor(i, 60))
    writer.commit()
    for (let i = 1; i < 40; i += 2) put(writer, live, zoomBase(6) + i, valueFor(i, 60))
    const [z, x, y] = tileIdToZxy(zoomBase(6) + 7)
    t.ok(writer.has(z, x, y))
    const { fallocate } = file
    file.fallocate = (mode, offset, length) => {
      if (mode === FALLOC.COLLAPSE_RANGE) throw systemError(errno, 'fallocate', 'memory', {})
      fallocate.call(file, mode, offset, length)
    }
    writer.commit()
    for (const key of live.keys()) t.ok(writer.has(...tileIdToZxy(key)), `${errno}: ${key}`)
    t.ok(writer.remove(z, x, y))
    live.delete(zoomBase(6) + 7)
    writer.commit()
    t.notOk(writer.has(z, x, y))
    writer.close()
    const reader = FlatReader.open(memory.reopen(false))
    expectContents(reader, live)
    reader.close()
    expectSound(verify(memory.reopen(false)))
  }
  t.end()
})

t.test('what follows an insertion fails: the announcement does not stand', (t) => {
  const memory = new MemoryFile()
  const file = new FaultFile(memory)
  const writer = TileWriter.create(file, OPTIONS)
  const live = new Map<number, Uint8Array>()
  // two levels that grow together: the second insertion follows the first without a superblock of its own between
  for (let i = 0; i < 1300; i++)
    for (const zoom of [7, 8]) put(writer, live, zoomBase(zoom) + i, valueFor(i, 20))
  let inserts = 0
  const { size, fallocate } = file
  file.fallocate = (mode, offset, length) => {
    fallocate.call(file, mode, offset, length)
    if (mode === FALLOC.INSERT_RANGE) inserts++
  }
  file.size = () => {
    if (inserts === 1) throw systemError('EIO', 'fstat', 'memory', {})
    return size.call(file)
  }
  let image: MemoryFile | undefined
  for (let i = 1300; i < 1500; i++)
    for (const zoom of [7, 8])
      try {
        put(writer, live, zoomBase(zoom) + i, valueFor(i, 20))
      } catch (error) {
        if (!(error instanceof FlagstoneError) || error.errno !== 'EIO') throw error
        file.size = size
        // a power cut after the next value: what is committed is there, and the file can be opened
        put(writer, live, zoomBase(zoom) + i, valueFor(i, 5000))
        image = memory.snapshot()
      }
  if (image === undefined) throw new Error('nothing was refused')
  FlatReader.open(image.reopen(false)).close()
  expectSound(verify(image.reopen(false)))
  writer.commit()
  writer.close()
  expectContents(FlatReader.open(memory.reopen(false)), live, 50)
  t.end()
})

t.test('a full disk can be tried again', (t) => {
  const memory = new MemoryFile()
  const file = new FaultFile(memory)
  const writer = TileWriter.create(file, OPTIONS)
  const live = new Map<number, Uint8Array>()
  let refused = 0
  for (let i = 0; i < 400; i++) {
    if (i % 40 === 20) file.failAt(file.operations, 'ENOSPC')
    for (;;) {
      try {
        put(writer, live, zoomBase(6) + i, valueFor(i, 200))
        break
      } catch (error) {
        if (!(error instanceof FlagstoneError) || error.errno !== 'ENOSPC') throw error
        refused++
        if (refused > 100) throw error
      }
    }
  }
  writer.commit()
  t.ok(refused >= 5, `${refused} refusals`)
  const reader = FlatReader.open(memory.reopen(false))
  expectContents(reader, live)
  reader.close()
  writer.close()
  expectSound(verify(memory.reopen(false)))
  t.end()
})

/** A file whose writer died between announcing an insertion and saying that it is done. */
function interrupted(): { file: MemoryFile; tiles: Map<number, Uint8Array>; at: number; length: number } {
  for (let after = 0; after < 20; after++) {
    const file = new FaultFile(new MemoryFile({ path: 'half' }))
    const tiles = new Map<number, Uint8Array>()
    const writer = TileWriter.create(file, OPTIONS)
    for (let i = 0; i < 100; i++) put(writer, tiles, zoomBase(5) + i, valueFor(i, 300))
    for (let i = 0; i < 682; i++) put(writer, tiles, zoomBase(6) + i, valueFor(i, 300))
    writer.commit()
    file.crashAt(file.operations + after)
    try {
      put(writer, new Map(), zoomBase(6) + 700, valueFor(3, 3))
      break
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error
    }
    const image = file.crashImages(0)[0]!
    const pending = pendingOf(image)
    if (pending !== undefined) return { file: image, tiles, ...pending }
  }
  throw new Error('no insertion was interrupted')
}

function pendingOf(file: MemoryFile): { at: number; length: number; sizeBefore: number } | undefined {
  const view = new DataView(file.bytes().buffer)
  const word = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
  const newer = word(16384 + 16) > word(20480 + 16) ? 16384 : 20480
  if (view.getUint32(newer + 88, true) !== 1) return undefined
  return { at: word(newer + 96), length: word(newer + 104), sizeBefore: word(newer + 112) }
}

t.test('an insertion that was announced', (t) => {
  const { file, tiles, at, length } = interrupted()
  const size = file.size()
  const state = (name: string, make: (image: MemoryFile) => void, sound: boolean): void => {
    const image = file.snapshot()
    make(image)
    const before = image.bytes()
    if (sound) {
      const reader = FlatReader.open(image.reopen(false))
      expectContents(reader, tiles)
      reader.close()
      sameBytes(t, image.bytes(), before, `${name}: a reader writes nothing`)
      expectSound(verify(image.reopen(false)))
      const writer = TileWriter.reopen(image.reopen(), OPTIONS)
      put(writer, tiles, zoomBase(6) + 1000, valueFor(4, 400))
      writer.close()
      const again = FlatReader.open(image.reopen(false))
      expectContents(again, tiles)
      again.close()
      tiles.delete(zoomBase(6) + 1000)
      t.pass(name)
    } else {
      t.throws(() => FlatReader.open(image.reopen(false)), { code: 'DAMAGED' }, `${name}, reading`)
      t.throws(
        () => TileWriter.reopen(image.reopen(), OPTIONS),
        { code: 'DAMAGED', message: /insertion/ },
        `${name}, writing`,
      )
      sameBytes(t, image.bytes(), before, `${name}: nothing was written`)
      t.ok(verify(image.reopen(false)).some((f) => !f.ok && f.invariant === 'F8'))
    }
  }
  state('not done', () => {}, true)
  state('done', (image) => image.fallocate(FALLOC.INSERT_RANGE, at, length), true)
  state('only the size', (image) => image.truncate(size + length), true)
  // A shift works from the end of the file: here everything from `boundary` on has moved, and nothing before.
  for (const boundary of [at + 4096, roundDown(size - 8192), roundDown((at + size) / 2)]) {
    state(
      `half done, from ${boundary} on`,
      (image) => {
        const bytes = image.bytes()
        image.truncate(size + length)
        image.write(bytes.subarray(boundary), boundary + length)
        image.fallocate(FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE, boundary, length)
      },
      false,
    )
  }
  state('some other size', (image) => image.truncate(size + length + 4096), false)
  t.end()
})

function roundDown(n: number): number {
  return Math.floor(n / 4096) * 4096
}

t.test('a reader of a file whose writer is changing it waits, and gives up with a sentence', (t) => {
  const { file } = interrupted()
  const other = file.reopen()
  t.ok(other.tryLock('writer', 'exclusive'))
  t.throws(() => FlatReader.open(file.reopen(false), { busyTimeoutMs: 30 }), {
    code: 'LOCKED',
    message: /moving parts/,
  })
  other.close()
  const reader = FlatReader.open(file.reopen(false), { busyTimeoutMs: 30 })
  t.ok(reader.has(5, 0, 0) || !reader.has(5, 31, 31))
  reader.close()
  t.end()
})
