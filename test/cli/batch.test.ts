// flagstone batch as a user runs it, with processes that run the jobs: in a process of its own where that is shown or stopped.
import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { BatchReport } from '../../src/batch/report.js'
import { run } from '../../src/cli/run.js'
import { create } from '../../src/index.js'
import { fixture, root } from '../helpers/paths.js'
import { Child } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'

const bin = join(root, 'dist', 'src', 'cli', 'bin.js')

const flagstone = (cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, [bin, ...args], { cwd, encoding: 'utf8' })

const start = (cwd: string, ...args: string[]): Child =>
  new Child(spawn(process.execPath, [bin, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] }))

const png = (n: number): Uint8Array => {
  const bytes = new Uint8Array(100)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, n])
  return bytes
}

function archive(path: string): void {
  const writer = create(path)
  for (let x = 0; x < 4; x++) writer.append(2, x, 0, png(x))
  writer.seal({})
  writer.close()
}

/** A folder with archives, and an image whose build takes a while. */
function workspace(t: Test): string {
  const dir = t.testdir({ in: {} })
  for (const name of ['a', 'b', 'c']) archive(join(dir, 'in', `${name}.pmtiles`))
  copyFileSync(fixture('ortho.tif'), join(dir, 'ortho.tif'))
  return dir
}

/** Of processes that run jobs: their working directory is that of the batch. */
function workersIn(dir: string, batch: Child): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && pid !== batch.process.pid && readlinkSync(`/proc/${pid}/cwd`) === dir
      } catch {
        return false
      }
    })
}

t.test('a job for each file that a pattern matches', async (t) => {
  const dir = workspace(t)
  const line = ['batch', 'convert', 'in/*.pmtiles', 'out/{name}.pmtiles', '--jobs', '2']
  const dry = flagstone(dir, ...line, '--dry-run')
  t.equal(dry.status, 0, dry.stderr)
  t.match(
    dry.stdout,
    /^run {3}out\/a\.pmtiles {2}\(new\)\n[\s\S]*\n3 would run, 0 would be skipped, 0 would fail\.\n$/,
  )
  t.same(readdirSync(dir).sort(), ['in', 'ortho.tif'], 'a dry run leaves nothing')

  const { status, stdout, stderr } = flagstone(dir, ...line)
  t.equal(status, 0, stderr)
  t.match(stdout, /^done {9}out\/a\.pmtiles +[\d.]+ s {2}4 tiles, [\d.]+ KB, [0-9a-f]{32}\n/)
  t.match(stdout, /\n3 jobs: 3 done, in [\d.]+ s\.\n$/)
  t.match(stderr, /^\[1\/3\] done out\//)
  const again = flagstone(dir, ...line, '-q')
  t.match(again.stdout, /^3 jobs: 3 skipped, in/, '-q: only what went wrong, and the sum')
  t.equal(again.stderr, '')

  const other = flagstone(dir, ...line, '--dry-run', '--state', 'other.state')
  t.match(
    other.stdout,
    /^run {3}out\/a\.pmtiles {2}\(new; its output exists, and is not replaced without overwrite\)/,
  )

  const verify = flagstone(dir, 'batch', 'verify', 'out/a.pmtiles', 'out/b.pmtiles', '--json')
  t.equal(verify.status, 0, verify.stderr)
  const report = JSON.parse(verify.stdout) as BatchReport
  t.match(report, { report: 'flagstone batch', counts: { done: 2 }, interrupted: false })
  t.match(report.jobs[0], { name: 'verify out/a.pmtiles', verdict: { exitCode: 0, result: { ok: true } } })
})

/** What jobs may say of each command. A new command is added here, and to src/cli/batch/lines.ts if its output is not called `out`. */
const COMMANDS: Readonly<Record<string, 'creates' | 'may create' | 'checks' | 'no job'>> = {
  build: 'creates',
  convert: 'creates',
  extract: 'may create',
  merge: 'creates',
  diff: 'may create',
  sample: 'creates',
  apply: 'checks',
  digest: 'checks',
  info: 'checks',
  verify: 'checks',
  batch: 'no job',
  probe: 'no job',
  serve: 'no job',
  tile: 'no job',
}

t.test('batch knows of every command whether it creates a file', async (t) => {
  const help = (await refused(['--help'])).stdout
  const [, list = ''] = /\nCommands:\n([\s\S]*?)\n\n/.exec(help) ?? []
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!)
  t.same(names.filter((name) => name !== 'help').sort(), Object.keys(COMMANDS).sort())
  const file = join(t.testdir(), 'jobs.yaml')
  const says = async (job: string): Promise<string> => {
    writeFileSync(file, `jobs: [{ ${job} }]`)
    return (await refused(['batch', file, '--dry-run'])).stderr
  }
  for (const [command, kind] of Object.entries(COMMANDS)) {
    const without = await says(`command: ${command}, input: [a, b]`)
    const with_ = await says(`command: ${command}, input: [a, b], output: c.pmtiles`)
    t.equal(/cannot be a job/.test(without), kind === 'no job', `${command}: ${without}`)
    t.equal(/creates a file; name it/.test(without), kind === 'creates', `${command}: ${without}`)
    t.equal(/creates no file/.test(with_), kind === 'checks', `${command}: ${with_}`)
  }
})

/** In this process: there are many of them. */
async function refused(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' }
  const to = (name: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => {
      said[name] += String(chunk)
    },
  })
  const { signal } = new AbortController()
  const io = { stdout: to('stdout'), stderr: to('stderr'), isTerminal: false, signal }
  return { status: await run(args, io), ...said }
}

/** In this process, in a folder; the jobs have theirs as ever. */
async function here(cwd: string, ...args: string[]): ReturnType<typeof refused> {
  const before = process.cwd()
  process.chdir(cwd)
  try {
    return await refused(args)
  } finally {
    process.chdir(before)
  }
}

t.test('wrong usage is found before anything runs', async (t) => {
  const dir = workspace(t)
  let files = 0
  const jobs = (text: string): string[] => {
    const name = join(dir, `jobs${++files}.yaml`)
    writeFileSync(
      name,
      `jobs:\n  - { command: convert, input: in/a.pmtiles, output: out/a.pmtiles }\n  - ${text}\n`,
    )
    return ['batch', name]
  }
  const cases: [string[], RegExp][] = [
    [
      jobs('{ command: convrt, input: a, output: b }'),
      /^flagstone: \S+\/jobs\d+\.yaml:3:5: There is no command 'convrt'; did you mean 'convert'\?/,
    ],
    [jobs('{ command: serve, input: a }'), /jobs\d+\.yaml:3:5: serve cannot be a job/],
    [
      jobs('{ command: build, input: ortho.tif }'),
      /jobs\d+\.yaml:3:5: build creates a file; name it with output/,
    ],
    [
      jobs('{ command: verify, input: in/a.pmtiles, output: b }'),
      /jobs\d+\.yaml:3:5: verify creates no file/,
    ],
    [
      jobs('{ command: verify, input: [in/a.pmtiles, in/b.pmtiles], options: { decode: 3 } }'),
      /decode: expected true or false, not 3/,
    ],
    [
      jobs('{ command: build, input: ortho.tif, output: b, options: { qualty: 3 } }'),
      /unknown option '--qualty'\. Did you mean --quality\?/,
    ],
    [
      jobs('{ command: build, input: ortho.tif, output: b, options: { maxZoom: 99 } }'),
      /--max-zoom: '99' is not valid/,
    ],
    [
      jobs('{ command: build, input: ortho.tif, output: b, options: { t_srs: a } }'),
      /build has no option --t_srs\. The output is always web mercator/,
    ],
    [
      jobs('{ command: build, input: ortho.tif, output: b, options: { json: true } }'),
      /json is no option of a job/,
    ],
    [['batch', 'convert', join(dir, '*.nothing'), 'out/{name}.pmtiles'], /nothing matches \S+\/\*\.nothing/],
    [['batch', 'convert', 'in/a.pmtiles'], /batch convert needs inputs and an output/],
    [
      ['batch', 'none.yaml', '--overwrite'],
      /batch has no option --overwrite; options of jobs are written in none\.yaml/,
    ],
    [
      jobs('{ command: diff, input: [in/a.pmtiles, in/b.pmtiles], options: { list: true } }'),
      /--list.*--json/,
    ],
    [['batch', 'none.yaml', 'x'], /batch takes one jobs file, or a command/],
    [['batch', join(dir, 'in/a.pmtiles')], /in\/a\.pmtiles is not text/],
    [['batch'], /Usage: flagstone batch \[options\]|missing required argument/],
    [['batch', join(dir, 'jobs1.yaml'), '--jobs', '0'], /from 1 to 256/],
    [['batch', join(dir, 'jobs1.yaml'), '--mem-limit', '10M'], /at least 256 MB/],
  ]
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = await refused(args)
    t.equal(status, 2, `${args.join(' ')}: ${stderr}`)
    t.match(stderr, message)
    t.equal(stdout, '')
    t.equal(stderr.trim().split('\n').length, 1, stderr)
  }
  t.notOk(existsSync(join(dir, 'out')), 'nothing ran')
})

t.test('options are written as in YAML', async (t) => {
  const dir = workspace(t)
  writeFileSync(
    join(dir, 'jobs.yaml'),
    `defaults: { build: { maxZoom: 14, quality: 50 } }
jobs:
  - command: build
    input: ortho.tif
    output: o.pmtiles
    options: { quality: 80, alpha: false, dedupe: true, overwrite: "true", bbox: [14.6, 47.5, 14.7, 47.6], metadata: { a: b, n: 1 } }
  - { command: sample, input: o.pmtiles, output: o.png, options: { size: 100 } }
`,
  )
  const { status, stdout, stderr } = await here(dir, 'batch', 'jobs.yaml', '--json')
  t.equal(status, 0, stderr)
  const { jobs } = JSON.parse(stdout) as BatchReport
  t.same(jobs[0]!.argv, [
    ...['build', 'ortho.tif', 'o.pmtiles', '--max-zoom=14', '--quality=80', '--no-alpha', '--overwrite'],
    ...['--bbox=14.6,47.5,14.7,47.6', '--metadata=a=b', '--metadata=n=1'],
  ])
  t.match(jobs[1]!.verdict?.result, { width: 100 })
  t.ok(existsSync(join(dir, 'o.png')))
})

t.test('a dry run knows what follows from what', async (t) => {
  const dir = workspace(t)
  writeFileSync(
    join(dir, 'jobs.yaml'),
    `jobs:
  - { command: verify, input: d.pmtiles }
  - { command: convert, input: c.pmtiles, output: d.pmtiles }
  - { command: convert, input: in/c.pmtiles, output: c.pmtiles }
  - { command: convert, input: in/none.pmtiles, output: e.pmtiles }
  - { command: verify, input: e.pmtiles }
`,
  )
  t.equal((await here(dir, 'batch', 'jobs.yaml')).status, 1)
  rmSync(join(dir, 'c.pmtiles'))
  const { stdout, status } = await here(dir, 'batch', 'jobs.yaml', '--dry-run')
  t.equal(status, 1)
  t.same(stdout.split('\n'), [
    'run   verify d.pmtiles  (needs d.pmtiles, which would run)',
    'run   d.pmtiles  (inputs or options have changed)',
    'run   c.pmtiles  (its output is missing)',
    'fail  e.pmtiles  (in/none.pmtiles does not exist)',
    'fail  verify e.pmtiles  (needs e.pmtiles, which would fail)',
    '3 would run, 0 would be skipped, 2 would fail.',
    '',
  ])
})

t.test('the report is written, and replaces only reports', async (t) => {
  const dir = workspace(t)
  const line = ['batch', 'verify', 'in/a.pmtiles', '--report', 'r.json']
  t.equal((await here(dir, ...line)).status, 0)
  t.equal((await here(dir, ...line)).status, 0)
  t.match(JSON.parse(readFileSync(join(dir, 'r.json'), 'utf8')), { counts: { skipped: 1 } })
  writeFileSync(join(dir, 'r.json'), '{"mine": 1}')
  const refused = await here(dir, ...line)
  t.equal(refused.status, 1)
  t.match(refused.stderr, /r\.json exists and is not a report of a batch/)
  t.equal(readFileSync(join(dir, 'r.json'), 'utf8'), '{"mine": 1}')
})

/** A batch with a build that takes a while, and a conversion after it; resolves when the build runs. */
async function slowBatch(t: Test): Promise<{ dir: string; batch: Child; workers: () => number[] }> {
  const dir = workspace(t)
  const options = '{ max-zoom: 21, oversample: true, format: png }'
  writeFileSync(
    join(dir, 'jobs.yaml'),
    `jobs:\n  - { command: build, input: ortho.tif, output: o.pmtiles, options: ${options} }\n  - { command: convert, input: o.pmtiles, output: p.pmtiles }\n`,
  )
  const batch = start(dir, 'batch', 'jobs.yaml', '-j', '1')
  t.teardown(() => batch.kill())
  await until('the build to begin', () => existsSync(join(dir, 'o.pmtiles.build')))
  return { dir, batch, workers: () => workersIn(dir, batch) }
}

t.test('Ctrl-C stops the jobs; the same command continues', async (t) => {
  const { dir, batch, workers } = await slowBatch(t)
  t.equal(workers().length, 1)
  batch.kill('SIGINT')
  t.same(await batch.end(), { code: 130, signal: null })
  t.match(
    batch.lines.join('\n'),
    /interrupted {2}o\.pmtiles[\s\S]*not started {2}p\.pmtiles[\s\S]*run the same command again to continue/,
  )
  t.same(workers(), [], 'no process is left')
  const dry = await here(dir, 'batch', 'jobs.yaml', '--dry-run')
  t.match(dry.stdout, /^run {3}o\.pmtiles {2}\(interrupted before\)/)
  writeFileSync(join(dir, 'small.yaml'), 'jobs: [{ command: verify, input: in/a.pmtiles }]')
  t.equal((await here(dir, 'batch', 'small.yaml')).status, 0)
})

t.test('a killed batch leaves no process behind', async (t) => {
  const { batch, workers } = await slowBatch(t)
  const [worker] = workers()
  t.ok(worker)
  batch.kill('SIGKILL')
  await batch.end()
  await until('its processes to end', () => workers().length === 0)
})

t.test('a job whose process dies fails, and only that', async (t) => {
  const { dir, batch, workers } = await slowBatch(t)
  for (const pid of workers()) process.kill(pid, 'SIGKILL')
  t.same(await batch.end(), { code: 1, signal: null })
  const said = batch.lines.join('\n')
  t.match(
    said,
    /failed +o\.pmtiles +[\d.]+ s {2}The process of this job was ended by SIGKILL; it may have run out of memory\./,
  )
  t.match(said, /blocked +p\.pmtiles +needs o\.pmtiles/)
  t.ok(existsSync(join(dir, 'jobs.yaml.state')))
})

/** What a terminal shows after it was written to: text, line feeds, ESC[nA (up) and ESC[J (erase below) only. */
function screenOf(written: string): string[] {
  const lines = ['']
  let row = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own
  for (const [part] of written.matchAll(/\r|\n|\x1b\[\d+A|\x1b\[J|[^\r\n\x1b]+/g)) {
    if (part === '\n') lines[++row] ??= ''
    else if (part === '\x1b[J') lines.splice(row, lines.length, '')
    else if (part.startsWith('\x1b')) row -= Number(part.slice(2, -1))
    else if (part !== '\r') lines[row] += part
  }
  return lines.filter((line) => line !== '')
}

async function onTerminal(dir: string, file: string, stopAt?: RegExp) {
  const stop = new AbortController()
  let written = ''
  const stderr = {
    write(chunk: string | Uint8Array) {
      written += String(chunk)
      if (stopAt?.test(screenOf(written).join('\n')) === true) stop.abort()
    },
  }
  const stdout = { write() {} }
  const io = { stdout, stderr, isTerminal: true, columns: () => 60, signal: stop.signal }
  const code = await run(['batch', join(dir, file), '-j', '1'], io)
  return { code, written, screen: screenOf(written) }
}

t.test('on a terminal: a line for each running job, which goes when it ends', async (t) => {
  const dir = workspace(t)
  const build =
    '{ command: build, input: ortho.tif, output: o.pmtiles, options: { max-zoom: 21, oversample: true } }'
  writeFileSync(join(dir, 'jobs.yaml'), `jobs:\n  - ${build}\n  - { command: verify, input: o.pmtiles }\n`)
  const stopped = await onTerminal(
    dir,
    'jobs.yaml',
    /^ +\d+ % {2}o\.pmtiles +\S.*\n0 of 2 jobs ended, 1 running$/m,
  )
  t.equal(stopped.code, 130)
  t.match(stopped.screen[0], 'Stopping the running jobs; press Ctrl-C again to stop now.')
  t.match(stopped.screen[1], /^\[1\/2\] interrupted o\.pmtiles/)
  t.equal(stopped.screen.length, 2, stopped.screen.join('\n'))
  const live = stopped.written
    .split(/[\r\n]+/)
    .filter((line) => /^ +\d+ %| running/.test(line) && !/^\S*Stopping/.test(line))
  t.ok(live.length > 1)
  t.same(
    live.filter((line) => line.length >= 60),
    [],
    'every line fits',
  )
  writeFileSync(join(dir, 'quick.yaml'), 'jobs: [{ command: verify, input: in/*.pmtiles }]')
  const { code, screen } = await onTerminal(dir, 'quick.yaml')
  t.equal(code, 0)
  t.match(screen, [/^\[1\/3\] done verify in\/a\.pmtiles in /, /^\[2\/3\] done /, /^\[3\/3\] done /])
  t.equal(screen.length, 3)
})
