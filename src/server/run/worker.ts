// One of several server processes: started by supervisor.ts with node:cluster, told by messages what to serve and when
// to stop. It stops by itself, with the same care, when the supervisor is gone.
import { FlagstoneError, isBadOption } from '../../errors.js'
import { insideOf } from '../handler.js'
import type { MetricsSnapshot } from '../metrics/metrics.js'
import { type RunningHere, type ServeJob, serve } from './serve.js'
import type { FromWorker, ToWorker } from './worker-messages.js'

/** For the other workers' numbers, a little longer than the supervisor waits for each; then /metrics does without them. */
const OTHERS_MS = 6000

let running: RunningHere | undefined

const say = (message: FromWorker): void => {
  if (process.connected) process.send!(message)
}

async function start(job: ServeJob): Promise<void> {
  running = await serve(job, process.stderr, { otherMetrics })
  const { url, port, sources, problems } = running
  say({ kind: 'listening', state: { url, port, sources, problems } })
}

async function stop(): Promise<void> {
  await running?.close()
  process.exit(0)
}

async function stopAccepting(): Promise<void> {
  await running?.stopAccepting()
  say({ kind: 'deaf' })
}

let asked = 0
const asking = new Map<number, (snapshots: readonly MetricsSnapshot[]) => void>()

function otherMetrics(): Promise<readonly MetricsSnapshot[]> {
  const ask = ++asked
  return new Promise<readonly MetricsSnapshot[]>((resolve) => {
    asking.set(ask, resolve)
    setTimeout(resolve, OTHERS_MS, []).unref()
    say({ kind: 'others', ask })
  }).finally(() => asking.delete(ask))
}

async function count(ask: number): Promise<void> {
  if (running === undefined) return
  const { context } = insideOf(running.server)
  say({ kind: 'counted', ask, snapshot: await context.metrics.snapshot(context) })
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'start') void start(message.job).catch(fail)
  else if (message.kind === 'stop') void stop()
  else if (message.kind === 'stopAccepting') void stopAccepting()
  else if (message.kind === 'count') void count(message.ask)
  else asking.get(message.ask)?.(message.snapshots)
})

function fail(error: unknown): void {
  // anything else is a defect: its stack, and an end that the supervisor sees
  if (!(error instanceof FlagstoneError || isBadOption(error))) throw error
  const { code, message } = error
  const path = error instanceof FlagstoneError ? error.path : undefined
  if (process.connected) process.send!({ kind: 'failed', code, message, path }, () => process.exit(1))
}

process.once('disconnect', () => void stop())
// A terminal and systemd signal the whole group, an administrator one of us: the supervisor knows which it was.
let signals = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (++signals > 1) process.exit(130)
    say({ kind: 'signalled' })
  })
}
// the supervisor replaces us by another
process.on('SIGHUP', () => {})

say({ kind: 'ready' })
