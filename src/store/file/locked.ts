// The messages of LOCKED errors: which process is in the way.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'

/** 'process 4711' or 'this process'; 'another process' when it cannot be determined. */
function writerOf(file: ByteFile): string {
  const pid = file.lockHolder('writer')
  if (pid === undefined) return 'another process'
  return pid === process.pid ? 'this process' : `process ${pid}`
}

/** `errno` of the error for a file whose parts a writer is moving: it can be read again in a moment. */
const BUSY = 'EBUSY'

/**
 * The error for reading a file whose parts are being moved. Without `waitedMs` the writer is not identified, because
 * that takes time.
 */
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

/** The error for writing a file that another writer has. */
export function writtenByAnother(file: ByteFile): FlagstoneError {
  const writer = writerOf(file)
  const advice =
    writer === 'this process' ? 'close that writer first' : 'wait until it is done, or end that process'
  return new FlagstoneError('LOCKED', `${file.path}: ${writer} is writing this file; ${advice}.`)
}
