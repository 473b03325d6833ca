// Callbacks that callers pass in. Their results are not awaited. If a callback returns a promise that rejects, the
// process emits a warning; an unhandled rejection would end it.

type Callback<A extends unknown[]> = (...args: A) => unknown

/** Calls `callback` without awaiting its result. Synchronous errors are passed on. */
export function unawaited<A extends unknown[]>(
  name: string,
  callback: Callback<A> | undefined,
): ((...args: A) => void) | undefined {
  if (callback === undefined) return undefined
  return (...args) => {
    const result = callback(...args) as PromiseLike<unknown> | undefined
    if (typeof result?.then === 'function') {
      result.then(undefined, (error: unknown) => warn(`the promise of ${name} was rejected`, error))
    }
  }
}

/** As `unawaited`, but synchronous errors become warnings too: for callers that cannot pass them on. */
export function harmless<A extends unknown[]>(
  name: string,
  callback: Callback<A> | undefined,
): ((...args: A) => void) | undefined {
  const call = unawaited(name, callback)
  if (call === undefined) return undefined
  return (...args) => {
    try {
      call(...args)
    } catch (error) {
      warn(`${name} threw`, error)
    }
  }
}

/** Emits a process warning with the stack of an error. */
export function warn(what: string, error: unknown): void {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`${what}: ${why}`, 'FlagstoneWarning')
}
