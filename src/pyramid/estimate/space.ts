// Whether a build fits on the disk, asked before it begins. What fits in any case is told from the plan alone; only
// where it is close a part of the tiles is made for an estimate.
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { fromNodeError } from '../../platform/system-error.js'
import type { BuildPlan } from '../plan/plan.js'
import type { PrepareContext, Prepared } from '../prepare.js'

export interface Disk {
  readonly directory: string
  readonly freeBytes: number
}

/** @throws FlagstoneError NOT_FOUND, SYSTEM */
export function diskOf(out: string): Disk {
  const directory = dirname(out)
  try {
    const { bavail, bsize } = statfsSync(directory)
    return { directory, freeBytes: bavail * bsize }
  } catch (error) {
    throw fromNodeError(error, 'statfs', directory)
  }
}

/** More than a pixel ever takes: JPEG of quality 100 is below two bytes. */
const LOSSY_BYTES_A_PIXEL = 2
const RAW_BYTES_A_PIXEL = 4.2
/** An estimate may be too high by so much. */
const TRUST = 0.75
const SAMPLE_SECONDS = 1

function mostBytes({ tiles, tileSize, encoding, content }: BuildPlan): number {
  const isRaw = encoding.lossless || encoding.format === 'png' || content === 'elevation'
  return tiles * tileSize ** 2 * (isRaw ? RAW_BYTES_A_PIXEL : LOSSY_BYTES_A_PIXEL)
}

/** Throws DISK_FULL, with both sizes. */
export async function requireSpace(prepared: Prepared, context: PrepareContext): Promise<void> {
  const { out } = prepared.options
  const disk = diskOf(out)
  if (mostBytes(prepared.plan) <= disk.freeBytes) return
  const { expectedBytes } = await import('./estimate.js')
  const fileBytes = await expectedBytes(prepared, context, SAMPLE_SECONDS)
  if (fileBytes * TRUST > disk.freeBytes) throw lackOfSpace(out, fileBytes, disk)
}

export function lackOfSpace(out: string, fileBytes: number, { directory, freeBytes }: Disk): FlagstoneError {
  return new FlagstoneError(
    'DISK_FULL',
    `${out} needs about ${sized(fileBytes)}, but ${directory} has only ${sized(freeBytes)} free: free some space, or choose another place, fewer zooms or a lower quality.`,
    { path: out },
  )
}

function sized(bytes: number): string {
  const unit = Math.min(5, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${['B', 'KB', 'MB', 'GB', 'TB', 'PB'][unit]}`
}
