// fallocate(2) with every mode. It has no policy of its own: errors of the file system are passed on with their errno.
// Where there is no fallocate (macOS), mode 0 uses the system's own call, and other modes fail with EOPNOTSUPP.
import { fstatSync, ftruncateSync } from 'node:fs'
import { constants } from 'node:os'
import { call, libc } from './libc.js'
import { errnoName, fromNodeError, systemError } from './system-error.js'

const F_PREALLOCATE = 42
const F_ALLOCATEALL = 4
const F_PEOFPOSMODE = 3

/**
 * macOS: reserves space after the end of the file, then sets the new size. struct fstore { uint flags; int posmode;
 * off_t offset, length, bytesalloc }
 */
function preallocateDarwin(
  fd: number,
  offset: number,
  length: number,
): { value: number } | { errno: number } {
  if (offset < 0 || length <= 0) return { errno: constants.errno.EINVAL }
  const size = fstatSync(fd).size
  const end = offset + length
  if (end <= size) return { value: 0 }
  const store = Buffer.alloc(32)
  store.writeUInt32LE(F_ALLOCATEALL, 0)
  store.writeInt32LE(F_PEOFPOSMODE, 4)
  store.writeBigInt64LE(BigInt(end - size), 16)
  const answer = call(libc.fcntl, fd, F_PREALLOCATE, 'void *', store)
  if ('value' in answer) ftruncateSync(fd, end)
  return answer
}

const details = (mode: number, offset: number, length: number): Record<string, number | string> => ({
  mode: `0x${mode.toString(16).padStart(2, '0')}`,
  offset,
  length,
})

/**
 * Changes the space of [offset, offset + length) of an open file, bytes. Modes: see FALLOC.
 * @throws SYSTEM, DISK_FULL when the call fails, with errno (EBADF, ENOSPC, EOPNOTSUPP, EINVAL, EIO …), call, args, path
 */
export function fallocate(fd: number, mode: number, offset: number, length: number, path = `fd ${fd}`): void {
  const answer = begin(fd, mode, offset, length, path) ?? call(libc.fallocate!, fd, mode, offset, length)
  if ('errno' in answer)
    throw systemError(errnoName(answer.errno), 'fallocate', path, details(mode, offset, length))
}

/** The result where the Linux call is not needed. */
function begin(
  fd: number,
  mode: number,
  offset: number,
  length: number,
  path: string,
): { value: number } | { errno: number } | undefined {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) {
    throw systemError('EINVAL', 'fallocate', path, details(mode, offset, length))
  }
  if (libc.fallocate !== undefined) return undefined
  if (mode === 0 && process.platform === 'darwin') {
    try {
      return preallocateDarwin(fd, offset, length)
    } catch (error) {
      throw fromNodeError(error, 'fallocate', path, details(mode, offset, length))
    }
  }
  throw systemError('EOPNOTSUPP', 'fallocate', path, details(mode, offset, length))
}
