// What `flagstone info FILE --sources` prints: the images that a file was made from, all or those at a place.
import { FlagstoneError } from '../errors.js'
import { sourceCollection } from '../format/sources/codec.js'
import type { SourceRecord } from '../format/sources/record.js'
import type { TileSet } from '../store/read/tile-set.js'
import { formatCount, plural, table } from './format.js'
import { type Io, print, printJson } from './io.js'
import { oneLine } from './printable.js'

export interface SourceListOptions {
  readonly json?: boolean
  readonly sources?: boolean
  readonly geojson?: boolean
  readonly bbox?: [number, number, number, number]
  readonly point?: [number, number]
}

/** @throws BAD_OPTION when an option is given that is for the sources, and these are not wanted */
export function checkSourceOptions({ sources, geojson, bbox, point }: SourceListOptions): void {
  if (sources === true) return
  const name = geojson === true ? '--geojson' : bbox !== undefined ? '--bbox' : point && '--point'
  if (name !== undefined)
    throw new FlagstoneError('BAD_OPTION', `${name} is about the sources of a file; add --sources.`)
}

/** @throws DAMAGED when what the file remembers is not what it should be */
export function listSources(io: Io, path: string, tiles: TileSet, options: SourceListOptions): void {
  const { json, geojson, bbox, point } = options
  const all = tiles.sources?.() ?? []
  const isAll = bbox === undefined && point === undefined
  const found = isAll ? [...all].reverse() : (tiles.sourcesAt?.({ bbox, point }) ?? [])
  // what is drawn later lies on top
  if (geojson === true) printJson(io, sourceCollection([...found].reverse()))
  else if (json === true) printJson(io, { file: path, count: all.length, sources: found })
  else {
    if (found.length > 0) print(io, sourceTable(found, roomOf(io)))
    print(io, summaryOf(path, all.length, found.length, isAll))
  }
}

/** The number of characters of a line; undefined where it does not matter. */
const roomOf = (io: Io): number | undefined =>
  io.stdoutIsTerminal === true ? (io.columns?.() ?? DEFAULT_COLUMNS) : undefined

function summaryOf(path: string, all: number, found: number, isAll: boolean): string {
  if (all === 0) return oneLine(`${path} remembers no sources.`)
  if (isAll) return `${plural(all, 'source')}, the topmost first.`
  if (found === 0) return `None of ${plural(all, 'source')} lies there.`
  return `${formatCount(found)} of ${plural(all, 'source')}, the topmost first.`
}

const DEFAULT_COLUMNS = 80
const LEAST_NAME = 24
const GAP = 2

const COLUMNS: readonly (readonly [string, (source: SourceRecord) => string])[] = [
  ['order', ({ order }) => formatCount(order)],
  ['zoom', ({ zoom }) => `${zoom}`],
  ['from', ({ minZoom }) => (minZoom === undefined ? '' : `${minZoom}`)],
  ['resolution', ({ resolution }) => `${Number(resolution.toPrecision(3))} m`],
  ['date', ({ date }) => date ?? ''],
  ['licence', ({ licence }) => licence ?? ''],
  ['attribution', ({ attribution }) => attribution ?? ''],
]

/** Without columns that are empty, or, in a line of `room` characters, for which there is none. */
function sourceTable(sources: readonly SourceRecord[], room = Number.POSITIVE_INFINITY): string {
  const cells = [sources.map(({ name, id }) => oneLine(name || id))]
  const heads = ['name']
  let left = room
  for (const [head, text] of COLUMNS) {
    const column = sources.map((source) => oneLine(text(source)))
    const width = column.reduce((most, cell) => Math.max(most, cell.length), head.length) + GAP
    const isEmpty = column.every((cell) => cell === '')
    if (isEmpty || left - width < LEAST_NAME) continue
    left -= width
    heads.push(head)
    cells.push(column)
  }
  cells[0] = cells[0]!.map((name) => shortened(name, left))
  return table([heads, ...sources.map((_, i) => cells.map((column) => column[i]!))])
}

const shortened = (name: string, room: number): string =>
  name.length <= room
    ? name
    : `${name.slice(0, Math.floor(room / 2) - 1)}…${name.slice(-Math.floor((room - 1) / 2))}`
