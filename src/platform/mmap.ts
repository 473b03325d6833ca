// Read-only shared mappings. A mapping lives as long as any view into it: the ArrayBuffer cannot be detached in
// Node 20, so it is unmapped by the garbage collector's word only, never under a view.
import { constants } from 'node:os'
import { ADVICE, type Advice } from './advice.js'
import { call, errno, libc, MAP_FAILED, viewOf } from './libc.js'
import { errnoName, systemError } from './system-error.js'

const PROT_READ = 1
const MAP_SHARED = 1
/** koffi aborts the process over 2^32 bytes, and a window of this size is plenty. */
export const MAX_MAPPING_BYTES = 2 ** 30

interface Mapping {
  readonly address: bigint
  readonly length: number
}

const mappings = new FinalizationRegistry<Mapping>(
  ({ address, length }) => void call(libc.munmap, address, length),
)
const addresses = new WeakMap<ArrayBuffer, Mapping>()

/**
 * Maps [offset, offset + length) of a file, which may reach past its end (touching that is SIGBUS).
 * @returns undefined where the file cannot be mapped (ENODEV, EACCES, ENOMEM)
 * @throws RangeError over 2^30 bytes or at an offset that is not a multiple of 64 KiB
 */
export function map(fd: number, offset: number, length: number, path: string): ArrayBuffer | undefined {
  if (length <= 0 || length > MAX_MAPPING_BYTES) throw new RangeError(`a mapping of ${length} bytes`)
  if (offset % 65536 !== 0) throw new RangeError(`a mapping at ${offset}`)
  const address = libc.mmap(null, length, PROT_READ, MAP_SHARED, fd, offset) as bigint | null
  if (address === null || address === MAP_FAILED) {
    const number = errno()
    const { ENODEV, EACCES, ENOMEM, EAGAIN } = constants.errno
    if ([ENODEV, EACCES, ENOMEM, EAGAIN].includes(number)) return undefined
    throw systemError(errnoName(number), 'mmap', path, { offset, length })
  }
  const buffer = viewOf(address, length)
  const mapping = { address, length }
  mappings.register(buffer, mapping)
  addresses.set(buffer, mapping)
  return buffer
}

/** madvise on a whole mapping made by `map`; a hint, never fails. */
export function advise(buffer: ArrayBuffer, advice: Advice): void {
  const mapping = addresses.get(buffer)
  if (mapping !== undefined && libc.madvise !== undefined)
    call(libc.madvise, mapping.address, mapping.length, ADVICE[advice])
}
