// Line numbers in a JSON text, for messages: JSON.parse keeps no positions.

/** The line of a position, from 1. */
export function lineAt(text: string, position: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line++
  return line
}

/** The line on which item `index` of the list `key` of the outermost object begins. The text must be valid. */
export function lineOfItem(text: string, key: string, index: number): number {
  const scan = new Scan(text)
  let isNext = false
  let isInside = false
  let item = 0
  let begins = false
  for (let token = scan.next(); token !== undefined; token = scan.next()) {
    const { depth, char, at } = token
    if (isInside) {
      if (begins && item === index) return lineAt(text, at)
      begins = char === ',' && depth === 2
      if (begins) item++
    } else if (isNext && char === '[') {
      isInside = true
      begins = true
    } else isNext = depth === 1 && char === '"' && scan.isKey(`"${key}"`, at)
  }
  return lineAt(text, text.length)
}

interface Token {
  /** Nesting: that inside of an opening bracket, that outside of a closing one. */
  readonly depth: number
  readonly char: string
  readonly at: number
}

/** Brackets, commas, and the first characters of other values; strings are passed over. */
class Scan {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): Token | undefined {
    const text = this.#text
    while (this.#at < text.length) {
      const at = this.#at++
      const char = text[at]!
      if (' :\n\r\t'.includes(char)) continue
      if (char === '"') this.#skipString()
      else if (char === '{' || char === '[') this.#depth++
      else if (char === '}' || char === ']') this.#depth--
      return { depth: this.#depth, char, at }
    }
    return undefined
  }

  /** Whether the string that was just passed is this key. */
  isKey(key: string, at: number): boolean {
    return this.#text.startsWith(key, at) && /^\s*:/.test(this.#text.slice(this.#at, this.#at + 100))
  }

  #skipString(): void {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++]
      if (char === '\\') this.#at++
      else if (char === '"') return
    }
  }
}
