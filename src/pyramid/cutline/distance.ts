// The exact distance of pixels from the nearest empty one, up to a limit.
//
// Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions (2012): columns first, then the lower
// envelope of parabolas along each row. Pixels outside the rectangle count as not empty. The loops do not allocate: one
// object serves many rectangles.

export class Distances {
  #out = new Float32Array(0)
  /**
   * Scratch for one row: squared vertical distances, the positions of the parabolas, and where each becomes the lowest.
   */
  #squares = new Float64Array(0)
  #places = new Int32Array(0)
  #begins = new Float64Array(0)

  /** Distances from centre to centre, pixels; at most `limit`, 0 where `mask` is 0. Overwritten by the next call. */
  of(mask: Uint8Array, width: number, height: number, limit: number): Float32Array {
    const pixels = width * height
    if (this.#out.length < pixels) this.#out = new Float32Array(pixels)
    if (this.#squares.length < width) {
      this.#squares = new Float64Array(width)
      this.#places = new Int32Array(width)
      this.#begins = new Float64Array(width + 1)
    }
    const out = this.#out.subarray(0, pixels)
    const cap = Math.ceil(limit) + 1
    downColumns(mask, width, height, cap, out)
    for (let y = 0; y < height; y++) this.#row(out.subarray(y * width, (y + 1) * width), limit, cap)
    return out
  }

  #row(row: Float32Array, limit: number, cap: number): void {
    const width = row.length
    let near = false
    for (let x = 0; x < width; x++) {
      if (row[x]! < cap) {
        near = true
        break
      }
    }
    if (!near) {
      row.fill(limit)
      return
    }
    const squares = this.#squares
    const places = this.#places
    const begins = this.#begins
    // columns without an empty pixel within reach have no parabola
    let last = -1
    for (let x = 0; x < width; x++) {
      const d = row[x]!
      if (d >= cap) continue
      const f = d * d
      squares[x] = f
      let begin = Number.NEGATIVE_INFINITY
      while (last >= 0) {
        const p = places[last]!
        begin = (f + x * x - (squares[p]! + p * p)) / (2 * (x - p))
        if (begin > begins[last]!) break
        last--
        begin = Number.NEGATIVE_INFINITY
      }
      last++
      places[last] = x
      begins[last] = begin
    }
    begins[last + 1] = Number.POSITIVE_INFINITY
    for (let x = 0, k = 0; x < width; x++) {
      while (begins[k + 1]! < x) k++
      const dx = x - places[k]!
      const distance = Math.sqrt(dx * dx + squares[places[k]!]!)
      row[x] = distance < limit ? distance : limit
    }
  }
}

/** Distance to the nearest empty pixel of the same column; `cap` where there is none within it. */
function downColumns(mask: Uint8Array, width: number, height: number, cap: number, out: Float32Array): void {
  for (let x = 0; x < width; x++) out[x] = mask[x] === 0 ? 0 : cap
  for (let y = 1; y < height; y++) {
    for (let at = y * width, end = at + width; at < end; at++) {
      const above = out[at - width]!
      out[at] = mask[at] === 0 ? 0 : above < cap ? above + 1 : cap
    }
  }
  for (let y = height - 2; y >= 0; y--) {
    for (let at = y * width, end = at + width; at < end; at++) {
      const below = out[at + width]! + 1
      if (below < out[at]!) out[at] = below
    }
  }
}
