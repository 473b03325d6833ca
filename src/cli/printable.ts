// Text from files (names, metadata, the contents of damaged files) must not control the terminal: characters that would
// move its cursor, colour it, name its window or reverse the line are shown as \u001b. JSON escapes them in the same
// way, so JSON output stays valid and equal.

/** C0 but tab and line feed, DEL, C1, line separators, and characters that change the direction of text. */
const COMMANDS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it matches
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const asEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Keeps line breaks. */
export const printable = (text: string): string => text.replace(COMMANDS, asEscape)

/** The same, as one line. */
export const oneLine = (text: string): string => printable(text).replace(/[\n\t]/g, asEscape)
