// Paths of a batch as keys: one for each place, however it is written.
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { absolute } from './patterns.js'

/** Real paths, each looked up once. */
export class Paths {
  readonly #base: string
  readonly #folders = new Map<string, string>()
  readonly #known = new Map<string, string>()

  constructor(base: string) {
    this.#base = base
  }

  /** With links followed as far as the path exists. */
  real(path: string): string {
    const found = this.#known.get(path)
    if (found !== undefined) return found
    const whole = absolute(this.#base, path)
    const real = realOf(whole) ?? join(this.#folder(dirname(whole)), basename(whole))
    this.#known.set(path, real)
    return real
  }

  #folder(path: string): string {
    let found = this.#folders.get(path)
    if (found === undefined) {
      found =
        realOf(path) ?? (path === dirname(path) ? path : join(this.#folder(dirname(path)), basename(path)))
      this.#folders.set(path, found)
    }
    return found
  }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** The folders above a path, the nearest first. */
export function ancestorsOf(path: string): string[] {
  const found: string[] = []
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) found.push(at)
  return found
}
