// Numbers in texts as GDAL reads them: what begins the text counts, the rest does not, and no number at all is 0.
// Its files are full of "0,0", "-9999 " and "none". Source: GDAL's CPLAtof and CPLAtofM (port/cpl_strtod.cpp).

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i
const HEXADECIMAL = /^([+-]?)0x([\da-f]+)/i

/** CPLAtof. NaN and infinities in the spellings of C and of Windows; 0 for what begins with no number. */
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
