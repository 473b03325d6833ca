// The test suite: every compiled test file in a process of its own, some at once, the long ones first, so that
// none of them is alone at the end. `npm test -- server/ cli/` runs the files whose path holds one of these words.
//
// tap's own runner is not used: it loads two module hooks into every process and worker thread that a test
// starts: 16 to 46 % of the CPU time of the six files measured. The files and what they print are the same.
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { Transform } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** One more than cores: there is always a file that waits for the disk. */
const JOBS = Number(process.env['TAP_JOBS'] ?? availableParallelism() + 1)
/** Of a file: far more than any takes alone, for machines on which much else runs. What a test waits for ends sooner. */
const TIMEOUT_SECONDS = 1800

/** The longest, by their last run; the others follow by name. */
const FIRST = [
  'proof/kill',
  'build/inputs',
  'pyramid/build',
  'proof/kill-build',
  'build/gdal',
  'server/browser',
  'raster/geotiff-gdal',
  'proof/disk-full',
  'build/terrain-gdal',
  'store/behind',
  'proof/power-loss-build',
  'proof/readers',
  'raster/vrt',
  'cli/serve',
]

const here = fileURLToPath(new URL('../test/', import.meta.url))

function testFiles(words: readonly string[]): string[] {
  const found = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.test.js'),
  )
  const first = FIRST.map((name) => join(...`${name}.test.js`.split('/')))
  const gone = first.filter((path) => !existsSync(join(here, path)))
  if (gone.length > 0) throw new Error(`scripts/test.ts names tests that are not there: ${gone}`)
  const rest = found.filter((path) => !first.includes(path)).sort()
  return [...first, ...rest].filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
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

const files = testFiles(process.argv.slice(2))
if (files.length === 0) throw new Error(`no test file's path holds ${process.argv.slice(2)}`)
process.once('exit', () => {
  if (!t.passing()) process.exitCode = 1
})
if (process.stdout.isTTY) t.pipe(brief()).pipe(process.stdout)
t.setTimeout(0)
t.jobs = JOBS
for (const path of files) {
  const file = relative(process.cwd(), join(here, path))
  void t.spawn(
    'env',
    [options, process.execPath, '--enable-source-maps', file],
    { buffered: true, timeout: TIMEOUT_SECONDS * 1000, env, stdio: 'inherit' },
    file,
  )
}
// Now rather than at the process's exit, when nothing can pass through `brief` any more.
t.end()
