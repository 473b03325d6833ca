// Parses numbers from ASCII bytes without creating strings, with the same results as Number(). Up to 15 digits and
// powers of ten up to 22 are exact in doubles, so one multiplication or division rounds once (Clinger 1990). Everything
// else goes through Number(). As in GDAL, a decimal comma is accepted.

const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

export const isSpace = (byte: number): boolean =>
  byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0x00

/** The number in bytes[from, to), where 'nan' in any spelling is NaN; undefined when it is not a number. */
export function parseNumber(bytes: Uint8Array, from: number, to: number): number | undefined {
  let at = from
  const first = bytes[at]!
  const isNegative = first === 0x2d
  if (isNegative || first === 0x2b) at++
  let mantissa = 0
  let digits = 0
  let point = -1
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit
      if (mantissa !== 0) digits++
    } else if (digit === -2 && point < 0) point = at
    else break
  }
  const decimals = point < 0 ? 0 : at - point - 1
  if (at < to || digits > 15 || decimals > 22 || at === from || !isDigit(bytes[at - 1]!)) {
    return parseSlowly(bytes, from, to)
  }
  const value = decimals === 0 ? mantissa : mantissa / POWERS[decimals]!
  return isNegative ? -value : value
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

function parseSlowly(bytes: Uint8Array, from: number, to: number): number | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
  if (/^[+-]?(nan|1\.#(ind|qnan|nan)\w*)$/i.test(text)) return Number.NaN
  if (!/^[+-]?(\d+[.,]?\d*|[.,]\d+)([ed][+-]?\d+)?$/i.test(text)) return undefined
  return Number(text.replace(/d/i, 'e').replace(',', '.'))
}
