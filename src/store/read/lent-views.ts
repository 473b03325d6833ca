// Views of a file's values for callers that asked for them (`zeroCopy`). A view shares its ArrayBuffer with its
// neighbours, and cloning a view copies the whole buffer. So a buffer is a piece of about a megabyte, which never
// extends past the end of the file.
import type { ByteFile, ViewMapping } from '../../platform/byte-file.js'
import { WINDOW_BYTES, WINDOW_STEP } from '../index/window.js'

/** A piece starts at each multiple of this. The first byte of a value selects its piece. */
const PIECE_STEP = 2 ** 20
/** How far a piece extends into the next one. Values that do not fit get a buffer of their own. */
const OVERLAP = 2 ** 18
/** Mapping offsets are multiples of this. */
const GRAIN = 65536

export class LentViews {
  readonly #file: ByteFile
  readonly #mappings: (ViewMapping | undefined)[] = []
  readonly #pieces: (ArrayBuffer | undefined)[] = []

  constructor(file: ByteFile) {
    this.#file = file
  }

  /**
   * Undefined when the range cannot be mapped; the caller then copies. [position, position + length) must lie in the
   * file.
   */
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
