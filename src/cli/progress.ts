// Progress for people: a live bar with rate and ETA on a terminal, a plain line every few seconds elsewhere
// (so that CI logs stay readable).
import { formatBytes, formatCount, formatDuration } from './format.js'
import type { CommonOptions, Io } from './io.js'

export interface ProgressState {
  readonly tilesDone: number
  readonly tilesTotal: number
  readonly bytes: number
  /** Tiles per second, over the last while. */
  readonly rate: number
  readonly etaSeconds: number
}

export interface ProgressView {
  update(state: ProgressState): void
  stop(): void
}

const PLAIN_EVERY_MS = 5000

const describe = (s: ProgressState): string =>
  `${formatCount(s.tilesDone)}/${formatCount(s.tilesTotal)} tiles, ${formatBytes(s.bytes)}, ` +
  `${formatCount(s.rate)} tiles/s, ${formatDuration(s.etaSeconds)} left`

function plainLines(io: Io): ProgressView {
  let last = Date.now()
  return {
    update(state) {
      if (Date.now() - last < PLAIN_EVERY_MS) return
      last = Date.now()
      const percent = Math.floor((100 * state.tilesDone) / Math.max(1, state.tilesTotal))
      io.stderr.write(`${String(percent).padStart(3)} %  ${describe(state)}\n`)
    },
    stop() {},
  }
}

async function liveBar(io: Io): Promise<ProgressView> {
  const { default: cliProgress } = await import('cli-progress')
  const bar = new cliProgress.SingleBar(
    {
      format: '{bar} {percentage} %  {text}',
      stream: io.stderr as NodeJS.WritableStream,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 24,
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  )
  let started = false
  return {
    update(state) {
      if (!started) bar.start(state.tilesTotal, 0, { text: '' })
      started = true
      bar.setTotal(Math.max(state.tilesTotal, state.tilesDone))
      bar.update(state.tilesDone, { text: describe(state) })
    },
    stop() {
      if (started) bar.stop()
    },
  }
}

export async function progressView(io: Io, options: CommonOptions): Promise<ProgressView> {
  if (options.quiet === true) return { update() {}, stop() {} }
  return io.isTerminal ? liveBar(io) : plainLines(io)
}
