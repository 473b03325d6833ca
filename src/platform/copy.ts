// Copies inside the kernel: clones that share blocks, and ranges from file to file.
import { call, libc } from './libc.js'

const FICLONE = 0x40049409
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
