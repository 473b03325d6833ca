// Short messages: shown for a moment, and read out by screen readers.
import { byId } from './dom.js'

let hiding = 0

/** For screen readers only, because the change is visible. */
export function tell(text: string): void {
  const region = byId('spoken')
  region.textContent = ''
  region.textContent = text
}

export function say(text: string): void {
  const toast = byId('toast')
  // clear it first, so that the same text is announced again
  toast.textContent = ''
  toast.textContent = text
  toast.dataset['shown'] = ''
  window.clearTimeout(hiding)
  hiding = window.setTimeout(() => delete toast.dataset['shown'], 2600)
}
