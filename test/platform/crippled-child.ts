// A process whose kernel refuses some calls, as older kernels, network file systems and other systems do: a seccomp
// filter answers them with an errno, or kills. For fallbacks.test.ts. Arguments: the rules as JSON, what to do, a
// directory. Prints one line of JSON.
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { FlagstoneError } from '../../src/errors.js'
import { directAlignment } from '../../src/platform/direct.js'
import { probeDirectory } from '../../src/platform/probe.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { renameNoReplace, syncDirectory } from '../../src/platform/rename.js'

export interface Rule {
  /** Number of the system call. */
  readonly call: number
  /** Only when this argument's low half is `equal` (or the next file opened), or has a bit of `bits`. */
  readonly argument?: number
  readonly equal?: number | 'next file'
  readonly bits?: number
  /** What it fails with; 'kill' ends the process. */
  readonly answer: number | 'kill'
}

const LOAD = 0x20
const IF_EQUAL = 0x15
const IF_BITS = 0x45
const RETURN = 0x06
const ALLOW = 0x7fff0000
const ERRNO = 0x00050000
const KILL_PROCESS = 0x80000000
const PR_SET_SECCOMP = 22
const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_MODE_FILTER = 2

/** struct sock_filter: u16 code, u8 steps if true, u8 steps if false, u32 operand. */
const step = (code: number, operand: number, ifTrue = 0, ifFalse = 0): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(ifTrue, 2)
  bytes.writeUInt8(ifFalse, 3)
  bytes.writeUInt32LE(operand, 4)
  return bytes
}

function nextFile(): number {
  const fd = openSync('/dev/null', 'r')
  closeSync(fd)
  return fd
}

function program(rules: readonly Rule[]): Buffer {
  const steps = rules.flatMap(({ call, argument, equal, bits, answer }) => {
    const verdict = step(RETURN, answer === 'kill' ? KILL_PROCESS : ERRNO | answer)
    if (argument === undefined) return [step(LOAD, 0), step(IF_EQUAL, call, 0, 1), verdict]
    const test =
      equal === undefined
        ? step(IF_BITS, bits!, 0, 1)
        : step(IF_EQUAL, equal === 'next file' ? nextFile() : equal, 0, 1)
    return [step(LOAD, 0), step(IF_EQUAL, call, 0, 3), step(LOAD, 16 + 8 * argument), test, verdict]
  })
  return Buffer.concat([...steps, step(RETURN, ALLOW)])
}

/** For this thread and those it starts. */
function cripple(rules: readonly Rule[]): boolean {
  const prctl = koffi
    .load('libc.so.6')
    .func('int prctl(int option, uint64_t a, void *b, uint64_t c, uint64_t d)')
  const filter = program(rules)
  const list = Buffer.alloc(16)
  list.writeUInt16LE(filter.length / 8, 0)
  list.writeBigUInt64LE(koffi.address(filter), 8)
  return (
    prctl(PR_SET_NO_NEW_PRIVS, 1, null, 0, 0) === 0 &&
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, list, 0, 0) === 0
  )
}

/** What came of it, or how it was refused. */
function outcome<T>(work: () => T): T | { code: string; errno: string | undefined; message: string } {
  try {
    return work()
  } catch (error) {
    if (error instanceof FlagstoneError)
      return { code: error.code, errno: error.errno, message: error.message }
    throw error
  }
}

const TASKS: Record<string, (directory: string) => unknown> = {
  probe: (directory) => probeDirectory(directory),
  direct: (directory) => directAlignment(join(directory, 'file')),
  locks(directory) {
    const path = join(directory, 'locked')
    const a = openRealFile(path, 'create')
    const b = openRealFile(path, 'readwrite')
    const answers = [
      a.tryLock('writer', 'exclusive'),
      b.tryLock('writer', 'exclusive'),
      b.tryLock('writer', 'shared'),
    ]
    a.unlock('writer')
    answers.push(b.tryLock('writer', 'exclusive'), a.tryLock('writer', 'shared'))
    b.close()
    answers.push(a.tryLock('writer', 'exclusive'))
    const pins = (['pin', 'attach'] as const).flatMap((name) => {
      const granted = [a.tryLock(name, 'shared'), a.tryLock(name, 'exclusive')]
      a.unlock(name)
      return granted
    })
    return { writer: answers, pins }
  },
  lockOnce: (directory) =>
    outcome(() => openRealFile(join(directory, 'locked'), 'create').tryLock('writer', 'exclusive')),
  rename(directory) {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')]
    writeFileSync(from, 'F')
    writeFileSync(to, 'T')
    const refused = outcome(() => renameNoReplace(from, to))
    const kept = readFileSync(to, 'utf8') + readFileSync(from, 'utf8')
    renameNoReplace(from, join(directory, 'free'))
    return { refused, kept, moved: readFileSync(join(directory, 'free'), 'utf8'), left: existsSync(from) }
  },
  syncDirectory: (directory) => outcome(() => syncDirectory(directory)) ?? 'done',
  sync(directory) {
    const file = openRealFile(join(directory, 'synced'), 'create')
    file.write(new Uint8Array(10), 0)
    return outcome(() => file.sync())
  },
}

if (process.argv.length > 2) {
  const [rules, task, directory] = process.argv.slice(2) as [string, string, string]
  const done = cripple(JSON.parse(rules) as Rule[]) ? TASKS[task]!(directory) : { unable: true }
  console.log(JSON.stringify(done))
}
