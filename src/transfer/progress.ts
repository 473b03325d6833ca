// Progress of a transfer as data, reported a few times a second. The caller decides how to show it.
import { RateWindow, secondsLeft } from '../pyramid/progress.js'

/** The progress of convert and its relatives. */
export interface TransferProgress {
  /** 'tiles': tiles are being copied. 'finish': the archive is being completed. 'done': it is complete. */
  readonly phase: 'tiles' | 'finish' | 'done'
  /** Number of tiles copied; of tilesTotal. */
  readonly tilesDone: number
  /** Number of tiles to copy. */
  readonly tilesTotal: number
  /** Bytes of the tiles copied. */
  readonly bytes: number
  /** Tiles per second, over the last seconds. */
  readonly rate: number
  /** Infinity while it cannot be estimated. */
  readonly etaSeconds: number
}

const EVERY_MS = 200

export class TransferMeter {
  readonly #report: ((progress: TransferProgress) => void) | undefined
  readonly #total: number
  #window = new RateWindow(performance.now(), 0)
  #last = Number.NEGATIVE_INFINITY

  constructor(total: number, report: ((progress: TransferProgress) => void) | undefined) {
    this.#total = total
    this.#report = report
  }

  /** The rate is counted from now on: what took time before was something else. */
  restart(): void {
    this.#window = new RateWindow(performance.now(), 0)
  }

  update(phase: TransferProgress['phase'], tilesDone: number, bytes: number): void {
    const now = performance.now()
    if (phase === 'tiles' && now - this.#last < EVERY_MS) return
    this.#last = now
    const rate = this.#window.at(now, tilesDone)
    // an archive may hold other than it says
    const tilesTotal = Math.max(this.#total, tilesDone)
    const etaSeconds = phase === 'tiles' ? secondsLeft(tilesTotal - tilesDone, rate) : 0
    this.#report?.({ phase, tilesDone, tilesTotal, bytes, rate, etaSeconds })
  }
}
