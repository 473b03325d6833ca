// Callbacks that callers pass in. Their results are not awaited. If a callback returns a promise that rejects, the
// process emits a warning; an unhandled rejection would end it.

type Callback<A extends unknown[]> = (...args: A) => unknown

/**
 * Calls `callback` without awaiting its result. Synchronous errors are passed on. Only the first rejection is a warning:
 * it may be called for every tile.
 */
export function unawaited<A extends unknown[]>(
  name: string,
  callback: Callback<A> | undefined,
): ((...args: A) => void) | undefined {
  let isTold = false
  return calling(callback, (error) => {
    if (!isTold) warn(`the promise of ${name} was rejected`, error)
    isTold = true
  })
}

/** As `unawaited`, but all errors become warnings, synchronous ones too: for callers that cannot pass them on. */
export function harmless<A extends unknown[]>(
  name: string,
  callback: Callback<A> | undefined,
): ((...args: A) => void) | undefined {
  const call = calling(callback, (error) => warn(`the promise of ${name} was rejected`, error))
  if (call === undefined) return undefined
  return (...args) => {
    try {
      call(...args)
    } catch (error) {
      warn(`${name} threw`, error)
    }
  }
}

function calling<A extends unknown[]>(
  callback: Callback<A> | undefined,
  rejected: (error: unknown) => void,
): ((...args: A) => void) | undefined {
  if (callback === undefined) return undefined
  return (...args) => {
    const result = callback(...args) as PromiseLike<unknown> | undefined
    if (typeof result?.then === 'function') result.then(undefined, rejected)
  }
}

/** Emits a process warning with the stack of an error. */
export function warn(what: string, error: unknown): void {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`${what}: ${why}`, 'FlagstoneWarning')
}
