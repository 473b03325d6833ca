// Parses small XML documents beside or about rasters (PAM, VRT) to a tree of elements. The parser refuses entities
// other than XML's own five, so none can expand without limit. Sizes and depth are bounded here.
import { parseXml, XmlElement } from '@rgrove/parse-xml'
import { FlagstoneError } from '../../errors.js'

/** The parser is recursive. Valid files nest less than 10 deep. */
const MAX_DEPTH = 64

/** Parses a document; returns its root element. @throws SOURCE_CORRUPT */
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

/** An upper bound of the nesting depth. It stops counting above the limit. */
function depthOf(text: string): number {
  let depth = 0
  let most = 0
  for (let at = text.indexOf('<'); at >= 0 && most <= MAX_DEPTH; at = text.indexOf('<', at + 1)) {
    const next = text.charCodeAt(at + 1)
    if (next === 0x2f) depth--
    else if (next !== 0x21 && next !== 0x3f) {
      // a self-closing element adds no depth; a '>' inside an attribute only makes the bound larger
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

/** A number as GDAL writes it, 'nan' and 'inf' included; undefined when the text is not a number. */
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
