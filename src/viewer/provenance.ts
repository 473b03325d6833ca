// Which image is seen under the pointer, or at the centre of the map: asked for when the pointer rests.
import type { Cell } from './cells.js'
import { byId, element } from './dom.js'
import type { Facts } from './facts.js'
import type { SourceFeature, Sources } from './sources.js'
import { rowsOfSources, sourcesAt } from './sources.js'

/** Milliseconds that the pointer must rest before the server is asked. */
const REST = 160

export class Provenance {
  /** Told of the image that is seen; undefined for none. */
  onSeen: (seen: SourceFeature | undefined) => void = () => {}
  #facts: Facts
  #place = ''
  #answer: Sources | undefined
  #timer = 0
  #asking: AbortController | undefined

  constructor(facts: Facts) {
    this.#facts = facts
  }

  renew(facts: Facts): void {
    this.#facts = facts
    this.#place = ''
  }

  /** `level`: of the tiles on the map; `cell`: what is stored there, when that is known. */
  show(lon: number, lat: number, level: number, cell: Cell | undefined): void {
    if (!hasSources(this.#facts)) return
    const place = `${lon.toFixed(7)},${lat.toFixed(7)}`
    if (place !== this.#place) {
      this.#place = place
      this.#asking?.abort()
      window.clearTimeout(this.#timer)
      this.#timer = window.setTimeout(() => void this.#ask(lon, lat, level, cell), REST)
    } else if (this.#answer !== undefined) this.#write(this.#answer, level, cell)
  }

  async #ask(lon: number, lat: number, level: number, cell: Cell | undefined): Promise<void> {
    const asking = new AbortController()
    this.#asking = asking
    try {
      this.#answer = await sourcesAt(this.#facts.id, lon, lat, asking.signal)
    } catch {
      // the map reports that the server cannot be reached
      return
    }
    if (!asking.signal.aborted) this.#write(this.#answer, level, cell)
  }

  #write(answer: Sources, level: number, cell: Cell | undefined): void {
    const { seen, rows } = rowsOfSources(answer, level)
    const from = cell?.from?.z
    const how = from === undefined ? '' : from === level ? ', as stored' : `, enlarged from ${from}`
    const all: [string, string][] =
      seen === undefined ? [['Source', 'none here']] : [...rows, ['Shown', `zoom ${level}${how}`]]
    byId('source-facts').replaceChildren(
      ...all.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
    )
    this.onSeen(seen)
  }
}

export const hasSources = ({ sourceCount = 0 }: Facts): boolean => sourceCount > 0
