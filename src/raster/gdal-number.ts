// Parses numbers as GDAL does: the number at the start of the text counts, the rest is ignored, and a text without a
// number is 0. GDAL's files are full of "0,0", "-9999 " and "none". Source: GDAL's CPLAtof and CPLAtofM
// (port/cpl_strtod.cpp).

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i
const HEXADECIMAL = /^([+-]?)0x([\da-f]+)/i

/**
 * CPLAtof. Accepts NaN and infinities as C and Windows write them. Returns 0 when the text does not begin with a
 * number.
 */
export function atof(text: string): number {
  const start = text.trimStart()
  if (/^([+-]?nan|-?1\.#(ind|[qs]nan))/i.test(start)) return Number.NaN
  const infinite = /^([+-]?)(inf|1\.#inf)/i.exec(start)
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity
  const hex = HEXADECIMAL.exec(start)
  if (hex !== null) return Number.parseInt(hex[2]!, 16) * (hex[1] === '-' ? -1 : 1)
  return Number(DECIMAL.exec(start)?.[0] ?? 0)
}

/** CPLAtofM: a comma that comes before any point is the decimal point. "1,5" is 1.5, "1.000,5" is 1. */
export function atofM(text: string): number {
  const mark = /[.,]/.exec(text.slice(0, 50))
  return atof(mark?.[0] === ',' ? text.replace(',', '.') : text)
}
