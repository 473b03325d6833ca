// `agg_tiles_hash`, by which martin's `mbtiles` tool checks an archive: MD5 of zoom, column, row (from the south, as
// decimal digits) and bytes of all tiles, ordered by zoom, column and row.
import { createHash } from 'node:crypto'

const BUFFER_BYTES = 256 * 1024
/** Three numbers of up to ten digits. */
const MAX_DIGITS = 30

export class TilesHash {
  readonly #hash = createHash('md5')
  /** MD5 is computed for many tiles at once: each call of it takes as long as some KB. */
  readonly #buffer = Buffer.alloc(BUFFER_BYTES)
  #length = 0
  #last: readonly [number, number, number] = [-1, -1, -1]
  #isOrdered = true

  /** Whether every tile came after the one before, without which the hash is not right. */
  get isOrdered(): boolean {
    return this.#isOrdered
  }

  add(zoom: number, column: number, row: number, bytes: Uint8Array): void {
    if (!this.#isOrdered) return
    const [lastZoom, lastColumn, lastRow] = this.#last
    this.#isOrdered =
      zoom > lastZoom ||
      (zoom === lastZoom && (column > lastColumn || (column === lastColumn && row > lastRow)))
    this.#last = [zoom, column, row]
    if (this.#length + MAX_DIGITS + bytes.length > BUFFER_BYTES) this.#flush()
    this.#length += this.#buffer.write(`${zoom}${column}${row}`, this.#length, 'latin1')
    if (this.#length + bytes.length > BUFFER_BYTES) {
      this.#flush()
      this.#hash.update(bytes)
    } else {
      this.#buffer.set(bytes, this.#length)
      this.#length += bytes.length
    }
  }

  /** 32 hexadecimal digits in upper case, as the tool writes them. Ends it. */
  hex(): string {
    this.#flush()
    return this.#hash.digest('hex').toUpperCase()
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#length))
    this.#length = 0
  }
}
