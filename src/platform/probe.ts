// What the file system of a directory can do, determined by trying on a file without a name: statfs does not tell (a
// bigalloc ext4 looks like any other). Probed once per device and process.
import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { badRange, FlagstoneError, wrongType } from '../errors.js'
import { type Capabilities, FALLOC } from './byte-file.js'
import { clone, copyInKernel } from './copy.js'
import { directAlignment } from './direct.js'
import { fallocate } from './fallocate.js'
import { type LockKind, lockKind } from './locks.js'
import { fromNodeError } from './system-error.js'

/** The capabilities of the file system under a directory. */
export interface ProbeResult extends Capabilities {
  /** Name by its magic number, 'ext2/3/4', 'xfs' …; the number in hex when unknown. */
  readonly fileSystem: string
  /** 'byte-range': all three locks. 'whole-file': only the writer's, so growth relocates; see locks.ts. */
  readonly locks: LockKind
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
 * @throws NOT_FOUND when there is no such directory
 * @throws SYSTEM when a file cannot be created in it: EROFS, EACCES …
 */
export function probeDirectory(directory: string): ProbeResult {
  if (typeof directory !== 'string') throw wrongType('directory must be a path', directory)
  if (directory.includes('\0')) throw badRange('directory must not contain a NUL character')
  const identity = identityOf(directory)
  let found = cache.get(identity)
  if (found === undefined) {
    found = probe(directory)
    cache.set(identity, found)
  }
  return found
}

/** File systems that usually can insert ranges; ext2 and ext3 cannot. */
const INSERTING = new Set(['ext2/3/4', 'xfs', 'f2fs'])

/**
 * The expected result of a probe for growth. Uses an earlier probe or the name of the file system; nothing is written.
 * @throws NOT_FOUND, SYSTEM
 */
export function expectGrowth(directory: string): Pick<ProbeResult, 'fileSystem' | 'insertRange'> {
  const tried = cache.get(identityOf(directory))
  if (tried !== undefined) return tried
  const fileSystem = fileSystemOf(directory)
  return { fileSystem, insertRange: INSERTING.has(fileSystem) }
}

/** The device number alone is not enough: after an unmount another file system may get it. */
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

/** Linux: a file that never has a name, so that nothing is left behind however this process ends. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/** Two nameless files; undefined where they are not available (other systems, NFS, no /proc to reach them by). */
function openNameless(directory: string, fds: number[]): [number, number] | undefined {
  if (process.platform !== 'linux') return undefined
  const open = (): number => {
    fds.push(openSync(directory, constants.O_RDWR | O_TMPFILE, 0o600))
    return fds.at(-1)!
  }
  try {
    const pair: [number, number] = [open(), open()]
    return existsSync(pathOf(pair[0])) ? pair : undefined
  } catch {
    return undefined
  }
}

const pathOf = (fd: number): string => `/proc/self/fd/${fd}`

const EXAMPLE = Buffer.alloc(65536, 1)

/** Tries everything on a file without a name, or on one whose name is removed before anything is tried. */
function probe(directory: string): ProbeResult {
  const fds: number[] = []
  try {
    const pair = openNameless(directory, fds)
    if (pair === undefined) return probeNamed(directory, fds)
    writeSync(pair[0], EXAMPLE, 0, EXAMPLE.length, 0)
    return results(directory, ...pair, directAlignment(pathOf(pair[0])))
  } catch (error) {
    throw fromNodeError(error, 'probe', directory)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

function probeNamed(directory: string, fds: number[]): ProbeResult {
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
    writeSync(fd, EXAMPLE, 0, EXAMPLE.length, 0)
    directAlignBytes = directAlignment(path)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
  return results(directory, fd, other, directAlignBytes)
}

function results(directory: string, fd: number, other: number, directAlignBytes: number): ProbeResult {
  const fileSystem = fileSystemOf(directory)
  return { fileSystem, locks: lockKind(fd), directAlignBytes, ...tryModes(fd), ...tryCopies(fd, other) }
}

function fileSystemOf(directory: string): string {
  const { type } = statfsSync(directory)
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`
}

/** A file system whose disk is full at present is capable nevertheless. */
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
  // The files' positions are at 0, because every call above gave its position.
  const copyFileRange = copyInKernel(from, to, 4096) === 4096
  return { reflink, copyFileRange }
}
