// JSON from files that anybody may have made.
export type JsonObject = Record<string, unknown>

/**
 * Objects and lists in one another that are still read. What prints and copies them calls itself once for each, and ends
 * with the stack; nothing that people write is nested so deep.
 */
export const MAX_JSON_DEPTH = 500

/** A JSON object; a text instead is what is wrong, as a clause. */
export function parseJsonObject(bytes: Uint8Array): JsonObject | string {
  const text = new TextDecoder().decode(bytes)
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
