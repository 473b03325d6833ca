// A list of sources as CSV: a header with the names of the properties, then a source a line.

import { csvRows } from './csv.js'
import { badEntry, badList, type Entry } from './entry.js'
import { fieldOf } from './fields.js'
import { wktPolygons } from './wkt.js'

const MAX_SHAPE = 16 * 2 ** 20
const OUTLINES = new Set('geometry geom wkt thegeom footprint bbox'.split(' '))

/** @throws BAD_OPTION when it is not CSV, or no column names files */
export function* csvEntries(text: string, list: string): Generator<Entry> {
  const rows = csvRows(text, (line, what) => {
    throw badEntry(list, `line ${line}`, what)
  })
  const first = rows.next()
  if (first.done === true)
    throw badList(list, 'is empty; its first line should name the columns, as in location,priority')
  const header = first.value.values.map((name) => name.trim())
  checkHeader(header, list)
  for (const { line, values } of rows) {
    const place = `line ${line}`
    if (values.length === 1 && values[0]!.trim() === '') continue
    if (values.length !== header.length) {
      const counted = values.length === 1 ? '1 value' : `${values.length} values`
      throw badEntry(
        list,
        place,
        `there are ${counted} for ${header.length} columns; put values with commas in quotes`,
      )
    }
    yield entryOf(header, values, list, place)
  }
}

function checkHeader(header: readonly string[], list: string): void {
  const twice = header.find((name, i) => name !== '' && header.indexOf(name) < i)
  if (twice !== undefined) throw badList(list, `has two columns named ${twice}`)
  if (header.some((name) => fieldOf(name) === 'location')) return
  throw badList(
    list,
    `has no column with the files; its first line should name the columns, one of them location (it is ${header.join(',').slice(0, 80)})`,
  )
}

function entryOf(header: readonly string[], values: readonly string[], list: string, place: string): Entry {
  const named: Record<string, string> = {}
  let shape: string | undefined
  for (const [i, name] of header.entries()) {
    const value = values[i]!
    if (value.trim() === '') continue
    if (OUTLINES.has(name.toLowerCase().replace(/_/g, ''))) shape ??= value.trim()
    else if (name !== '') named[name] = value
  }
  const outline = (): object | undefined => {
    if (shape === undefined) return undefined
    if (shape.length > MAX_SHAPE)
      throw badEntry(list, place, `its geometry is longer than ${MAX_SHAPE / 2 ** 20} MB; simplify it`)
    const found = boxOf(shape) ?? wktPolygons(shape)
    if (found !== undefined) return found
    throw badEntry(
      list,
      place,
      `its geometry is neither a POLYGON or MULTIPOLYGON of WKT nor west,south,east,north: ${shape.slice(0, 40)}`,
    )
  }
  return { place: () => place, values: named, outline }
}

const MAX_BOX = 200

/** A polygon from west,south,east,north. */
function boxOf(text: string): object | undefined {
  if (text.length > MAX_BOX) return undefined
  const sides = text.split(/[\s,;]+/).map(Number)
  if (sides.length !== 4 || !sides.every(Number.isFinite)) return undefined
  const [west, south, right, north] = sides as [number, number, number, number]
  // across the antimeridian
  const east = right < west ? right + 360 : right
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
  ]
  return { type: 'Polygon', coordinates: [ring] }
}
