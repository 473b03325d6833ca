// What is done where the kernel or the file system has not what Linux 6 on ext4 has: every rung of every ladder,
// stood on by a process whose kernel refuses the rungs above (crippled-child.ts).
import { readdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'
import t from 'tap'
import { directAlignment } from '../../src/platform/direct.js'
import { call } from '../../src/platform/libc.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { startChild } from '../helpers/processes.js'
import type { Rule } from './crippled-child.js'

const { EINVAL, ENOSYS, EOPNOTSUPP, EXDEV, EIO, ENOLCK, EINTR, EBADF } = constants.errno

const CALLS: Record<string, Record<string, number>> = {
  x64: {
    ioctl: 16,
    fcntl: 72,
    fsync: 74,
    fdatasync: 75,
    openat: 257,
    fallocate: 285,
    renameat2: 316,
    copy_file_range: 326,
    statx: 332,
  },
  arm64: {
    fcntl: 25,
    ioctl: 29,
    fallocate: 47,
    openat: 56,
    fsync: 82,
    fdatasync: 83,
    renameat2: 276,
    copy_file_range: 285,
    statx: 291,
  },
}

const numbers = CALLS[process.arch]
const rule = (name: string, answer: Rule['answer'], where: Omit<Rule, 'call' | 'answer'> = {}): Rule => ({
  call: numbers![name]!,
  answer,
  ...where,
})

const NO_OFD_LOCKS = rule('fcntl', EINVAL, { argument: 1, equal: 37 })
const NO_FILE_LOCKS = rule('fcntl', ENOLCK, { argument: 1, equal: 37 })
const NO_DIOALIGN = { argument: 3, bits: 0x2000 }
const NO_TMPFILE = rule('openat', EOPNOTSUPP, { argument: 2, bits: 0o20000000 })
const NO_CLONE = rule('ioctl', EOPNOTSUPP, { argument: 1, equal: 0x40049409 })

/** What a crippled process says; undefined (and a comment) where there is no seccomp. */
async function crippled<T>(
  t: { comment(message: string): void },
  rules: Rule[],
  task: string,
  directory: string,
): Promise<T | undefined> {
  const child = startChild(new URL('./crippled-child.js', import.meta.url), [
    JSON.stringify(rules),
    task,
    directory,
  ])
  const { code, signal } = await child.end()
  if (code !== 0) throw new Error(`${task}: ${signal ?? code}, ${child.stderr}`)
  const said = JSON.parse(child.lines[0]!) as T
  if ((said as { unable?: true }).unable === undefined) return said
  t.comment('skipped: needs seccomp')
  return undefined
}

t.test('interrupted calls are made again, until something else comes of them', async (t) => {
  const fails = (errnos: number[]) => {
    const fn = (): number => {
      const errno = errnos.shift()
      if (errno === undefined) return 7
      koffi.errno(errno)
      return -1
    }
    return fn as unknown as Parameters<typeof call>[0]
  }
  t.same(call(fails([EINTR, EINTR])), { value: 7 })
  t.same(call(fails([EINTR, EBADF])), { errno: EBADF })
})

if (process.platform !== 'linux' || numbers === undefined) {
  t.comment('skipped: the rest needs Linux on x64 or arm64')
} else {
  t.test('no OFD locks: the writer has flock, readers are never moved under', async (t) => {
    const said = await crippled(t, [NO_OFD_LOCKS], 'locks', t.testdir())
    if (said === undefined) return
    t.same(said, {
      writer: [true, false, false, true, false, true],
      pins: [true, false, true, false],
    })
    const probed = await crippled(t, [NO_OFD_LOCKS], 'probe', t.testdir())
    t.match(probed, { locks: 'whole-file' })
  })

  t.test('no locks at all: one sentence, and the probe says so', async (t) => {
    const said = await crippled(t, [NO_FILE_LOCKS], 'lockOnce', t.testdir())
    if (said === undefined) return
    t.match(said, { code: 'SYSTEM', errno: 'ENOLCK', message: /no file locks; put the file on a local disk/ })
    t.match(await crippled(t, [NO_FILE_LOCKS], 'probe', t.testdir()), { locks: 'none' })
  })

  t.test('no renameat2: by a second name, which never replaces', async (t) => {
    for (const errno of [ENOSYS, EINVAL]) {
      const said = await crippled(t, [rule('renameat2', errno)], 'rename', t.testdir())
      t.match(said ?? {}, said && { refused: { code: 'EXISTS' }, kept: 'TF', moved: 'F', left: false })
    }
  })

  t.test('no clone, no copy_file_range: known', async (t) => {
    const rules = [NO_CLONE, rule('copy_file_range', EXDEV)]
    const said = await crippled(t, rules, 'probe', t.testdir())
    if (said !== undefined) t.match(said, { reflink: false, copyFileRange: false })
  })

  t.test('statx does not tell the alignment: found by trying', async (t) => {
    const directory = t.testdir()
    writeFileSync(join(directory, 'file'), Buffer.alloc(65536))
    const told = directAlignment(join(directory, 'file'))
    const rules = [rule('statx', EINVAL, NO_DIOALIGN)]
    const tried = await crippled<number>(t, rules, 'direct', directory)
    if (tried === undefined) return
    if (told === 0) t.equal(tried, 0)
    else t.ok(tried === 512 || tried === 4096, `${tried}, statx says ${told}`)
  })

  t.test('a probe without nameless files finds the same, and leaves nothing', async (t) => {
    const directory = t.testdir()
    const said = await crippled(t, [NO_TMPFILE], 'probe', directory)
    if (said === undefined) return
    t.same(said, probeDirectory(directory))
    t.same(readdirSync(directory), [])
  })

  t.test('a system without fallocate: growth by relocation', async (t) => {
    for (const errno of [ENOSYS, EOPNOTSUPP]) {
      const said = await crippled(t, [rule('fallocate', errno)], 'probe', t.testdir())
      const none = { insertRange: false, collapseRange: false, punchHole: false, zeroRange: false }
      t.match(said ?? {}, said && { ...none, allocate: false, growthUnitBytes: 4096 })
    }
  })

  t.test('a probe that is killed leaves nothing behind', async (t) => {
    for (const [name, where] of [
      ['statx', NO_DIOALIGN],
      ['fallocate', {}],
      ['ioctl', { argument: 1, equal: 0x40049409 }],
    ] as const) {
      const directory = t.testdir()
      const child = startChild(new URL('./crippled-child.js', import.meta.url), [
        JSON.stringify([rule(name, 'kill', where)]),
        'probe',
        directory,
      ])
      const { signal } = await child.end()
      if (signal === null) t.comment(`skipped: needs seccomp (${child.lines[0]} ${child.stderr})`)
      else {
        t.equal(signal, 'SIGSYS', `in mid-probe, at ${name}`)
        t.same(readdirSync(directory), [])
      }
    }
  })

  t.test('a directory that cannot be synced, and one whose disk fails', async (t) => {
    const said = await crippled(t, [rule('fsync', EINVAL)], 'syncDirectory', t.testdir())
    if (said === undefined) return
    t.equal(said, 'done')
    // Only of the directory: koffi syncs stdout at the end, and waits for ever where that fails.
    const thatOne = { argument: 0, equal: 'next file' } as const
    const failed = await crippled(t, [rule('fsync', EIO, thatOne)], 'syncDirectory', t.testdir())
    t.match(failed, { code: 'SYSTEM', errno: 'EIO', message: /input\/output error; check the disk/ })
    const sync = await crippled(t, [rule('fdatasync', EIO)], 'sync', t.testdir())
    t.match(sync, { code: 'SYSTEM', errno: 'EIO', message: /fdatasync: EIO/ })
  })
}
