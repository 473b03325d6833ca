import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { fallocate } from '../../src/platform/fallocate.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { type FileSystemName, mountFor } from '../helpers/mounts.js'

const BLOCK = 4096
const { ALLOCATE, KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE, UNSHARE_RANGE } = FALLOC

/** Four blocks of 'a', 'b', 'c', 'd'. */
function fourBlocks(directory: string, name = 'file'): string {
  const path = join(directory, name)
  writeFileSync(path, ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(BLOCK)).join(''))
  return path
}

/** One letter a block, '.' for zeros, '?' for a mixture. */
function picture(path: string): string {
  const bytes = readFileSync(path)
  let out = ''
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK)
    const first = block[0]!
    out += block.every((byte) => byte === first) ? (first === 0 ? '.' : String.fromCharCode(first)) : '?'
  }
  return out
}

/** Opens, does something, closes; what it threw. */
function attempt(path: string, flags: string, work: (fd: number) => void): FlagstoneError | undefined {
  const fd = openSync(path, flags)
  try {
    work(fd)
    return undefined
  } catch (error) {
    if (error instanceof FlagstoneError) return error
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Blocks of 512 bytes a file takes on the disk. */
const blocksOf = (path: string): number => {
  const fd = openSync(path, 'r')
  try {
    return fstatSync(fd).blocks
  } finally {
    closeSync(fd)
  }
}

function everyMode(t: Tap.Test, directory: string): void {
  t.test('mode 0 allocates, and makes the file longer', (t) => {
    const path = join(directory, 'preallocate')
    writeFileSync(path, 'x')
    t.equal(
      attempt(path, 'r+', (fd) => fallocate(fd, ALLOCATE, 0, 1 << 20)),
      undefined,
    )
    t.equal(readFileSync(path).length, 1 << 20)
    t.ok(blocksOf(path) >= 2048, 'the blocks are there')
    t.end()
  })
  t.test('KEEP_SIZE allocates behind the end', (t) => {
    const path = join(directory, 'keep')
    writeFileSync(path, 'x')
    t.equal(
      attempt(path, 'r+', (fd) => fallocate(fd, KEEP_SIZE, 0, 1 << 20)),
      undefined,
    )
    t.equal(readFileSync(path).length, 1)
    t.ok(blocksOf(path) >= 2048)
    t.end()
  })
  t.test('PUNCH_HOLE frees blocks and reads as zeros; without KEEP_SIZE it is refused', (t) => {
    const path = fourBlocks(directory, 'punch')
    openRealFile(path, 'readwrite').sync()
    const before = blocksOf(path)
    t.equal(
      attempt(path, 'r+', (fd) => fallocate(fd, PUNCH_HOLE | KEEP_SIZE, BLOCK, 2 * BLOCK)),
      undefined,
    )
    t.equal(picture(path), 'a..d')
    t.ok(blocksOf(path) < before)
    t.match(
      attempt(path, 'r+', (fd) => fallocate(fd, PUNCH_HOLE, 0, BLOCK)),
      { errno: /^(EOPNOTSUPP|EINVAL)$/ },
    )
    // not only whole blocks
    attempt(path, 'r+', (fd) => fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 10, 20))
    t.equal(readFileSync(path).subarray(0, 40).toString(), 'a'.repeat(10) + '\0'.repeat(20) + 'a'.repeat(10))
    t.end()
  })
  t.test('INSERT_RANGE moves what is behind', (t) => {
    const path = fourBlocks(directory, 'insert')
    t.equal(
      attempt(path, 'r+', (fd) => fallocate(fd, INSERT_RANGE, BLOCK, 2 * BLOCK)),
      undefined,
    )
    t.equal(picture(path), 'a..bcd')
    t.end()
  })
  t.test('COLLAPSE_RANGE cuts out', (t) => {
    const path = fourBlocks(directory, 'collapse')
    t.equal(
      attempt(path, 'r+', (fd) => fallocate(fd, COLLAPSE_RANGE, BLOCK, 2 * BLOCK)),
      undefined,
    )
    t.equal(picture(path), 'ad')
    t.end()
  })
  t.test('ZERO_RANGE, also past the end, also with KEEP_SIZE', (t) => {
    const path = fourBlocks(directory, 'zero')
    attempt(path, 'r+', (fd) => fallocate(fd, ZERO_RANGE, 0, BLOCK))
    t.equal(picture(path), '.bcd')
    attempt(path, 'r+', (fd) => fallocate(fd, ZERO_RANGE | KEEP_SIZE, 3 * BLOCK, 3 * BLOCK))
    t.equal(picture(path), '.bc.')
    attempt(path, 'r+', (fd) => fallocate(fd, ZERO_RANGE, 3 * BLOCK, 3 * BLOCK))
    t.equal(picture(path), '.bc...')
    t.end()
  })
  t.test('UNSHARE_RANGE changes no byte, or is refused as unsupported', (t) => {
    const path = fourBlocks(directory, 'unshare')
    const error = attempt(path, 'r+', (fd) => fallocate(fd, UNSHARE_RANGE, 0, 4 * BLOCK))
    if (error !== undefined) t.equal(error.errno, 'EOPNOTSUPP')
    t.equal(picture(path), 'abcd')
    t.end()
  })
  t.test('EINVAL: unaligned, at or past the end, negative, empty', (t) => {
    const path = fourBlocks(directory, 'invalid')
    for (const [mode, offset, length] of [
      [INSERT_RANGE, 1, BLOCK],
      [INSERT_RANGE, BLOCK, 100],
      [INSERT_RANGE, 4 * BLOCK, BLOCK],
      [INSERT_RANGE, 8 * BLOCK, BLOCK],
      [COLLAPSE_RANGE, 1, BLOCK],
      [COLLAPSE_RANGE, 3 * BLOCK, BLOCK],
      [COLLAPSE_RANGE, 0, 100],
      [ALLOCATE, -1, BLOCK],
      [ALLOCATE, 0, 0],
      [ALLOCATE, 0, -BLOCK],
      [ALLOCATE, 0.5, BLOCK],
      [ALLOCATE, 2 ** 60, BLOCK],
    ] as const) {
      const error = attempt(path, 'r+', (fd) => fallocate(fd, mode, offset, length, path))
      t.match(
        error,
        { code: 'SYSTEM', errno: 'EINVAL', call: 'fallocate', path },
        `${mode} ${offset} ${length}`,
      )
      t.match(error?.args, { offset, length }, 'the arguments are told')
      t.match(error?.message, /EINVAL/)
    }
    t.equal(picture(path), 'abcd', 'nothing changed')
    t.end()
  })
  t.test('EBADF: closed, or open for reading only', (t) => {
    const path = fourBlocks(directory, 'badf')
    t.match(
      attempt(path, 'r', (fd) => fallocate(fd, ALLOCATE, 0, BLOCK)),
      { errno: 'EBADF' },
    )
    for (const fd of [999_999, -1])
      t.match(
        attempt(path, 'r', () => fallocate(fd, ALLOCATE, 0, BLOCK)),
        { errno: 'EBADF', call: 'fallocate', path: `fd ${fd}` },
      )
    t.end()
  })
  t.test('a mode nobody knows: EOPNOTSUPP', (t) => {
    const path = fourBlocks(directory, 'unknown')
    t.match(
      attempt(path, 'r+', (fd) => fallocate(fd, 0x4000, 0, BLOCK)),
      { errno: 'EOPNOTSUPP' },
    )
    t.end()
  })
  t.end()
}

declare namespace Tap {
  type Test = typeof t
}

if (process.platform !== 'linux') {
  t.test('other systems: mode 0 by their own way, anything else EOPNOTSUPP', (t) => {
    const path = fourBlocks(t.testdir())
    for (const mode of [PUNCH_HOLE | KEEP_SIZE, INSERT_RANGE, COLLAPSE_RANGE, ZERO_RANGE])
      t.match(
        attempt(path, 'r+', (fd) => fallocate(fd, mode, 0, BLOCK)),
        { errno: 'EOPNOTSUPP' },
      )
    t.equal(picture(path), 'abcd')
    t.end()
  })
} else {
  t.test('where the repository lies', (t) => {
    const directory = t.testdir()
    const can = probeDirectory(directory)
    if (can.insertRange && can.collapseRange && can.zeroRange && can.growthUnitBytes === BLOCK)
      everyMode(t as Tap.Test, directory)
    else {
      t.pass(`no INSERT_RANGE on ${can.fileSystem}`)
      t.end()
    }
  })
  for (const name of ['ext4', 'ext4-1k', 'xfs'] as const) {
    t.test(name, (t) => {
      const mount = mountFor(t, name)
      if (typeof mount === 'string') {
        t.comment(mount)
        t.pass(`skipped: ${mount}`)
        t.end()
      } else everyMode(t as Tap.Test, mount.directory)
    })
  }

  const refusals: [FileSystemName, number[], number[]][] = [
    ['tmpfs', [INSERT_RANGE, COLLAPSE_RANGE, ZERO_RANGE], [ALLOCATE, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE]],
    ['ext2', [INSERT_RANGE, COLLAPSE_RANGE, ZERO_RANGE, ALLOCATE], [PUNCH_HOLE | KEEP_SIZE]],
    ['btrfs', [INSERT_RANGE, COLLAPSE_RANGE], [ALLOCATE, ZERO_RANGE, PUNCH_HOLE | KEEP_SIZE]],
  ]
  for (const [name, refused, done] of refusals) {
    t.test(`EOPNOTSUPP on ${name}`, async (t) => {
      const mount = mountFor(t, name)
      if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
      const path = fourBlocks(mount.directory)
      for (const mode of refused) {
        t.match(
          attempt(path, 'r+', (fd) => fallocate(fd, mode, 0, BLOCK, path)),
          { code: 'SYSTEM', errno: 'EOPNOTSUPP', call: 'fallocate', path, message: /cannot do that/ },
        )
      }
      for (const mode of done) {
        t.equal(
          attempt(path, 'r+', (fd) => fallocate(fd, mode, 0, BLOCK)),
          undefined,
        )
      }
      return undefined
    })
  }

  for (const name of ['ext4', 'tmpfs'] as const) {
    t.test(`ENOSPC on ${name}`, async (t) => {
      const mount = mountFor(t, name, { mib: 16 })
      if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
      const file = openRealFile(join(mount.directory, 'file'), 'create')
      const expected = {
        code: 'DISK_FULL',
        errno: 'ENOSPC',
        call: 'fallocate',
        path: file.path,
        message: /the disk is full; free some space/,
      }
      t.throws(() => file.fallocate(ALLOCATE, 0, 64 << 20), expected)
      t.throws(() => file.fallocate(KEEP_SIZE, 0, 64 << 20), expected)
      // ext4 leaves what it had allocated when the space ran out, and the size that goes with it.
      file.truncate(0)
      file.fallocate(ALLOCATE, 0, 1 << 20)
      t.equal(file.size(), 1 << 20, 'what fits is had')
      file.close()
      return undefined
    })
  }
}
