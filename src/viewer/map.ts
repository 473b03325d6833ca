// The page of one map: reads the description of the file from the server, creates the map and binds the controls. If
// there can be no map (no WebGL, no server, no tiles), a sentence in its place says why.
import { say } from './announce.js'
import { attributionOf } from './attribution.js'
import { bindControls } from './controls.js'
import { byId } from './dom.js'
import { type Facts, loadFacts, loadTileJson, type TileJson, titleOf } from './facts.js'
import { loadMapLibre, type MapLibreModule, type MapView } from './maplibre.js'
import { AnswerError, sentenceOf, UNREACHABLE } from './server.js'
import { bindSheet } from './sheet.js'
import { bindThemeButton } from './theme.js'
import { bindUses, fillUses } from './use-it.js'
import { parseHash } from './view-state.js'
import { Viewer } from './viewer.js'
import { bytes, count, formatList } from './words.js'

/** Milliseconds between checks whether the file has changed. */
const LOOK_AGAIN = 20_000

/** '/maps/ortho/map' → 'ortho' */
const id = decodeURIComponent(location.pathname.split('/').at(-2) ?? '')

function trouble(sentence: string): void {
  const box = byId('trouble')
  box.hidden = sentence === ''
  box.textContent = sentence
}

function describe(facts: Facts): void {
  const title = titleOf(facts)
  document.title = `${title} · Flagstone`
  byId('title').textContent = title
  byId('title').title = title
  const parts = [
    formatList(facts.types.map(({ name }) => name)) || 'empty',
    `${count(facts.tiles)} ${facts.tiles === 1 ? 'tile' : 'tiles'}`,
    bytes(facts.fileBytes),
  ]
  byId('subtitle').textContent = parts.join(' · ')
  const description = byId('description')
  description.querySelector('summary')!.textContent = facts.description ?? ''
  description.hidden = facts.description === undefined
  byId('panel-body').hidden = false
  for (const part of ['tile', 'show', 'levels']) byId(`${part}-section`).hidden = facts.tiles === 0
  const attribution = byId('attribution')
  attribution.firstElementChild!.replaceChildren(attributionOf(facts.attribution ?? ''))
  attribution.hidden = attribution.textContent === ''
}

function hasWebGl(): boolean {
  try {
    return document.createElement('canvas').getContext('webgl2') !== null
  } catch {
    return false
  }
}

function makeMap(maplibre: MapLibreModule, facts: Facts): MapView {
  const { camera } = parseHash(location.hash)
  return new maplibre.Map({
    container: 'map',
    style: {
      version: 8,
      sources: {},
      // colours and opacity change at once
      transition: { duration: 0 },
      layers: [{ id: 'plain', type: 'background', paint: { 'background-color': '#e6e9e5' } }],
    },
    center: camera === undefined ? [0, 20] : [camera.lon, camera.lat],
    zoom: camera?.zoom ?? 1,
    bearing: camera?.bearing ?? 0,
    pitch: camera?.pitch ?? 0,
    maxPitch: 80,
    maxZoom: Math.min(24, Math.max(18, (facts.maxZoom ?? 0) + 4)),
    attributionControl: false,
    fadeDuration: 0,
    locale: { 'Map.Title': `Map of ${titleOf(facts)}` },
  })
}

async function start(): Promise<void> {
  bindThemeButton(byId<HTMLButtonElement>('theme'), say)
  const sheet = bindSheet()
  bindUses()
  byId('title').textContent = id
  const facts = await loadFacts(id)
  describe(facts)
  // a file without tiles, or with damaged ones, may have none
  const tileJson = await loadTileJson(id).catch((): TileJson => ({}))
  fillUses(facts, tileJson)
  if (!hasWebGl()) {
    throw new Error(
      'This map needs WebGL 2, which this browser does not have; the URLs below work without it.',
    )
  }
  const maplibre = await loadMapLibre()
  const map = makeMap(maplibre, facts)
  map.on('error', async ({ error }) => trouble(await tileTrouble(error)))
  // errors that persist are shown again
  map.on('movestart', () => trouble(''))
  await map.once('load')
  const viewer = new Viewer(maplibre, map, facts, tileJson, parseHash(location.hash).shown)
  viewer.onTrouble = failed
  if (parseHash(location.hash).camera === undefined) viewer.fit(false)
  bindControls(viewer, facts, sheet)
  // for the browser's console, and for tests
  Object.assign(window, { flagstone: viewer })
  viewer.quiet = viewer.start()
  await viewer.quiet
  followFile(viewer, facts, tileJson)
}

/** Checks whether the file has grown or was replaced while the page is open. */
function followFile(viewer: Viewer, first: Facts, tileJson: TileJson): void {
  let { version } = first
  const look = async (): Promise<void> => {
    if (document.visibilityState !== 'visible') return
    try {
      const facts = await loadFacts(id)
      trouble('')
      if (facts.version === version) return
      version = facts.version
      describe(facts)
      fillUses(facts, tileJson)
      await viewer.renew(facts)
      say('The file has changed; showing the new version')
    } catch (error) {
      failed(error)
    }
  }
  window.setInterval(look, LOOK_AGAIN)
  document.addEventListener('visibilitychange', look)
}

function failed(error: unknown): void {
  const isGone = error instanceof AnswerError && error.status === 404
  trouble(isGone ? `No map named “${id}”.` : (error as Error).message)
}

/** MapLibre's tile errors have the URL, the status (0: no response) and the body of the response. */
async function tileTrouble(error: {
  message: string
  url?: string
  status?: number
  body?: Blob
}): Promise<string> {
  const { message, url = '', status, body } = error
  if (status === undefined) return `Part of the map could not be loaded: ${message}`
  if (status === 0) return UNREACHABLE
  const tile = /\d+\/\d+\/\d+/.exec(url)?.[0] ?? url
  return `Tile ${tile} could not be loaded: ${sentenceOf((await body?.text()) ?? '', status)}`
}

start().catch((error: unknown) => {
  byId('subtitle').textContent = ''
  failed(error)
})
