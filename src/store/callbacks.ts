// Functions that callers hand in, to be told of something. What they return is not waited for; a promise among it that
// rejects must not end the process as an unhandled rejection. It becomes a warning of the process.

type Callback<A extends unknown[]> = (...args: A) => unknown

/** As the callback; what it throws is thrown. */
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

/** The same for who has nobody to throw to. */
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

function warn(what: string, error: unknown): void {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`${what}: ${why}`, 'FlagstoneWarning')
}
