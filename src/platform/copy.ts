// Copies inside the kernel: clones that share blocks, and ranges from file to file.
import { call, libc } from './libc.js'

const FICLONE = 0x40049409
const FICLONERANGE = 0x4020940d
const COPY_BYTES = 2 ** 30

/** FICLONE on open files; false where the file system does not support it. */
export function clone(from: number, to: number): boolean {
  return process.platform === 'linux' && 'value' in call(libc.ioctl, to, FICLONE, 'int', from)
}

/**
 * Copies `bytes` from the files' current positions. Returns the number copied, which is smaller where the kernel
 * refuses.
 */
export function copyInKernel(from: number, to: number, bytes: number): number {
  if (libc.copyFileRange === undefined) return 0
  let done = 0
  while (done < bytes) {
    const answer = call(libc.copyFileRange, from, null, to, null, Math.min(COPY_BYTES, bytes - done), 0)
    if ('errno' in answer || answer.value === 0) return done
    done += answer.value
  }
  return done
}

/**
 * FICLONERANGE: a range of a file shares its blocks with one of another. All positions are multiples of the file
 * system's block size. False where the file system does not support it.
 */
export function cloneRange(from: number, position: number, length: number, to: number, at: number): boolean {
  if (process.platform !== 'linux') return false
  const range = new BigInt64Array([BigInt(from), BigInt(position), BigInt(length), BigInt(at)])
  return 'value' in call(libc.ioctl, to, FICLONERANGE, 'void *', range)
}

/**
 * Copies a range to a position of another file. Returns the number of bytes copied, which is smaller where the kernel
 * refuses, or the file ends.
 */
export function copyRangeInKernel(
  from: number,
  position: number,
  length: number,
  to: number,
  at: number,
): number {
  if (libc.copyFileRange === undefined) return 0
  for (let done = 0; ; ) {
    const places = [position + done, at + done].map((place) => new BigInt64Array([BigInt(place)]))
    const bytes = Math.min(COPY_BYTES, length - done)
    if (bytes === 0) return done
    const answer = call(libc.copyFileRange, from, places[0], to, places[1], bytes, 0)
    if ('errno' in answer || answer.value === 0) return done
    done += answer.value
  }
}
