// File systems of every kind for tests: a sparse image in the temporary directory, made into a file system and
// mounted through a loop device. Needs root and the mkfs tools; a test skips with the reason where they are missing.
import { execFileSync } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export const FILE_SYSTEMS = ['ext4', 'ext4-1k', 'ext4-bigalloc', 'ext2', 'xfs', 'btrfs', 'tmpfs'] as const
export type FileSystemName = (typeof FILE_SYSTEMS)[number]

interface Recipe {
  /** Size of the image, MiB: the smallest that mkfs takes gladly. */
  readonly mib: number
  /** mkfs command; none for tmpfs. */
  readonly make?: readonly [string, ...string[]]
}

const RECIPES: Record<FileSystemName, Recipe> = {
  ext4: { mib: 96, make: ['mkfs.ext4', '-q', '-F', '-b', '4096', '-m', '0'] },
  'ext4-1k': { mib: 96, make: ['mkfs.ext4', '-q', '-F', '-b', '1024', '-m', '0'] },
  'ext4-bigalloc': {
    mib: 160,
    make: ['mkfs.ext4', '-q', '-F', '-m', '0', '-O', 'bigalloc', '-C', '65536'],
  },
  ext2: { mib: 96, make: ['mkfs.ext2', '-q', '-F', '-b', '4096', '-m', '0'] },
  xfs: { mib: 320, make: ['mkfs.xfs', '-q', '-f'] },
  btrfs: { mib: 160, make: ['mkfs.btrfs', '-q', '-f'] },
  tmpfs: { mib: 96 },
}

/** What tap's `t` offers that is used here. */
interface Test {
  teardown(handler: () => void): void
}

export interface MountOptions {
  /** Size of the file system, MiB (xfs at least 300, btrfs at least 110); small by default. */
  readonly mib?: number
}

export interface Mounted {
  /** An empty directory in the new file system. */
  readonly directory: string
  /** The root of the file system. */
  readonly mountPoint: string
}

/** Why this file system cannot be had here; undefined when it can be tried. */
export function whyNoMount(name: FileSystemName): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root, to mount'
  const missing = [RECIPES[name].make?.[0], 'mount', 'umount'].find((tool) => tool && !whichTool(tool))
  return missing && `needs ${missing}`
}

/** Whether a command is to be found in PATH (or where system tools live). */
export function whichTool(name: string): boolean {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return directories.some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const PREFIX = 'flagstone-mount-'
const mounted = new Set<() => void>()
process.once('exit', () => {
  for (const unmount of mounted) unmount()
})

/**
 * Mounts a new file system for the time of a test.
 * @returns its directory, or a reason to skip
 */
export function mountFor(t: Test, name: FileSystemName, options: MountOptions = {}): Mounted | string {
  const reason = whyNoMount(name)
  if (reason !== undefined) return reason
  const { mib: usual, make } = RECIPES[name]
  const mib = options.mib ?? usual
  sweep()
  const place = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${name}-`))
  const mountPoint = join(place, 'mnt')
  mkdirSync(mountPoint)
  try {
    if (make === undefined) run('mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', mountPoint)
    else {
      const image = join(place, 'image')
      const fd = openSync(image, 'wx')
      ftruncateSync(fd, mib * 2 ** 20)
      closeSync(fd)
      run(make[0], ...make.slice(1), image)
      run('mount', '-o', 'loop', image, mountPoint)
    }
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    return `${name} cannot be mounted here: ${(error as Error).message.trim()}`
  }
  const unmount = (): void => {
    mounted.delete(unmount)
    try {
      run('umount', mountPoint)
    } catch {
      // A mapping that waits for the garbage collector keeps it busy.
      run('umount', '-l', mountPoint)
    }
    rmSync(place, { recursive: true, force: true })
  }
  mounted.add(unmount)
  t.teardown(unmount)
  const directory = join(mountPoint, 'd')
  mkdirSync(directory)
  return { directory, mountPoint }
}

let swept = false
/** Takes away what processes left that were killed before they could. */
function sweep(): void {
  if (swept) return
  swept = true
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : Number.NaN
    if (Number.isNaN(pid) || existsSync(`/proc/${pid}`)) continue
    const place = join(tmpdir(), name)
    try {
      run('umount', '-l', join(place, 'mnt'))
    } catch {
      // not mounted, or another test was quicker
    }
    rmSync(place, { recursive: true, force: true })
  }
}

/** Changes how a mounted file system is mounted, e.g. 'ro'. */
export function remount(mountPoint: string, option: string): void {
  run('mount', '-o', `remount,${option}`, mountPoint)
}

function run(tool: string, ...args: string[]): void {
  const path = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
  execFileSync(tool, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: path } })
}
