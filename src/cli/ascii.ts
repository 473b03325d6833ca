// Text for terminals and logs that show ASCII only (LANG=C): our own symbols are replaced; file names and text from
// users are unchanged.
import type { Io, Output } from './io.js'

const SPELLED: Readonly<Record<string, string>> = {
  '–': '-',
  '—': '-',
  '−': '-',
  '…': '...',
  '×': 'x',
  '→': '->',
  '≥': '>=',
  '≤': '<=',
  '±': '+/-',
  '°': ' degrees',
  '·': '*',
  '²': '^2',
  µ: 'u',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
}
const OURS = new RegExp(`[${Object.keys(SPELLED).join('')}]`, 'g')

export const toAscii = (text: string): string => text.replace(OURS, (sign) => SPELLED[sign]!)

/** Whether a locale (of LC_ALL, LC_CTYPE and LANG the first that is set) says UTF-8. */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '')
}

/** The same streams in ASCII. Binary data passes unchanged. */
export function asciiIo(io: Io): Io {
  const spelled = (output: Output): Output => ({
    write: (chunk) => output.write(typeof chunk === 'string' ? toAscii(chunk) : chunk),
    get writableLength() {
      return output.writableLength ?? 0
    },
  })
  return { ...io, stdout: spelled(io.stdout), stderr: spelled(io.stderr) }
}
