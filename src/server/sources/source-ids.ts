// Names of sources in URLs: made of file names, safe as one part of a path, each once, and kept for as long as the
// server runs. A name that is taken gets a few letters made of the file's place in its folder, so it does not depend
// on what else is there.
import { createHash } from 'node:crypto'
import { basename, extname } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import type { Found } from './discover.js'

/** First parts of the server's own paths. */
const RESERVED = new Set(['_', 'tiles', 'data', 'health', 'metrics', 'catalog', 'index', 'wmts'])
const SAFE = /^[\p{L}\p{N}_~-][\p{L}\p{N}._~-]*$/u
const LONGEST = 128

/** What a file is called in URLs if nobody else is. */
function idOfPath(path: string): string {
  const stem = basename(path, extname(path)).normalize('NFC')
  const id = stem
    .replace(/[^\p{L}\p{N}._~-]+/gu, '_')
    .replace(/^\.+/, '')
    // '/ortho.json' is about 'ortho': a name may not look like a file of another
    .replace(/\.(?=\p{L}+$)/u, '_')
    .slice(0, LONGEST)
  if (id === '') return 'source'
  return RESERVED.has(id) ? `${id}-1` : id
}

/** What people are shown where the file names no title: its own name now, unless the id was given or had to be another. */
export function titleOf({ id, path }: { readonly id: string; readonly path: string }): string {
  return idOfPath(path) === id ? basename(path, extname(path)).normalize('NFC') : id
}

export class SourceIds {
  readonly #byPath = new Map<string, string>()
  readonly #taken = new Set<string>()

  /** @throws BAD_OPTION when a name was given that cannot be */
  of({ path, label, id }: Pick<Found, 'path' | 'label' | 'id'>): string {
    const key = id === undefined ? path : `${path}\n${id}`
    return (
      this.#byPath.get(key) ??
      this.#give(key, id === undefined ? this.#free(idOfPath(path), label) : assertUsable(id))
    )
  }

  #give(key: string, id: string): string {
    if (this.#taken.has(id)) {
      throw new FlagstoneError('BAD_OPTION', `Two sources have the id '${id}'; give one of them another id.`)
    }
    this.#taken.add(id)
    this.#byPath.set(key, id)
    return id
  }

  #free(wanted: string, label: string): string {
    if (!this.#taken.has(wanted)) return wanted
    const letters = createHash('sha256').update(label.normalize('NFC')).digest('hex')
    for (let length = 4; ; length++) {
      const id = `${wanted}-${letters.slice(0, length)}${length > letters.length ? length : ''}`
      if (!this.#taken.has(id)) return id
    }
  }
}

function assertUsable(id: string): string {
  if (SAFE.test(id) && !RESERVED.has(id) && id.length <= LONGEST) return id
  throw new FlagstoneError(
    'BAD_OPTION',
    `The id '${id}' cannot be part of a URL; use letters, digits, '-' and '_', and none of ${[...RESERVED].slice(1).join(', ')}.`,
  )
}
