// An address with a button that copies it.
import { say } from './announce.js'
import { element } from './dom.js'

export function copyRow(name: string, address: string): HTMLElement {
  const field = element('input', {
    type: 'text',
    readonly: true,
    value: address,
    'aria-label': `${name} address`,
  })
  const button = element(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': `Copy the ${name} address` },
    'Copy',
  )
  field.addEventListener('focus', () => field.select())
  button.addEventListener('click', async () => {
    say((await copied(field)) ? `${name} address copied` : 'The browser does not let us copy: press Ctrl+C')
  })
  return element('div', { class: 'copy-row' }, element('span', { class: 'copy-name' }, name), field, button)
}

/** Pages that are not on https or localhost have no clipboard of the new kind. */
async function copied(field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    field.select()
    return document.execCommand('copy')
  }
}
