// Buttons, switches and keys of the map's page.
import { say } from './announce.js'
import { byId } from './dom.js'
import { type Facts, isVector } from './facts.js'
import { hasSources } from './provenance.js'
import { bindShortcuts, openHelp, type Shortcut } from './shortcuts.js'
import { nextTheme } from './theme.js'
import { LOOKS, type Look, type Switch } from './view-state.js'
import type { Viewer } from './viewer.js'

const SWITCHES: readonly (readonly [Switch, key: string])[] = [
  ['tiles', 't'],
  ['gaps', 'g'],
  ['overzoom', 'o'],
  ['crisp', 'x'],
  ['terrain', 'd'],
  ['graticule', 'r'],
  ['sources', 's'],
]

export function bindControls(viewer: Viewer, facts: Facts, sheet: { toggle(): void }): void {
  const { map, shown } = viewer
  showRows(facts)

  const opacity = byId<HTMLInputElement>('opacity')
  const look = byId<HTMLSelectElement>('look')
  const sync = (): void => {
    for (const [name] of SWITCHES) byId<HTMLInputElement>(name).checked = shown[name]
    opacity.value = String(shown.opacity)
    byId('opacity-now').textContent = `${shown.opacity} %`
    look.value = shown.look
  }
  const changed = (): void => {
    sync()
    void viewer.refresh()
  }
  const turn = (name: Switch, on: boolean): void => {
    shown[name] = on
    if (name === 'terrain' && on && map.getPitch() < 20) map.easeTo({ pitch: 60 })
    changed()
  }

  for (const [name] of SWITCHES) {
    const box = byId<HTMLInputElement>(name)
    box.addEventListener('change', () => turn(name, box.checked))
  }
  const setOpacity = (percent: number): void => {
    shown.opacity = Math.min(100, Math.max(0, percent))
    changed()
  }
  opacity.addEventListener('input', () => setOpacity(Number(opacity.value)))
  const setLook = (name: Look): void => {
    shown.look = name
    changed()
  }
  look.addEventListener('change', () => setLook(LOOKS.find((one) => one === look.value) ?? 'relief'))
  viewer.onSwitches = sync

  bindButtons(viewer, facts)
  const flip = (name: Switch): boolean => {
    turn(name, !shown[name])
    return shown[name]
  }
  bindShortcuts([
    { key: 'Enter', says: 'Query the point at the crosshair', run: () => viewer.askHere() },
    { key: 'Escape', says: 'Close the result', run: () => viewer.closePopup() },
    { key: 'f', says: 'Zoom to the whole map', run: () => viewer.fit() },
    { key: 'n', says: 'North up, viewed from above', run: () => viewer.northUp() },
    ...flipsOf(flip),
    { key: '[', says: 'Less opaque', run: () => setOpacity(shown.opacity - 10) },
    { key: ']', says: 'More opaque', run: () => setOpacity(shown.opacity + 10) },
    { key: 'c', says: 'Light, dark or same as the system', run: () => say(nextTheme()) },
    { key: 'p', says: 'Open or close the panel', run: () => sheet.toggle() },
    { key: '?', says: 'These keys', run: openHelp },
  ])
  sync()
}

/** Only the switches that apply to this file. */
function showRows(facts: Facts): void {
  const hasHeights = facts.elevation !== undefined
  byId('look-row').hidden = !hasHeights
  byId('terrain-row').hidden = !hasHeights
  byId('crisp-row').hidden = isVector(facts)
  byId('overzoom-row').hidden = isVector(facts)
  byId('sources-row').hidden = !hasSources(facts)
}

function bindButtons(viewer: Viewer, facts: Facts): void {
  byId('zoom-in').addEventListener('click', () => viewer.map.zoomIn())
  byId('zoom-out').addEventListener('click', () => viewer.map.zoomOut())
  byId('fit').addEventListener('click', () => viewer.fit())
  byId('north').addEventListener('click', () => viewer.northUp())
  byId('notice-action').addEventListener('click', () => viewer.goToLevel(facts.minZoom ?? 0))
}

/** The keys of the switches that apply to this file. */
function flipsOf(flip: (name: Switch) => boolean): Shortcut[] {
  return SWITCHES.flatMap(([name, key]) => {
    const row = byId(name).closest<HTMLElement>('.switch')!
    if (row.hidden) return []
    const says = row.querySelector('span')!.textContent
    return [{ key, says, run: () => say(`${says}: ${flip(name) ? 'on' : 'off'}`) }]
  })
}
