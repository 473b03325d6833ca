// JSON from untrusted files.
export type JsonObject = Record<string, unknown>

/**
 * Limit on the nesting of objects and lists. Code that prints or copies them is recursive and would overflow the stack.
 * JSON that people write is never nested this deep.
 */
export const MAX_JSON_DEPTH = 500

/**
 * A JSON object, or a text that says what is wrong, as a clause. `strict` accepts only UTF-8 without a byte order mark;
 * otherwise invalid bytes become U+FFFD. A text of more than `maxValues` values is not parsed: each takes memory.
 */
export function parseJsonObject(
  bytes: Uint8Array,
  { strict = false, maxValues = Number.POSITIVE_INFINITY } = {},
): JsonObject | string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: strict, ignoreBOM: strict }).decode(bytes)
  } catch {
    return 'not UTF-8'
  }
  const { depth, values } = jsonExtent(text)
  if (depth > MAX_JSON_DEPTH) return `nested more than ${MAX_JSON_DEPTH} deep`
  if (values > maxValues) return `of more than ${maxValues} values`
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // the message is below
  }
  return 'not a JSON object'
}

/** The greatest depth to which objects and lists of a JSON text are nested. */
export const jsonDepth = (text: string): number => jsonExtent(text).depth

/** That depth, and at least as many values as the text has: objects, lists, and what is between their commas. */
function jsonExtent(text: string): { depth: number; values: number } {
  let [depth, most, values] = [0, 0, 1]
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (isInString) {
      if (c === 0x5c) i++
      else if (c === 0x22) isInString = false
    } else if (c === 0x22) isInString = true
    else if (c === 0x7b || c === 0x5b) {
      most = Math.max(most, ++depth)
      values++
    } else if (c === 0x7d || c === 0x5d) depth--
    else if (c === 0x2c) values++
  }
  return { depth: most, values }
}
