// Converts an errno to a FlagstoneError: one sentence with the call, its arguments, the path and, where known, what to
// do.
import { constants } from 'node:os'
import { type ErrorCode, FlagstoneError } from '../errors.js'

const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]))
// Where a number has two names: the manual pages of Linux use these.
NAMES.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP')
NAMES.set(constants.errno.EAGAIN, 'EAGAIN')
// Linux returns these for files and disks, and Node has no names for them.
const LINUX: readonly [number, string][] = [
  [74, 'EBADMSG'],
  [108, 'ESHUTDOWN'],
  [112, 'EHOSTDOWN'],
  [117, 'EUCLEAN'],
  [121, 'EREMOTEIO'],
  [122, 'EDQUOT'],
  [123, 'ENOMEDIUM'],
  [124, 'EMEDIUMTYPE'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
]
if (process.platform === 'linux') for (const [number, name] of LINUX) NAMES.set(number, name)

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
  EUCLEAN: { code: 'SYSTEM', text: 'the file system is damaged; unmount it and run its fsck' },
  EBADMSG: { code: 'SYSTEM', text: 'the file system found a wrong checksum; check the disk' },
  EREMOTEIO: { code: 'SYSTEM', text: 'the storage behind the file system failed; check it' },
  ENOMEDIUM: { code: 'SYSTEM', text: 'the disk is gone; connect it again' },
  ENODEV: { code: 'SYSTEM', text: 'the disk is gone; connect it again' },
  ESTALE: { code: 'SYSTEM', text: 'the file is gone from the network file system; open it again' },
  ENOMEM: { code: 'SYSTEM', text: 'the system has no memory left; close some programs' },
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
  // What a missing file is needs no system call to explain it; the properties have it all the same.
  const isPlain = advice?.code === 'NOT_FOUND' || advice?.code === 'EXISTS'
  const detail = isPlain ? '' : ` (${call}${given && ` ${given}`}: ${errno})`
  const sentence = `${path}: ${advice?.text ?? 'the system refused'}${detail}.`
  return new FlagstoneError(advice?.code ?? 'SYSTEM', sentence, { errno, call, path, args, cause })
}

/** Converts what node:fs throws; other errors are returned unchanged. */
export function fromNodeError(error: unknown, call: string, path: string, args: Arguments = {}): unknown {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException
  if (error instanceof FlagstoneError) return error
  // for EDQUOT and others Node has only 'UNKNOWN' or 'Unknown system error -122', but it has the number
  const isNameless = typeof errno === 'number' && !/^E[A-Z0-9]+$/.test(`${code}`)
  const known = isNameless ? errnoName(Math.abs(errno)) : code
  if (typeof known !== 'string' || !/^(E[A-Z0-9]+|errno \d+)$/.test(known)) return error
  return systemError(known === 'ENOTSUP' ? 'EOPNOTSUPP' : known, call, path, args, error)
}
