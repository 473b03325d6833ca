// What the file system under a directory can do, found by trying on a file without a name: statfs does not
// tell (a bigalloc ext4 looks like any other). Asked once a device and process.
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { type Capabilities, FALLOC } from './byte-file.js'
import { clone, copyInKernel } from './copy.js'
import { directAlignment } from './direct.js'
import { fallocate } from './fallocate.js'
import { fromNodeError } from './system-error.js'

export interface ProbeResult extends Capabilities {
  /** By its magic number, 'ext2/3/4', 'xfs' …; the number in hex when unknown. */
  readonly fileSystem: string
}

/** For files that are only read. */
export const NO_CAPABILITIES: Capabilities = {
  insertRange: false,
  collapseRange: false,
  punchHole: false,
  zeroRange: false,
  allocate: false,
  growthUnitBytes: 4096,
  directAlignBytes: 0,
  reflink: false,
  copyFileRange: false,
}

/** linux/magic.h */
const FILE_SYSTEMS: Record<number, string> = {
  61267: 'ext2/3/4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  26985: 'nfs',
  4076150800: 'f2fs',
  801189825: 'zfs',
  3393526350: 'bcachefs',
  1702057286: 'fuse',
  26: 'apfs',
}

/** Growth units to try: a block, the usual cluster of bigalloc, larger clusters. */
const UNITS = [4096, 65536, 1 << 18, 1 << 20]
const SPAN = 4 * UNITS.at(-1)!

const cache = new Map<string, ProbeResult>()

/**
 * Tries INSERT, COLLAPSE, PUNCH, ZERO, preallocation, the growth unit, direct I/O, reflink and copy_file_range.
 * @throws FlagstoneError NOT_FOUND or SYSTEM (EROFS, EACCES …) when no file can be made there
 */
export function probeDirectory(directory: string): ProbeResult {
  const identity = identityOf(directory)
  let found = cache.get(identity)
  if (found === undefined) {
    found = probe(directory)
    cache.set(identity, found)
  }
  return found
}

/** The device alone does not do: its number goes to another file system after an unmount. */
function identityOf(directory: string): string {
  try {
    const stat = statSync(directory)
    if (stat.isDirectory()) {
      const { type, bsize, blocks } = statfsSync(directory)
      return `${stat.dev} ${type} ${bsize} ${blocks}`
    }
  } catch (error) {
    throw fromNodeError(error, 'stat', directory)
  }
  throw new FlagstoneError('NOT_FOUND', `${directory} is not a directory; give one to probe.`, {
    path: directory,
  })
}

/** A new file whose name is gone again before anything is tried, beside one more for copies. */
function probe(directory: string): ProbeResult {
  const fds: number[] = []
  try {
    const place = mkdtempSync(join(directory, '.flagstone-probe-'))
    const path = join(place, 'file')
    const open = (name: string): number => {
      fds.push(openSync(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL))
      return fds.at(-1)!
    }
    let fd: number
    let other: number
    let directAlignBytes: number
    try {
      fd = open(path)
      other = open(`${path}-copy`)
      writeSync(fd, Buffer.alloc(65536, 1), 0, 65536, 0)
      directAlignBytes = directAlignment(path)
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
    return { fileSystem: fileSystemOf(directory), directAlignBytes, ...tryModes(fd), ...tryCopies(fd, other) }
  } catch (error) {
    throw fromNodeError(error, 'probe', directory)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

function fileSystemOf(directory: string): string {
  const { type } = statfsSync(directory)
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`
}

/** A disk that is full for now is able all the same. */
function able(fd: number, mode: number, offset: number, length: number): boolean {
  try {
    fallocate(fd, mode, offset, length)
    return true
  } catch (error) {
    return error instanceof FlagstoneError && error.code === 'DISK_FULL'
  }
}

type Modes = Omit<Capabilities, 'directAlignBytes' | 'reflink' | 'copyFileRange'>

function tryModes(fd: number): Modes {
  ftruncateSync(fd, SPAN)
  const unit = UNITS.find((bytes) => able(fd, FALLOC.INSERT_RANGE, bytes, bytes))
  const growthUnitBytes = unit ?? UNITS[0]!
  return {
    insertRange: unit !== undefined,
    collapseRange: able(fd, FALLOC.COLLAPSE_RANGE, growthUnitBytes, growthUnitBytes),
    punchHole: able(fd, FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE, 0, growthUnitBytes),
    zeroRange: able(fd, FALLOC.ZERO_RANGE, 0, growthUnitBytes),
    allocate: able(fd, FALLOC.ALLOCATE, 0, growthUnitBytes),
    growthUnitBytes,
  }
}

function tryCopies(from: number, to: number): Pick<Capabilities, 'reflink' | 'copyFileRange'> {
  const reflink = clone(from, to)
  // The files' positions are at 0: everything above was positioned.
  const copyFileRange = copyInKernel(from, to, 4096) === 4096
  return { reflink, copyFileRange }
}
