// YCbCr without JPEG → RGB, from data units of h·v luma samples with one Cb and one Cr. Formulas and rounding are those
// of libtiff (TIFFYCbCrToRGBInit), whose RGBA interface GDAL uses for such files.

/** Tags 530, 529 and 532, checked and with TIFF's defaults. */
export interface YCbCr {
  /** Luma samples across and down per Cb and Cr: 1, 2 or 4. */
  readonly across: number
  readonly down: number
  readonly luma: readonly [number, number, number]
  /** Black and white reference values of Y, Cb and Cr. */
  readonly reference: readonly number[]
}

export const DEFAULT_LUMA = [0.299, 0.587, 0.114] as const
export const DEFAULT_REFERENCE = [0, 255, 128, 255, 128, 255] as const

/** Bytes of a block of `width` × `rows` pixels. */
export const unitBytes = ({ across, down }: YCbCr, width: number, rows: number): number =>
  Math.ceil(width / across) * Math.ceil(rows / down) * (across * down + 2)

interface Tables {
  readonly y: Int32Array
  readonly crRed: Int32Array
  readonly cbBlue: Int32Array
  /** Scaled; only the sum of both is shifted back. */
  readonly crGreen: Int32Array
  readonly cbGreen: Int32Array
}

const SHIFT = 16
const HALF = 1 << (SHIFT - 1)

function tablesOf({ luma: [red, green, blue], reference }: YCbCr): Tables {
  const fix = (x: number): number => Math.trunc(x * (1 << SHIFT) + 0.5)
  const [r, b] = [2 - 2 * red, 2 - 2 * blue]
  const d1 = fix(r)
  const d2 = -fix((red * r) / green)
  const d3 = fix(b)
  const d4 = -fix((blue * b) / green)
  const value = (code: number, from: number, to: number, range: number): number => {
    const out = ((code - from) * range) / (to - from === 0 ? 1 : to - from)
    return Math.trunc(Math.max(-32768, Math.min(32767, out)))
  }
  const [y0, y1, cb0, cb1, cr0, cr1] = reference as [number, number, number, number, number, number]
  const tables: Tables = {
    y: new Int32Array(256),
    crRed: new Int32Array(256),
    cbBlue: new Int32Array(256),
    crGreen: new Int32Array(256),
    cbGreen: new Int32Array(256),
  }
  for (let i = 0, x = -128; i < 256; i++, x++) {
    const cr = value(x, cr0 - 128, cr1 - 128, 127)
    const cb = value(x, cb0 - 128, cb1 - 128, 127)
    tables.crRed[i] = Math.floor((d1 * cr + HALF) / 65536)
    tables.cbBlue[i] = Math.floor((d3 * cb + HALF) / 65536)
    tables.crGreen[i] = d2 * cr
    tables.cbGreen[i] = d4 * cb + HALF
    tables.y[i] = value(x + 128, y0, y1, 255)
  }
  return tables
}

/** Converts `rows` rows of `width` pixels to RGB. */
export function ycbcrToRgb(how: YCbCr, bytes: Uint8Array, width: number, rows: number): Uint8Array {
  const { across, down } = how
  const { y, crRed, cbBlue, crGreen, cbGreen } = tablesOf(how)
  const out = new Uint8ClampedArray(width * rows * 3)
  const unit = across * down + 2
  let at = 0
  for (let top = 0; top < rows; top += down) {
    for (let left = 0; left < width; left += across, at += unit) {
      const cb = bytes[at + unit - 2]!
      const cr = bytes[at + unit - 1]!
      const green = (crGreen[cr]! + cbGreen[cb]!) >> SHIFT
      for (let v = 0; v < down && top + v < rows; v++) {
        for (let h = 0; h < across && left + h < width; h++) {
          const light = y[bytes[at + v * across + h]!]!
          const o = ((top + v) * width + left + h) * 3
          out[o] = light + crRed[cr]!
          out[o + 1] = light + green
          out[o + 2] = light + cbBlue[cb]!
        }
      }
    }
  }
  return new Uint8Array(out.buffer)
}
