// Copying a file by the best means there is: a clone that shares blocks, else a copy inside the kernel, else
// reading and writing.
import { closeSync, constants, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { call, libc } from './libc.js'
import { READ_FLAGS } from './regular-file.js'
import { fromNodeError, systemError } from './system-error.js'

const FICLONE = 0x40049409
const COPY_BYTES = 2 ** 30
const BUFFER_BYTES = 2 ** 20

export type CopyMeans = 'clone' | 'copy_file_range' | 'read-write'

/** FICLONE on open files; false where the file system has none. */
export function clone(from: number, to: number): boolean {
  return process.platform === 'linux' && 'value' in call(libc.ioctl, to, FICLONE, 'int', from)
}

/** Copies `bytes` from the files' current positions; returns how many went, fewer where the kernel refuses. */
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

function copyByHand(from: number, to: number, start: number, end: number): void {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  for (let at = start; at < end; ) {
    const n = readSync(from, buffer, 0, Math.min(BUFFER_BYTES, end - at), at)
    if (n === 0) return
    for (let done = 0; done < n; ) done += writeSync(to, buffer, done, n - done, at + done)
    at += n
  }
}

/**
 * Copies a file to a new one (fails EXISTS when it is there; what was copied of it is taken away on failure).
 * @returns by which means
 */
export function copyFileBest(source: string, target: string): CopyMeans {
  let from = -1
  let to = -1
  try {
    from = openSync(source, READ_FLAGS)
    // A clone of a directory succeeds on btrfs, and makes an empty file.
    if (!fstatSync(from).isFile()) throw systemError('EISDIR', 'copy', source, {})
    to = openSync(target, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL)
    if (clone(from, to)) return 'clone'
    const size = fstatSync(from).size
    const done = copyInKernel(from, to, size)
    if (done === size) return 'copy_file_range'
    copyByHand(from, to, done, size)
    return 'read-write'
  } catch (error) {
    if (to !== -1) rmSync(target, { force: true })
    throw fromNodeError(error, 'copy', to === -1 && from !== -1 ? target : source, { source, target })
  } finally {
    if (from !== -1) closeSync(from)
    if (to !== -1) closeSync(to)
  }
}
