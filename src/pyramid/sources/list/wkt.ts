// Polygons of WKT, as GDAL and PostGIS write them into CSV.

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i

/** POLYGON or MULTIPOLYGON (also with Z, M and SRID) as GeoJSON; undefined when it is something else. */
export function wktPolygons(text: string): object | undefined {
  const [, kind, body] =
    /^(?:SRID=\d+;)?\s*(POLYGON|MULTIPOLYGON)\s*(?:Z|M|ZM)?\s*(\(.*\))\s*$/is.exec(text) ?? []
  if (kind === undefined || body === undefined) return undefined
  const isMulti = kind.toUpperCase() === 'MULTIPOLYGON'
  const coordinates = listOf(body, isMulti ? 3 : 2)
  return coordinates && { type: isMulti ? 'MultiPolygon' : 'Polygon', coordinates }
}

/** The positions in parentheses, `depth` lists deep. */
function listOf(text: string, depth: number): unknown[] | undefined {
  const inner = /^\s*\((.*)\)\s*$/s.exec(text)?.[1]
  if (inner === undefined) return undefined
  const parts = depth === 1 ? inner.split(',') : lists(inner)
  const found = parts.map((part) => (depth === 1 ? position(part) : listOf(part, depth - 1)))
  return found.every((one) => one !== undefined) ? found : undefined
}

/** The parts of a text that are in parentheses of their own. */
function lists(text: string): string[] {
  const found: string[] = []
  let depth = 0
  let begin = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(' && depth++ === 0) begin = i
    if (text[i] === ')' && --depth === 0) found.push(text.slice(begin, i + 1))
    // what is between them is no part
    if (depth < 0 || (depth === 0 && !/[\s,)]/.test(text[i]!))) return ['']
  }
  return depth === 0 ? found : ['']
}

function position(text: string): number[] | undefined {
  const words = text.trim().split(/\s+/)
  if (words.length < 2 || words.length > 4 || !words.every((word) => NUMBER.test(word))) return undefined
  return [Number(words[0]), Number(words[1])]
}
