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
  #level = 0
  #cell: Cell | undefined
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
    this.#level = level
    this.#cell = cell
    const place = `${lon.toFixed(7)},${lat.toFixed(7)}`
    if (place !== this.#place) {
      this.#place = place
      this.#asking?.abort()
      window.clearTimeout(this.#timer)
      this.#answer = undefined
      this.#timer = window.setTimeout(() => void this.#ask(lon, lat), REST)
    } else if (this.#answer !== undefined) this.#write(this.#answer)
  }

  async #ask(lon: number, lat: number): Promise<void> {
    const asking = new AbortController()
    this.#asking = asking
    // the map reports that the server cannot be reached
    const answer = await sourcesAt(this.#facts.id, lon, lat, asking.signal).catch(() => undefined)
    if (asking.signal.aborted || answer === undefined) return
    this.#answer = answer
    this.#write(answer)
  }

  #write(answer: Sources): void {
    const level = this.#level
    const { seen, rows } = rowsOfSources(answer, level)
    const from = this.#cell?.from?.z
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
