// What every answer may use, and what the core hands to each.
import type { ByteCache } from './byte-cache.js'
import type { Query } from './message.js'
import type { Metrics } from './metrics.js'
import type { ResolvedServerOptions } from './options.js'
import type { Catalog, Source } from './source.js'
import type { WorkQueue } from './work-queue.js'

export interface ServerContext {
  readonly options: ResolvedServerOptions
  readonly catalog: Catalog
  /** Everything that computes goes through it: limits of concurrency, waiting and time. */
  readonly work: WorkQueue
  /** Computed answers by a key that holds the source's version. */
  readonly cache: ByteCache
  readonly metrics: Metrics
}

/** A request whose path was understood. */
export interface Routed {
  readonly query: Query
  /** Decoded parts of the path behind the base path; the source's id is among them. */
  readonly segments: readonly string[]
  readonly search: URLSearchParams
}

/** A request for something of a source. */
export interface RoutedSource extends Routed {
  readonly source: Source
  /** Decoded parts behind the id, by the route's names: {z}/{x}/{y}, {lon},{lat} … */
  readonly rest: readonly string[]
}
