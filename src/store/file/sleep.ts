// Waits synchronously: for a lock, or for a writer in the middle of a change.

const NEVER = new Int32Array(new SharedArrayBuffer(4))

/** Blocks this thread. */
export function sleep(ms: number): void {
  Atomics.wait(NEVER, 0, 0, ms)
}
