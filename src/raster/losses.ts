// Blocks of an image that cannot be read, where that is allowed (OpenOptions.skipDamaged). They are left empty, and
// every read reports those that it lost.
//
// Invariant: what a window loses depends on the window and the file alone, not on earlier reads: cached blocks report
// their losses again.
import { FlagstoneError } from '../errors.js'
import type { Pixels, Samples } from './pixels.js'

/** A rectangle in the pixels of a level. */
interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Plain data. */
export interface Loss extends Rect {
  /** The file that contains the block. */
  readonly path: string
  /** Part of the file: 'level 0', 'the mask of level 1', 'zoom 14'. x, y, width and height are in its pixels. */
  readonly part: string
  /** Number of the block in the part. */
  readonly block: number
  /** Why it could not be read, as a clause. */
  readonly reason: string
  /** The block was replaced by finer pixels, so nothing is empty. */
  readonly replaced?: boolean
}

/** Pixels of a window, and the blocks that could not be read. */
export type ReadPixels = Pixels<Samples> & { readonly lost?: readonly Loss[] | undefined }

/** The errno for a file that changed while it was read. That is not damage: everything read from it is wrong. */
export const CHANGED_ERRNO = 'ESTALE'

/**
 * Whether an error means a damaged, truncated, missing or unreadable file, and not a fault of the process or the
 * request.
 */
export function isDamage(error: unknown): error is FlagstoneError {
  if (!(error instanceof FlagstoneError) || error.errno === CHANGED_ERRNO) return false
  return error.code === 'SOURCE_CORRUPT' || error.code === 'SOURCE_UNREADABLE' || error.code === 'NOT_FOUND'
}

/** The reason in an error's message, without the file name and the advice. */
export function reasonOf(error: FlagstoneError): string {
  const path = error.path === undefined ? '' : `${error.path}: `
  const message = error.message.startsWith(path) ? error.message.slice(path.length) : error.message
  return message.replace(/; (the file is damaged, )?get a complete copy\.?$/, '').replace(/\.$/, '')
}

/** The intersection of two rectangles; undefined when they do not overlap. */
export function overlap(a: Rect, b: Rect): Rect | undefined {
  const x = Math.max(a.x, b.x)
  const y = Math.max(a.y, b.y)
  const width = Math.min(a.x + a.width, b.x + b.width) - x
  const height = Math.min(a.y + a.height, b.y + b.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : undefined
}

/** Clears the mask of a window inside `rect`. */
export function erase(mask: Uint8Array, window: Rect, rect: Rect): void {
  const part = overlap(window, rect)
  if (part === undefined) return
  for (let y = part.y; y < part.y + part.height; y++) {
    const from = (y - window.y) * window.width + part.x - window.x
    mask.fill(0, from, from + part.width)
  }
}

type Read = (level: number, window: Rect) => Promise<ReadPixels>

interface Size {
  readonly width: number
  readonly height: number
}

/**
 * Fills what an overview lost from the next finer level, with averages of the valid pixels, or with the `nearest` pixel
 * where values must not be averaged. What the finer level lost is reported too.
 */
export async function mend(
  pixels: ReadPixels,
  level: number,
  window: Rect,
  levels: readonly Size[],
  nearest: boolean,
  read: Read,
): Promise<ReadPixels> {
  const { lost } = pixels
  if (lost === undefined || level === 0) return pixels
  const scaleX = levels[level - 1]!.width / levels[level]!.width
  const scaleY = levels[level - 1]!.height / levels[level]!.height
  const { width, height } = levels[level - 1]!
  const mask = pixels.mask ?? new Uint8Array(window.width * window.height).fill(255)
  const all: Loss[] = []
  for (const loss of lost) {
    all.push({ ...loss, replaced: true })
    const part = overlap(window, loss)
    if (part === undefined) continue
    const x = Math.floor(part.x * scaleX)
    const y = Math.floor(part.y * scaleY)
    const finer = {
      x,
      y,
      width: Math.min(width, Math.ceil((part.x + part.width) * scaleX)) - x,
      height: Math.min(height, Math.ceil((part.y + part.height) * scaleY)) - y,
    }
    const source = await read(level - 1, finer)
    all.push(...(source.lost ?? []))
    reduce(source, finer, { ...pixels, mask }, window, part, scaleX, scaleY, nearest)
  }
  return { ...pixels, mask, lost: all }
}

function reduce(
  from: Pixels<Samples>,
  finer: Rect,
  to: Pixels<Samples> & { readonly mask: Uint8Array },
  window: Rect,
  part: Rect,
  scaleX: number,
  scaleY: number,
  nearest: boolean,
): void {
  const { bands } = to
  const sums = new Float64Array(bands)
  for (let v = part.y; v < part.y + part.height; v++) {
    const top = Math.min(finer.height - 1, Math.round(v * scaleY) - finer.y)
    const bottom = nearest
      ? top + 1
      : Math.max(top + 1, Math.min(finer.height, Math.round((v + 1) * scaleY) - finer.y))
    for (let u = part.x; u < part.x + part.width; u++) {
      const left = Math.min(finer.width - 1, Math.round(u * scaleX) - finer.x)
      const right = nearest
        ? left + 1
        : Math.max(left + 1, Math.min(finer.width, Math.round((u + 1) * scaleX) - finer.x))
      let weight = 0
      sums.fill(0)
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          const pixel = y * finer.width + x
          const opacity = from.mask === undefined ? 255 : from.mask[pixel]!
          if (opacity === 0) continue
          weight += opacity
          for (let b = 0; b < bands; b++) sums[b]! += opacity * from.data[pixel * bands + b]!
        }
      }
      const at = (v - window.y) * window.width + u - window.x
      to.mask[at] = weight === 0 ? 0 : Math.max(1, Math.round(weight / ((bottom - top) * (right - left))))
      const isWhole = to.data instanceof Uint8Array
      for (let b = 0; b < bands && weight > 0; b++) {
        const mean = sums[b]! / weight
        to.data[at * bands + b] = isWhole ? Math.round(mean) : mean
      }
    }
  }
}
