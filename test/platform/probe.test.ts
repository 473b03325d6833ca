// The probe finds on each file system what was measured on it (formats/flat-1.md is written for these).
import { chmodSync, closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { type FileSystemName, mountFor, remount } from '../helpers/mounts.js'

const ALL = {
  insertRange: true,
  collapseRange: true,
  punchHole: true,
  zeroRange: true,
  allocate: true,
  growthUnitBytes: 4096,
  reflink: false,
  copyFileRange: true,
  locks: 'byte-range',
}
const NO_INSERT = { ...ALL, insertRange: false, collapseRange: false }

const TABLE: Record<FileSystemName, object> = {
  ext4: { ...ALL, fileSystem: 'ext2/3/4' },
  'ext4-1k': { ...ALL, fileSystem: 'ext2/3/4' },
  'ext4-bigalloc': { ...ALL, growthUnitBytes: 65536, fileSystem: 'ext2/3/4' },
  ext2: { ...NO_INSERT, zeroRange: false, allocate: false, fileSystem: 'ext2/3/4' },
  xfs: { ...ALL, reflink: true, fileSystem: 'xfs' },
  btrfs: { ...NO_INSERT, reflink: true, directAlignBytes: 0, fileSystem: 'btrfs' },
  tmpfs: { ...NO_INSERT, zeroRange: false, directAlignBytes: 0, fileSystem: 'tmpfs' },
}

for (const [name, expected] of Object.entries(TABLE) as [FileSystemName, object][])
  t.test(name, (t) => {
    const mount = mountFor(t, name)
    if (typeof mount === 'string') {
      t.comment(`skipped: ${mount}`)
      return t.end()
    }
    const found = probeDirectory(mount.directory)
    const { directAlignBytes, ...rest } = found
    t.same('directAlignBytes' in expected ? found : rest, expected)
    if (!('directAlignBytes' in expected)) t.ok(directAlignBytes === 512 || directAlignBytes === 4096)
    t.equal(probeDirectory(mount.directory), found, 'cached')
    t.same(readdirSync(mount.directory), [], 'nothing is left behind')
    return t.end()
  })

t.test('on a full disk nothing is left behind, and nothing wrong is remembered', (t) => {
  const mount = mountFor(t, 'ext4', { mib: 12 })
  if (typeof mount === 'string') {
    t.comment(`skipped: ${mount}`)
    return t.end()
  }
  const ballast = join(mount.mountPoint, 'ballast')
  const fd = openSync(ballast, 'w')
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096, 1))
  } catch {
    closeSync(fd)
  }
  t.throws(() => probeDirectory(mount.directory), { code: 'DISK_FULL' } as FlagstoneError)
  t.same(readdirSync(mount.directory), [])
  rmSync(ballast)
  t.match(probeDirectory(mount.directory), { ...ALL })
  return t.end()
})

t.test('where nothing can be made: one sentence', (t) => {
  const failure = (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      return error instanceof FlagstoneError ? { code: error.code, errno: error.errno } : error
    }
  }
  const directory = t.testdir({ file: '' })
  t.match(
    failure(() => probeDirectory(join(directory, 'not'))),
    { code: 'NOT_FOUND' },
  )
  t.match(
    failure(() => probeDirectory(join(directory, 'file'))),
    { code: 'NOT_FOUND' },
  )
  const mount = mountFor(t, 'ext4')
  if (typeof mount === 'string') t.comment(`skipped: ${mount}`)
  else {
    openRealFile(join(mount.mountPoint, 'file'), 'create').close()
    remount(mount.mountPoint, 'ro')
    t.equal(openRealFile(join(mount.mountPoint, 'file'), 'read').size(), 0, 'reading needs no probe')
    t.match(
      failure(() => openRealFile(join(mount.mountPoint, 'file'), 'readwrite')),
      { errno: 'EROFS' },
    )
    t.match(
      failure(() => openRealFile(join(mount.mountPoint, 'new'), 'create')),
      { errno: 'EROFS' },
    )
  }
  if (process.getuid?.() !== 0) {
    chmodSync(directory, 0o500)
    t.match(
      failure(() => openRealFile(join(directory, 'new'), 'create')),
      { errno: 'EACCES' },
    )
    chmodSync(directory, 0o700)
  }
  t.end()
})
