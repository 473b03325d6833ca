// Views of a file's values for callers who asked for them by name. A view shares its ArrayBuffer with its neighbours:
// whoever clones one copies the whole buffer, so that is a piece of about a megabyte, and never reaches past the end
// of the file.
import type { ByteFile, ViewMapping } from '../../platform/byte-file.js'
import { WINDOW_BYTES, WINDOW_STEP } from '../index/window.js'

/** A piece starts at each multiple of this; a value lies in the piece its first byte selects. */
const PIECE_STEP = 2 ** 20
/** How far a piece reaches into the next one. Larger values have a buffer of their own. */
const OVERLAP = 2 ** 18
/** What mapping offsets are multiples of. */
const GRAIN = 65536

export class LentViews {
  readonly #file: ByteFile
  readonly #mappings: (ViewMapping | undefined)[] = []
  readonly #pieces: (ArrayBuffer | undefined)[] = []

  constructor(file: ByteFile) {
    this.#file = file
  }

  /** Undefined where it cannot be mapped: copy then. All of [position, position + length) lies in the file. */
  view(position: number, length: number): Uint8Array | undefined {
    const n = Math.floor(position / PIECE_STEP)
    const at = position - n * PIECE_STEP
    const known = this.#pieces[n]
    if (known !== undefined && at + length <= known.byteLength) return new Uint8Array(known, at, length)
    return this.#newView(n, at, length)
  }

  #newView(n: number, at: number, length: number): Uint8Array | undefined {
    const start = n * PIECE_STEP
    const size = this.#file.size()
    if (start + at + length > size || length > WINDOW_STEP) return undefined
    const isLarge = at + length > PIECE_STEP + OVERLAP
    const from = isLarge ? start + at : start
    const bytes = isLarge ? length : Math.min(PIECE_STEP + OVERLAP, size - start)
    const mapping = this.#mapping(from, from + bytes, size)
    if (mapping === undefined) return undefined
    const buffer = mapping.part(from % WINDOW_STEP, bytes)
    if (isLarge) return new Uint8Array(buffer)
    this.#pieces[n] = buffer
    return new Uint8Array(buffer, at, length)
  }

  #mapping(from: number, end: number, size: number): ViewMapping | undefined {
    const n = Math.floor(from / WINDOW_STEP)
    const start = n * WINDOW_STEP
    const known = this.#mappings[n]
    if (known !== undefined && end - start <= known.length) return known
    const length = Math.min(WINDOW_BYTES, Math.ceil((size - start) / GRAIN) * GRAIN)
    const mapping = this.#file.mapViews?.(start, length)
    if (mapping !== undefined) this.#mappings[n] = mapping
    return mapping
  }
}
