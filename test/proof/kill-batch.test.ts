// A batch of many jobs, some of them broken, is killed twice (kill -9, at random moments, sometimes with all its
// processes) and continued: the same tiles and the same verdicts come out as of one that nobody disturbed, and nothing
// is left behind.
import { spawn } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { BatchReport } from '../../src/batch/report.js'
import { create, digest } from '../../src/index.js'
import { root } from '../helpers/paths.js'
import { Child, sleep } from '../helpers/processes.js'
import { randomFrom } from '../helpers/random.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { smallTiff } from '../helpers/small-tiff.js'
import { until } from '../helpers/waiting.js'

const bin = join(root, 'dist', 'src', 'cli', 'bin.js')
const LIVES = rounds(1, 20, 'LIVES')
const KILLS = 2
const IMAGES = 5
const JOBS = rounds(44, 200)
/** Processes that run jobs: as many as there are cores, and more. */
const AT_ONCE = rounds(2, 4)
/** Half of the jobs create, half check. */
const ARCHIVES = JOBS / 2 - IMAGES
const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

const png = (n: number): Uint8Array => {
  const bytes = new Uint8Array(200 + (n % 100))
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  new DataView(bytes.buffer).setUint32(100, n)
  return bytes
}

function makeArchive(path: string, n: number): void {
  const writer = create(path)
  for (let x = 0; x < 16; x++) for (let y = 0; y < 16; y++) writer.append(4, x, y, png(n * 1000 + x * 16 + y))
  writer.seal({})
  writer.close()
}

/** Four of the jobs that create are broken, and with them those that check what they create. */
function makeInputs(folder: string): void {
  for (let n = 0; n < ARCHIVES; n++) if (n !== 13) makeArchive(join(folder, `a${n}.pmtiles`), n)
  truncateSync(join(folder, 'a14.pmtiles'), 20_000)
  writeFileSync(join(folder, 'a15.pmtiles'), 'this is no archive')
  for (let n = 0; n < IMAGES; n++)
    writeFileSync(
      join(folder, `i${n}.tif`),
      smallTiff({ width: 700, height: 600, paint: (x, y) => x * n + y }).bytes,
    )
}

function jobsText(): string {
  const lines = ['jobs:']
  // builds first: they take longest, and are interrupted most
  for (let n = 0; n < IMAGES; n++) {
    // what it refuses shows only when it runs
    const options = n === 3 ? '{ format: jpeg, lossless: true }' : '{ format: png }'
    lines.push(
      `  - { command: build, input: ../in/i${n}.tif, output: out/i${n}.pmtiles, options: ${options} }`,
    )
  }
  for (let n = 0; n < ARCHIVES; n++)
    lines.push(`  - { command: convert, input: ../in/a${n}.pmtiles, output: out/a${n}.pmtiles }`)
  lines.push(`  - { command: verify, input: 'out/*.pmtiles', options: { decode: false } }`)
  return `${lines.join('\n')}\n`
}

const start = (dir: string): Child =>
  new Child(
    spawn(
      process.execPath,
      [bin, 'batch', 'jobs.yaml', '--report', 'report.json', '--jobs', `${AT_ONCE}`, '-j', '4', '-v'],
      {
        cwd: dir,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    ),
  )

function makeFolder(parent: string, name: string): string {
  const dir = join(parent, name)
  mkdirSync(dir)
  writeFileSync(join(dir, 'jobs.yaml'), jobsText())
  return dir
}

interface Outcome {
  readonly verdicts: Record<string, string>
  readonly digests: Record<string, string>
  readonly files: readonly string[]
}

async function outcomeOf(dir: string): Promise<Outcome> {
  const report = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as BatchReport
  const verdicts: Record<string, string> = {}
  for (const { name, status, verdict } of report.jobs) {
    // done before is as good as done now
    const isDone = status === 'done' || status === 'skipped'
    verdicts[name] = isDone ? 'done' : `${status} ${verdict?.exitCode} ${verdict?.code} ${verdict?.message}`
  }
  const files = readdirSync(join(dir, 'out')).sort()
  const digests: Record<string, string> = {}
  for (const file of files) digests[file] = (await digest(join(dir, 'out', file))).digest
  return { verdicts, digests, files: [...files, ...readdirSync(dir).sort()] }
}

/** Processes whose working directory is a folder. */
function processesIn(dir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === dir
    } catch {
      return false
    }
  })
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has just ended
  }
}

const endedIn = (child: Child): number => child.stderr.match(/^\[ *\d+\/\d+\]/gm)?.length ?? 0

t.test(
  `a batch of ${JOBS} jobs (200 in test:long) is killed ${KILLS} times, ${LIVES} times${ofLong(20)} (SEED=${seed})`,
  async (t) => {
    const random = randomFrom(seed)
    const parent = t.testdir({ in: {} })
    makeInputs(join(parent, 'in'))
    const calm = makeFolder(parent, 'calm')
    const first = start(calm)
    t.match(await first.end({ seconds: 600 }), { code: 1 }, 'some jobs failed')
    const expected = await outcomeOf(calm)
    t.equal(Object.keys(expected.verdicts).length, JOBS)
    const bad = Object.values(expected.verdicts).filter((verdict) => verdict !== 'done')
    t.equal(bad.length, 8, bad.join('\n'))
    for (const message of [/a13\.pmtiles does not exist/, /JPEG cannot be lossless/, /^blocked/])
      t.ok(
        bad.some((verdict) => message.test(verdict)),
        String(message),
      )
    for (let life = 0; life < LIVES; life++) {
      const dir = makeFolder(parent, `life${life}`)
      const moments: number[] = []
      for (let kill = 0; kill < KILLS; kill++) {
        const child = start(dir)
        const moment = Math.floor(random() ** 2 * JOBS * 0.4)
        let over = false
        void child.ended.then(() => {
          over = true
        })
        await until('jobs to end', () => over || endedIn(child) >= moment)
        await sleep(random() * 300)
        const others = random() < 0.3 ? processesIn(dir) : []
        child.kill()
        for (const pid of others) endProcess(Number(pid))
        await child.end()
        moments.push(endedIn(child))
      }
      const last = start(dir)
      t.match(await last.end({ seconds: 600 }), { code: 1 }, `killed after ${moments} jobs`)
      t.same(await outcomeOf(dir), expected, `killed after ${moments} jobs: the same as undisturbed`)
      t.same(processesIn(dir), [], 'no process is left')
      rmSync(dir, { recursive: true })
    }
  },
)
