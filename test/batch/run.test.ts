// The order of jobs, what runs again, and how threads and memory are shared: with commands that only write files.
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { limitsOf } from '../../src/batch/budget.js'
import type { CommandLine, Commands, LineText } from '../../src/batch/commands.js'
import type { BatchText } from '../../src/batch/options.js'
import { type Plan, planBatch } from '../../src/batch/plan.js'
import type { BatchReport, Verdict } from '../../src/batch/report.js'
import { runBatch } from '../../src/batch/run.js'
import { BatchState } from '../../src/batch/state.js'
import { until } from '../helpers/waiting.js'

const takes = { threads: true, memLimit: true, overwrite: true, resume: true }

/** `make`: creates its output from its inputs; `check` reads; `change` changes its first input. */
const commands: Commands = {
  shape: async (command) => ({ makesOutput: command === 'make', maxInputs: command === 'make' ? 99 : 1 }),
  line: async ({ command, input, output, options }: LineText): Promise<CommandLine> => {
    const changes = command === 'change' ? input[0] : undefined
    const argv = [command, ...input, ...(output === undefined ? [] : [output]), ...Object.keys(options)]
    const own = { threads: options['threads'] as number | undefined, memLimit: undefined }
    const inputs = input.filter((path) => path !== changes)
    return { argv, inputs, maybeInputs: [], output, alsoCreated: [], changes, effect: argv, own, takes }
  },
}

const planned = (base: string, jobs: BatchText['jobs']): Promise<Plan> =>
  planBatch({ jobs, base, placeOf: (job) => `jobs.yaml:${job + 1}` }, commands)

interface Ran {
  readonly report: BatchReport
  /** Command lines in the order in which they started. */
  readonly lines: readonly string[]
  readonly statuses: readonly string[]
  readonly most: number
}

interface Way {
  readonly threads?: number
  readonly atOnce?: number
  readonly failFast?: boolean
  readonly signal?: AbortSignal
  readonly work?: (argv: readonly string[]) => Promise<Partial<Verdict>>
}

async function ran(base: string, jobs: BatchText['jobs'], way: Way = {}): Promise<Ran> {
  const plan = await planned(base, jobs)
  const lines: string[] = []
  let running = 0
  let most = 0
  const signal = way.signal ?? new AbortController().signal
  const state = await BatchState.open(join(base, 'state'), 1000, signal, () => {})
  const runJob = async (argv: readonly string[]): Promise<Verdict> => {
    lines.push(argv.join(' '))
    most = Math.max(most, ++running)
    const verdict = (await way.work?.(argv)) ?? {}
    const out = plan.jobs.find((job) => job.line.argv.every((word, i) => word === argv[i]))?.output
    if ((verdict.exitCode ?? 0) === 0 && out !== undefined) writeFileSync(out, `${lines.length}`)
    running--
    return { exitCode: 0, seconds: 1, ...verdict }
  }
  try {
    const limits = limitsOf(way.threads ?? 4, 8 * 2 ** 30, way.atOnce)
    const report = await runBatch(plan, state, limits, way.failFast === true, { runJob, signal })
    return { report, lines, most, statuses: report.jobs.map(({ status }) => status) }
  } finally {
    state.close()
  }
}

const folder = (t: Test): string => t.testdir({ a: 'a', b: 'b', c: 'c' })
const make = (input: string | string[], output: string, more: object = {}) => ({
  command: 'make',
  input,
  output,
  ...more,
})
const wordsOf = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/ --(threads|mem-limit)=\d+/g, ''))

t.test('a job waits for those whose outputs it reads, and for those it needs', async (t) => {
  const base = folder(t)
  const jobs = [
    { command: 'check', input: 'z' },
    make('y', 'z'),
    make(['a', 'x'], 'y'),
    make('b', 'x', { needs: 'w', name: 'job x' }),
    make('c', 'w'),
    { command: 'check', input: ['a'], needs: ['job x', 'z'] },
  ]
  const { lines, statuses } = await ran(base, jobs)
  t.same(wordsOf(lines), ['make c w', 'make b x', 'make a x y', 'make y z', 'check z', 'check a'])
  t.ok(statuses.every((status) => status === 'done'))
})

t.test('a file that is changed is read before by those above, after by those below', async (t) => {
  const base = folder(t)
  const jobs = [
    { command: 'check', input: 'm' },
    { command: 'change', input: 'm' },
    { command: 'check', input: 'm', options: { again: true } },
    make('a', 'm'),
  ]
  const { lines } = await ran(base, jobs)
  t.same(wordsOf(lines), ['make a m', 'check m', 'change m', 'check m again'])
})

t.test('patterns match files, and what jobs above create', async (t) => {
  const base = t.testdir({ in: { 'a.x': '', deep: { 'b.x': '' } }, 'a.build': '' })
  const plan = await planned(base, [
    make('in/**/*.x', 'out/{dir}/{name}.{ext}.y'),
    make('out/**/*.y', 'all'),
    { command: 'check', input: 'out/*.y' },
    make('*', 'everything'),
  ])
  t.same(
    plan.jobs.map(({ name }) => name),
    ['out/a.x.y', 'out/deep/b.x.y', 'all', 'check out/a.x.y', 'everything'],
  )
  t.same(plan.jobs[2]!.line.inputs, ['out/a.x.y', 'out/deep/b.x.y'])
  t.same(plan.jobs[4]!.line.inputs, ['all'], 'neither folders nor checkpoints, and not itself')
  t.same(
    plan.jobs.map(({ needs }) => needs),
    [[], [], [0, 1], [0], [2]],
  )
})

t.test('the name of a pattern is that of all its jobs; absolute patterns stay absolute', async (t) => {
  const base = t.testdir({ in: { a: '', b: '' } })
  const plan = await planned(base, [
    make('in/*', 'out/{name}', { name: 'all' }),
    make('in/a', 'last', { needs: 'all' }),
    make(join(base, 'in/*'), 'y/{dir}/{name}'),
  ])
  t.same(
    plan.jobs.map(({ name, needs }) => [name, needs]),
    [
      ['out/a', []],
      ['out/b', []],
      ['last', [0, 1]],
      ['y/a', []],
      ['y/b', []],
    ],
  )
  t.same(plan.jobs[3]!.line.inputs, [join(base, 'in/a')])
})

t.test('a folder is as its files are, without what comes and goes', async (t) => {
  const base = t.testdir({ in: { a: '', deep: { b: '' } } })
  const jobs = [make('in', 'in/out'), { command: 'check', input: 'in' }]
  t.same((await ran(base, jobs)).statuses, ['done', 'done'])
  writeFileSync(join(base, 'in/out.build'), '')
  t.same((await ran(base, jobs)).statuses, ['skipped', 'skipped'])
  writeFileSync(join(base, 'in/deep/b'), 'other')
  t.same((await ran(base, jobs)).statuses, ['done', 'done'])
})

t.test('a list is as the files are that it names', async (t) => {
  const base = t.testdir({ 'a.tif': '', 'b.tif': '', 'cut.geojson': '{}' })
  writeFileSync(join(base, 'list.csv'), 'location,priority\na.tif,1\n')
  writeFileSync(join(base, 'list.txt'), 'b.tif\n')
  const jobs = [make(['list.csv', 'cut.geojson'], 'x'), make('@list.txt', 'y')]
  t.same((await ran(base, jobs)).statuses, ['done', 'done'])
  t.same((await ran(base, jobs)).statuses, ['skipped', 'skipped'])
  writeFileSync(join(base, 'a.tif'), 'other')
  t.same((await ran(base, jobs)).statuses, ['done', 'skipped'])
  writeFileSync(join(base, 'b.tif'), 'other')
  t.same((await ran(base, jobs)).statuses, ['skipped', 'done'])
  writeFileSync(join(base, 'list.csv'), 'location,priority\na.tif,2\n')
  t.same((await ran(base, jobs)).statuses, ['done', 'skipped'])
})

t.test('another name is not another job', async (t) => {
  const base = folder(t)
  await ran(base, [make('a', 'x')])
  t.same((await ran(base, [make('a', 'x', { name: 'first' })])).statuses, ['skipped'])
})

t.test('what cannot be: refused before anything runs', async (t) => {
  const base = t.testdir({ a: 'a', in: { a: '1', deep: { a: '2' } } })
  symlinkSync('in', join(base, 'link'))
  const cases: [BatchText['jobs'], RegExp][] = [
    [[make('a', 'z'), make('a', './z')], /^jobs\.yaml:2: \.\/z is also created by z; choose/],
    [[make('a', 'in/z'), make('a', 'link/z')], /^jobs\.yaml:2: link\/z is also created by in\/z/],
    [
      [make('in/**/a', 'out/{name}')],
      /two jobs create out\/a, from in\/a and from in\/deep\/a; use \{name\}, \{dir\}/,
    ],
    [[make('in/a', 'link/a')], /link\/a is also an input of this job/],
    [[make('z', 'y'), make('y', 'z')], /^jobs\.yaml:1: these jobs wait for each other: 'y', 'z'/],
    [[make('a', 'z', { needs: 'zz' })], /needs: there is no job 'zz'; did you mean 'z'\?/],
    [
      [make('a', 'z', { name: 'q' }), make('a', 'y', { name: 'q' })],
      /there is another job 'q', at jobs\.yaml:1/,
    ],
    [[make('*', '{base}.b')], /^jobs\.yaml:1: there is no \{base\} for an output .*use \{name\}/],
    [[make('none/*', 'z')], /^jobs\.yaml:1: nothing matches none\/\*/],
    [[make('in/**/a', '{dir}/{name}', { name: 'q' }), make('a', 'q')], /there is another job 'q'/],
  ]
  for (const [jobs, message] of cases) await t.rejects(planned(base, jobs), { code: 'BAD_OPTION', message })
})

t.test('what is done is skipped, until its input, its options or its output change', async (t) => {
  const base = folder(t)
  const jobs = [make('a', 'x'), make('x', 'y'), { command: 'check', input: 'b' }]
  t.same((await ran(base, jobs)).statuses, ['done', 'done', 'done'])
  t.same((await ran(base, jobs)).statuses, ['skipped', 'skipped', 'skipped'])

  utimesSync(join(base, 'a'), 1, 1)
  const changed = await ran(base, jobs)
  t.same(changed.statuses, ['done', 'done', 'skipped'], 'an input, and what is made of its output')
  t.ok(
    changed.lines.every((line) => line.endsWith('--overwrite')),
    'its own output may be replaced',
  )

  rmSync(join(base, 'y'))
  const missing = await ran(base, jobs)
  t.same(missing.statuses, ['skipped', 'done', 'skipped'], 'an output is missing')
  t.equal(missing.report.jobs[1]!.why, 'its output is missing')

  writeFileSync(join(base, 'y'), 'of somebody else')
  const foreign = await ran(base, jobs)
  t.equal(foreign.report.jobs[1]!.why, 'its output has changed')
  t.notMatch(foreign.lines[0], /--overwrite/, 'a file that the batch did not create may not be replaced')

  const options = await ran(base, [make('a', 'x', { options: { other: true } })])
  t.equal(options.report.jobs[0]!.why, 'inputs or options have changed')
})

t.test('a job that fails stops those that need it, and no others', async (t) => {
  const base = folder(t)
  const jobs = [make('a', 'x'), make('x', 'y'), make('y', 'z'), make('b', 'w'), make('nothing', 'v')]
  const work = async ([, input]: readonly string[]) => (input === 'a' ? { exitCode: 1, message: 'no' } : {})
  const { statuses, report } = await ran(base, jobs, { work })
  t.same(statuses, ['failed', 'blocked', 'blocked', 'done', 'failed'])
  t.equal(report.jobs[4]!.verdict?.message, 'nothing does not exist.')
  t.match(report.counts, { failed: 2, blocked: 2, done: 1 })
  const again = await ran(base, jobs)
  t.same(again.statuses, ['done', 'done', 'done', 'skipped', 'failed'], 'what failed is tried again')
  t.match(again.lines[0], /--resume/, 'and continues, where it can')
})

t.test('--fail-fast starts no more', async (t) => {
  const base = folder(t)
  const jobs = [make('a', 'x'), make('b', 'y'), make('c', 'z')]
  const work = async ([, input]: readonly string[]) => (input === 'b' ? { exitCode: 1 } : {})
  const { statuses } = await ran(base, jobs, { work, failFast: true, atOnce: 1 })
  t.same(statuses, ['done', 'failed', 'not started'])
})

t.test('losses are success; a process that died is a failure', async (t) => {
  const base = folder(t)
  const work = async ([, input]: readonly string[]) => ({ exitCode: input === 'a' ? 4 : undefined })
  const { statuses } = await ran(base, [make('a', 'x'), make('b', 'y')], { work })
  t.same(statuses, ['done', 'failed'])
})

t.test('an interrupted job, and one whose batch was killed, continue over what they have left', async (t) => {
  const base = folder(t)
  const abort = new AbortController()
  const work = async ([, , output = '']: readonly string[]) => {
    writeFileSync(join(base, output), 'half')
    abort.abort()
    return { exitCode: 130 }
  }
  const jobs = [make('a', 'x'), make('b', 'y')]
  const first = await ran(base, jobs, { work, signal: abort.signal, atOnce: 1 })
  t.same(first.statuses, ['interrupted', 'not started'])
  t.ok(first.report.interrupted)
  const second = await ran(base, jobs, { atOnce: 1 })
  t.same(second.statuses, ['done', 'done'])
  t.match(second.lines[0], /--overwrite --resume$/)
  t.equal(second.report.jobs[0]!.why, 'interrupted before')
  t.notMatch(second.lines[1], /--(overwrite|resume)/)
})

t.test('a file that was there before is never taken for the work of a job', async (t) => {
  const base = folder(t)
  const mine = join(base, 'x')
  writeFileSync(mine, 'mine')
  const abort = new AbortController()
  const work = async () => {
    abort.abort()
    return { exitCode: 130 }
  }
  await ran(base, [make('a', 'x')], { work, signal: abort.signal })
  writeFileSync(mine, 'mine, too')
  const exists = async () => ({ exitCode: 1, code: 'EXISTS' })
  const { lines } = await ran(base, [make('a', 'x')], { work: exists })
  t.notMatch(lines[0], /--overwrite/)
  writeFileSync(mine, 'mine again')
  t.notMatch((await ran(base, [make('a', 'x')], { work: exists })).lines[0], /--overwrite/)
})

t.test('what cannot be continued starts again', async (t) => {
  const base = folder(t)
  await ran(base, [make('a', 'x')], { work: async () => ({ exitCode: 1 }) })
  const work = async (argv: readonly string[]) =>
    argv.includes('--resume') ? { exitCode: 1, code: 'NOT_RESUMABLE' } : {}
  const { lines, statuses } = await ran(base, [make('a', 'x')], { work })
  t.same(wordsOf(lines), ['make a x --resume', 'make a x'])
  t.same(statuses, ['done'])
})

t.test('threads and memory are shared', async (t) => {
  const base = folder(t)
  const shares = async (count: number, way: Way): Promise<number[]> => {
    rmSync(join(base, 'state'), { force: true })
    const open: (() => void)[] = []
    const jobs = Array.from({ length: count }, (_, n) => make('a', `out${n}`))
    const work = async () => {
      await new Promise<void>((resolve) => open.push(resolve))
      return {}
    }
    const all = ran(base, jobs, { ...way, work })
    const wanted = Math.min(count, way.atOnce ?? way.threads!)
    for (let ended = 0; ended < count; ended++) {
      await until('the jobs to start', () => open.length + ended >= Math.min(count, wanted + ended))
      open.shift()!()
    }
    const { lines, most } = await all
    t.ok(most <= wanted, `${most} at once`)
    return lines.map((line) => Number(/--threads=(\d+)/.exec(line)![1]))
  }
  t.same(await shares(2, { threads: 8 }), [4, 4])
  t.same(await shares(3, { threads: 8 }), [2, 3, 3])
  t.same((await shares(5, { threads: 4 })).slice(0, 4), [1, 1, 1, 1])
  t.same((await shares(4, { threads: 8, atOnce: 2 })).slice(0, 2), [4, 4])
  t.throws(() => limitsOf(4, 100e6, undefined), { code: 'BAD_OPTION', message: /at least 256 MB/ })
  t.equal(limitsOf(8, 2 ** 30, undefined).jobs, 4, 'each has 256 MB')
})

t.test('the state: torn lines are cut off, other files refused, one batch at a time', async (t) => {
  const base = folder(t)
  const path = join(base, 'state')
  await ran(base, [make('a', 'x'), make('b', 'y')])
  const whole = readFileSync(path, 'utf8')
  for (const torn of [whole.slice(0, -5), `${whole}{"job":"x","fing`, whole.slice(0, 20), '']) {
    writeFileSync(path, torn)
    t.ok((await ran(base, [make('a', 'x'), make('b', 'y')])).statuses.every((s) => /done|skipped/.test(s)))
  }
  const { signal } = new AbortController()
  const state = await BatchState.open(path, 0, signal, () => {})
  let waited = 0
  await t.rejects(
    BatchState.open(path, 300, signal, () => waited++),
    { code: 'LOCKED', message: /another batch/ },
  )
  t.equal(waited, 1)
  await t.rejects(
    BatchState.open(path, 1e6, AbortSignal.abort(), () => {}),
    { code: 'INTERRUPTED' },
  )
  state.close()
  writeFileSync(path, 'mine')
  await t.rejects(
    BatchState.open(path, 0, signal, () => {}),
    { code: 'EXISTS', message: /not the state of a batch/ },
  )
  t.equal(readFileSync(path, 'utf8'), 'mine')
})

t.test('a state that has grown is written anew, as it was', async (t) => {
  const base = folder(t)
  const path = join(base, 'state')
  const { signal } = new AbortController()
  const state = await BatchState.open(path, 0, signal, () => {})
  const message = 'x'.repeat(200_000)
  const verdict = { exitCode: 1, seconds: 0, message }
  for (let i = 0; i < 12; i++) state.add({ job: `j${i % 3}`, event: 'ended', fingerprint: `${i}`, verdict })
  state.close()
  const before = statSync(path).size
  const again = await BatchState.open(path, 0, signal, () => {})
  t.ok(statSync(path).size < before / 3)
  t.notOk(existsSync(`${path}.tmp`))
  t.same(
    [0, 1, 2].map((n) => again.get(`j${n}`)?.fingerprint),
    ['9', '10', '11'],
  )
  again.add({ job: 'j0', event: 'started', fingerprint: 'new' })
  await t.rejects(
    BatchState.open(path, 0, signal, () => {}),
    { code: 'LOCKED' },
  )
  again.close()
  t.equal(BatchState.peek(path).get('j0')?.fingerprint, 'new')
})

t.test('a pattern with ** follows no links, and can be interrupted', async (t) => {
  const base = t.testdir({ sub: { 'x.a': '' }, 'y.a': '' })
  symlinkSync('..', join(base, 'sub/up'))
  symlinkSync('x.a', join(base, 'sub/link.a'))
  const { jobs } = await planned(base, [{ command: 'check', input: '**/*.a' }])
  t.same(
    jobs.map(({ name }) => name),
    ['check sub/link.a', 'check sub/x.a', 'check y.a'],
  )
  const batch = { jobs: [{ command: 'check', input: '**/*.a' }], base, placeOf: () => 'jobs.yaml:1' }
  await t.rejects(planBatch({ ...batch, signal: AbortSignal.abort() }, commands), { code: 'INTERRUPTED' })
})
