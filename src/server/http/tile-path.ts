// The address of a tile, taken apart by hand: most requests are tiles, and nothing is allocated for one but its id.
//
//   /{id}/{z}/{x}/{y}[@2x][.ext]      also /tiles/{id}/…, /data/{id}/…
//   /{id}/{z}/{x}/-{y}                TMS, rows counted from the south: what '{-y}' in a template becomes
//
// Invariant: what is said to be a tile has whole numbers without leading zeros, of at most eight digits.

const SLASH = 47
const ZERO = 48
const NINE = 57
const MINUS = 45
const DOT = 46
const AT = 64
const LETTER_X = 120
/** 2^26 has eight. */
const MAX_DIGITS = 8
const MAX_EXTENSION = 8

export type TilePathKind = 'other' | 'tile' | 'malformed'

/** One of these is used again and again: take out what is needed before the next path. */
export class TilePath {
  /** Undecoded. */
  id = ''
  z = 0
  x = 0
  /** As written; see isTms. */
  y = 0
  /** y counts from the south. */
  isTms = false
  /** Of '@2x'; 1 when not said. */
  scale = 1
  /** As written; '' when there is none. */
  extension = ''
  #end = 0

  /**
   * Reads text[from…to), which begins at the slash before the id. 'other': no tile's address, for it is no id and three
   * parts of which the first begins with a digit. 'malformed': it is meant to be one, and `id` is set.
   */
  parse(text: string, from: number, to: number): TilePathKind {
    let first = from
    if (text.charCodeAt(first) !== SLASH) return 'other'
    let second = text.indexOf('/', first + 1)
    if (second < 0 || second >= to) return 'other'
    // of five parts the first is an alias; an archive that is called 'tiles' or 'data' has four
    const isAlias = text.startsWith('/tiles/', first) || text.startsWith('/data/', first)
    if (isAlias && parts(text, first, to) === 5) {
      first = second
      second = text.indexOf('/', first + 1)
    }
    if (second === first + 1 || !isDigit(text.charCodeAt(second + 1))) return 'other'
    const third = text.indexOf('/', second + 1)
    if (third < 0 || third >= to) return 'other'
    const fourth = text.indexOf('/', third + 1)
    if (fourth < 0 || fourth >= to) return 'other'
    const fifth = text.indexOf('/', fourth + 1)
    if (fifth >= 0 && fifth < to) return 'other'
    this.id = text.slice(first + 1, second)
    this.z = this.#number(text, second + 1, third)
    if (this.z < 0 || this.#end !== third) return 'malformed'
    this.x = this.#number(text, third + 1, fourth)
    if (this.x < 0 || this.#end !== fourth) return 'malformed'
    return this.#last(text, fourth + 1, to) ? 'tile' : 'malformed'
  }

  /** {y}[@2x][.ext] */
  #last(text: string, from: number, to: number): boolean {
    this.isTms = text.charCodeAt(from) === MINUS
    this.y = this.#number(text, this.isTms ? from + 1 : from, to)
    if (this.y < 0) return false
    let at = this.#end
    this.scale = 1
    if (at < to && text.charCodeAt(at) === AT) {
      if (at + 3 > to || !isDigit(text.charCodeAt(at + 1)) || text.charCodeAt(at + 2) !== LETTER_X)
        return false
      this.scale = text.charCodeAt(at + 1) - ZERO
      at += 3
    }
    this.extension = ''
    if (at === to) return true
    if (text.charCodeAt(at) !== DOT || to - at < 2 || to - at > 1 + MAX_EXTENSION) return false
    this.extension = text.slice(at + 1, to)
    return true
  }

  /** A whole number that begins at `from`; -1 when there is none. #end: behind its last digit. */
  #number(text: string, from: number, to: number): number {
    let value = 0
    let at = from
    for (; at < to; at++) {
      const code = text.charCodeAt(at)
      if (!isDigit(code)) break
      value = value * 10 + (code - ZERO)
      if (at - from >= MAX_DIGITS) return -1
    }
    this.#end = at
    if (at === from || (at > from + 1 && text.charCodeAt(from) === ZERO)) return -1
    return value
  }
}

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE

function parts(text: string, from: number, to: number): number {
  let count = 0
  for (let at = from; at >= 0 && at < to; at = text.indexOf('/', at + 1)) count++
  return count
}
