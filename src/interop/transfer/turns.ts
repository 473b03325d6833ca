// A long loop over tiles lets others run: signals, and the callers of a server.
import { setImmediate } from 'node:timers/promises'
import { FlagstoneError } from '../../errors.js'

const TURN_MS = 20
/** Number of rounds between two looks at the clock. */
const LOOK_ROUNDS = 64
/** A tile of more bytes counts as several rounds. */
const BYTES_OF_ROUND = 2 ** 16

export class Turns {
  readonly #signal: AbortSignal | undefined
  readonly #message: string
  #rounds = 0
  #since = performance.now()

  /** `message`: of the error when the signal is aborted. */
  constructor(signal: AbortSignal | undefined, message: string) {
    this.#signal = signal
    this.#message = message
  }

  /** To be called in every round, which may have processed `bytes`; whether it is time to `give` a turn. */
  isDue(bytes = 0): boolean {
    this.#rounds += 1 + Math.floor(bytes / BYTES_OF_ROUND)
    if (this.#rounds < LOOK_ROUNDS) return false
    this.#rounds = 0
    return performance.now() - this.#since >= TURN_MS
  }

  /** Lets others run. @throws INTERRUPTED when the signal was aborted */
  async give(): Promise<void> {
    await setImmediate()
    this.check()
    this.#since = performance.now()
  }

  /** @throws INTERRUPTED when the signal was aborted */
  check(): void {
    if (this.#signal?.aborted === true) throw new FlagstoneError('INTERRUPTED', this.#message)
  }
}
