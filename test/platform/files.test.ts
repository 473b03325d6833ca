// Opening, direct I/O, renaming and copying.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { allocateAligned, directAlignment } from '../../src/platform/direct.js'
import { addressOf } from '../../src/platform/libc.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { renameNoReplace, renameReplace } from '../../src/platform/rename.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { FILE_SYSTEMS, mountFor } from '../helpers/mounts.js'

function failure(work: () => unknown): FlagstoneError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof FlagstoneError) return error
    throw error
  }
}

/** The errno of what it was rejected with. */
const refusal = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => 'none',
    (error: FlagstoneError) => error.errno,
  )

/** Bytes of a file that lie in the page cache are not asked for; what is on the disk has to be the same. */
const somePattern = (bytes: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => i * 31 + (i >> 8)))

t.test('opening tells what is wrong in one sentence', (t) => {
  const directory = t.testdir({ there: 'x', folder: {} })
  const there = join(directory, 'there')
  t.match(
    failure(() => openRealFile(there, 'create')),
    { code: 'EXISTS', message: /exists already/ },
  )
  t.match(
    failure(() => openRealFile(join(directory, 'not'), 'read')),
    { code: 'NOT_FOUND', errno: 'ENOENT' },
  )
  t.match(
    failure(() => openRealFile(join(directory, 'not'), 'readwrite')),
    { code: 'NOT_FOUND' },
  )
  t.match(
    failure(() => openRealFile(join(directory, 'folder'), 'read')),
    { code: 'NOT_A_TILE_FILE' },
  )
  t.match(
    failure(() => openRealFile(join(directory, 'folder'), 'readwrite')),
    { errno: 'EISDIR' },
  )
  t.match(
    failure(() => openRealFile(join(directory, 'no', 'file'), 'create')),
    { code: 'NOT_FOUND' },
  )
  t.notOk(
    readdirSync(directory).some((name) => name.startsWith('.flagstone')),
    'no probe left behind',
  )
  t.end()
})

t.test('pipes and devices are refused, not waited for', (t) => {
  const pipe = join(t.testdir(), 'pipe')
  if (spawnSync('mkfifo', [pipe]).status !== 0) {
    t.comment('skipped: needs mkfifo')
    return t.end()
  }
  for (const path of [pipe, '/dev/null'])
    for (const mode of ['read', 'readwrite'] as const)
      t.match(
        failure(() => openRealFile(path, mode)),
        { code: 'NOT_A_TILE_FILE', path },
      )
  return t.end()
})

t.test('a file that cannot be made whole is not made', (t) => {
  const mount = mountFor(t, 'ext4', { mib: 12 })
  if (typeof mount === 'string') {
    t.comment(`skipped: ${mount}`)
    return t.end()
  }
  const fd = openSync(join(mount.mountPoint, 'ballast'), 'w')
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096, 1))
  } catch {
    closeSync(fd)
  }
  t.match(
    failure(() => openRealFile(join(mount.directory, 'new'), 'create')),
    { code: 'DISK_FULL' },
  )
  t.same(readdirSync(mount.directory), [], 'no empty file that says EXISTS the next time')
  return t.end()
})

t.test('what is under way when a file is closed does not meet the next one', async (t) => {
  const directory = t.testdir()
  const next = join(directory, 'next')
  writeFileSync(next, Buffer.alloc(1 << 20, 2))
  const size = statSync(next).size

  const read = openRealFile(join(directory, 'read'), 'create')
  read.write(new Uint8Array(1 << 20).fill(1), 0)
  const buffers = Array.from({ length: 40 }, () => new Uint8Array(1 << 20))
  const reads = buffers.map((buffer) => read.readAsync(buffer, 0))
  read.close()
  // The next to open anything would get its number.
  const others = [openSync(next, 'r+'), openSync(next, 'r+')]
  t.notOk(others.includes(read.fd), 'the number is not given away')
  t.same(new Set(await Promise.all(reads)), new Set([1 << 20]))
  t.ok(buffers.every((buffer) => buffer[0] === 1 && buffer.at(-1) === 1))
  t.equal(await refusal(read.readAsync(buffers[0]!, 0)), 'EBADF')
  others.push(openSync(next, 'r'))
  t.ok(others.includes(read.fd), 'and is free when all is done')

  t.equal(statSync(next).size, size)
  for (const fd of others) closeSync(fd)
})

t.test('positions beyond 2^32 and 2^40, also with holes before them and inserts below', (t) => {
  const file = openRealFile(join(t.testdir(), 'far'), 'create')
  const into = new Uint8Array(3)
  const at = (position: number): string => {
    file.read(into, position)
    return into.join()
  }
  for (const position of [2 ** 32 - 1, 2 ** 33, 2 ** 40 + 5, 2 ** 43]) {
    try {
      file.write(Uint8Array.of(1, 2, 3), position)
    } catch (error) {
      if ((error as FlagstoneError).errno !== 'EFBIG') throw error
      t.comment(`skipped: ${position} is too far for this file system`)
      continue
    }
    t.equal(file.size(), position + 3)
    t.equal(at(position), '1,2,3')
    if (!file.capabilities.insertRange) continue
    const unit = file.capabilities.growthUnitBytes
    const place = Math.floor((position - 1) / unit) * unit
    file.fallocate(FALLOC.INSERT_RANGE, place, unit)
    t.equal(at(position + unit), '1,2,3', `moved at ${position}`)
    file.fallocate(FALLOC.COLLAPSE_RANGE, place, unit)
    t.equal(at(position), '1,2,3')
  }
  file.close()
  t.end()
})

t.test('buffers of more than 2^31 bytes are not refused for their length', (t) => {
  const mount = mountFor(t, 'tmpfs', { mib: 4 })
  if (typeof mount === 'string') {
    t.comment(`skipped: ${mount}`)
    return t.end()
  }
  // Never touched as a whole, so it takes no memory.
  const large = new Uint8Array(2 ** 31 + 4096)
  const file = openRealFile(join(mount.directory, 'large'), 'create')
  file.write(somePattern(10), 0)
  t.equal(file.read(large, 3), 7)
  t.ok(Buffer.from(large.subarray(0, 7)).equals(somePattern(10).subarray(3)))
  t.match(
    failure(() => file.write(large, 0)),
    { code: 'DISK_FULL', errno: 'ENOSPC' },
    'begun, until the disk was full',
  )
  file.close()
  return t.end()
})

t.test('places that are none: EINVAL, on the disk and in memory', async (t) => {
  const real = openRealFile(join(t.testdir({ old: 'abc' }), 'old'), 'readwrite')
  const memory = new MemoryFile({ bytes: new Uint8Array(3) })
  for (const file of [real, memory]) {
    for (const place of [-1, 0.5, Number.NaN, 2 ** 53]) {
      const into = new Uint8Array(1)
      for (const work of [
        () => file.read(into, place),
        () => file.write(into, place),
        () => file.truncate(place),
      ])
        t.match(failure(work), { errno: 'EINVAL' }, `${place}`)
      t.equal(await refusal(file.readAsync(into, place)), 'EINVAL')
    }
    t.equal(file.size(), 3, 'nothing happened')
  }
  const reader = openRealFile(real.path, 'read')
  for (const file of [reader, memory.reopen(false)]) {
    t.match(
      failure(() => file.truncate(1)),
      { errno: 'EINVAL' },
    )
    t.match(
      failure(() => file.tryLock('pin', 'exclusive')),
      { errno: 'EBADF' },
    )
  }
})

t.test('advice: pages that are not wanted leave the cache', (t) => {
  const file = openRealFile(join(t.testdir(), 'file'), 'create')
  file.write(somePattern(1 << 20), 0)
  file.sync()
  const cached = (): number | undefined => {
    const said = spawnSync('fincore', ['-b', '-n', '-o', 'RES', file.path], { encoding: 'utf8' })
    return said.status === 0 ? Number(said.stdout) : undefined
  }
  for (const advice of ['normal', 'random', 'sequential', 'willneed'] as const) file.advise(0, 0, advice)
  const before = cached()
  file.advise(0, 0, 'dontneed')
  const after = cached()
  if (before === undefined || after === undefined) t.comment('skipped: needs fincore')
  else if (before < 1 << 20) t.comment(`skipped: ${before} bytes are cached here`)
  else t.equal(after, 0)
  const into = new Uint8Array(1 << 20)
  file.read(into, 0)
  t.ok(Buffer.from(into).equals(somePattern(1 << 20)))
  file.close()
  file.advise(0, 0, 'dontneed')
  t.end()
})

t.test('reads are whole up to the end, writes whole, a closed file is closed', async (t) => {
  const file = openRealFile(join(t.testdir(), 'file'), 'create')
  file.write(somePattern(10_000), 5)
  t.equal(file.size(), 10_005)
  const into = new Uint8Array(20_000)
  t.equal(file.read(into, 0), 10_005)
  t.same(Buffer.from(into.subarray(5, 10_005)), somePattern(10_000))
  t.equal(await file.readAsync(into, 9_000), 1_005)
  t.equal(file.read(into, 10_005), 0)
  t.equal(file.read(into, 2 ** 41), 0)
  file.flushHint(0, 4096)
  file.truncate(3)
  t.equal(file.size(), 3)
  const reader = openRealFile(file.path, 'read')
  t.match(
    failure(() => reader.write(into, 0)),
    { errno: 'EBADF', call: 'write', path: file.path },
  )
  file.close()
  file.close()
  for (const work of [
    () => file.size(),
    () => file.read(into, 0),
    () => file.write(into, 0),
    () => file.sync(),
  ])
    t.match(failure(work), { errno: 'EBADF' })
  file.flushHint(0, 4096)
  t.end()
})

for (const name of FILE_SYSTEMS)
  t.test(`direct says whether direct I/O is really on: ${name}`, (t) => {
    const mount = mountFor(t, name)
    if (typeof mount === 'string') {
      t.comment(`skipped: ${mount}`)
      return t.end()
    }
    const path = join(mount.directory, 'file')
    const plain = openRealFile(path, 'create')
    t.equal(plain.direct, false)
    plain.write(somePattern(65536), 0)
    plain.sync()
    plain.close()
    const file = openRealFile(path, 'readwrite', { direct: true })
    const align = directAlignment(path)
    t.equal(file.direct, align > 0)
    t.equal(file.direct, name !== 'tmpfs' && name !== 'btrfs')
    const into = allocateAligned(65536, Math.max(align, 4096))
    t.equal(Number(addressOf(into) % 4096n), 0, 'aligned')
    t.equal(file.read(into, 0), 65536)
    t.same(into, somePattern(65536))
    into.fill(7)
    file.write(into, 65536)
    t.equal(readFileSync(path)[100_000], 7)
    // Really on means: what is not aligned is refused.
    const crooked = failure(() => file.read(into.subarray(1, 100), 3))
    t.equal(crooked?.errno, file.direct ? 'EINVAL' : undefined)
    file.close()
    const made = openRealFile(join(mount.directory, 'made'), 'create', { direct: true })
    made.close()
    t.equal(made.direct, name !== 'tmpfs' && name !== 'btrfs')
    return t.end()
  })

for (const name of FILE_SYSTEMS)
  t.test(`renaming and copying: ${name}`, (t) => {
    const mount = mountFor(t, name)
    if (typeof mount === 'string') {
      t.comment(`skipped: ${mount}`)
      return t.end()
    }
    const at = (file: string): string => join(mount.directory, file)
    writeFileSync(at('a'), 'A')
    writeFileSync(at('b'), 'B')
    t.match(
      failure(() => renameNoReplace(at('a'), at('b'))),
      { code: 'EXISTS' },
    )
    t.equal(readFileSync(at('b'), 'utf8'), 'B', 'nothing happened')
    t.equal(readFileSync(at('a'), 'utf8'), 'A')
    renameNoReplace(at('a'), at('c'))
    t.same(readdirSync(mount.directory).sort(), ['b', 'c'])
    renameReplace(at('c'), at('b'))
    t.same(readdirSync(mount.directory), ['b'])
    t.equal(readFileSync(at('b'), 'utf8'), 'A')
    t.match(
      failure(() => renameReplace(at('gone'), at('b'))),
      { code: 'NOT_FOUND' },
    )
    t.match(
      failure(() => renameNoReplace(at('gone'), at('d'))),
      { code: 'NOT_FOUND' },
    )

    t.equal(probeDirectory(mount.directory).reflink, name === 'xfs' || name === 'btrfs')
    return t.end()
  })
