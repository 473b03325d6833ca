// Progress as data, at most a few times a second; who asked for it decides how it looks.
import type { BuildPlan } from './plan/plan.js'

/** Tiles are being made, the file is being sealed, or all is done. */
export type BuildPhase = 'tiles' | 'seal' | 'done'

/** How far a build is. */
export interface BuildProgress {
  /** What is being done. */
  readonly phase: BuildPhase
  /** Tiles dealt with, empty ones too; of tilesTotal. */
  readonly tilesDone: number
  /** Tiles that were planned, of all zooms. */
  readonly tilesTotal: number
  /** Encoded bytes stored. */
  readonly bytes: number
  /** Units of work that are done: a tile of some zoom with all below it. */
  readonly subtreesDone: number
  /** Units of work that were planned. */
  readonly subtreesTotal: number
  /** Tiles a second, over the last while. */
  readonly rate: number
  /** Infinity while it cannot be told. */
  readonly etaSeconds: number
}

const EVERY_MS = 200
/** The rate is that of the last so many milliseconds. */
const WINDOW_MS = 15_000

export class ProgressMeter {
  readonly #plan: BuildPlan
  readonly #report: (progress: BuildProgress) => unknown
  readonly #now: () => number
  /** Times and tiles done then. */
  readonly #samples: [number, number][] = []
  #lastReport = Number.NEGATIVE_INFINITY
  /** Of callbacks that are async functions. */
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
    this.#samples.push([now(), tilesDone])
  }

  update(phase: BuildPhase, tilesDone: number, subtreesDone: number, bytes: number): void {
    const now = this.#now()
    this.#samples.push([now, tilesDone])
    // the first sample stays until another is old enough to begin the window
    while (this.#samples.length > 2 && now - this.#samples[1]![0] > WINDOW_MS) this.#samples.shift()
    if (phase === 'tiles' && now - this.#lastReport < EVERY_MS) return
    this.#lastReport = now
    const [since, before] = this.#samples[0]!
    const rate = now > since ? ((tilesDone - before) * 1000) / (now - since) : 0
    const total = this.#plan.tiles
    const left = phase === 'tiles' ? Math.max(0, total - tilesDone) : 0
    this.#throwFailure()
    this.#answer = this.#report({
      phase,
      tilesDone: phase === 'tiles' ? Math.min(total, tilesDone) : total,
      tilesTotal: total,
      bytes,
      subtreesDone,
      subtreesTotal: this.#plan.subtrees,
      rate,
      etaSeconds: left === 0 ? 0 : rate > 0 ? left / rate : Number.POSITIVE_INFINITY,
    })
    if (this.#answer instanceof Promise)
      this.#answer.catch((error: unknown) => {
        this.#failure ??= { error }
      })
  }

  /** Waits for the last call. What the callback failed with is thrown, as if it were no async function. */
  async settled(): Promise<void> {
    if (this.#answer instanceof Promise) await Promise.allSettled([this.#answer])
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
