// Short messages: shown for a moment, and read out by screen readers.
import { byId } from './dom.js'

let hiding = 0

/** Read out only: what is seen anyway. */
export function tell(text: string): void {
  const region = byId('spoken')
  region.textContent = ''
  region.textContent = text
}

export function say(text: string): void {
  const toast = byId('toast')
  // the same words again are news again
  toast.textContent = ''
  toast.textContent = text
  toast.dataset['shown'] = ''
  window.clearTimeout(hiding)
  hiding = window.setTimeout(() => delete toast.dataset['shown'], 2600)
}
