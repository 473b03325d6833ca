// The table of the file's levels; the current one is marked, and a click on a level goes there.
import { byId, element } from './dom.js'
import type { Level } from './facts.js'
import { bytes, count } from './words.js'

export function fillLevels(levels: readonly Level[], choose: (zoom: number) => void): void {
  const most = Math.max(...levels.map((level) => level.bytes), 1)
  byId('levels').replaceChildren(
    ...levels.map((level) => {
      const button = element(
        'button',
        { type: 'button', class: 'level', 'aria-label': `Go to level ${level.zoom}` },
        `${level.zoom}`,
      )
      button.addEventListener('click', () => choose(level.zoom))
      const row = element(
        'tr',
        { 'data-zoom': level.zoom },
        element('th', { scope: 'row' }, button),
        element('td', {}, count(level.count)),
        element('td', {}, bytes(level.bytes)),
        element('td', {}, bytes(level.count === 0 ? 0 : level.bytes / level.count)),
      )
      row.style.setProperty('--share', `${((100 * level.bytes) / most).toFixed(1)}%`)
      return row
    }),
  )
}

export function markLevel(zoom: number): void {
  for (const row of byId('levels').querySelectorAll('tr')) {
    const isNow = row.dataset['zoom'] === String(zoom)
    row.classList.toggle('now', isNow)
    const button = row.querySelector('button')
    if (isNow) button?.setAttribute('aria-current', 'true')
    else button?.removeAttribute('aria-current')
  }
}
