// How the threads of a build share the memory it may take.
import type { SetLimits } from './source-set.js'

/** What a thread takes besides the block cache: mosaics, windows, tiles being encoded, the heap. */
const THREAD_BYTES = 110 * 2 ** 20
const PROCESS_BYTES = 150 * 2 ** 20
const MIN_CACHE_BYTES = 16 * 2 ** 20
export const MAX_CACHE_BYTES = 192 * 2 ** 20
/** Sources open at once in all threads; each may be three files. */
const MAX_OPEN_SOURCES = 256
const MIN_OPEN_SOURCES = 8

export interface Share {
  readonly threads: number
  /** Block cache of a thread. */
  readonly cacheBytes: number
}

/** Threads and caches within a limit; fewer threads rather than over it. */
export function shareMemory(threads: number, memLimit: number | undefined): Share {
  const limit = memLimit ?? PROCESS_BYTES + Math.max(1, threads) * (THREAD_BYTES + 128 * 2 ** 20)
  const most = Math.max(1, Math.floor((limit - PROCESS_BYTES) / (THREAD_BYTES + MIN_CACHE_BYTES)))
  const used = Math.min(threads, most)
  const each = (limit - PROCESS_BYTES) / Math.max(1, used) - THREAD_BYTES
  return {
    threads: used,
    cacheBytes: Math.floor(Math.max(MIN_CACHE_BYTES, Math.min(MAX_CACHE_BYTES, each))),
  }
}

/** Of the sources of one thread. */
export const limitsOf = (threads: number, cacheBytes: number): SetLimits => ({
  maxOpen: Math.max(MIN_OPEN_SOURCES, Math.floor(MAX_OPEN_SOURCES / Math.max(1, threads))),
  cacheBytes,
})
