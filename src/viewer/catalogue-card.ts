// A card of the catalogue. Figures and the preview are loaded when it comes into view.
import { element } from './dom.js'
import { type Facts, isArchive, isVector, loadFacts, titleOf } from './facts.js'
import { previewOf } from './preview.js'
import { addressOf } from './server.js'
import { bytes, count, formatList, zoomList } from './words.js'

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
  const links = linksOf(id, title)
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
    links,
  )
  waiting.set(card, () => void fill(id, picture, figures, links))
  seen.observe(card)
  return card
}

const linkOf = (id: string, title: string, name: string, rest: string): HTMLAnchorElement =>
  element('a', { href: addressOf(id, rest), 'aria-label': `${name} of ${title}` }, name)

/** Those that every source has. */
function linksOf(id: string, title: string): HTMLElement {
  const map = linkOf(id, title, 'Map', '/map')
  map.className = 'primary'
  return element(
    'nav',
    { class: 'card-links', 'aria-label': `Addresses of ${title}` },
    map,
    linkOf(id, title, 'TileJSON', '.json'),
    linkOf(id, title, 'Style', '/style.json'),
  )
}

async function fill(
  id: string,
  picture: HTMLElement,
  figures: HTMLElement,
  links: HTMLElement,
): Promise<void> {
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
  const title = titleOf(facts)
  if (!isVector(facts)) links.append(linkOf(id, title, 'WMTS', '/WMTSCapabilities.xml'))
  if (isArchive(facts)) links.append(linkOf(id, title, 'Download', '.pmtiles'))
  if (zooms.length > 0 && !isVector(facts)) picture.prepend(previewOf(facts))
}

function kindOf(facts: Facts): string {
  if (facts.elevation !== undefined) return 'elevation'
  if (isVector(facts)) return 'vector'
  return formatList(facts.types.map(({ name }) => name)) || 'empty'
}
