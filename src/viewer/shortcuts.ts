// Keys, and the dialog that lists them. They are ignored while the user types or a dialog is open, and with
// Ctrl, Alt or Meta, which belong to the browser.
import { byId, element } from './dom.js'

export interface Shortcut {
  readonly key: string
  readonly says: string
  readonly run: () => void
}

/** Keys of the map for the list; MapLibre handles them while the map has the focus. */
const OF_THE_MAP: readonly [string, string][] = [
  ['← ↑ → ↓', 'Move'],
  ['+ −', 'Zoom'],
  ['Shift + ← →', 'Turn'],
  ['Shift + ↑ ↓', 'Tilt'],
]

export function bindShortcuts(shortcuts: readonly Shortcut[]): void {
  const help = byId<HTMLDialogElement>('help')
  const byKey = new Map(shortcuts.map((shortcut) => [shortcut.key, shortcut]))
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || help.open) return
    const { target } = event
    if (target instanceof HTMLInputElement && target.type !== 'checkbox' && target.type !== 'range') return
    if (target instanceof HTMLSelectElement) return
    const shortcut = byKey.get(event.key.length === 1 ? event.key.toLowerCase() : event.key)
    if (shortcut === undefined) return
    // Enter on a button presses it
    if (event.key === 'Enter' && !(target instanceof HTMLCanvasElement)) return
    event.preventDefault()
    shortcut.run()
  })
  const names = shortcuts.map(({ key, says }): [string, string] => [
    key.length === 1 ? key.toUpperCase() : key.replace('Escape', 'Esc'),
    says,
  ])
  byId('shortcuts').replaceChildren(
    ...[...OF_THE_MAP, ...names].map(([keys, says]) =>
      element('div', {}, element('dt', {}, element('kbd', {}, keys)), element('dd', {}, says)),
    ),
  )
  byId('help-open').addEventListener('click', () => help.showModal())
}

export const openHelp = (): void => byId<HTMLDialogElement>('help').showModal()
