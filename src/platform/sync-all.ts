// Makes many new files durable with one call.
import { closeSync, openSync } from 'node:fs'
import { call, libc } from './libc.js'
import { errnoName, fromNodeError, systemError } from './system-error.js'

/**
 * Makes everything in the file system of a directory durable. Without such a call (macOS) this is left to the kernel.
 * @throws SYSTEM when the system cannot
 */
export function syncFileSystem(directory: string): void {
  if (libc.syncfs === undefined) return
  let fd: number
  try {
    fd = openSync(directory, 'r')
  } catch (error) {
    throw fromNodeError(error, 'open', directory)
  }
  try {
    const answer = call(libc.syncfs, fd)
    if ('errno' in answer) throw systemError(errnoName(answer.errno), 'syncfs', directory, {})
  } finally {
    closeSync(fd)
  }
}
