// What was answered, counted in plain arrays: a labelled counter of prom-client costs more than a tile. Metrics
// turns the numbers into Prometheus' when it is asked.

/** Upper bounds of the histogram's buckets, seconds until an answer was ready. */
export const BUCKET_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5] as const

/** Statuses are 100…599. */
const STATUSES = 600

/** The numbers of one route. `buckets[i]`: answers that took at most BUCKET_SECONDS[i] and more than the one before. */
export class RouteCounts {
  readonly route: string
  readonly buckets: Float64Array = new Float64Array(BUCKET_SECONDS.length + 1)
  readonly #statuses = new Float64Array(STATUSES)
  bytes = 0
  seconds = 0

  constructor(route: string) {
    this.route = route
  }

  add(status: number, bytes: number, seconds: number): void {
    this.#statuses[status]!++
    this.bytes += bytes
    this.seconds += seconds
    let bucket = 0
    while (bucket < BUCKET_SECONDS.length && seconds > BUCKET_SECONDS[bucket]!) bucket++
    this.buckets[bucket]!++
  }

  /** Answers by status, those that were. */
  get statuses(): [status: number, count: number][] {
    return [...this.#statuses].flatMap((count, status): [number, number][] =>
      count > 0 ? [[status, count]] : [],
    )
  }

  get count(): number {
    return this.buckets.reduce((sum, n) => sum + n, 0)
  }
}

/** By route; routes are a fixed few, named in routes.ts. */
export class RequestCounts {
  readonly #routes = new Map<string, RouteCounts>()

  /** The counts of a route; callers that count often keep them. */
  of(route: string): RouteCounts {
    let counts = this.#routes.get(route)
    if (counts === undefined) {
      counts = new RouteCounts(route)
      this.#routes.set(route, counts)
    }
    return counts
  }

  all(): readonly RouteCounts[] {
    return [...this.#routes.values()]
  }
}
