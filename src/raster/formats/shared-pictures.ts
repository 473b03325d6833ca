// Large pictures are decoded by the thread that plans, and shared with the threads that it starts afterwards, so
// that each of them need not have its own copy. Node hands "environment data" to every new thread; shared memory in
// it stays shared. Pictures beyond the budget are not shared: every thread decodes them for itself.
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

/** Smaller ones are decoded where they are needed. */
const WORTH_BYTES = 48 * 2 ** 20
const BUDGET_BYTES = 320 * 2 ** 20
/** How long a picture is kept for threads after the planning thread has closed it. */
const LINGER_MS = 30_000

interface Shared {
  readonly bytes: number
  users: number
  timer: NodeJS.Timeout | undefined
}

/** Of this thread, by key. */
const shared = new Map<string, Shared>()

const nameOf = (key: string): string => `flagstone picture ${key}`

/** Is it to be decoded and shared while it is opened? */
export function isWorthSharing(bytes: number): boolean {
  let used = 0
  for (const other of shared.values()) used += other.bytes
  return isMainThread && bytes >= WORTH_BYTES && used + bytes <= BUDGET_BYTES
}

/** What this thread, or the one that started it, has shared. */
export function sharedPicture(key: string): SharedArrayBuffer | undefined {
  const found = getEnvironmentData(nameOf(key)) as unknown
  return found instanceof SharedArrayBuffer ? found : undefined
}

/** A shared copy. */
export function sharePicture(key: string, samples: Uint8Array | Uint16Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(samples.byteLength)
  new Uint8Array(memory).set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
  setEnvironmentData(nameOf(key), memory as never)
  if (!shared.has(key)) shared.set(key, { bytes: memory.byteLength, users: 0, timer: undefined })
  return memory
}

/** One more that has it open. */
export function useShared(key: string): void {
  const entry = shared.get(key)
  if (entry === undefined) return
  entry.users++
  clearTimeout(entry.timer)
}

/** One less; the last one lets it go after a while. */
export function endShared(key: string): void {
  const entry = shared.get(key)
  if (entry === undefined || --entry.users > 0) return
  clearTimeout(entry.timer)
  entry.timer = setTimeout(() => {
    shared.delete(key)
    setEnvironmentData(nameOf(key), undefined as never)
  }, LINGER_MS).unref()
}
