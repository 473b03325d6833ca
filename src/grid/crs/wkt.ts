// Parses well-known text of any dialect to a tree: KEYWORD["name", 1.5, CHILD[…]]. Does not interpret it.

export interface WktNode {
  /** Upper case. */
  readonly keyword: string
  /** Quoted texts, numbers, and bare words such as NORTH, in order and without the children. */
  readonly values: readonly (string | number)[]
  readonly children: readonly WktNode[]
}

/** Longer or deeper texts are not coordinate systems. */
const MAX_LENGTH = 1 << 18
const MAX_DEPTH = 40

/** The first node of a text; undefined when it is not WKT. What follows the node is ignored. */
export function parseWkt(text: string): WktNode | undefined {
  if (text.length > MAX_LENGTH) return undefined
  return new Reader(text).node(0)
}

class Reader {
  readonly #text: string
  #at = 0
  constructor(text: string) {
    this.#text = text
  }

  node(depth: number): WktNode | undefined {
    const keyword = this.#match(/\s*([A-Za-z_]\w*)\s*[[(]/y)
    if (keyword === undefined || depth > MAX_DEPTH) return undefined
    const values: (string | number)[] = []
    const children: WktNode[] = []
    for (;;) {
      if (!this.#element(depth, values, children)) return undefined
      const mark = this.#match(/\s*([,\])])/y)
      if (mark === undefined) return undefined
      if (mark !== ',') return { keyword: keyword.toUpperCase(), values, children }
    }
  }

  #element(depth: number, values: (string | number)[], children: WktNode[]): boolean {
    const quoted = this.#match(/\s*"((?:[^"]|"")*)"/y)
    if (quoted !== undefined) {
      values.push(quoted.replaceAll('""', '"'))
      return true
    }
    const number = this.#match(/\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?=\s*[,\])])/y)
    if (number !== undefined) {
      values.push(Number(number))
      return true
    }
    const from = this.#at
    const child = this.node(depth + 1)
    if (child !== undefined) {
      children.push(child)
      return true
    }
    this.#at = from
    const word = this.#match(/\s*([A-Za-z]\w*)(?=\s*[,\])])/y)
    if (word === undefined) return false
    values.push(word)
    return true
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found[1]
  }
}

export function childOf(node: WktNode, ...keywords: string[]): WktNode | undefined {
  return node.children.find((child) => keywords.includes(child.keyword))
}

export const nameOf = (node: WktNode): string => (typeof node.values[0] === 'string' ? node.values[0] : '')

/** The value at an index if it is a number. */
export function numberAt(node: WktNode, index: number): number | undefined {
  const value = node.values[index]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
