#!/usr/bin/env node
// The only file that touches `process`: arguments in, exit code out, Ctrl-C as an AbortSignal.
import { register } from 'node:module'
import { descriptorLimit, freeDescriptors, gentleLoader, hasFewDescriptors } from '../platform/descriptors.js'
import { isUtf8 } from './ascii.js'
import { oneLine, printable } from './printable.js'

const interrupt = new AbortController()
const INTERRUPTED = 130
/** npm and npx pass a Ctrl-C on to a command that has got it already. */
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

/** Without a terminal it may mean something else than the end of one. */
const hangups = new Set<() => void>()
process.on('SIGHUP', () => {
  // a terminal that goes says so several times: the job may finish what it is at
  if (hangups.size === 0) interrupt.abort()
  for (const listener of hangups) listener()
})

const FAILED = 1
const LAST_MESSAGES_MS = 1000
const LEAST_DESCRIPTORS = 16

/** For what nobody was there to catch: a sentence, and a stack where it is a defect or one was asked for. */
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
// `flagstone … | head` closes our output early; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`flagstone: the result cannot be written to standard output (${error.message}).\n`)
  process.exit(FAILED)
})
// Messages that cannot be written are lost; the job goes on.
process.stderr.on('error', () => {})

/** @throws SYSTEM when the process may open too few files for anything */
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
  // loaded here: even that can fail, where few files may be open
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
  // messages that nobody reads do not keep us; a result that is read slowly does
  setInterval(() => {
    if (process.stdout.writableLength === 0) process.exit()
  }, LAST_MESSAGES_MS).unref()
} catch (error) {
  fail(error)
}
