// How the threads of a build share its memory and its open files.
import { freeDescriptors } from '../../platform/descriptors.js'
import type { SetLimits } from '../sources/source-set.js'

/** Memory of a thread besides the block cache: mosaics, windows, tiles being encoded, the heap. */
const THREAD_BYTES = 110 * 2 ** 20
const PROCESS_BYTES = 150 * 2 ** 20
const MIN_CACHE_BYTES = 16 * 2 ** 20
export const MAX_CACHE_BYTES = 192 * 2 ** 20
/** Limit on sources open at once, over all threads. */
const MAX_OPEN_SOURCES = 256
const MIN_OPEN_SOURCES = 8
/** A source, its overviews, its mask and the mask's overviews; often it is only one file. */
const FILES_A_SOURCE = 3
/** A worker thread has four descriptors, but many more while it loads its modules in parallel. */
const STARTING_THREAD_FILES = 100
/** The output, its checkpoint, a spool, world files, and files that sharp opens. */
const OTHER_FILES = 32

export interface Share {
  readonly threads: number
  /** Bytes of block cache per thread. */
  readonly cacheBytes: number
}

/** Divides a memory limit between threads and caches. Uses fewer threads rather than exceeding it. */
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

/**
 * Number of worker threads that can be started with this many free descriptors, leaving some for each thread's sources.
 */
export const threadsWithin = (freeFiles: number): number =>
  Math.max(
    0,
    Math.floor((freeFiles - OTHER_FILES) / (STARTING_THREAD_FILES + MIN_OPEN_SOURCES * FILES_A_SOURCE)),
  )

/** The limits for one thread. `freeFiles`: descriptors that all threads share. */
export function limitsOf(threads: number, cacheBytes: number, freeFiles = freeDescriptors()): SetLimits {
  const within = Math.floor((freeFiles - OTHER_FILES) / FILES_A_SOURCE)
  const each = (all: number): number => Math.floor(all / Math.max(1, threads))
  // the sources in use at the moment are open in any case
  const most = Math.max(MIN_OPEN_SOURCES, each(MAX_OPEN_SOURCES))
  return { maxOpen: Math.max(1, Math.min(most, each(within))), cacheBytes }
}
