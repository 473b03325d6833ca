// /{id}/coverage/{z}/{west},{south},{east},{north}.json: which tiles of a zoom are stored in a window.
//
//   { zoom, cell: 1, types: ['jpeg'], tiles: [[x, y, bytes, index into types], …] }    few enough to be listed
//   { zoom, cell: 8, cells: [[x, y, tiles], …] }           more: counted by squares of 8 × 8, named by their x/8, y/8
//
// Absent tiles are absent. Tiles meet the window or lie in it; west > east crosses the antimeridian.
import { setImmediate } from 'node:timers/promises'
import { nameOfTileType } from '../../format/tile-type.js'
import type { TileArea } from '../../store/read/areas.js'
import { type TileRange, tileRangesOf } from '../../store/read/list.js'
import { MAX_ZOOM } from '../../zooms.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { notModified } from '../http/conditional.js'
import { bytesAnswer } from '../http/json-answer.js'
import { HttpError, type Reply } from '../http/message.js'
import type { Source } from '../sources/source.js'

/** Cells of an answer at most, per range of x. */
const MAX_CELLS = 16_384
/** Tiles between two looks at what else the process has to do. */
const BREATH = 20_000

interface Coverage {
  readonly zoom: number
  readonly cell: number
  readonly types?: string[]
  readonly tiles?: [x: number, y: number, bytes: number, type: number][]
  readonly cells?: [x: number, y: number, tiles: number][]
}

export async function answerCoverage(
  context: ServerContext,
  { query, source, rest }: RoutedSource,
): Promise<Reply> {
  const [zoomText = '', windowText = ''] = rest
  const zoom = /^\d{1,2}$/.test(zoomText) ? Number(zoomText) : Number.NaN
  if (!(zoom <= MAX_ZOOM)) throw new HttpError(400, `The zoom of a coverage must be from 0 to ${MAX_ZOOM}.`)
  const ranges = tileRangesOf(parseWindow(windowText), zoom)
  const what = `coverage ${zoom} ${ranges.map((r) => `${r.minX},${r.minY},${r.maxX},${r.maxY}`).join(' ')}`
  const etag = `"${source.version}-${what.replaceAll(/[ ,]/g, '-')}"`
  const same = notModified(query, etag)
  if (same !== undefined) return same
  const release = source.hold()
  try {
    const made = await context.cache.getOrMake(`${source.id}\n${source.version}\n${what}`, () =>
      context.work.run(query.signal, async (signal) => {
        const bytes = Buffer.from(`${JSON.stringify(await coverageOf(source, zoom, ranges, signal))}\n`)
        return { bytes, contentType: 'application/json', etag }
      }),
    )
    return bytesAnswer(query, made!)
  } finally {
    release()
  }
}

function parseWindow(text: string): [number, number, number, number] {
  const parts = text.endsWith('.json') ? text.slice(0, -5).split(',') : []
  const numbers = parts.map((part) => (/^-?\d{1,3}(\.\d{1,20})?$/.test(part) ? Number(part) : Number.NaN))
  const [west, south, east, north] = numbers as [number, number, number, number]
  const fits =
    Math.abs(west) <= 180 && Math.abs(east) <= 180 && Math.abs(south) <= 90 && Math.abs(north) <= 90
  if (numbers.length !== 4 || !fits || south > north) {
    throw new HttpError(400, 'The URL of a coverage ends in {west},{south},{east},{north}.json, in degrees.')
  }
  return [west, south, east, north]
}

async function coverageOf(
  source: Source,
  zoom: number,
  ranges: readonly TileRange[],
  signal: AbortSignal,
): Promise<Coverage> {
  const cell = Math.max(...ranges.map(cellFor))
  const types: string[] = []
  const tiles: [number, number, number, number][] = []
  const counts = new Map<number, number>()
  let seen = 0
  for (const range of ranges) {
    for (const area of storedIn(source, zoom, range, cell === 1)) {
      if (++seen % BREATH === 0) {
        await setImmediate()
        signal.throwIfAborted()
      }
      const { length, type } = area
      for (const { x, y, stored } of squaresOf(area, cell)) {
        if (cell === 1) {
          const name = nameOfTileType(type)
          if (!types.includes(name)) types.push(name)
          tiles.push([x, y, length, types.indexOf(name)])
        } else {
          const key = y * 2 ** MAX_ZOOM + x
          counts.set(key, (counts.get(key) ?? 0) + stored)
        }
      }
    }
  }
  if (cell === 1) return { zoom, cell, types, tiles }
  const cells = [...counts].map(([key, n]): [number, number, number] => [
    key % 2 ** MAX_ZOOM,
    Math.floor(key / 2 ** MAX_ZOOM),
    n,
  ])
  return { zoom, cell, cells }
}

/** The smallest power of two whose squares are few enough. */
function cellFor({ minX, minY, maxX, maxY }: TileRange): number {
  const across = (from: number, to: number, cell: number): number =>
    Math.floor(to / cell) - Math.floor(from / cell) + 1
  let cell = 1
  while (across(minX, maxX, cell) * across(minY, maxY, cell) > MAX_CELLS) cell *= 2
  return cell
}

/** The tiles of a range, as rectangles. */
function* storedIn(source: Source, zoom: number, range: TileRange, withSizes: boolean): Generator<TileArea> {
  if (source.reader !== undefined) {
    yield* source.reader.areas(zoom, range)
    return
  }
  for (const { x, y } of source.tiles.tiles({ zoom, range })) {
    const { length = 0, type = 0 } = (withSizes ? source.stat(zoom, x, y) : undefined) ?? {}
    yield { z: zoom, minX: x, minY: y, maxX: x, maxY: y, length, type }
  }
}

/** The squares that a rectangle meets, by their position in the grid of squares, and how many of its tiles each has. */
function* squaresOf(area: TileRange, cell: number): Generator<{ x: number; y: number; stored: number }> {
  const { minX, minY, maxX, maxY } = area
  const inside = (n: number, min: number, max: number): number =>
    Math.min((n + 1) * cell - 1, max) - Math.max(n * cell, min) + 1
  for (let y = Math.floor(minY / cell); y * cell <= maxY; y++)
    for (let x = Math.floor(minX / cell); x * cell <= maxX; x++)
      yield { x, y, stored: inside(x, minX, maxX) * inside(y, minY, maxY) }
}
