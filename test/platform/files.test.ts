// Opening, direct I/O, renaming and copying.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { copyFileBest } from '../../src/platform/copy.js'
import { allocateAligned, directAlignment } from '../../src/platform/direct.js'
import { addressOf } from '../../src/platform/libc.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { renameNoReplace, renameReplace } from '../../src/platform/rename.js'
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

t.test('a copy that does not fit leaves nothing', (t) => {
  const mount = mountFor(t, 'tmpfs', { mib: 4 })
  if (typeof mount === 'string') {
    t.comment(`skipped: ${mount}`)
    return t.end()
  }
  const source = join(t.testdir(), 'source')
  writeFileSync(source, somePattern(8 << 20))
  const full = failure(() => copyFileBest(source, join(mount.directory, 'copy')))
  t.match(full, { code: 'DISK_FULL', errno: 'ENOSPC' })
  t.same(readdirSync(mount.directory), [])
  return t.end()
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

    writeFileSync(at('source'), somePattern(3_000_001))
    const can = probeDirectory(mount.directory)
    t.equal(can.reflink, name === 'xfs' || name === 'btrfs')
    const means = copyFileBest(at('source'), at('copy'))
    t.equal(means, can.reflink ? 'clone' : 'copy_file_range')
    t.equal(Buffer.compare(readFileSync(at('copy')), somePattern(3_000_001)), 0)
    t.match(
      failure(() => copyFileBest(at('source'), at('copy'))),
      { code: 'EXISTS' },
    )
    t.match(
      failure(() => copyFileBest(at('nothing'), at('copy2'))),
      { code: 'NOT_FOUND' },
    )
    // To another file system: no clone, but a copy all the same.
    const elsewhere = join(t.testdir(), 'copy')
    t.match(copyFileBest(at('source'), elsewhere), /^(copy_file_range|read-write)$/)
    t.equal(Buffer.compare(readFileSync(elsewhere), somePattern(3_000_001)), 0)
    writeFileSync(at('empty'), '')
    copyFileBest(at('empty'), at('empty-copy'))
    t.equal(statSync(at('empty-copy')).size, 0)
    mkdirSync(at('folder'))
    t.match(
      failure(() => copyFileBest(at('folder'), at('x'))),
      { errno: 'EISDIR' },
    )
    t.notOk(readdirSync(mount.directory).includes('x'))
    return t.end()
  })
