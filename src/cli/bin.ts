#!/usr/bin/env node
// The only file that touches `process`: arguments in, exit code out, Ctrl-C as an AbortSignal.
import { register } from 'node:module'
import { descriptorLimit, freeDescriptors, gentleLoader, hasFewDescriptors } from '../platform/descriptors.js'
import { isUtf8 } from './ascii.js'
import { oneLine, printable } from './printable.js'

const interrupt = new AbortController()
const INTERRUPTED = 130
/** npm and npx send a Ctrl-C again to a command that has already received it. */
const ONE_PRESS_MS = 300
let interruptedAt: number | undefined
const lastWords = new Set<() => void>()

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first asks the job to stop at a safe place, the second does not wait for it.
    const now = performance.now()
    interruptedAt ??= now
    interrupt.abort()
    if (now - interruptedAt < ONE_PRESS_MS) return
    for (const speak of lastWords) speak()
    process.exit(INTERRUPTED)
  })
}

/** Without a terminal, SIGHUP does not mean that the terminal is closed. */
const hangups = new Set<() => void>()
process.on('SIGHUP', () => {
  // a closing terminal sends several SIGHUPs: the job may finish its current step
  if (hangups.size === 0) interrupt.abort()
  for (const listener of hangups) listener()
})

const FAILED = 1
const LAST_MESSAGES_MS = 1000
const LEAST_DESCRIPTORS = 16

/** Prints an uncaught error: one sentence, and a stack if it is a defect or --verbose is given. */
function fail(error: unknown): never {
  const { code, syscall, message, stack } = (error ?? {}) as NodeJS.ErrnoException
  const isSystem = typeof syscall === 'string' || /^E[A-Z]+$/.test(code ?? '')
  const wanted = process.argv.includes('-v') || process.argv.includes('--verbose')
  const advice =
    code === 'EMFILE'
      ? '; this is more files than the process may open: raise its limit, for example with ulimit -n 1024'
      : ''
  process.stderr.write(`flagstone: ${oneLine(message ?? String(error))}${advice}\n`)
  if (!isSystem || wanted) process.stderr.write(`${printable(String(stack))}\n`)
  process.exit(FAILED)
}

process.on('uncaughtException', fail)
// `flagstone … | head` closes our output early; this is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`flagstone: the result cannot be written to standard output (${error.message}).\n`)
  process.exit(FAILED)
})
// Messages that cannot be written are lost; the job continues.
process.stderr.on('error', () => {})

/** @throws SYSTEM when the process may open too few files to start */
function prepareToLoad(): void {
  if (!hasFewDescriptors()) return
  if (freeDescriptors() < LEAST_DESCRIPTORS) {
    throw Object.assign(
      new Error(
        `this process may open ${descriptorLimit()} files, which is too few to begin; raise its limit, for example with ulimit -n 1024`,
      ),
      { syscall: 'open' },
    )
  }
  register(gentleLoader())
}

try {
  prepareToLoad()
  // loaded here, because loading can fail when few files may be open
  const { run } = await import('./run.js')
  process.exitCode = await run(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    isTerminal: process.stderr.isTTY === true && process.env.TERM !== 'dumb',
    columns: () => process.stderr.columns,
    ascii: !isUtf8(process.env),
    stdoutIsTerminal: process.stdout.isTTY === true,
    signal: interrupt.signal,
    onForcedStop: (listener) => void lastWords.add(listener),
    onHangup: process.stdin.isTTY ? undefined : (listener) => void hangups.add(listener),
  })
  // wait until a slow reader has the result, but not for a reader of messages
  setInterval(() => {
    if (process.stdout.writableLength === 0) process.exit()
  }, LAST_MESSAGES_MS).unref()
} catch (error) {
  fail(error)
}
