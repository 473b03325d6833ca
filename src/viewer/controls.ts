// Buttons, switches and keys of the map's page.
import { say } from './announce.js'
import { byId } from './dom.js'
import { type Facts, isVector } from './facts.js'
import { bindShortcuts, openHelp } from './shortcuts.js'
import { nextTheme } from './theme.js'
import { LOOKS, type Look, type Switch } from './view-state.js'
import type { Viewer } from './viewer.js'

const SWITCHES: readonly (readonly [Switch, key: string, says: string])[] = [
  ['tiles', 't', 'tile borders and ids'],
  ['gaps', 'g', 'what is stored here'],
  ['overzoom', 'o', 'fill gaps from above'],
  ['crisp', 'x', 'sharp pixels'],
  ['terrain', 'd', 'terrain in 3D'],
  ['graticule', 'r', 'graticule'],
]

export function bindControls(viewer: Viewer, facts: Facts, sheet: { toggle(): void }): void {
  const { map, shown } = viewer
  const hasHeights = facts.elevation !== undefined
  byId('look-row').hidden = !hasHeights
  byId('terrain-row').hidden = !hasHeights
  byId('crisp-row').hidden = isVector(facts)
  byId('overzoom-row').hidden = isVector(facts)

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

  byId('zoom-in').addEventListener('click', () => map.zoomIn())
  byId('zoom-out').addEventListener('click', () => map.zoomOut())
  byId('fit').addEventListener('click', () => viewer.fit())
  byId('north').addEventListener('click', () => viewer.northUp())
  byId('notice-action').addEventListener('click', () => viewer.goToLevel(facts.minZoom ?? 0))

  const flip = (name: Switch, says: string) => (): void => {
    if (byId<HTMLInputElement>(name).closest<HTMLElement>('.switch')?.hidden) return
    turn(name, !shown[name])
    say(`${says}: ${shown[name] ? 'on' : 'off'}`)
  }
  bindShortcuts([
    { key: 'Enter', says: 'what is at the cross in the middle', run: () => viewer.askHere() },
    { key: 'Escape', says: 'close the answer', run: () => viewer.closePopup() },
    { key: 'f', says: 'show all of it', run: () => viewer.fit() },
    { key: 'n', says: 'north up, from above', run: () => viewer.northUp() },
    ...SWITCHES.map(([name, key, says]) => ({ key, says, run: flip(name, says) })),
    { key: '[', says: 'fainter', run: () => setOpacity(shown.opacity - 10) },
    { key: ']', says: 'stronger', run: () => setOpacity(shown.opacity + 10) },
    { key: 'c', says: 'light, dark, as the system', run: () => say(nextTheme()) },
    { key: 'p', says: 'open and close the panel', run: () => sheet.toggle() },
    { key: '?', says: 'these keys', run: openHelp },
  ])
  sync()
}
