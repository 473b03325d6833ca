// What the system refuses is one sentence and an exit code: never a stack, never a wait without end.
import { execFileSync, spawn } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { run } from '../../src/cli/run.js'
import { build } from '../../src/pyramid/build.js'
import { fixture, root } from '../helpers/paths.js'
import { smallTiff } from '../helpers/small-tiff.js'
import { within } from '../helpers/waiting.js'

t.setTimeout(900_000)

const compiled = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src')
const bin = join(compiled, 'cli', 'bin.js')
/** Long enough for a loaded machine; what takes longer hangs. */
const HANGS_MS = 120_000

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a line of the shell in a folder; `flagstone` is this command. */
function shell(dir: string, line: string): Promise<Ended> {
  const script = `flagstone() { "${process.execPath}" "${bin}" "$@"; }; ${line}`
  const child = spawn('bash', ['-c', script], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      process.kill(-child.pid!, 'SIGKILL')
      reject(new Error(`still running after ${HANGS_MS / 1000} s: ${line}`))
    }, HANGS_MS)
    child.on('close', (code) => {
      clearTimeout(timer)
      const text = (list: Buffer[]): string => Buffer.concat(list).toString()
      resolve({ code, stdout: text(out), stderr: text(err) })
    })
  })
}

/** The command in this process, for what does not depend on a process's own streams and limits. */
async function command(dir: string, line: string): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []]
  process.chdir(dir)
  const ran = run(line.split(' '), {
    stdout: { write: (chunk) => out.push(String(chunk)) },
    stderr: { write: (chunk) => err.push(String(chunk)) },
    isTerminal: false,
    signal: new AbortController().signal,
  })
  const code = await within(`the end of ${line}`, ran)
  return { code, stdout: out.join(''), stderr: err.join('') }
}

function isSentence(t: Test, { code, stderr }: Ended, says: RegExp, exit: number, name: string): void {
  t.match(stderr, says, name)
  t.notMatch(stderr, /\n {4}at |node:/, `${name}: no stack`)
  t.equal(code, exit, `${name}: exit code`)
}

/** A folder with a small image, and a tile file made of it. */
async function folder(t: Test): Promise<string> {
  const dir = t.testdir({})
  writeFileSync(join(dir, 'a.tif'), smallTiff({ width: 128, height: 128 }).bytes)
  await build({ sources: [join(dir, 'a.tif')], out: join(dir, 'a.pmtiles'), threads: 0 })
  return dir
}

t.test('named pipes are refused, wherever a file is asked for', async (t) => {
  const dir = await folder(t)
  execFileSync(
    'mkfifo',
    ['p', 'p.tif', 'p.pmtiles', 'p.mbtiles', 'p.json'].map((name) => join(dir, name)),
  )
  mkdirSync(join(dir, 'xyz', '3', '1'), { recursive: true })
  copyFileSync(fixture('ortho.tif'), join(dir, 'xyz', '3', '1', '1.png'))
  execFileSync('mkfifo', [join(dir, 'xyz', '3', '1', '2.png')])
  writeFileSync(
    join(dir, 'p.vrt'),
    `<VRTDataset rasterXSize="9" rasterYSize="9"><SRS>EPSG:3857</SRS><GeoTransform>0,1,0,0,0,-1</GeoTransform>
      <VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="1">p.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>`,
  )
  for (const [line, exit] of [
    ['build p.tif b.pmtiles', 1],
    ['build a.tif p.tif b.pmtiles', 1],
    ['build p.vrt b.pmtiles', 1],
    ['build @p b.pmtiles', 2],
    ['build a.tif b.pmtiles --cutline p.json', 2],
    ['build a.tif b.pmtiles --bands 1 --colormap p.json', 2],
    ['build p.pmtiles b.pmtiles', 1],
    ['build p.mbtiles b.pmtiles', 1],
    ['info p.pmtiles', 1],
    ['verify p.pmtiles', 1],
    ['sample p.pmtiles -o s.png', 1],
    ['tile p.pmtiles 0 0 0', 1],
    ['serve p.pmtiles -p 0', 1],
    ['serve p.mbtiles -p 0', 1],
    ['serve a.pmtiles -p 0 --tls-cert p --tls-key p', 1],
  ] as const) {
    isSentence(t, await command(dir, line), /not (a regular file|a list)[:,]? .*named pipe/, exit, line)
  }
  t.notOk(existsSync(join(dir, 'b.pmtiles')))
})

t.test('files beside an image that are pipes are none', async (t) => {
  const dir = await folder(t)
  const beside = ['a.tif.ovr', 'a.tif.msk', 'a.tif.aux.xml', 'a.tfw', 'a.prj']
  execFileSync(
    'mkfifo',
    beside.map((name) => join(dir, name)),
  )
  const made = await command(dir, 'build a.tif b.pmtiles')
  t.equal(made.code, 0, made.stderr)
})

t.test('an unfinished build whose checkpoint is a pipe', async (t) => {
  const dir = await folder(t)
  execFileSync('mkfifo', [join(dir, 'a.pmtiles.build')])
  isSentence(
    t,
    await command(dir, 'build a.tif a.pmtiles --resume'),
    /a\.pmtiles\.build is (not a regular file|in the way)/,
    1,
    'resume',
  )
})

t.test('sockets, devices, directories', async (t) => {
  const dir = await folder(t)
  mkdirSync(join(dir, 'd.tif'))
  isSentence(t, await command(dir, 'build /dev/null b.pmtiles'), /it is a device/, 1, 'a device')
  isSentence(t, await command(dir, 'build d.tif b.pmtiles'), /has no rasters/, 1, 'a directory')
  isSentence(t, await command(dir, 'info d.tif'), /is a folder without z\/x\/y tiles/, 1, 'a directory')
})

t.test(
  'standard output and error that take nothing',
  { skip: existsSync('/dev/full') ? false : '/dev/full' },
  async (t) => {
    const dir = await folder(t)
    for (const line of [
      'info a.pmtiles',
      'info a.pmtiles --json',
      'verify a.pmtiles',
      'sample a.pmtiles',
      'build a.tif b.pmtiles --json',
      'help',
      '--version',
    ]) {
      isSentence(
        t,
        await shell(dir, `flagstone ${line} > /dev/full`),
        /cannot be written to standard output .*no space left/,
        1,
        line,
      )
      rmSync(join(dir, 'b.pmtiles'), { force: true })
    }
    const closed = await shell(dir, 'set -o pipefail; flagstone info a.pmtiles | true')
    t.same([closed.code, closed.stderr], [0, ''], 'a reader that is gone is no failure')
    t.equal(
      (await shell(dir, 'flagstone build a.tif b.pmtiles 2> /dev/full')).code,
      0,
      'messages may be lost',
    )
  },
)

t.test('outputs where nothing can be written', async (t) => {
  const dir = await folder(t)
  symlinkSync('loop2', join(dir, 'loop1'))
  symlinkSync('loop1', join(dir, 'loop2'))
  for (const [line, says] of [
    ['tile a.pmtiles 14 8600 5739 -o none/t.png', /none/],
    ['sample a.pmtiles -o none/s.png', /none/],
    ['sample a.pmtiles -o /proc/s.png', /\/proc/],
    ['build a.tif /proc/b.pmtiles', /\/proc/],
    ['build a.tif none/b.pmtiles', /none/],
    ['build loop1 b.pmtiles', /circle|loop/],
    ['build a.tif b.pmtiles --cutline loop1', /circle|loop/],
    ['build a.tif b.pmtiles --bands 1 --colormap loop1', /circle|loop/],
    ['build @loop1 b.pmtiles', /circle|loop/],
    ['build a.tif loop1', /loop1/],
    ['info loop1', /circle|loop/],
    ['serve loop1 -p 0', /loop1/],
  ] as const) {
    const ended = await command(dir, line)
    t.match(ended.stderr, says, line)
    t.notMatch(ended.stderr, /\n {4}at |node:/, `${line}: no stack`)
    t.not(ended.code, 0, `${line}: exit code`)
  }
})

t.test('few descriptors', async (t) => {
  const dir = await folder(t)
  mkdirSync(join(dir, 'many'))
  for (let i = 0; i < 60; i++) {
    const place = [(i % 8) * 320, -Math.floor(i / 8) * 320, 10] as const
    const paint = (x: number, y: number, band: number): number => (i * 31 + band * 50 + x + y) % 256
    writeFileSync(
      join(dir, 'many', `${i}.tif`),
      smallTiff({ width: 32, height: 32, block: 32, place, paint }).bytes,
    )
  }
  const whole = JSON.parse((await command(dir, 'build many all.pmtiles --json')).stdout)
  for (const limit of [64, 256]) {
    const line = `ulimit -n ${limit}; flagstone build many f${limit}.pmtiles --json -j 3`
    const { code, stdout, stderr } = await shell(dir, line)
    t.equal(code, 0, stderr)
    const report = JSON.parse(stdout)
    t.same([report.tiles, report.tileBytes], [whole.tiles, whole.tileBytes], `the same tiles with ${limit}`)
  }
  for (const line of ['build many g.pmtiles', 'info a.pmtiles', 'serve a.pmtiles -p 0', 'nonsense']) {
    isSentence(t, await shell(dir, `ulimit -n 20; flagstone ${line}`), /ulimit -n/, 1, line)
  }
})

t.test('a build inside a bundle uses the thread that it has, and says why', async (t) => {
  const dir = t.testdir({})
  // what a bundler leaves: our code, and nothing beside it
  mkdirSync(join(dir, 'lib'))
  cpSync(compiled, join(dir, 'lib', 'src'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
  rmSync(join(dir, 'lib', 'src', 'pyramid', 'work', 'worker.js'))
  rmSync(join(dir, 'lib', 'src', 'platform', 'write-thread.js'))
  // what esbuild leaves in CommonJS (test/repository/layers.test.ts holds that no other file asks)
  cpSync(join(dir, 'lib'), join(dir, 'cjs'), { recursive: true })
  const asking = join(dir, 'cjs', 'src', 'beside.js')
  const empty = readFileSync(asking, 'utf8').replaceAll('import.meta', '({})')
  writeFileSync(asking, `const __filename = ${JSON.stringify(join(dir, 'bundle.cjs'))}\n${empty}`)
  const paint = (x: number, y: number): number => (x * 7 + y * 13) % 256
  writeFileSync(join(dir, 'a.tif'), smallTiff({ width: 2048, height: 2048, block: 256, paint }).bytes)
  for (const form of ['lib', 'cjs']) {
    writeFileSync(
      join(dir, 'app.js'),
      `import { build } from './${form}/src/index.js'
       const out = '${form}.pmtiles'
       const report = await build({ sources: ['a.tif'], out, threads: 2, minZoom: 15, maxZoom: 15 })
       console.log(JSON.stringify(report))`,
    )
    const { code, stdout, stderr } = await shell(dir, `"${process.execPath}" app.js`)
    t.equal(code, 0, `${form}: ${stderr}`)
    const { tiles, notes } = JSON.parse(stdout) as { tiles: number; notes: string[] }
    t.ok(tiles > 64, form)
    t.match(notes.join('\n'), /one thread.*bundle/, form)
  }
})
