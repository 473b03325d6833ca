// Lists of sources with properties: GeoJSON (tile indexes, STAC) and CSV.
//
// Files are not trusted: their size, depth and number of entries are limited, and every fault is one sentence that says
// where it is.
import { crsFromText } from '../../../grid/crs/crs-text.js'
import { readRegularSync, specialKind, statOf } from '../../../platform/regular-file.js'
import type { ResolvedSource } from '../../source-options.js'
import { csvEntries } from './csv-list.js'
import { badEntry, badList, type Entry, MAX_ENTRIES, type Prefers, tooMany } from './entry.js'
import { sourceOf } from './fields.js'
import { jsonEntries } from './json-list.js'

/** A source as a list describes it. Its location is relative to the list. */
export interface Listed {
  readonly source: ResolvedSource
  /** For messages: 'tiles.csv, line 4'. */
  readonly place: () => string
}

export const MAX_LIST_BYTES = 64 * 2 ** 20

const JSON_NAME = /\.(geo)?json$/i
const CSV_NAME = /\.(csv|tsv)$/i

/** Whether a path is named as a list of sources. */
export const isSourceList = (path: string): boolean => JSON_NAME.test(path) || CSV_NAME.test(path)

/** @throws BAD_OPTION when it is not a list of sources, or an entry is wrong */
export function* readSourceList(path: string, prefers: Prefers): Generator<Listed> {
  const text = textOf(path)
  const ids = new Map<string, Entry>()
  const systems = new Set<string>()
  let count = 0
  for (const entry of entriesOf(text, path, prefers)) {
    if (++count > MAX_ENTRIES) throw tooMany(path)
    const source = sourceOf(entry, path)
    checkCrs(source, entry, path, systems)
    checkId(source, entry, path, ids)
    yield { source, place: () => `${path}, ${entry.place()}` }
  }
  if (count === 0) throw badList(path, 'names no sources')
}

function entriesOf(text: string, path: string, prefers: Prefers): Iterable<Entry> {
  return CSV_NAME.test(path) ? csvEntries(text, path) : jsonEntries(text, path, prefers)
}

function textOf(path: string): string {
  const stat = statOf(path)!
  const kind = specialKind(stat)
  if (kind !== undefined) throw badList(path, `is not a list of sources: it is ${kind}`)
  if (stat.size > MAX_LIST_BYTES)
    throw badList(path, `is larger than ${MAX_LIST_BYTES / 2 ** 20} MB; divide it into several lists`)
  const text = readRegularSync(path)
    .toString()
    .replace(/^\uFEFF/, '')
  if (text.includes('\0')) throw badList(path, 'is not a list of sources: it is not text')
  return text
}

/** Parsing a CRS takes long, and thousands of sources have the same. */
function checkCrs({ crs }: ResolvedSource, entry: Entry, list: string, known: Set<string>): void {
  if (crs === undefined || known.has(crs)) return
  try {
    crsFromText(crs)
    known.add(crs)
  } catch (error) {
    throw badEntry(list, entry.place(), (error as Error).message.replace(/\.$/, ''))
  }
}

function checkId({ id }: ResolvedSource, entry: Entry, list: string, ids: Map<string, Entry>): void {
  if (id === undefined) return
  const before = ids.get(id)
  if (before !== undefined)
    throw badEntry(
      list,
      entry.place(),
      `the id ${JSON.stringify(id)} is also that of ${before.place()}; give each its own`,
    )
  ids.set(id, entry)
}
