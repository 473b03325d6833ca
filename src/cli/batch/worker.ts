// A process that runs the jobs of a batch, one after another. It is told by messages what to run, and stops when the
// batch is gone, however it went: the channel closes then.
import type { Io } from '../io.js'
import { run } from '../run.js'
import type { FromWorker, ToWorker } from './messages.js'

/** Of what a command prints with --json. */
const RESULT_CHARACTERS = 64 * 1024
/** Of its messages: the last ones. */
const MESSAGE_CHARACTERS = 16 * 1024
/** For a job to leave its work in order when the batch is gone. */
const LAST_MS = 10_000
const PROGRESS_MS = 500
const INTERRUPTED = 130

let abort = new AbortController()
let isRunning = false
let isOrphan = false

const say = (message: FromWorker): void => {
  if (process.connected) process.send!(message, () => {})
}

/** Keeps the beginning of what is written, or its end. */
class Kept {
  text = ''
  isWhole = true
  readonly #most: number
  readonly #keeps: 'beginning' | 'end'

  constructor(most: number, keeps: 'beginning' | 'end') {
    this.#most = most
    this.#keeps = keeps
  }

  write(chunk: string | Uint8Array): void {
    const all = this.text + (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    this.isWhole &&= all.length <= this.#most
    this.text = this.#keeps === 'end' ? all.slice(-this.#most) : all.slice(0, this.#most)
  }
}

async function runJob(argv: readonly string[]): Promise<void> {
  isRunning = true
  const stdout = new Kept(RESULT_CHARACTERS, 'beginning')
  const stderr = new Kept(MESSAGE_CHARACTERS, 'end')
  let last = 0
  const io: Io = {
    stdout,
    stderr,
    isTerminal: false,
    // nobody reads bytes here
    stdoutIsTerminal: true,
    signal: abort.signal,
    onProgress: ({ tilesDone, tilesTotal, etaSeconds }) => {
      if (performance.now() - last < PROGRESS_MS) return
      last = performance.now()
      say({ kind: 'progress', progress: { tilesDone, tilesTotal, etaSeconds } })
    },
  }
  const exitCode = await run([...argv, '--json'], io)
  isRunning = false
  if (isOrphan) process.exit(INTERRUPTED)
  const { code, message, rest } = errorIn(stderr.text)
  const result = stdout.isWhole ? jsonOf(stdout.text) : undefined
  const text = result === undefined ? stdout.text.slice(0, MESSAGE_CHARACTERS) : ''
  const verdict = { exitCode, code, message, result, stdout: text || undefined, stderr: rest || undefined }
  say({ kind: 'ended', verdict, memory: process.memoryUsage.rss() })
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The error that --json prints as the last of the messages, and the others. */
function errorIn(text: string): { code?: string; message?: string; rest: string } {
  const lines = text.split('\n')
  const at = lines.findLastIndex((line) => line.startsWith('{"error":'))
  const found =
    at < 0 ? undefined : (jsonOf(lines[at]!) as { error?: { code?: string; message?: string } } | undefined)
  if (found?.error === undefined) return { rest: text }
  const { code, message } = found.error
  const rest = lines.filter((_, i) => i !== at).join('\n')
  return { ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }), rest }
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'abort') abort.abort()
  else {
    // an abort that came too late was for the job before
    if (abort.signal.aborted) abort = new AbortController()
    void runJob(message.argv)
  }
})

process.once('disconnect', () => {
  isOrphan = true
  abort.abort()
  if (!isRunning) process.exit(INTERRUPTED)
  setTimeout(() => process.exit(INTERRUPTED), LAST_MS)
})
// A terminal signals the batch as well, which tells us what to do.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
process.on('SIGTERM', () => abort.abort())

// the batch may have gone while the modules were loaded
if (process.connected) say({ kind: 'ready' })
else process.exit(INTERRUPTED)
