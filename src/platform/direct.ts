// Direct I/O: past the page cache, from aligned buffers to aligned positions. After opening, check whether it is really
// in effect: tmpfs and some other file systems refuse the flag, or accept and ignore it.
import { closeSync, constants as fs, openSync, readSync, statfsSync } from 'node:fs'
import { addressOf, call, libc } from './libc.js'

/** Number of O_DIRECT on this platform; undefined on macOS. */
export const O_DIRECT: number | undefined = (fs as Record<string, number>)['O_DIRECT']

const AT_FDCWD = -100
const STATX_DIOALIGN = 0x2000
const STATX_BYTES = 256
/** Offsets in struct statx: mask u32 at 0, dio_mem_align u32 at 0x98, dio_offset_align u32 at 0x9c. */
const STATX_MASK = 0
const STATX_DIO_MEM_ALIGN = 0x98
const STATX_DIO_OFFSET_ALIGN = 0x9c

/** File systems that accept the flag but use the page cache nevertheless: tmpfs, btrfs (checksummed data). */
const PRETENDERS = new Set([0x01021994, 0x9123683e])

/** A zeroed buffer whose first byte is at a multiple of `alignBytes` (a power of two). */
export function allocateAligned(bytes: number, alignBytes: number): Buffer {
  const room = Buffer.alloc(bytes + alignBytes)
  const past = Number(addressOf(room) % BigInt(alignBytes))
  const start = past === 0 ? 0 : alignBytes - past
  return room.subarray(start, start + bytes)
}

/** The alignment that statx states for a file, bytes; 0 for 'not possible', undefined where it does not say. */
function statxAlignment(path: string): number | undefined {
  if (libc.statx === undefined) return undefined
  const out = Buffer.alloc(STATX_BYTES)
  const answer = call(libc.statx, AT_FDCWD, path, 0, STATX_DIOALIGN, out)
  if ('errno' in answer || (out.readUInt32LE(STATX_MASK) & STATX_DIOALIGN) === 0) return undefined
  const memory = out.readUInt32LE(STATX_DIO_MEM_ALIGN)
  const offset = out.readUInt32LE(STATX_DIO_OFFSET_ALIGN)
  return memory === 0 || offset === 0 ? 0 : Math.max(memory, offset)
}

/** Alignment that direct I/O requires for this (existing, readable) file, bytes; 0 where it is not available. */
export function directAlignment(path: string): number {
  if (O_DIRECT === undefined) return 0
  const said = statxAlignment(path)
  if (said === 0 || (said === undefined && PRETENDERS.has(statfsSync(path).type))) return 0
  let fd: number
  try {
    fd = openSync(path, fs.O_RDONLY | O_DIRECT)
  } catch {
    return 0
  }
  try {
    if (said !== undefined) return said
    for (const align of [512, 4096]) {
      try {
        readSync(fd, allocateAligned(align, align), 0, align, 0)
        return align
      } catch {
        // too small: try the next one
      }
    }
    return 0
  } finally {
    closeSync(fd)
  }
}
