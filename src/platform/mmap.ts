// Mappings of files. Node 20 cannot detach the ArrayBuffer over a mapping. So code that returns views of a mapping
// leaves the unmapping to the garbage collector; other code may unmap at once.
import { constants } from 'node:os'
import { ADVICE, type Advice } from './advice.js'
import type { ViewMapping } from './byte-file.js'
import { call, errno, libc, MAP_FAILED, viewOf } from './libc.js'
import { errnoName, systemError } from './system-error.js'

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
/** Pages that may be written, and so copied, are not reserved in advance. */
const MAP_NORESERVE = process.platform === 'darwin' ? 0x40 : 0x4000
/** koffi aborts the process above 2^32 bytes, and a window of this size is sufficient. */
const MAX_MAPPING_BYTES = 2 ** 30
/**
 * Limit on mappings for views that may be alive at once. They end when the garbage collector runs, which a synchronous
 * loop prevents. Linux allows a process 65,530 mappings of all kinds.
 */
const MOST_VIEW_MAPPINGS = 8192

interface Mapping {
  readonly address: bigint
  readonly length: number
}

const unmapNow = ({ address, length }: Mapping): void => void call(libc.munmap, address, length)

const mappings = new FinalizationRegistry<Mapping>(unmapNow)
const addresses = new WeakMap<ArrayBuffer, Mapping>()

/**
 * Maps [offset, offset + length) of a file, shared and read-only. The range may extend past the file's end, where
 * touching it raises SIGBUS. So the buffer must never be passed to users: a structured clone touches all of it.
 * @returns undefined where the file cannot be mapped (ENODEV, EACCES, ENOMEM)
 * @throws RangeError when it is over 2^30 bytes, or the offset is not a multiple of 64 KiB
 */
export function map(fd: number, offset: number, length: number, path: string): ArrayBuffer | undefined {
  const mapping = mapPages(fd, offset, length, PROT_READ, MAP_SHARED, path)
  if (mapping === undefined) return undefined
  const buffer = viewOf(mapping.address, length)
  mappings.register(buffer, mapping, mapping)
  addresses.set(buffer, mapping)
  return buffer
}

/** Ends a mapping made by `map` at once. The buffer must not be accessed any more, because its memory is gone. */
export function unmap(buffer: ArrayBuffer): void {
  const mapping = addresses.get(buffer)
  if (mapping === undefined) return
  addresses.delete(buffer)
  mappings.unregister(mapping)
  unmapNow(mapping)
}

/** Calls madvise on a whole mapping made by `map`. A hint that never fails. */
export function advise(buffer: ArrayBuffer, advice: Advice): void {
  const mapping = addresses.get(buffer)
  if (mapping !== undefined && libc.madvise !== undefined)
    call(libc.madvise, mapping.address, mapping.length, ADVICE[advice])
}

let viewMappings = 0
const lent = new FinalizationRegistry<Mapping>((mapping) => {
  viewMappings--
  unmapNow(mapping)
})
/** Keeps the mapping alive as long as any of its parts. */
const owners = new WeakMap<ArrayBuffer, ViewMapping>()

/**
 * Maps [offset, offset + length) of a file for views that others hold. It is private: writes to the views are visible
 * only in this process and never reach the file.
 * @returns undefined where the file cannot be mapped, or too many such mappings are alive
 */
export function mapViews(fd: number, offset: number, length: number, path: string): ViewMapping | undefined {
  if (viewMappings >= MOST_VIEW_MAPPINGS) return undefined
  const mapping = mapPages(fd, offset, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, path)
  if (mapping === undefined) return undefined
  viewMappings++
  const views: ViewMapping = {
    length,
    part(from, bytes) {
      const buffer = viewOf(mapping.address + BigInt(from), bytes)
      owners.set(buffer, views)
      return buffer
    },
  }
  lent.register(views, mapping)
  return views
}

function mapPages(
  fd: number,
  offset: number,
  length: number,
  protection: number,
  flags: number,
  path: string,
): Mapping | undefined {
  if (length <= 0 || length > MAX_MAPPING_BYTES) throw new RangeError(`a mapping of ${length} bytes`)
  if (offset % 65536 !== 0) throw new RangeError(`a mapping at ${offset}`)
  const address = libc.mmap(null, length, protection, flags, fd, offset) as bigint | null
  if (address !== null && address !== MAP_FAILED) return { address, length }
  const number = errno()
  const { ENODEV, EACCES, ENOMEM, EAGAIN } = constants.errno
  if ([ENODEV, EACCES, ENOMEM, EAGAIN].includes(number)) return undefined
  throw systemError(errnoName(number), 'mmap', path, { offset, length })
}
