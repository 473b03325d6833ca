// The values of the file at a place: requested from the server, shown in a popup, and announced.
import { tell } from './announce.js'
import { element } from './dom.js'
import type { Facts } from './facts.js'
import type { MapLibreModule, MapView } from './maplibre.js'
import { lonInWorld } from './mercator.js'
import { askPoint, rowsOf } from './point-answer.js'
import { hasSources } from './provenance.js'
import { rowsOfSources, sourcesAt } from './sources.js'
import { place } from './words.js'

export class PointQuery {
  readonly #maplibre: MapLibreModule
  readonly #map: MapView
  readonly #facts: Facts
  #popup: InstanceType<MapLibreModule['Popup']> | undefined
  #asking: AbortController | undefined

  constructor(maplibre: MapLibreModule, map: MapView, facts: Facts) {
    this.#maplibre = maplibre
    this.#map = map
    this.#facts = facts
  }

  async ask(lon: number, lat: number): Promise<void> {
    this.#asking?.abort()
    const asking = new AbortController()
    this.#asking = asking
    const body = element('div', { class: 'answer figures' }, 'Asking…')
    this.close()
    const popup = new this.#maplibre.Popup({ maxWidth: '280px', focusAfterOpen: false, offset: 6 })
    this.#popup = popup.setLngLat([lon, lat]).setDOMContent(body).addTo(this.#map)
    const wrapped = lonInWorld(lon)
    try {
      const { id } = this.#facts
      const { signal } = asking
      const answer = await askPoint(id, wrapped, lat, signal)
      const { rows, colour } = rowsOf(answer)
      if (hasSources(this.#facts)) {
        // what cannot be said of the sources must not hide the rest
        const sources = await sourcesAt(id, wrapped, lat, signal).catch(() => undefined)
        if (sources !== undefined) rows.push(...rowsOfSources(sources, answer.tile?.[0] ?? 0).rows)
      }
      const swatch = element('span', { class: 'colour', 'aria-hidden': 'true' })
      if (colour !== undefined) swatch.style.background = colour
      body.replaceChildren(
        element('h3', {}, colour !== undefined && swatch, place(lon, lat, this.#map.getZoom())),
        element(
          'dl',
          { class: 'facts' },
          ...rows.map(([term, value]) =>
            element('div', {}, element('dt', {}, term), element('dd', {}, value)),
          ),
        ),
      )
      tell(rows.map(([term, value]) => `${term} ${value}`).join(', '))
    } catch (error) {
      if (!asking.signal.aborted) body.replaceChildren((error as Error).message)
    }
  }

  close(): void {
    this.#popup?.remove()
    this.#popup = undefined
  }
}
