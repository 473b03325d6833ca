// A card of the catalogue: what the list says at once, the figures and the preview when it comes into view.
import { element } from './dom.js'
import { type Facts, isVector, loadFacts, titleOf } from './facts.js'
import { previewOf } from './preview.js'
import { addressOf } from './server.js'
import { bytes, count, zoomList } from './words.js'

export interface Listed {
  readonly id: string
  readonly name?: string
  readonly description?: string
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue
      seen.unobserve(target)
      waiting.get(target)?.()
    }
  },
  { rootMargin: '200px' },
)
const waiting = new WeakMap<Element, () => void>()

export function cardOf(source: Listed): HTMLElement {
  const { id, description } = source
  const title = titleOf(source)
  const picture = element('div', { class: 'card-picture' })
  const figures = element('p', { class: 'card-figures figures' }, 'Loading…')
  const card = element(
    'li',
    { class: 'card' },
    picture,
    element(
      'div',
      { class: 'card-body' },
      element('h2', {}, element('a', { href: addressOf(id, '/map') }, title)),
      title !== id && element('p', { class: 'card-id' }, id),
      description !== undefined && element('p', { class: 'card-description' }, description),
      figures,
    ),
    linksOf(id, title),
  )
  waiting.set(card, () => void fill(id, picture, figures))
  seen.observe(card)
  return card
}

function linksOf(id: string, title: string): HTMLElement {
  const link = (name: string, rest: string, attributes: Record<string, string | boolean> = {}): HTMLElement =>
    element('a', { href: addressOf(id, rest), 'aria-label': `${name} of ${title}`, ...attributes }, name)
  return element(
    'nav',
    { class: 'card-links', 'aria-label': `Addresses of ${title}` },
    link('Map', '/map', { class: 'primary' }),
    link('TileJSON', '.json'),
    link('WMTS', '/WMTSCapabilities.xml'),
    link('Style', '/style.json'),
    link('Download', '.pmtiles', { download: true }),
  )
}

async function fill(id: string, picture: HTMLElement, figures: HTMLElement): Promise<void> {
  let facts: Facts
  try {
    facts = await loadFacts(id)
  } catch (error) {
    figures.textContent = (error as Error).message
    return
  }
  const zooms = facts.levels.map(({ zoom }) => zoom)
  const figure = (value: string, unit: string): HTMLElement =>
    element('span', {}, element('b', {}, value), ` ${unit}`)
  figures.replaceChildren(
    ...(zooms.length === 0
      ? [element('span', {}, 'no tiles yet')]
      : [
          element('span', {}, 'zooms ', element('b', {}, zoomList(zooms))),
          figure(count(facts.tiles), facts.tiles === 1 ? 'tile' : 'tiles'),
        ]),
    figure(bytes(facts.fileBytes), ''),
  )
  picture.append(element('span', { class: 'card-kind' }, kindOf(facts)))
  if (zooms.length > 0 && !isVector(facts)) picture.prepend(previewOf(facts))
}

function kindOf(facts: Facts): string {
  const formats = facts.types.map(({ name }) => (name === 'jpeg' ? 'JPEG' : name.toUpperCase())).join(' + ')
  if (facts.elevation !== undefined) return 'elevation'
  if (isVector(facts)) return 'vector'
  return formats === '' ? 'empty' : formats
}
