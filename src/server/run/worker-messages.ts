// What the supervisor and its workers say to each other, over the channel of node:cluster (as JSON).
import type { ErrorCode } from '../../errors.js'
import type { MetricsSnapshot } from '../metrics/metrics.js'
import type { ServeJob, ServeState } from './serve.js'

export type ToWorker =
  | { readonly kind: 'start'; readonly job: ServeJob }
  | { readonly kind: 'stop' }
  /** Accept no new connections, and say 'deaf'. */
  | { readonly kind: 'stopAccepting' }
  /** Say what you counted. */
  | { readonly kind: 'count'; readonly ask: number }
  /** What the others counted, as you asked. */
  | { readonly kind: 'others'; readonly ask: number; readonly snapshots: readonly MetricsSnapshot[] }

export type FromWorker =
  /** It hears what it is told. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly state: ServeState }
  /** It cannot begin, and another try would not help. */
  | {
      readonly kind: 'failed'
      readonly code: ErrorCode
      readonly message: string
      readonly path?: string | undefined
    }
  | { readonly kind: 'counted'; readonly ask: number; readonly snapshot: MetricsSnapshot }
  | { readonly kind: 'others'; readonly ask: number }
  | { readonly kind: 'deaf' }
  /** SIGTERM or SIGINT came: we would like to go, when another is there. */
  | { readonly kind: 'signalled' }
