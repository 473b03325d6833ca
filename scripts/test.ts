// The test suite: every compiled test file in a process of its own, some at once, the long ones first, so that
// none of them is alone at the end. `npm test -- server/ cli/` runs the files whose path holds one of these words.
// `npm run test:long` runs the long forms of what has no end (test/helpers/rounds.ts). With --save-times the seconds that
// each took go to test/seconds.json, which says what comes first.
//
// tap's own runner is not used: it loads two module hooks into every process and worker thread that a test
// starts: 16 to 46 % of the CPU time of the six files measured. The files and what they print are the same.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, sep } from 'node:path'
import { Transform } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import t from 'tap'

/** One more than cores: there is always a file that waits for the disk. */
const JOBS = Number(process.env['TAP_JOBS'] ?? availableParallelism() + 1)
/** Of a file: far more than any takes alone, for machines on which much else runs. What a test waits for ends sooner. */
const TIMEOUT_SECONDS = 1800

const TIMES = new URL('../../test/seconds.json', import.meta.url)
/** Files that take less are not in the list. */
const SHORT_SECONDS = 5

/** Seconds that a file took when they were last saved, by its path without `.test.js`. */
type Seconds = Record<string, number>
const nameOf = (path: string): string => path.split(sep).join('/').replace('.test.js', '')

const here = fileURLToPath(new URL('../test/', import.meta.url))

function testFiles(words: readonly string[]): string[] {
  const found = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.test.js'),
  )
  const seconds = JSON.parse(readFileSync(TIMES, 'utf8')) as Seconds
  const took = (path: string): number => seconds[nameOf(path)] ?? 0
  return found
    .sort()
    .sort((one, other) => took(other) - took(one))
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
}

/** What took longest first. */
function saveTimes(seconds: Seconds): void {
  const long = Object.entries(seconds).filter(([, s]) => s >= SHORT_SECONDS)
  long.sort(([, one], [, other]) => other - one)
  writeFileSync(TIMES, `${JSON.stringify(Object.fromEntries(long), undefined, 2)}\n`)
}

/** For people: one line a file, and all that a file said which failed. Pipes and logs get everything. */
function brief(): Transform {
  let rest = ''
  let held: string[] = []
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!
      let out = ''
      for (const line of lines) {
        if (/^ |^# Subtest|^$/.test(line)) held.push(line)
        else {
          out += line.startsWith('not ok') ? `${[...held, line].join('\n')}\n` : `${line}\n`
          held = []
        }
      }
      done(null, out)
    },
    flush(done) {
      done(null, [...held, rest].join('\n'))
    },
  })
}

// What a test starts inherits this environment, not the one in which tap puts its hooks.
const options = `NODE_OPTIONS=${process.env['NODE_OPTIONS'] ?? ''}`
const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT_SECONDS) }

const { values, positionals: words } = parseArgs({
  options: { 'save-times': { type: 'boolean' } },
  allowPositionals: true,
})
const files = testFiles(words)
if (files.length === 0) throw new Error(`no test file's path holds ${words.join(' or ')}`)
if (values['save-times'] && words.length > 0) throw new Error('--save-times goes with all files')
process.once('exit', () => {
  if (!t.passing()) process.exitCode = 1
})
if (process.stdout.isTTY) t.pipe(brief()).pipe(process.stdout)
t.setTimeout(0)
t.jobs = JOBS
const runs = files.map((path) => {
  const file = relative(process.cwd(), join(here, path))
  const run = t.spawn(
    'env',
    [options, process.execPath, '--enable-source-maps', file],
    { buffered: true, timeout: TIMEOUT_SECONDS * 1000, env, stdio: 'inherit' },
    file,
  )
  return { path, run }
})
// Now rather than at the process's exit, when nothing can pass through `brief` any more.
t.end()
if (values['save-times']) {
  await Promise.all(runs.map(({ run }) => run))
  saveTimes(
    Object.fromEntries(
      runs.map(({ path, run }) => [nameOf(path), Math.round((run.subtest?.time ?? 0) / 1000)]),
    ),
  )
}
