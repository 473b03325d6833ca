// Blocks of an image that cannot be read, where that is allowed (OpenOptions.skipDamaged): they are left empty, and
// what is read of an image says which they are.
//
// Invariant: what a window loses depends on the window and the file alone, not on what was read before: blocks that
// are kept in a cache say it again.
import { FlagstoneError } from '../errors.js'
import type { Pixels, Samples } from './pixels.js'

/** Of a level's pixels. */
interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Plain data. */
export interface Loss extends Rect {
  /** The file that has the block. */
  readonly path: string
  /** Of the file: 'level 0', 'the mask of level 1', 'zoom 14'. x, y, width and height are its pixels. */
  readonly part: string
  /** Number in the part. */
  readonly block: number
  /** A clause. */
  readonly reason: string
  /** Finer pixels were there to take its place: nothing is empty. */
  readonly replaced?: boolean
}

/** Pixels of a window, and what could not be read of it. */
export type ReadPixels = Pixels<Samples> & { readonly lost?: readonly Loss[] | undefined }

/** Of a file that is another one by now: not damage, whatever is read of it is wrong. */
export const CHANGED_ERRNO = 'ESTALE'

/** Is this what a damaged, truncated, vanished or unreadable file throws? Not what is wrong with the process or the request. */
export function isDamage(error: unknown): error is FlagstoneError {
  if (!(error instanceof FlagstoneError) || error.errno === CHANGED_ERRNO) return false
  return error.code === 'SOURCE_CORRUPT' || error.code === 'SOURCE_UNREADABLE' || error.code === 'NOT_FOUND'
}

/** What an error says of a file, without the file's name and what to do. */
export function reasonOf(error: FlagstoneError): string {
  const path = error.path === undefined ? '' : `${error.path}: `
  const message = error.message.startsWith(path) ? error.message.slice(path.length) : error.message
  return message.replace(/; (the file is damaged, )?get a complete copy\.?$/, '').replace(/\.$/, '')
}

/** A rectangle that both have; undefined when there is none. */
export function overlap(a: Rect, b: Rect): Rect | undefined {
  const x = Math.max(a.x, b.x)
  const y = Math.max(a.y, b.y)
  const width = Math.min(a.x + a.width, b.x + b.width) - x
  const height = Math.min(a.y + a.height, b.y + b.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : undefined
}

/** Empties what of `rect` lies in a window. */
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
 * Fills what an overview lost from the next finer level: averages of what is there, or the `nearest` pixel where
 * numbers must not be mixed. Losses of the finer level take the place of those that could not be made good.
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
