// The map of a file: connects camera, switches, overlay, inspector and table.
import { say } from './announce.js'
import { type Cell, cellsOf } from './cells.js'
import { CoverageCache } from './coverage.js'
import { DataLayers } from './data-layers.js'
import { byId } from './dom.js'
import { type Bounds, type Facts, type TileJson, tileSizeOf } from './facts.js'
import { Footprints } from './footprints.js'
import { addGroundProtocol } from './ground.js'
import { heightRangeOf, showRamp } from './heights.js'
import { Inspector } from './inspector.js'
import { fillLevels, markLevel } from './level-table.js'
import type { MapLibreModule, MapView } from './maplibre.js'
import { levelOfZoom, type TileAt, tileAt, zoomOfLevel } from './mercator.js'
import { addOverlay, drawCells, drawGraticule, stateOf, styleOverlay } from './overlay.js'
import { PointQuery } from './point-query.js'
import { Provenance } from './provenance.js'
import { onTheme } from './theme.js'
import { type TileWindow, windowOf } from './tile-window.js'
import { type Camera, formatHash, parseHash, type Shown } from './view-state.js'
import { count, place } from './words.js'

const still = window.matchMedia('(prefers-reduced-motion: reduce)')

export class Viewer {
  readonly map: MapView
  readonly shown: Shown
  /** Whether the URL set the switches, not the user. */
  onSwitches: () => void = () => {}
  onTrouble: (error: unknown) => void = () => {}
  /** Resolves when the last requested data is on the map. */
  quiet: Promise<void> = Promise.resolve()
  #facts: Facts
  readonly #tileSize: number
  readonly #data: DataLayers
  readonly #coverage: CoverageCache
  readonly #inspector: Inspector
  readonly #point: PointQuery
  readonly #footprints: Footprints
  readonly #provenance: Provenance
  #cells = new Map<string, Cell>()
  #window: TileWindow | undefined
  #pointer: { lon: number; lat: number } | undefined
  #drawing = 0

  constructor(maplibre: MapLibreModule, map: MapView, facts: Facts, tileJson: TileJson, shown: Shown) {
    this.map = map
    this.shown = shown
    this.#facts = facts
    this.#tileSize = tileSizeOf(facts, tileJson)
    this.#data = new DataLayers(map, facts, tileJson)
    this.#coverage = new CoverageCache(facts.id, facts.version)
    this.#inspector = new Inspector(facts.id)
    this.#point = new PointQuery(maplibre, map, facts)
    addOverlay(map)
    this.#footprints = new Footprints(map, facts.id)
    this.#provenance = new Provenance(facts)
    this.#provenance.onSeen = (seen) => this.#footprints.mark(seen?.id)
    if (facts.elevation !== undefined) addGroundProtocol(maplibre, this.#tileSize)
    byId('scale').append(new maplibre.ScaleControl({ maxWidth: 110 }).onAdd(map))
    onTheme(() => this.#style())
    map.on('moveend', () => {
      this.quiet = this.#settled()
    })
    map.on('move', () => this.#moved())
    map.on('mousemove', ({ lngLat }) => this.#pointAt(lngLat.lng, lngLat.lat))
    map.on('mouseout', () => this.#pointAt(undefined, undefined))
    map.on('click', ({ lngLat }) => void this.#point.ask(lngLat.lng, lngLat.lat))
    map.getCanvas().addEventListener('focus', () => this.#crosshair())
    map.getCanvas().addEventListener('blur', () => this.#crosshair())
    window.addEventListener('hashchange', () => this.#followHash())
    fillLevels(facts.levels, (zoom) => this.goToLevel(zoom))
  }

  /** Shows everything for the first time, and again when the file has changed. */
  async start(): Promise<void> {
    this.#moved()
    if (this.#facts.elevation !== undefined) this.#data.heights = await heightRangeOf(this.#facts)
    await this.refresh()
  }

  async renew(facts: Facts): Promise<void> {
    this.#facts = facts
    this.#coverage.renew(facts.version)
    this.#data.renew(facts)
    this.#inspector.renew()
    this.#footprints.renew()
    this.#provenance.renew(facts)
    fillLevels(facts.levels, (zoom) => this.goToLevel(zoom))
    await this.refresh()
  }

  /** After a switch was turned. */
  refresh(): Promise<void> {
    this.quiet = this.#refresh()
    return this.quiet
  }

  #style(): void {
    styleOverlay(this.map, this.shown)
    this.#footprints.style(this.shown.sources)
  }

  async #refresh(): Promise<void> {
    this.#style()
    await this.#data.show(this.shown)
    showRamp(this.#data.heightsShown(this.shown))
    await this.#settled()
  }

  fit(isAnimated = true): void {
    const { bounds } = this.#facts
    if (bounds === undefined) return
    const narrow = window.innerWidth <= 720
    const beside = byId('panel').classList.contains('closed') ? 40 : 380
    // slightly over 180° would mean the other side of the world
    const [west, south, east, north] = bounds
    this.map.fitBounds([Math.max(west, -180), south, Math.min(east, 180), north], {
      padding: narrow
        ? { top: 24, left: 24, right: 24, bottom: 150 }
        : { top: 40, bottom: 56, right: 84, left: beside },
      maxZoom: zoomOfLevel(this.#facts.maxZoom ?? 22, this.#tileSize),
      bearing: 0,
      pitch: this.shown.terrain ? this.map.getPitch() : 0,
      animate: isAnimated && !still.matches,
    })
  }

  /** Shows a level pixel by pixel; where the map looks beside the file, at its middle. */
  goToLevel(level: number): void {
    const [west, south, east, north] = this.#facts.bounds ?? [-180, -85, 180, 85]
    const { lng, lat } = this.map.getCenter()
    const isInside = lng >= west && lng <= east && lat >= south && lat <= north
    this.map.easeTo({
      zoom: zoomOfLevel(level, this.#tileSize),
      ...(isInside ? {} : { center: [(west + east) / 2, (south + north) / 2] as [number, number] }),
      animate: !still.matches,
    })
    say(`Level ${level}`)
  }

  northUp(): void {
    this.map.easeTo({ bearing: 0, pitch: 0, animate: !still.matches })
  }

  askHere(): void {
    const { lng, lat } = this.map.getCenter()
    void this.#point.ask(lng, lat)
  }

  closePopup(): void {
    this.#point.close()
  }

  #camera(): Camera {
    const { lng, lat } = this.map.getCenter()
    return {
      zoom: this.map.getZoom(),
      lat,
      lon: lng,
      bearing: this.map.getBearing(),
      pitch: this.map.getPitch(),
    }
  }

  #followHash(): void {
    const { camera, shown } = parseHash(location.hash)
    if (camera === undefined) return
    Object.assign(this.shown, shown)
    this.map.jumpTo({ ...camera, center: [camera.lon, camera.lat] })
    this.onSwitches()
    void this.refresh()
  }

  /** Level of the tiles on the map: that of the zoom, limited to the file's levels. */
  #level(): { wanted: number; shown: number } {
    const wanted = levelOfZoom(this.map.getZoom(), this.#tileSize)
    const { minZoom = 0, maxZoom = 0 } = this.#facts
    return { wanted, shown: Math.min(Math.max(wanted, minZoom), maxZoom) }
  }

  #moved(): void {
    byId('north').hidden = Math.abs(this.map.getBearing()) < 0.05 && this.map.getPitch() < 0.05
    this.#inspect()
  }

  async #settled(): Promise<void> {
    history.replaceState(null, '', formatHash(this.#camera(), this.shown))
    this.#notice()
    this.#inspect()
    const bounds = this.#bounds()
    if (this.shown.graticule) drawGraticule(this.map, bounds)
    const drawing = ++this.#drawing
    const { wanted, shown } = this.#level()
    this.#window = windowOf(bounds, shown)
    let cells: Cell[] | undefined = []
    try {
      if (this.shown.sources) await this.#footprints.show(bounds)
      if (this.#facts.tiles > 0) cells = await cellsOf(this.#window, this.#facts.levels, this.#coverage)
    } catch (error) {
      this.onTrouble(error)
      return
    }
    // the map has moved on
    if (drawing !== this.#drawing) return
    this.#cells = new Map((cells ?? []).map((cell) => [nameOf(cell.tile), cell]))
    const isEnlarged = wanted > shown
    drawCells(this.map, [...this.#cells.values()], isEnlarged, this.shown)
    for (const state of ['stored', 'over', 'none'] as const) {
      const found = cells?.filter((cell) => stateOf(cell, isEnlarged) === state).length
      byId(`gaps-${state}`).textContent = found === undefined ? '…' : count(found)
    }
    byId('gaps-legend').hidden = !this.shown.gaps
    this.#inspect()
  }

  #bounds(): Bounds {
    const bounds = this.map.getBounds()
    return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()]
  }

  /** Explains how the zoom relates to the levels of the file, when that is not obvious. */
  #notice(): void {
    const { wanted } = this.#level()
    const { minZoom, maxZoom, tiles } = this.#facts
    const notice = byId('notice')
    const text = byId('notice-text')
    const action = byId('notice-action')
    notice.hidden = true
    action.hidden = true
    if (tiles === 0) text.textContent = 'This file has no tiles yet.'
    else if (minZoom !== undefined && wanted < minZoom) {
      text.textContent = `The lowest level of this file is ${minZoom}; you are at ${wanted}.`
      action.textContent = 'Go there'
      action.hidden = false
    } else if (maxZoom !== undefined && wanted > maxZoom && this.shown.gaps) {
      text.textContent = `Level ${wanted} is not stored: level ${maxZoom} is shown enlarged.`
    } else return
    notice.hidden = false
  }

  #pointAt(lon: number | undefined, lat: number | undefined): void {
    this.#pointer = lon === undefined || lat === undefined ? undefined : { lon, lat }
    this.#inspect()
  }

  #crosshair(): void {
    const isKeyed = this.map.getCanvas().matches(':focus-visible')
    byId('crosshair').hidden = !isKeyed
  }

  #inspect(): void {
    const { lng, lat } = this.map.getCenter()
    const at = this.#pointer ?? { lon: lng, lat }
    const { wanted, shown } = this.#level()
    const zoom = this.map.getZoom()
    byId('position').textContent = place(at.lon, at.lat, zoom)
    byId('zoom-now').textContent = `zoom ${zoom.toFixed(1)} · level ${shown}`
    markLevel(Math.min(wanted, this.#facts.maxZoom ?? 0))
    const tile = tileAt(at.lon, at.lat, shown)
    const enlarged = 2 ** (zoom - zoomOfLevel(shown, this.#tileSize))
    const where = this.#pointer === undefined ? 'at the centre of the map' : 'under the pointer'
    const cell = this.#cells.get(nameOf(tile))
    this.#inspector.show(tile, cell, where, enlarged)
    this.#provenance.show(at.lon, at.lat, Math.max(wanted, this.#facts.minZoom ?? 0), cell)
  }
}

const nameOf = ({ z, x, y }: TileAt): string => `${z}/${x}/${y}`
