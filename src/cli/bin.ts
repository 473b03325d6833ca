#!/usr/bin/env node
// The only file that touches `process`: arguments in, exit code out, Ctrl-C as an AbortSignal.
import { run } from './run.js'

const interrupt = new AbortController()
let interrupts = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first asks the job to stop at a safe place, the second does not wait for it.
    if (++interrupts > 1) process.exit(130)
    interrupt.abort()
  })
}
// `flagstone … | head` closes our output early; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stderr.isTTY === true,
  signal: interrupt.signal,
  onHangup: process.stdin.isTTY ? undefined : (listener) => void process.on('SIGHUP', listener),
})
