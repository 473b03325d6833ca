// Progress as data, reported a few times a second. The caller decides how to show it.
import type { BuildPlan } from './plan/plan.js'

/** 'tiles': tiles are being made. 'seal': the file is being sealed. 'done': the build is complete. */
export type BuildPhase = 'tiles' | 'seal' | 'done'

/** The progress of a build. */
export interface BuildProgress {
  /** What the build is doing. */
  readonly phase: BuildPhase
  /** Number of tiles finished, including empty ones; of tilesTotal. */
  readonly tilesDone: number
  /** Number of planned tiles, over all zooms. */
  readonly tilesTotal: number
  /** Bytes of encoded tiles that were stored. */
  readonly bytes: number
  /** Number of units of work finished. A unit is a tile with all tiles below it, or one tile above such units. */
  readonly subtreesDone: number
  /** Number of planned units of work. */
  readonly subtreesTotal: number
  /** Tiles per second, over the last seconds. */
  readonly rate: number
  /** Infinity while it cannot be estimated. */
  readonly etaSeconds: number
}

const EVERY_MS = 200
/** The rate is computed over this many milliseconds. */
const WINDOW_MS = 15_000

/** The rate of the last seconds. */
export class RateWindow {
  /** Times, and what was done by then. */
  readonly #samples: [number, number][]

  constructor(now: number, done: number) {
    this.#samples = [[now, done]]
  }

  /** Per second, up to `now`. */
  at(now: number, done: number): number {
    this.#samples.push([now, done])
    // the first sample stays until another is old enough to start the window
    while (this.#samples.length > 2 && now - this.#samples[1]![0] > WINDOW_MS) this.#samples.shift()
    const [since, before] = this.#samples[0]!
    return now > since ? ((done - before) * 1000) / (now - since) : 0
  }
}

/** Seconds left; Infinity while it cannot be estimated. */
export const secondsLeft = (left: number, rate: number): number =>
  left <= 0 ? 0 : rate > 0 ? left / rate : Number.POSITIVE_INFINITY

export class ProgressMeter {
  readonly #plan: BuildPlan
  readonly #report: (progress: BuildProgress) => unknown
  readonly #now: () => number
  readonly #window: RateWindow
  #lastReport = Number.NEGATIVE_INFINITY
  /** The result of the last call, for callbacks that are async functions. */
  #answer: unknown
  #failure: { error: unknown } | undefined

  constructor(
    plan: BuildPlan,
    report: (progress: BuildProgress) => unknown,
    tilesDone = 0,
    now = () => performance.now(),
  ) {
    this.#plan = plan
    this.#report = report
    this.#now = now
    this.#window = new RateWindow(now(), tilesDone)
  }

  update(phase: BuildPhase, tilesDone: number, subtreesDone: number, bytes: number): void {
    const now = this.#now()
    const rate = this.#window.at(now, tilesDone)
    if (phase === 'tiles' && now - this.#lastReport < EVERY_MS) return
    this.#lastReport = now
    const total = this.#plan.tiles
    const left = phase === 'tiles' ? Math.max(0, total - tilesDone) : 0
    this.#throwFailure()
    this.#answer = this.#report({
      phase,
      tilesDone: phase === 'tiles' ? Math.min(total, tilesDone) : total,
      tilesTotal: total,
      bytes,
      subtreesDone,
      subtreesTotal: this.#plan.units,
      rate,
      etaSeconds: secondsLeft(left, rate),
    })
    if (this.#answer instanceof Promise)
      this.#answer.catch((error: unknown) => {
        this.#failure ??= { error }
      })
  }

  /** Waits for the last call, and passes on what the callback failed with, as if it were synchronous. */
  async settled(): Promise<void> {
    if (this.#answer instanceof Promise) await Promise.allSettled([this.#answer])
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
