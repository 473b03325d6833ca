// Small XML documents that lie beside or describe rasters (PAM, VRT), as a tree of elements. Entities other than
// XML's own five are refused by the parser, so none can explode; sizes and depth are bounded here.
import { parseXml, XmlElement } from '@rgrove/parse-xml'
import { FlagstoneError } from '../../errors.js'

/** Nesting in honest files is below 10; the parser is recursive. */
const MAX_DEPTH = 64

/** The root element. @throws SOURCE_CORRUPT */
export function parseDocument(text: string, path: string): XmlElement {
  if (depthOf(text) > MAX_DEPTH) throw broken(path, `its elements are nested more than ${MAX_DEPTH} deep`)
  try {
    const root = parseXml(text.replace(/^\uFEFF/, '').trimStart()).root
    if (root !== null) return root
  } catch (error) {
    throw broken(
      path,
      String((error as Error).message)
        .split('\n')[0]!
        .trim(),
      error,
    )
  }
  throw broken(path, 'it has no element')
}

function broken(path: string, why: string, cause?: unknown): FlagstoneError {
  const message = `${path} is not valid XML: ${why}; create the file again`
  return new FlagstoneError('SOURCE_CORRUPT', message, { path, cause })
}

/** An upper bound of the nesting of elements, up to where it is too much. */
function depthOf(text: string): number {
  let depth = 0
  let most = 0
  for (let at = text.indexOf('<'); at >= 0 && most <= MAX_DEPTH; at = text.indexOf('<', at + 1)) {
    const next = text.charCodeAt(at + 1)
    if (next === 0x2f) depth--
    else if (next !== 0x21 && next !== 0x3f) {
      // An element that closes itself is no level; a '>' inside an attribute only makes the bound larger.
      const end = text.indexOf('>', at)
      if (end < 0) break
      if (text.charCodeAt(end - 1) !== 0x2f) depth++
    }
    most = Math.max(most, depth)
  }
  return most
}

export const childrenOf = (element: XmlElement, name?: string): XmlElement[] =>
  element.children.filter(
    (child): child is XmlElement =>
      child instanceof XmlElement && (name === undefined || child.name === name),
  )

export const childOf = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((child): child is XmlElement => child instanceof XmlElement && child.name === name)

/** Text of a child, trimmed; undefined when there is no such child. */
export const textOf = (element: XmlElement, name: string): string | undefined =>
  childOf(element, name)?.text.trim()

/** A number as GDAL writes them ('nan' and 'inf' included); undefined for what is none. */
export function numberOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim().toLowerCase()
  if (trimmed === undefined || trimmed === '') return undefined
  if (/^[+-]?nan/.test(trimmed)) return Number.NaN
  if (/^\+?(inf|infinity|1\.#inf)/.test(trimmed)) return Number.POSITIVE_INFINITY
  if (/^-(inf|infinity|1\.#inf)/.test(trimmed)) return Number.NEGATIVE_INFINITY
  const value = Number(trimmed)
  return Number.isNaN(value) ? undefined : value
}

export type { XmlElement } from '@rgrove/parse-xml'
