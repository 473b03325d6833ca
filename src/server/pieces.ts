// Pictures are made on the thread that answers, a piece at a time, so that tiles are answered in between.
import { setImmediate } from 'node:timers/promises'

/** Of a piece, and of the mosaic under it: a few milliseconds' work. */
export const PIECE_PIXELS = 2 ** 17

/** Lets others have their turn. Rejects with the signal's reason once it is aborted. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}
