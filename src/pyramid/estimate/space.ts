// Whether a build fits on the disk, asked before it begins. What fits in any case is told from the plan alone; only
// where it is close a part of the tiles is made for an estimate.
import type { BuildPlan } from '../plan/plan.js'
import type { PrepareContext, Prepared } from '../prepare.js'
import { diskOf, lackOfSpace } from './disk.js'

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

/** @throws DISK_FULL when it does not fit, with both sizes */
export async function requireSpace(prepared: Prepared, context: PrepareContext): Promise<void> {
  const { out } = prepared.options
  const disk = diskOf(out)
  if (mostBytes(prepared.plan) <= disk.freeBytes) return
  const { expectedBytes } = await import('./estimate.js')
  const fileBytes = await expectedBytes(prepared, context, SAMPLE_SECONDS)
  if (fileBytes * TRUST > disk.freeBytes) throw lackOfSpace(out, fileBytes, disk)
}
