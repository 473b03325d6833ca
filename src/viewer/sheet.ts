// The panel: beside the map where there is room, a sheet from below on phones, which opens by its button, by a
// tap on its head, or by a swipe over it.
import { byId } from './dom.js'

/** Pixels a finger must move to swipe. */
const SWIPE = 24
const isNarrow = window.matchMedia('(max-width: 720px)')

export function bindSheet(): { toggle(): void } {
  const panel = byId('panel')
  const button = byId('panel-toggle')
  const set = (open: boolean): void => {
    panel.classList.toggle('closed', !open)
    button.setAttribute('aria-expanded', String(open))
    byId('panel-body').inert = !open
  }
  const isOpen = (): boolean => !panel.classList.contains('closed')
  const toggle = (): void => set(!isOpen())

  button.addEventListener('click', toggle)
  isNarrow.addEventListener('change', () => set(!isNarrow.matches))
  set(!isNarrow.matches)

  const head = panel.querySelector<HTMLElement>('.panel-head')!
  let from: number | undefined
  head.addEventListener('pointerdown', (event) => {
    from = event.pointerType === 'mouse' || !isNarrow.matches ? undefined : event.clientY
  })
  head.addEventListener('pointerup', (event) => {
    if (from === undefined) return
    if (Math.abs(event.clientY - from) >= SWIPE) set(event.clientY < from)
    else if (!(event.target as Element).closest('a, button')) toggle()
  })
  return { toggle }
}
