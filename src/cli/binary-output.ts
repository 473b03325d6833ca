// Writes binary data: to a file (-o), or to stdout if that is not a terminal.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { FlagstoneError } from '../errors.js'
import { removeFile, renameOver } from '../platform/rename.js'
import { fromNodeError } from '../platform/system-error.js'
import { type OutputPlace, outputPlace } from '../store/output-path.js'
import type { Io } from './io.js'

export interface BinaryTarget {
  /** The command's name, for messages. */
  readonly who: 'tile' | 'sample'
  /** The input file, which is never written. */
  readonly input: string
  /** Undefined or '-': stdout. */
  readonly output?: string | undefined
  readonly overwrite?: boolean | undefined
}

/** Whether the bytes go to stdout. */
export const isStdout = ({ output }: Pick<BinaryTarget, 'output'>): boolean =>
  output === undefined || output === '-'

/**
 * Checks the target before any work is done.
 * @throws BAD_OPTION, EXISTS, NOT_FOUND, SYSTEM when the file cannot be written there
 */
export function checkTarget(io: Io, target: BinaryTarget): void {
  if (!isStdout(target)) placeOf(target)
  else if (io.stdoutIsTerminal === true) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `${target.who} does not write binary data to a terminal: pass -o FILE, or redirect with > FILE.`,
    )
  }
}

/**
 * Writes the bytes. If this throws, an existing file is unchanged.
 * @throws as checkTarget
 * @throws DISK_FULL
 */
export function writeBinary(io: Io, target: BinaryTarget, bytes: Uint8Array): void {
  if (isStdout(target)) io.stdout.write(bytes)
  else writeFile(target.output!, placeOf(target), bytes)
}

function placeOf({ who, input, output, overwrite = false }: BinaryTarget): OutputPlace {
  return outputPlace(output!, { kind: 'picture', who, overwrite, inputs: [input] })
}

function writeFile(name: string, { path, replaces }: OutputPlace, bytes: Uint8Array): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(beside, bytes, { flag: 'wx' })
    if (renameOver(beside, path, replaces)) return
  } catch (error) {
    throw fromNodeError(error, 'write', path)
  } finally {
    removeFile(beside)
  }
  throw new FlagstoneError('EXISTS', `${name} appeared or changed just now, so it was left alone.`, {
    path: name,
  })
}
