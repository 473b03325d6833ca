import type { ByteFile } from '../../platform/byte-file.js'
import { writtenByAnother } from '../file/locked.js'
import { sleep } from '../file/sleep.js'

/** How long a new writer waits for a reader that is briefly checking whether a writer is alive, milliseconds. */
const PATIENCE_MS = 200

/** @throws LOCKED */
export function lockForWriting(file: ByteFile): void {
  if (!file.writable) throw new TypeError(`${file.path} was opened for reading only`)
  const deadline = performance.now() + PATIENCE_MS
  while (!file.tryLock('writer', 'exclusive')) {
    if (performance.now() > deadline) throw writtenByAnother(file)
    sleep(2)
  }
}
