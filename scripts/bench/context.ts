// What every bench is given.
export interface Context {
  /** Everything is written here; removed at the end. */
  readonly scratch: string
  /** Small sizes: to see whether it runs, not for numbers to show. */
  readonly quick: boolean
  /** Smaller still, for tests. */
  readonly tiny: boolean
  /** Rounds asked for; else each bench has its own number. */
  readonly rounds: number | undefined
  /** build, depth: an image of this width and height is made … */
  readonly size: number | undefined
  /** build: cases by name. */
  readonly cases: readonly string[] | 'all' | undefined
  /** … or this one is taken. */
  readonly source: string | undefined
  /** serve, convert: where peers from npm are, or are to be installed. */
  readonly peers: string | undefined
  /** convert: the Node that runs a peer, whose binary may need a later glibc than this one has. */
  readonly peerNode: string | undefined
  /** soak: how long. */
  readonly minutes: number | undefined
  /** Progress, on stderr. */
  say(message: string): void
}

/** One of three sizes. */
export function sized<T>(context: Context, full: T, quick: T, tiny: T): T {
  return context.tiny ? tiny : context.quick ? quick : full
}
