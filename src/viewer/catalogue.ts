// The catalogue page: a card for every source, a search by name, and below it what could not be opened.
import { say } from './announce.js'
import { cardOf, type Listed } from './catalogue-card.js'
import { byId, element } from './dom.js'
import { getJson, root } from './server.js'
import { bindThemeButton } from './theme.js'
import { count } from './words.js'

interface Catalogue {
  readonly sources: readonly Listed[]
  readonly problems: readonly string[]
}

/** Cards shown at first; a button shows more. */
const PAGE = 60
/** With fewer sources there is no search. */
const SEARCH_FROM = 7

const cards = byId('cards')
const summary = byId('summary')
const search = byId<HTMLInputElement>('search')
const more = byId<HTMLButtonElement>('more')

let sources: readonly Listed[] = []
let found: readonly Listed[] = []

function showMore(): void {
  const from = cards.childElementCount
  cards.append(...found.slice(from, from + PAGE).map(cardOf))
  more.hidden = cards.childElementCount >= found.length
}

function filter(): void {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  const text = ({ id, name = '', description = '' }: Listed): string =>
    `${id} ${name} ${description}`.toLowerCase()
  found = sources.filter((source) => words.every((word) => text(source).includes(word)))
  cards.replaceChildren()
  showMore()
  if (words.length > 0 && found.length === 0) cards.append(element('li', { class: 'none' }, 'No maps found.'))
  const all = `${count(sources.length)} ${sources.length === 1 ? 'map' : 'maps'}`
  summary.textContent = words.length === 0 ? all : `${count(found.length)} of ${all}`
}

function showProblems({ problems }: Catalogue): void {
  byId('problems').hidden = problems.length === 0
  byId('problem-list').replaceChildren(...problems.map((message) => element('li', {}, message)))
}

async function start(): Promise<void> {
  bindThemeButton(byId<HTMLButtonElement>('theme'), say)
  search.addEventListener('input', filter)
  more.addEventListener('click', () => {
    const at = cards.childElementCount
    showMore()
    cards.children[at]?.querySelector('a')?.focus()
  })
  try {
    const catalogue = await getJson<Catalogue>(`${root}_/sources.json`)
    sources = catalogue.sources
    search.hidden = sources.length < SEARCH_FROM
    filter()
    showProblems(catalogue)
    if (sources.length === 0) summary.textContent = 'No maps yet.'
  } catch (error) {
    summary.textContent = ''
    const trouble = byId('trouble')
    trouble.hidden = false
    trouble.textContent = (error as Error).message
  }
}

void start()
