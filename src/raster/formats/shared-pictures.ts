// The planning thread decodes large pictures and shares them with the threads that it starts afterwards, so that these
// need no copies of their own. Node passes "environment data" to every new thread, and shared memory in it stays
// shared. Pictures beyond the budget are not shared: every thread decodes its own copy.
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

/** Smaller pictures are decoded by the thread that needs them. */
const WORTH_BYTES = 48 * 2 ** 20
const BUDGET_BYTES = 320 * 2 ** 20
/** How long a picture is kept for threads after the planning thread has closed it. */
const LINGER_MS = 30_000

interface Shared {
  readonly bytes: number
  users: number
  timer: NodeJS.Timeout | undefined
}

/** Pictures that this thread has shared, by key. */
const shared = new Map<string, Shared>()

const nameOf = (key: string): string => `flagstone picture ${key}`

/** Whether a picture of this size should be decoded and shared when it is opened. */
export function isWorthSharing(bytes: number): boolean {
  let used = 0
  for (const other of shared.values()) used += other.bytes
  return isMainThread && bytes >= WORTH_BYTES && used + bytes <= BUDGET_BYTES
}

/** The picture, if this thread or the one that started it has shared it. */
export function sharedPicture(key: string): SharedArrayBuffer | undefined {
  const found = getEnvironmentData(nameOf(key)) as unknown
  return found instanceof SharedArrayBuffer ? found : undefined
}

/** Shares a copy of the samples. */
export function sharePicture(key: string, samples: Uint8Array | Uint16Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(samples.byteLength)
  new Uint8Array(memory).set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
  setEnvironmentData(nameOf(key), memory as never)
  if (!shared.has(key)) shared.set(key, { bytes: memory.byteLength, users: 0, timer: undefined })
  return memory
}

/** Counts one more user of a shared picture. */
export function useShared(key: string): void {
  const entry = shared.get(key)
  if (entry === undefined) return
  entry.users++
  clearTimeout(entry.timer)
}

/** Counts one user less. After the last one, the picture is dropped with a delay. */
export function endShared(key: string): void {
  const entry = shared.get(key)
  if (entry === undefined || --entry.users > 0) return
  clearTimeout(entry.timer)
  entry.timer = setTimeout(() => {
    shared.delete(key)
    setEnvironmentData(nameOf(key), undefined as never)
  }, LINGER_MS).unref()
}
