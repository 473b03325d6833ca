// The line every number needs beside it: what it was measured on.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { probeDirectory } from '../../src/platform/probe.js'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** Of the scratch directory. */
  readonly fileSystem: string
  /** Of the last minute, before the bench began: above 0 others were working too, and times are longer than they need be. */
  readonly load: number
  readonly line: string
}

const load = Math.round(loadavg()[0]! * 10) / 10

export function describeMachine(scratch: string): Machine {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU'
  const cores = availableParallelism()
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  const kernel = `${process.platform} ${release()}`
  const fileSystem = fileSystemOf(scratch)
  const line = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, node ${process.version}, ${fileSystem}, load ${load} before`
  return { cpu, cores, memoryGiB, kernel, node: process.version, fileSystem, load, line }
}

/** Name as mounted (ext4, not ext2/3/4) where /proc tells, else by the magic number. */
function fileSystemOf(dir: string): string {
  const probed = probeDirectory(dir).fileSystem
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, at]) => at !== undefined && (dir === at || dir.startsWith(at === '/' ? '/' : `${at}/`)))
    // The longest mount point that holds the directory; of two at one place the later.
    const mount = mounts.reduce((best, next) => (next[1]!.length >= best[1]!.length ? next : best))
    return mount[2] ?? probed
  } catch {
    return probed
  }
}
