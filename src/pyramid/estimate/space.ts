// Checks whether a build fits on the disk before it begins. Usually the plan alone shows that it fits. Only if it is
// close, a sample of the tiles is built for an estimate.
import type { BuildPlan } from '../plan/plan.js'
import type { PrepareContext, Prepared } from '../prepare.js'
import { diskOf, lackOfSpace } from './disk.js'

/** More than a pixel ever takes: JPEG at quality 100 is below two bytes. */
const LOSSY_BYTES_A_PIXEL = 2
const RAW_BYTES_A_PIXEL = 4.2
/** Estimates may be too high, so only this share of one must fit. */
const TRUST = 0.75
const SAMPLE_SECONDS = 1

function mostBytes({ tiles, tileSize, encoding, content }: BuildPlan): number {
  const isRaw = encoding.lossless || encoding.format === 'png' || content === 'elevation'
  return tiles * tileSize ** 2 * (isRaw ? RAW_BYTES_A_PIXEL : LOSSY_BYTES_A_PIXEL)
}

/** @throws DISK_FULL when it does not fit; the message gives both sizes */
export async function requireSpace(prepared: Prepared, context: PrepareContext): Promise<void> {
  const { out } = prepared.options
  const disk = diskOf(out)
  if (mostBytes(prepared.plan) <= disk.freeBytes) return
  const { expectedBytes } = await import('./estimate.js')
  const fileBytes = await expectedBytes(prepared, context, SAMPLE_SECONDS)
  if (fileBytes * TRUST > disk.freeBytes) throw lackOfSpace(out, fileBytes, disk)
}
