// The file behind a spool (raster/spool.ts). It is used when strips of an image would be decoded again and again. It
// lies beside the output and has no name, so that nothing is left of it however the build ends.
import { closeSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { NamelessFile } from '../../platform/nameless-file.js'
import type { Spool } from '../../raster/spool.js'
import type { BuildPlan } from '../plan/plan.js'

/** Bytes left free on the disk for the output. */
const SPARE_BYTES = 2 ** 30

/** Undefined when it would not help or there is no room; the build continues without it. */
export function openSpool(plan: BuildPlan, out: string, cacheBytes: number): Spool | undefined {
  const [info] = plan.sources
  if (plan.sources.length !== 1 || info === undefined || plan.subtrees < 2) return undefined
  const { width, height, blockWidth, blockHeight } = info.levels[0]!
  const isStriped = blockWidth >= width && height > blockHeight
  const bytes = width * height * (info.bands * (info.samples === 'uint8' ? 1 : 4) + 1)
  if (!isStriped || bytes <= cacheBytes) return undefined
  const dir = dirname(out)
  try {
    const { bavail, bsize } = statfsSync(dir)
    if (bavail * bsize < bytes + SPARE_BYTES) return undefined
    const { fd } = new NamelessFile(dir)
    return { path: info.path, fd, states: new SharedArrayBuffer(Math.ceil(height / blockHeight) * 4) }
  } catch {
    return undefined
  }
}

export function closeSpool(spool: Spool): void {
  closeSync(spool.fd)
}
