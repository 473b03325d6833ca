// The command in a real terminal (a pty that script(1) opens), narrow, and in a locale that knows no more than ASCII.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { asciiIo, isUtf8, toAscii } from '../../src/cli/ascii.js'
import { progressLine } from '../../src/cli/progress.js'
import { run } from '../../src/cli/run.js'
import { flagstone } from '../helpers/command.js'
import { fixture, root } from '../helpers/paths.js'

const bin = join(root, 'dist', 'src', 'cli', 'bin.js')
const hasScript =
  process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
const noPty = hasScript ? false : 'script(1) is missing: no pty'
const LIMIT_MS = 240_000

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

class Terminal {
  text = ''
  readonly child: ChildProcess
  readonly ended: Promise<number | null>

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = {}, columns = 40) {
    const command = `stty cols ${columns} rows 24; exec ${[process.execPath, bin, ...argv].map(quoted).join(' ')}`
    this.child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8', LC_ALL: '', ...env },
    })
    this.child.stdout!.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
    })
    this.ended = new Promise((resolve) => this.child.once('close', resolve))
  }

  type(keys: string): void {
    this.child.stdin!.write(keys)
  }

  /** Until the terminal has shown it; throws what it has shown instead. */
  async shows(what: RegExp): Promise<void> {
    const deadline = Date.now() + LIMIT_MS
    while (!what.test(this.text)) {
      if (Date.now() > deadline || this.child.exitCode !== null)
        throw new Error(`the terminal did not show ${what}, but: ${this.text}`)
      await after(20)
    }
  }
}

const CTRL_C = '\x03'
const ESC = '\x1b'
/** How the live line begins: what was there is erased. */
const ERASE = `\r${ESC}[K`
const build = (out: string, ...more: string[]): string[] => [
  'build',
  fixture('ortho.tif'),
  out,
  '--max-zoom',
  '19',
  ...more,
]

/** No colour, no hidden cursor, no changed wrapping: nothing but erasing a line. */
function plain(t: Test, text: string): void {
  const sequences = [...text.matchAll(new RegExp(`${ESC}(\\[[0-9;?]*[a-zA-Z]|[^[])`, 'g'))].map(
    ([sequence]) => sequence,
  )
  t.same(
    sequences.filter((sequence) => sequence !== `${ESC}[K`),
    [],
    'no sequence changes the terminal',
  )
}

/** Each state of the live line. */
const lines = (text: string): string[] =>
  text
    .replaceAll(ERASE, '\n')
    .split(/[\r\n]+/)
    .map((line) => line.replace('^C', ''))
    .filter((line) => /^ *\d+ %/.test(line))

t.test('Ctrl-C, and the printed advice word for word', { skip: noPty }, async (t) => {
  for (const overwrite of [false, true]) {
    const dir = t.testdir()
    const out = join(dir, 'o.pmtiles')
    if (overwrite) t.equal((await flagstone(...build(out, '-z', '14'))).code, 0)
    const argv = build(out, ...(overwrite ? ['--overwrite'] : []))
    const first = new Terminal(argv)
    await first.shows(/ [1-9]\d? %/)
    // npx passes it on to a command that has it already: both together are one
    first.type(CTRL_C + CTRL_C)
    t.equal(await first.ended, 130, first.text)
    t.match(first.text, /press Ctrl-C again to stop now/)
    plain(t, first.text)
    t.ok(lines(first.text).length > 0)
    t.same(
      lines(first.text).filter((line) => line.length >= 38),
      [],
      'every line fits',
    )
    for (const line of lines(first.text)) t.match(line, /^ *\d+ % .* left$/, 'the time left is not cut off')
    const [advice] = /Run the same command with (--\w+) to/.exec(first.text.replace(/\r\n/g, '\n')) ?? []
    t.ok(advice, first.text)
    const again = new Terminal([...argv, '--resume'], {}, 120)
    t.equal(await again.ended, 0, again.text)
    t.notOk(existsSync(`${out}.build`) || existsSync(`${out}.new`))
    t.equal((await flagstone('verify', out, '-q')).code, 0)
  }
})

t.test('a terminal that goes away is a Ctrl-C', { skip: noPty }, async (t) => {
  const out = join(t.testdir(), 'o.pmtiles')
  const terminal = new Terminal(build(out))
  await terminal.shows(/ [1-9]\d? %/)
  const children = spawnSync('pgrep', ['-P', String(terminal.child.pid)], { encoding: 'utf8' })
  const pid = Number(children.stdout.trim())
  t.ok(pid > 1, 'the command is a child of script')
  // twice, as shells and kernels do it
  process.kill(pid, 'SIGHUP')
  process.kill(pid, 'SIGHUP')
  t.equal(await terminal.ended, 130, terminal.text)
  t.match(terminal.text, /safe in .*o\.pmtiles\. Run the same command with --resume/s)
  t.equal((await flagstone(...build(out, '--resume', '-q'))).code, 0)
})

async function onPty(argv: readonly string[], env: NodeJS.ProcessEnv) {
  const terminal = new Terminal(argv, env)
  return { code: await terminal.ended, text: terminal.text }
}

/** As on a narrow terminal in a locale that knows no more than ASCII; both outputs as bytes. */
async function asciiHere(argv: readonly string[]) {
  let text = ''
  const output = {
    write: (chunk: string | Uint8Array) => {
      text += Buffer.from(chunk).toString('latin1')
    },
  }
  const code = await run(argv, {
    stdout: output,
    stderr: output,
    isTerminal: true,
    stdoutIsTerminal: true,
    ascii: true,
    columns: () => 40,
    signal: new AbortController().signal,
  })
  return { code, text }
}

t.test('LANG=C: plain ASCII; NO_COLOR: no colours; no bytes onto a terminal', { skip: noPty }, async (t) => {
  const out = join(t.testdir(), 'o.pmtiles')
  const env = { LANG: 'C', NO_COLOR: '1' }
  const image = join(t.testdirName, 'o.tif')
  copyFileSync(fixture('ortho.tif'), image)
  // others than those with 'pty' are told here what the command finds out of its terminal
  for (const [where, ...argv] of [
    ['pty', 'build', image, out, '-z', '12-14'],
    ['here', 'build', image, join(t.testdirName, 'p.pmtiles'), '--dry-run', '--max-zoom', '13'],
    ['pty', 'info', out],
    ['here', 'info', out, '--json'],
    ['pty', 'build', '--help'],
    ['here', 'serve', '--help'],
    ['here', 'probe', t.testdirName],
    ['here', 'verify', out],
    ['here', 'sample', out, '-o', join(t.testdirName, 'o.png'), '--size', '10x10'],
  ] as const) {
    const { code, text } = where === 'pty' ? await onPty(argv, env) : await asciiHere(argv)
    t.equal(code, 0, text)
    t.notMatch(text, /[\x80-\xff]/, argv.join(' '))
    plain(t, text)
  }
  for (const [argv, who] of [
    [['tile', out, '12', '2214', '1432'], 'tile'],
    [['sample', out], 'sample'],
    [['sample', out, '-o', '-'], 'sample'],
  ] as const) {
    const terminal = new Terminal(argv, env, 200)
    t.equal(await terminal.ended, 2)
    t.match(terminal.text, `flagstone: ${who} does not write binary data to a terminal: pass -o FILE`)
  }
  const piped = spawnSync(process.execPath, [bin, 'sample', out, '-o', '-', '-q', '--size', '8x8'])
  t.equal(piped.stdout.readUInt32BE(0), 0x89504e47)
})

t.test('Ctrl-C twice: the live line goes, and what is left is said', async (t) => {
  const out = join(t.testdir(), 'o.pmtiles')
  const shown: string[] = []
  let forced: (() => void) | undefined
  const stop = new AbortController()
  let said = ''
  const code = await run(build(out, '-j', '0'), {
    stdout: { write: () => {} },
    stderr: {
      write: (chunk) => {
        shown.push(String(chunk))
        // once something is committed, or soon will be
        if (said !== '' || !/ \d\d %/.test(shown.at(-1)!)) return
        const from = shown.length
        said = 'now'
        forced!()
        said = shown.slice(from).join('')
        stop.abort()
      },
    },
    isTerminal: true,
    columns: () => 60,
    signal: stop.signal,
    onForcedStop: (listener) => {
      forced = listener
    },
  })
  t.equal(code, 130)
  t.match(
    said,
    /Stopped\. The tiles committed before are safe in .*o\.pmtiles\. Run the same command with --resume/,
  )
  t.ok(said.startsWith(ERASE), 'the live line is gone')
  t.ok(readFileSync(`${out}.build`).length > 0)
})

t.test('the live line at every width', (t) => {
  const state = { tilesDone: 123_456, tilesTotal: 1_234_567, bytes: 12.3e9, rate: 1234, etaSeconds: 36e3 }
  for (let columns = 28; columns < 200; columns++) {
    const line = progressLine(state, columns)
    t.ok(line.length < columns, `${columns}: ${line}`)
    t.match(line, / {2}9 % .*10 h 00 min left$/)
  }
  t.match(
    progressLine(state, 200),
    /^\[##\.+\] {3}9 % {2}123,456\/1,234,567 tiles, 12\.3 GB, 1,234 tiles\/s, /,
  )
  t.match(progressLine(state, 5), /^ {2}9 %$/, 'the last that is left out')
  t.end()
})

t.test('ASCII: our signs are spelled, names stay', async (t) => {
  t.equal(toAscii('zooms 3–9, 4×4 … “é”'), 'zooms 3-9, 4x4 ... "é"')
  for (const [env, expected] of [
    [{ LANG: 'C' }, false],
    [{}, false],
    [{ LANG: 'en_GB.UTF-8' }, true],
    [{ LANG: 'en_GB.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'C', LC_CTYPE: 'C.utf8' }, true],
    [{ LANG: 'de_DE.ISO-8859-1' }, false],
  ] as const) {
    t.equal(isUtf8(env), expected, JSON.stringify(env))
  }
  const got: (string | Uint8Array)[] = []
  const output = { write: (chunk: string | Uint8Array) => got.push(chunk) }
  const io = asciiIo({
    stdout: output,
    stderr: output,
    isTerminal: false,
    signal: new AbortController().signal,
  })
  const bytes = Uint8Array.of(0xff, 0xd8)
  io.stdout.write(bytes)
  io.stderr.write('a–b')
  t.same(got, [bytes, 'a-b'], 'bytes pass as they are')
})
