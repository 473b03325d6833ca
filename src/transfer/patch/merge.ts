// Steps through two ascending sequences of tiles side by side.

export interface Keyed {
  /** TileID. */
  readonly key: number
}

/** What both sequences have at the next key; one of them is undefined where only the other has it. */
export type Pair<A, B> =
  | { readonly a: A; readonly b: B }
  | { readonly a: A; readonly b: undefined }
  | { readonly a: undefined; readonly b: B }

export function* inPairs<A extends Keyed, B extends Keyed>(
  first: Iterable<A>,
  second: Iterable<B>,
): Generator<Pair<A, B>, void> {
  const [as, bs] = [first[Symbol.iterator](), second[Symbol.iterator]()]
  try {
    let [a, b] = [next(as), next(bs)]
    for (;;) {
      if (a !== undefined && b !== undefined && a.key === b.key) {
        yield { a, b }
        a = next(as)
        b = next(bs)
      } else if (a !== undefined && (b === undefined || a.key < b.key)) {
        yield { a, b: undefined }
        a = next(as)
      } else if (b !== undefined) {
        yield { a: undefined, b }
        b = next(bs)
      } else return
    }
  } finally {
    as.return?.()
    bs.return?.()
  }
}

function next<T>(iterator: Iterator<T>): T | undefined {
  const { done, value } = iterator.next()
  return done === true ? undefined : (value as T)
}
