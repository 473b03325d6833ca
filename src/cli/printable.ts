// Text that others wrote (names of files, metadata, what damaged files hold) must not command the terminal: what would
// move its cursor, colour it, name its window or turn the line round is shown as \u001b. That is how JSON writes it
// too, so that JSON stays the same JSON.
import type { Io, Output } from './io.js'

/** C0 but tab and line feed, DEL, C1, line separators, and what turns the direction of text. */
const COMMANDS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const asEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Lines stay lines. */
export const printable = (text: string): string => text.replace(COMMANDS, asEscape)

/** The same, as one line. */
export const oneLine = (text: string): string => printable(text).replace(/[\n\t]/g, asEscape)

/** The same world, in which text cannot command the terminal. Bytes pass as they are; `terminal` is the bare stderr. */
export function printableIo(io: Io): Io {
  const shown = (output: Output): Output => ({
    write: (chunk) => output.write(typeof chunk === 'string' ? printable(chunk) : chunk),
    get writableLength() {
      return output.writableLength ?? 0
    },
  })
  return { ...io, stdout: shown(io.stdout), stderr: shown(io.stderr), terminal: io.terminal ?? io.stderr }
}
