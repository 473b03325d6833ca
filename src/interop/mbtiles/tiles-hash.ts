// `agg_tiles_hash`, by which martin's `mbtiles` tool checks an archive: MD5 of zoom, column, row (from the south, as
// decimal digits) and bytes of all tiles, ordered by zoom, column and row.
import { type Md5, PIECE_BYTES } from './md5.js'

/** Three numbers of up to ten digits. */
const MAX_DIGITS = 30

export class TilesHash {
  readonly #md5: Md5
  #length = 0
  #zoom = -1
  #column = -1
  #row = -1
  #isOrdered = true

  constructor(md5: Md5) {
    this.#md5 = md5
  }

  /** Whether every tile came after the one before, without which the hash is not right. */
  get isOrdered(): boolean {
    return this.#isOrdered
  }

  add(zoom: number, column: number, row: number, bytes: Uint8Array): void {
    if (!this.#isOrdered) return
    const isInColumn = zoom === this.#zoom && column === this.#column
    this.#isOrdered =
      zoom > this.#zoom || (zoom === this.#zoom && column > this.#column) || (isInColumn && row > this.#row)
    this.#zoom = zoom
    this.#column = column
    this.#row = row
    if (this.#length + MAX_DIGITS > PIECE_BYTES) this.#submit()
    this.#length += this.#md5.piece.write(`${zoom}${column}${row}`, this.#length, 'latin1')
    for (let done = 0; done < bytes.length; ) {
      if (this.#length === PIECE_BYTES) this.#submit()
      const end = Math.min(bytes.length, done + PIECE_BYTES - this.#length)
      this.#md5.piece.set(end - done === bytes.length ? bytes : bytes.subarray(done, end), this.#length)
      this.#length += end - done
      done = end
    }
  }

  /** 32 hexadecimal digits in upper case, as the tool writes them. Ends it. */
  async hex(): Promise<string> {
    this.#submit()
    return (await this.#md5.hex()).toUpperCase()
  }

  close(): void {
    this.#md5.close()
  }

  #submit(): void {
    if (this.#length > 0) this.#md5.submit(this.#length)
    this.#length = 0
  }
}
