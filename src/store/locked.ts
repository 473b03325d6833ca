// Who is in the way: the sentences of LOCKED.
import { FlagstoneError } from '../errors.js'
import type { ByteFile } from '../platform/byte-file.js'

/** 'process 4711', 'this process'; 'another process' where it cannot be found out. */
export function writerOf(file: ByteFile): string {
  const pid = file.lockHolder('writer')
  if (pid === undefined) return 'another process'
  return pid === process.pid ? 'this process' : `process ${pid}`
}

/** For who wants to write a file that is being written. */
export function writtenByAnother(file: ByteFile): FlagstoneError {
  const writer = writerOf(file)
  const advice =
    writer === 'this process' ? 'close that writer first' : 'wait until it is done, or end that process'
  return new FlagstoneError('LOCKED', `${file.path}: ${writer} is writing this file; ${advice}.`)
}
