// Progress for people: a live line with rate and time left on a terminal, a plain line every few seconds elsewhere
// (so that CI logs stay readable).
//
// Invariant: the terminal's settings are never changed (no hidden cursor, no switched-off wrapping), so that nothing
// has to be restored when the process ends, however it ends.
import { formatBytes, formatCount, formatDuration } from './format.js'
import type { CommonOptions, Io, ProgressState } from './io.js'

export interface ProgressView {
  update(state: ProgressState): void
  /** Erases the live line; the next update writes it again. */
  stop(): void
}

const PLAIN_EVERY_MS = 5000
const DEFAULT_COLUMNS = 80
const BAR_COLUMNS = 24

const percentOf = (s: ProgressState): string =>
  `${String(Math.floor((100 * Math.min(s.tilesDone, s.tilesTotal)) / Math.max(1, s.tilesTotal))).padStart(3)} %`

/** In the order they are shown; the lower the rank, the sooner one is left out of a narrow line. */
const partsOf = (s: ProgressState): readonly (readonly [rank: number, text: string])[] => [
  [3, `${formatCount(s.tilesDone)}/${formatCount(s.tilesTotal)} tiles`],
  [1, formatBytes(s.bytes)],
  [2, `${formatCount(s.rate)} tiles/s`],
  [4, `${formatDuration(s.etaSeconds)} left`],
]

function textOf(state: ProgressState, least: number): string {
  const shown = partsOf(state).filter(([rank]) => rank >= least)
  return `${percentOf(state)}  ${shown.map(([, text]) => text).join(', ')}`
}

/** One line of fewer than `columns` characters, with room for ^C: percentage and time left always, the rest where it fits. */
export function progressLine(state: ProgressState, columns: number): string {
  const lines = [1, 2, 3, 4].map((least) => textOf(state, least))
  const room = columns - 3
  const found = lines.find((text) => text.length <= room) ?? percentOf(state)
  if (found.length + BAR_COLUMNS + 3 > room) return found
  const full = Math.round((BAR_COLUMNS * state.tilesDone) / Math.max(1, state.tilesTotal))
  return `[${'#'.repeat(Math.min(BAR_COLUMNS, full)).padEnd(BAR_COLUMNS, '.')}] ${found}`
}

function plainLines(io: Io): ProgressView {
  let last = Date.now()
  return {
    update(state) {
      if (Date.now() - last < PLAIN_EVERY_MS) return
      last = Date.now()
      io.stderr.write(`${textOf(state, 1)}\n`)
    },
    stop() {},
  }
}

/** Moves to the beginning of the line and erases it. */
const ERASE = '\r\x1b[K'

function liveLine(io: Io): ProgressView {
  const terminal = io.terminal ?? io.stderr
  let shown = false
  return {
    update(state) {
      shown = true
      terminal.write(`${ERASE}${progressLine(state, io.columns?.() ?? DEFAULT_COLUMNS)}`)
    },
    stop() {
      if (shown) terminal.write(ERASE)
      shown = false
    },
  }
}

export function progressView(io: Io, options: CommonOptions): ProgressView {
  if (io.onProgress !== undefined) return { update: io.onProgress, stop() {} }
  if (options.quiet === true) return { update() {}, stop() {} }
  return io.isTerminal ? liveLine(io) : plainLines(io)
}
