// The tile under the pointer, or at the centre of the map if there is no pointer: its name, and its headers from a HEAD
// request, which does not read the tile.
import type { Cell } from './cells.js'
import { byId, element } from './dom.js'
import type { TileAt } from './mercator.js'
import { addressOf } from './server.js'
import { bytes, formatList } from './words.js'

interface Headers {
  readonly type: string
  readonly etag: string
}

/** Milliseconds that the pointer must rest before the tile is requested. */
const REST = 160
const KEPT = 500

export class Inspector {
  readonly #id: string
  readonly #known = new Map<string, Headers | undefined>()
  #shown = ''
  #timer = 0

  constructor(id: string) {
    this.#id = id
  }

  /** `cell`: undefined when what is stored there is not known (yet). `enlarged`: screen pixels per tile pixel, along a side. */
  show(tile: TileAt, cell: Cell | undefined, where: string, enlarged: number): void {
    const name = `${tile.z}/${tile.x}/${tile.y}`
    const state = cell === undefined ? '' : cell.stored === undefined ? 'absent' : 'stored'
    const key = `${name} ${state} ${where} ${enlarged}`
    if (key === this.#shown) return
    this.#shown = key
    byId('tile-where').textContent = where
    this.#write(name, cell, enlarged)
    window.clearTimeout(this.#timer)
    if (cell?.stored !== undefined && !this.#known.has(name)) {
      this.#timer = window.setTimeout(() => void this.#ask(name, key, cell, enlarged), REST)
    }
  }

  /** The file has changed. */
  renew(): void {
    this.#known.clear()
    this.#shown = ''
  }

  #write(name: string, cell: Cell | undefined, enlarged: number): void {
    const rows: [string, string][] = [['z/x/y', name]]
    const known = this.#known.get(name)
    if (cell?.stored !== undefined) {
      rows.push(['Stored', `${bytes(cell.stored.bytes)} ${formatList([cell.stored.type])}`])
      rows.push(['ETag', known?.etag ?? '…'])
    } else if (cell?.from !== undefined) {
      rows.push(['Stored', `no, enlarged from ${cell.from.z}/${cell.from.x}/${cell.from.y}`])
    } else if (cell !== undefined) rows.push(['Stored', 'no, and no tile above it'])
    rows.push(['Shown at', `${enlarged.toFixed(enlarged < 10 ? 1 : 0)}×`])
    byId('tile-facts').replaceChildren(
      ...rows.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
    )
  }

  async #ask(name: string, key: string, cell: Cell, enlarged: number): Promise<void> {
    try {
      const answer = await fetch(`${addressOf(this.#id, `/${name}`)}?missing=204`, { method: 'HEAD' })
      await answer.arrayBuffer()
      if (!answer.ok) return
      this.#known.set(name, {
        type: answer.headers.get('Content-Type') ?? '',
        etag: answer.headers.get('ETag') ?? 'none',
      })
    } catch {
      // the map reports that the server cannot be reached
      return
    }
    const oldest = this.#known.size > KEPT ? this.#known.keys().next().value : undefined
    if (oldest !== undefined) this.#known.delete(oldest)
    if (this.#shown === key) this.#write(name, cell, enlarged)
  }
}
