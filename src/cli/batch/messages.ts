// What a batch and the processes that run its jobs say to each other.

import type { Verdict } from '../../batch/report.js'
import type { JobProgress } from '../../batch/run.js'

export type ToWorker = { readonly kind: 'run'; readonly argv: readonly string[] } | { readonly kind: 'abort' }

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  | { readonly kind: 'ended'; readonly verdict: Omit<Verdict, 'seconds'>; readonly memory: number }
