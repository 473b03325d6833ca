// Who is in the way: the sentences of LOCKED.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'

/** 'process 4711', 'this process'; 'another process' where it cannot be found out. */
function writerOf(file: ByteFile): string {
  const pid = file.lockHolder('writer')
  if (pid === undefined) return 'another process'
  return pid === process.pid ? 'this process' : `process ${pid}`
}

/** What `errno` says of a file that can be read again in a moment: a writer is moving its parts. */
const BUSY = 'EBUSY'

/** For who wants to read a file whose parts are being moved; without `waitedMs` the writer is not looked for: that takes time. */
export function movedNow(file: { readonly path: string } | ByteFile, waitedMs = 0): FlagstoneError {
  const writer = waitedMs > 0 && 'lockHolder' in file ? writerOf(file) : 'its writer'
  const since = waitedMs > 0 ? ` and was not done after ${waitedMs} ms` : ''
  return new FlagstoneError(
    'LOCKED',
    `${file.path}: ${writer} is moving parts of the file${since}; try again in a moment.`,
    { errno: BUSY, path: file.path },
  )
}

/** Whether trying again in a moment may help. */
export const isBusy = (error: unknown): boolean =>
  error instanceof FlagstoneError && error.code === 'LOCKED' && error.errno === BUSY

/** For who wants to write a file that is being written. */
export function writtenByAnother(file: ByteFile): FlagstoneError {
  const writer = writerOf(file)
  const advice =
    writer === 'this process' ? 'close that writer first' : 'wait until it is done, or end that process'
  return new FlagstoneError('LOCKED', `${file.path}: ${writer} is writing this file; ${advice}.`)
}
