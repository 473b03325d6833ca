// errno → FlagstoneError: one sentence with the call, its arguments, the path, and what to do where that is known.
import { constants } from 'node:os'
import { type ErrorCode, FlagstoneError } from '../errors.js'

const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]))
// Two names of one number; Linux says EOPNOTSUPP in its manual pages.
NAMES.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP')
NAMES.set(constants.errno.EAGAIN, 'EAGAIN')

export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`

const ADVICE: Record<string, { code: ErrorCode; text: string }> = {
  ENOSPC: { code: 'DISK_FULL', text: 'the disk is full; free some space and try again' },
  EDQUOT: { code: 'DISK_FULL', text: 'the disk quota is used up; free some space and try again' },
  EFBIG: {
    code: 'SYSTEM',
    text: 'the file would be larger than this file system or the process limit allows',
  },
  EROFS: { code: 'SYSTEM', text: 'the file system is mounted read-only; choose another place' },
  EACCES: {
    code: 'SYSTEM',
    text: 'permission denied; check the owner and mode of the file and its directories',
  },
  EPERM: { code: 'SYSTEM', text: 'not permitted; the file may be immutable, append-only or sealed' },
  EIO: { code: 'SYSTEM', text: 'the disk reported an input/output error; check the disk, then run verify' },
  ENOENT: { code: 'NOT_FOUND', text: 'there is no such file' },
  EEXIST: { code: 'EXISTS', text: 'the file exists already' },
  ENOTDIR: { code: 'NOT_FOUND', text: 'a part of this path is not a directory' },
  ELOOP: { code: 'SYSTEM', text: 'its symbolic links lead to each other in a circle' },
  ENAMETOOLONG: { code: 'SYSTEM', text: 'the name is too long' },
  ETXTBSY: { code: 'SYSTEM', text: 'the file is a program that is running' },
  EISDIR: { code: 'SYSTEM', text: 'this is a directory' },
  EMFILE: {
    code: 'SYSTEM',
    text: 'this process may not open more files; raise its limit, for example with ulimit -n 1024',
  },
  ENFILE: { code: 'SYSTEM', text: 'the system has too many files open; close some programs' },
  ENOLCK: { code: 'SYSTEM', text: 'this file system has no file locks; put the file on a local disk' },
  EOPNOTSUPP: { code: 'SYSTEM', text: 'this file system cannot do that' },
}

type Arguments = Record<string, number | string | bigint>

/** The error for a failed call. */
export function systemError(
  errno: string,
  call: string,
  path: string,
  args: Arguments,
  cause?: unknown,
): FlagstoneError {
  const advice = ADVICE[errno]
  const given = Object.entries(args)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
  const sentence = `${path}: ${advice?.text ?? 'the system refused'} (${call}${given && ` ${given}`}: ${errno}).`
  return new FlagstoneError(advice?.code ?? 'SYSTEM', sentence, { errno, call, path, args, cause })
}

/** Wraps what node:fs throws; anything else passes through. */
export function fromNodeError(error: unknown, call: string, path: string, args: Arguments = {}): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (error instanceof FlagstoneError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error
  return systemError(code === 'ENOTSUP' ? 'EOPNOTSUPP' : code, call, path, args, error)
}
