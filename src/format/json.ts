// JSON from files that anybody may have made.
export type JsonObject = Record<string, unknown>

/**
 * Objects and lists in one another that are still read. What prints and copies them calls itself once for each, and ends
 * with the stack; nothing that people write is nested so deep.
 */
export const MAX_JSON_DEPTH = 500

/**
 * A JSON object; a text instead is what is wrong, as a clause. `strict`: nothing but UTF-8, without a byte order mark;
 * otherwise what is no UTF-8 becomes U+FFFD.
 */
export function parseJsonObject(bytes: Uint8Array, { strict = false } = {}): JsonObject | string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: strict, ignoreBOM: strict }).decode(bytes)
  } catch {
    return 'not UTF-8'
  }
  if (jsonDepth(text) > MAX_JSON_DEPTH) return `nested more than ${MAX_JSON_DEPTH} deep`
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // said below
  }
  return 'not a JSON object'
}

/** How many objects and lists a JSON text has in one another at most. */
export function jsonDepth(text: string): number {
  let [depth, most] = [0, 0]
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (isInString) {
      if (c === 0x5c) i++
      else if (c === 0x22) isInString = false
    } else if (c === 0x22) isInString = true
    else if (c === 0x7b || c === 0x5b) most = Math.max(most, ++depth)
    else if (c === 0x7d || c === 0x5d) depth--
  }
  return most
}
