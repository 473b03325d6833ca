// The Range header (RFC 9110, 14): which bytes of a representation are wanted.

/** Half open. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

const SINGLE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/**
 * 'whole': there is no such header, or one that may be ignored (14.2): not of bytes, malformed, or of several ranges,
 * which no client of tile archives asks for. 'none': no byte of the range exists.
 */
export function parseRange(header: string | undefined, length: number): ByteRange | 'whole' | 'none' {
  const match = header === undefined ? null : SINGLE.exec(header)
  if (match === null) return 'whole'
  const [, first, last] = match as unknown as [string, string, string]
  if (first === '') {
    if (last === '') return 'whole'
    const count = Math.min(Number(last), length)
    return count === 0 ? 'none' : { from: length - count, to: length }
  }
  const from = Number(first)
  const to = last === '' ? length : Math.min(Number(last) + 1, length)
  if (last !== '' && Number(last) < from) return 'whole'
  return from >= length ? 'none' : { from, to }
}
