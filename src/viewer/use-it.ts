// "Use it in": code for other programs, and the addresses of the source, each to be copied.
import { attributionOf } from './attribution.js'
import { copyButton, copyRow } from './copy.js'
import { byId, element } from './dom.js'
import { type Facts, isArchive, isVector, type TileJson, tileSizeOf } from './facts.js'
import { addressOf } from './server.js'
import { type Snippet, snippetsOf } from './snippets.js'

let snippets: Snippet[] = []

export function bindUses(): void {
  const select = byId<HTMLSelectElement>('use-in')
  select.addEventListener('change', showSnippet)
  select.after(copyButton('code', () => byId('snippet').textContent ?? ''))
}

export function fillUses(facts: Facts, tileJson: TileJson): void {
  const { id } = facts
  const at = (rest: string): string => addressOf(id, rest)
  const short = id.length > 16 ? `${id.slice(0, 14)}…` : id
  const row = (name: string, rest: string): HTMLElement => copyRow(name, at(rest), `${short}${rest}`)
  const [only, other] = facts.types
  const extension = only !== undefined && other === undefined ? `.${only.extension}` : ''
  byId('links').replaceChildren(
    row('XYZ', `/{z}/{x}/{y}${extension}`),
    row('TileJSON', '.json'),
    ...(isVector(facts) ? [] : [row('WMTS', '/WMTSCapabilities.xml')]),
    row('Style', '/style.json'),
    ...(isArchive(facts) ? [row('PMTiles', '.pmtiles'), download(id)] : []),
  )
  // other libraries treat it as HTML
  const attribution = (attributionOf(facts.attribution ?? '').textContent ?? '').replace(/[<>]/g, '').trim()
  snippets = snippetsOf({ facts, tileSize: tileSizeOf(facts, tileJson), attribution, at })
  const select = byId<HTMLSelectElement>('use-in')
  const chosen = select.value
  select.replaceChildren(...snippets.map(({ name }) => element('option', {}, name)))
  if (snippets.some(({ name }) => name === chosen)) select.value = chosen
  showSnippet()
}

function showSnippet(): void {
  const { value } = byId<HTMLSelectElement>('use-in')
  byId('snippet').textContent = snippets.find(({ name }) => name === value)?.text ?? ''
}

const download = (id: string): HTMLElement =>
  element(
    'a',
    { class: 'button', href: addressOf(id, '.pmtiles'), download: `${id}.pmtiles` },
    'Download the file',
  )
