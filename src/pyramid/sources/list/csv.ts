// Reads comma-separated values as RFC 4180 describes them. Semicolons and tabs are understood too: spreadsheets write
// them where the comma is the decimal sign.

export interface CsvRow {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly values: readonly string[]
}

const MAX_COLUMNS = 1000
/** The header is looked at up to here. */
const MAX_HEADER = 65_536

/** The rows of a text, one by one. `fail` is told of the line and what is wrong there, as a clause. */
export function* csvRows(text: string, fail: (line: number, what: string) => never): Generator<CsvRow> {
  const delimiter = delimiterOf(text)
  let line = 1
  for (let at = 0; at < text.length; line++) {
    const row = { line, values: [] as string[] }
    for (;;) {
      const isQuoted = text[at] === '"'
      const [value, end] = isQuoted
        ? quoted(text, at, () => fail(line, 'a quote is not closed'))
        : plain(text, at, delimiter)
      row.values.push(value)
      if (row.values.length > MAX_COLUMNS) fail(line, `there are more than ${MAX_COLUMNS} values`)
      if (isQuoted) line += value.split('\n').length - 1
      at = end
      if (text[at] === delimiter) at++
      else break
    }
    if (at < text.length && text[at] !== '\n' && text[at] !== '\r')
      fail(line, 'there is text after a closing quote')
    at += text.startsWith('\r\n', at) ? 2 : 1
    yield row
  }
}

/** The value from a quote on, and the position after it. */
function quoted(text: string, from: number, unclosed: () => never): [string, number] {
  const parts: string[] = []
  for (let at = from + 1; ; ) {
    const end = text.indexOf('"', at)
    if (end < 0) unclosed()
    parts.push(text.slice(at, end))
    if (text[end + 1] !== '"') return [parts.join('"'), end + 1]
    at = end + 2
  }
}

function plain(text: string, from: number, delimiter: string): [string, number] {
  let end = from
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r') end++
  return [text.slice(from, end), end]
}

/** Whatever separates most names of the header. */
function delimiterOf(text: string): string {
  const header = /^[^\r\n]*/.exec(text.slice(0, MAX_HEADER))![0].replace(/"[^"]*"/g, '')
  const count = (delimiter: string): number => header.split(delimiter).length
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best))
}
