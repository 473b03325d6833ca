// What is stored in a window of tiles, from /{id}/coverage; the last answers are kept.
import { addressOf, getJson } from './server.js'
import { innerBounds, type TileWindow } from './tile-window.js'

export interface StoredTile {
  readonly bytes: number
  readonly type: string
}

interface Answer {
  readonly cell: number
  readonly types?: readonly string[]
  readonly tiles?: readonly (readonly [x: number, y: number, bytes: number, type: number])[]
}

/** Tiles by 'x/y' with x inside the world; undefined when the window has too many to be listed. */
export type Coverage = ReadonlyMap<string, StoredTile> | undefined

const KEPT = 200

export class CoverageCache {
  readonly #id: string
  #version: string
  readonly #kept = new Map<string, Promise<Coverage>>()

  constructor(id: string, version: string) {
    this.#id = id
    this.#version = version
  }

  /** Forgets all answers, because the file has changed. */
  renew(version: string): void {
    this.#version = version
    this.#kept.clear()
  }

  of(window: TileWindow): Promise<Coverage> {
    const box = innerBounds(window)
      .map((n) => n.toFixed(9))
      .join(',')
    const key = `${window.zoom}/${box}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const asked = this.#ask(key)
    this.#kept.set(key, asked)
    asked.catch(() => this.#kept.delete(key))
    const oldest = this.#kept.size > KEPT ? this.#kept.keys().next().value : undefined
    if (oldest !== undefined) this.#kept.delete(oldest)
    return asked
  }

  async #ask(key: string): Promise<Coverage> {
    const version = encodeURIComponent(this.#version)
    const { tiles, types = [] } = await getJson<Answer>(
      addressOf(this.#id, `/coverage/${key}.json?v=${version}`),
    )
    return (
      tiles && new Map(tiles.map(([x, y, bytes, type]) => [`${x}/${y}`, { bytes, type: types[type] ?? '' }]))
    )
  }
}
