// Buttons that copy: an address, a piece of code.
import { say } from './announce.js'
import { element } from './dom.js'

/** `what` is announced after copying: 'TileJSON address'. */
export function copyButton(what: string, text: () => string): HTMLButtonElement {
  const button = element(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': `Copy the ${what}` },
    'Copy',
  )
  button.addEventListener('click', async () => {
    say(
      (await copied(text()))
        ? `${what} copied`
        : 'The browser does not allow copying: select the text and press Ctrl+C',
    )
  })
  return button
}

/** A URL, shown by the part that differs from the others, to open and to copy; templates cannot be opened. */
export function copyRow(name: string, address: string, shown: string): HTMLElement {
  const text = address.includes('{')
    ? element('code', { class: 'address', title: address }, shown)
    : element('a', { class: 'address', href: address, title: address, target: '_blank' }, shown)
  return element(
    'div',
    { class: 'copy-row' },
    element('span', { class: 'copy-name' }, name),
    text,
    copyButton(`${name} address`, () => address),
  )
}

/** Pages that are not on https or localhost have no `navigator.clipboard`. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const before = document.activeElement
    const field = element('textarea', { class: 'unseen', readonly: true })
    field.value = text
    document.body.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    if (before instanceof HTMLElement) before.focus()
    return done
  }
}
