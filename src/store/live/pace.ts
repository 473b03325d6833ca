// Splits long work into slices, so that the event loop stays responsive.

/** Yields to the event loop if the current slice has lasted long enough. */
export type Pace = () => Promise<void> | undefined

const SLICE_MS = 8

export function newPace(): Pace {
  let since = performance.now()
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now()
        resolve()
      })
    })
  }
}
