// Every call of one random program (in npm test one call of three) fails once, in each way it can: see fault-program.ts for what must hold then. In
// memory by a file that fails; on a real file by strace, where that is there.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Capabilities } from '../../src/platform/byte-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { isLong, rounds } from '../helpers/rounds.js'
import { Faults, waysToFail } from './failing-file.js'
import { type FaultPlace, FaultRun, randomProgram } from './fault-program.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000)
/** Of so many calls one fails. */
const EVERY = rounds(3, 1)
const OPTIONS: WriterOptions = {
  initialRegionBytes: 4096,
  tailRecords: 10,
  stagingBytes: 4096,
  commitBytes: 0,
}

function memoryPlace(faults: Faults, capabilities: Partial<Capabilities>): FaultPlace {
  let memory = new MemoryFile({ capabilities })
  return {
    open(mode) {
      if (mode === 'create') memory = new MemoryFile({ capabilities })
      return faults.on(memory.reopen())
    },
    look: () => memory.reopen(),
  }
}

const relocation = { insertRange: false, collapseRange: false }
const cases: [string, Partial<Capabilities>, WriterOptions][] = [
  ['insert and collapse', {}, OPTIONS],
  ['relocation', relocation, OPTIONS],
]

for (const [name, capabilities, options] of cases) {
  t.test(`${name}${EVERY > 1 ? `, one call of ${EVERY}` : ''} (seed ${SEED})`, (t) => {
    const steps = randomProgram(SEED)
    const undisturbed = new Faults()
    new FaultRun(memoryPlace(undisturbed, capabilities), options).run(steps)
    let runs = 0
    for (const [at, call] of undisturbed.names.entries()) {
      if (at % EVERY !== SEED % EVERY) continue
      for (const way of waysToFail(call, isLong)) {
        const faults = new Faults({ at, ...way })
        try {
          new FaultRun(memoryPlace(faults, capabilities), options).run(steps)
        } catch (error) {
          throw new Error(
            `call ${at} (${call}) failing ${way.when} with ${way.errno}: ${(error as Error).message}`,
            {
              cause: error,
            },
          )
        }
        if (faults.failed !== 1) throw new Error(`call ${at} did not come`)
        runs++
      }
    }
    t.pass(`${undisturbed.names.length} calls, ${runs} failures`)
    t.end()
  })
}

// ── the real thing ──────────────────────────────────────────────────────────────────────────────────────

/** Every so many calls of one kind the next fails: some of each program, another one each time. */
const CALLS = { fallocate: 11, pwrite64: 97, fdatasync: 83, ftruncate: 5, pread64: 593, fcntl: 31 }
const REAL: [errno: string, calls: (keyof typeof CALLS)[], code: string][] = [
  ['ENOSPC', ['fallocate', 'pwrite64', 'ftruncate'], 'DISK_FULL'],
  ['EDQUOT', ['fallocate', 'pwrite64', 'fdatasync'], 'DISK_FULL'],
  ['EIO', ['fallocate', 'pwrite64', 'fdatasync', 'ftruncate', 'pread64'], 'SYSTEM'],
  ['EOPNOTSUPP', ['fallocate'], ''],
  ['EINTR', ['fallocate', 'pwrite64', 'ftruncate', 'pread64', 'fcntl'], ''],
  ['ENOLCK', ['fcntl'], 'SYSTEM'],
]
const CHILD = fileURLToPath(new URL('./fault-child.js', import.meta.url))
const canTrace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0

for (const [errno, calls, code] of REAL) {
  const skip = canTrace ? false : 'strace is not there, or may not trace'
  t.test(`a real file, ${errno} (seed ${SEED})`, { skip }, (t) => {
    const path = join(t.testdir(), 'real.pmtiles')
    const inject = calls.flatMap((call) => [
      '-e',
      `inject=${call}:error=${errno}:when=${1 + (SEED % CALLS[call])}+${CALLS[call]}`,
    ])
    const trace = ['-qq', '-o', '/dev/null', '-P', path, '-e', `trace=${calls}`, ...inject]
    const child = [
      process.execPath,
      CHILD,
      path,
      `${SEED}`,
      isLong ? '100' : '12',
      isLong ? '60' : '1',
      code === '' ? '0' : '1',
    ]
    const { stdout, stderr, status } = spawnSync('strace', [...trace, ...child], {
      encoding: 'utf8',
      timeout: 300_000,
    })
    t.equal(status, 0, stderr)
    const { runs, failures, codes } = JSON.parse(stdout) as {
      runs: number
      failures: number
      codes: string[]
    }
    // where the program goes on by itself nothing is to be seen: an interrupted call is made again
    if (code === '') t.ok(runs > 1, `${runs} runs`)
    else {
      t.ok(failures > 0, `${runs} runs, ${failures} failures`)
      t.ok(
        codes.every((one) => one.endsWith(`${errno} ${code}`)),
        `${codes}`,
      )
    }
    t.end()
  })
}
