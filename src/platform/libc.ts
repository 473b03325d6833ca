// Functions of the C library that node:fs lacks. This is the only file that uses koffi, and pointers never leave
// platform/. glibc or musl is found by trying; under these names both have a 64-bit off_t on x64 and arm64.
import { constants } from 'node:os'
import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi'

// biome-ignore lint/suspicious/noExplicitAny: koffi checks the arguments against the prototype
type KoffiFunction = KoffiFunc<(...args: any[]) => any>

import { FlagstoneError } from '../errors.js'

const CANDIDATES =
  process.platform === 'darwin'
    ? ['libSystem.B.dylib']
    : ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`, 'libc.so']

function load(): LibraryHandle {
  let failure: unknown
  for (const name of CANDIDATES) {
    try {
      return koffi.load(name)
    } catch (error) {
      failure = error
    }
  }
  throw new FlagstoneError(
    'UNSUPPORTED_PLATFORM',
    `No C library was found (tried ${CANDIDATES.join(', ')}).`,
    {
      cause: failure,
    },
  )
}

const library = load()

/** A function that this C library may lack (musl, macOS); undefined then. */
function optional(prototype: string): KoffiFunction | undefined {
  try {
    return library.func(prototype)
  } catch {
    return undefined
  }
}

export const libc = {
  fallocate: optional('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
  mmap: library.func(
    'void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)',
  ),
  munmap: library.func('int munmap(void *address, size_t length)'),
  madvise: optional('int madvise(void *address, size_t length, int advice)'),
  fcntl: library.func('int fcntl(int fd, int command, ...)'),
  flock: library.func('int flock(int fd, int operation)'),
  ioctl: library.func('int ioctl(int fd, unsigned long request, ...)'),
  posixFadvise: optional('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)'),
  syncFileRange: optional('int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)'),
  syncfs: optional('int syncfs(int fd)'),
  renameat2: optional(
    'int renameat2(int oldDir, const char *oldPath, int newDir, const char *newPath, unsigned int flags)',
  ),
  copyFileRange: optional(
    'int64_t copy_file_range(int from, void *fromOffset, int to, void *toOffset, size_t length, unsigned int flags)',
  ),
  statx: optional('int statx(int dir, const char *path, int flags, unsigned int mask, void *out)'),
}

export const errno = (): number => koffi.errno()
const EINTR = constants.errno.EINTR
/** The value of mmap when it fails. */
export const MAP_FAILED = 0xffffffffffffffffn

/** An ArrayBuffer over memory of the C library; at most 2^30 bytes. */
export const viewOf = (address: bigint, length: number): ArrayBuffer => koffi.view(address, length)
export const addressOf = (bytes: Uint8Array): bigint => koffi.address(bytes)

type Call = KoffiFunction

/** Calls until it is not interrupted. A result of −1 becomes the errno (positive), any other `{ value }`. */
export function call(fn: Call, ...args: unknown[]): { value: number } | { errno: number } {
  for (;;) {
    const value = Number(fn(...args))
    if (value !== -1) return { value }
    const number = errno()
    if (number !== EINTR) return { errno: number }
  }
}
