// What every answer may use, and what the core hands to each.

import type { Query, ServerRequest } from './http/message.js'
import type { Life } from './life.js'
import type { Metrics, MetricsSnapshot } from './metrics/metrics.js'
import type { ResolvedServerOptions } from './options.js'
import type { Catalog, Source, SourceEvent } from './sources/source.js'
import type { ByteCache } from './work/byte-cache.js'
import type { WorkQueue } from './work/work-queue.js'

/**
 * Functions that the server calls, for logs and metrics. The server does not wait for them. If they throw or reject, the
 * process emits a warning.
 */
export interface ServerHooks {
  /** Called with an unexpected error, which is answered 500, or an error in the middle of a response. */
  readonly onError?: ((error: unknown, request: ServerRequest) => void) | undefined
  /** An answer is ready: by which route ('tile', 'tilejson' …), with how many bytes of body (undefined: it streams), in how many seconds. */
  readonly onAnswer?:
    | ((
        request: ServerRequest,
        answer: { route: string; status: number; bytes: number | undefined; seconds: number },
      ) => void)
    | undefined
  /** With `watch`: a file appeared, changed, went, or cannot be opened. */
  readonly onSource?: ((event: SourceEvent) => void) | undefined
  /**
   * Of several processes that serve as one: what the others count, for /metrics.
   * @internal
   */
  readonly otherMetrics?: (() => Promise<readonly MetricsSnapshot[]>) | undefined
}

export interface ServerContext {
  readonly options: ResolvedServerOptions
  readonly catalog: Catalog
  /** Everything that computes goes through it: limits of concurrency, waiting and time. */
  readonly work: WorkQueue
  /** Computed responses, by a key that contains the source's version. */
  readonly cache: ByteCache
  readonly metrics: Metrics
  readonly life: Life
  readonly hooks: ServerHooks
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
