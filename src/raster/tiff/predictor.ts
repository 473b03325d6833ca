// Undoing the predictors of TIFF. 2 (horizontal differencing): each sample holds the difference to the same
// sample of the pixel on its left, modulo its range. 3 (floating point) comes with floating-point samples.

/** In place; `rows` rows of `width` pixels of `samples` 8-bit samples. */
export function undoHorizontal8(data: Uint8Array, width: number, rows: number, samples: number): void {
  const rowBytes = width * samples
  for (let y = 0; y < rows; y++) {
    const from = y * rowBytes
    const to = from + rowBytes
    if (samples === 3) undoRow3(data, from, to)
    else if (samples === 1) undoRow1(data, from, to)
    else if (samples === 4) undoRow4(data, from, to)
    else for (let i = from + samples; i < to; i++) data[i] = data[i]! + data[i - samples]!
  }
}

// Sums are kept in locals: reading back what was just stored costs a store-to-load round trip per sample.

function undoRow1(data: Uint8Array, from: number, to: number): void {
  let a = 0
  for (let i = from; i < to; i++) {
    a = (a + data[i]!) | 0
    data[i] = a
  }
}

function undoRow3(data: Uint8Array, from: number, to: number): void {
  let a = 0
  let b = 0
  let c = 0
  for (let i = from; i < to; i += 3) {
    a = (a + data[i]!) | 0
    b = (b + data[i + 1]!) | 0
    c = (c + data[i + 2]!) | 0
    data[i] = a
    data[i + 1] = b
    data[i + 2] = c
  }
}

function undoRow4(data: Uint8Array, from: number, to: number): void {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let i = from; i < to; i += 4) {
    a = (a + data[i]!) | 0
    b = (b + data[i + 1]!) | 0
    c = (c + data[i + 2]!) | 0
    d = (d + data[i + 3]!) | 0
    data[i] = a
    data[i + 1] = b
    data[i + 2] = c
    data[i + 3] = d
  }
}
