// Positioned reads and writes of an open file, continued until complete where the system stops half way.
import { read, readSync, writeSync } from 'node:fs'

/** Limit for one system call: Linux moves at most 2^31 − 4096 bytes, and Node refuses 2^31. */
const MAX_TRANSFER_BYTES = 2 ** 30

/** Fills `into`. Returns the number of bytes read, which is smaller only at the end of the file. */
export function readAt(fd: number, into: Uint8Array, position: number): number {
  let done = 0
  while (done < into.length) {
    const length = Math.min(MAX_TRANSFER_BYTES, into.length - done)
    const n = readUninterrupted(fd, into, done, length, position + done)
    if (n === 0) break
    done += n
  }
  return done
}

/** As readAt, in the thread pool. */
export async function readAtAsync(fd: number, into: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < into.length) {
    const n = await readSome(fd, into, done, position + done)
    if (n === 0) break
    done += n
  }
  return done
}

export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(MAX_TRANSFER_BYTES, bytes.length - done)
    done += writeSync(fd, bytes, done, length, position + done)
  }
}

function readSome(fd: number, into: Uint8Array, done: number, position: number): Promise<number> {
  const length = Math.min(MAX_TRANSFER_BYTES, into.length - done)
  return new Promise((resolve, reject) => {
    read(fd, into, done, length, position, (error, n) => {
      if (error?.code === 'EINTR') resolve(readSome(fd, into, done, position))
      else if (error) reject(error)
      else resolve(n)
    })
  })
}

/** Node retries every call that a signal interrupted, except reads. */
function readUninterrupted(
  fd: number,
  into: Uint8Array,
  done: number,
  length: number,
  position: number,
): number {
  for (;;) {
    try {
      return readSync(fd, into, done, length, position)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error
    }
  }
}
