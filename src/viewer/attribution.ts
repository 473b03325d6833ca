// A file's attribution, which by custom is HTML: its text and its web links are kept, and nothing else.
import { element } from './dom.js'

export function attributionOf(html: string): DocumentFragment {
  // parsed in a document of its own, which neither runs scripts nor loads pictures
  const parsed = new DOMParser().parseFromString(html, 'text/html')
  const kept = document.createDocumentFragment()
  copyInto(kept, parsed.body)
  return kept
}

function copyInto(target: Node, source: Node): void {
  for (const node of source.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) target.appendChild(document.createTextNode(node.nodeValue ?? ''))
    else if (node instanceof Element) copyElement(target, node)
  }
}

function copyElement(target: Node, source: Element): void {
  const name = source.localName
  if (name === 'script' || name === 'style') return
  const href = name === 'a' ? (source.getAttribute('href') ?? '') : ''
  if (!/^https?:\/\//i.test(href)) {
    copyInto(target, source)
    return
  }
  const link = element('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' })
  copyInto(link, source)
  target.appendChild(link)
}
