// A reader that looks at a growing file as often as it can: node readers-reader.js PATH SEED SECONDS MODE CHECK.
// Ends with code 1 and a sentence at the first wrong byte, missing tile or version that goes back.

import { openSync, readSync, writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { openRealFile } from '../../src/platform/real-file.js'
import type { ReaderOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { randomFrom } from '../helpers/random.js'
import {
  FIRST_ZOOM,
  firstStepOf,
  firstStepOfZoom,
  LAST_ZOOM,
  mayVanish,
  tilesAfter,
} from './readers-schedule.js'
import { versionOf } from './values.js'

const [path, seed, seconds, mode, check] = process.argv.slice(2) as [string, string, string, string, string]
const random = randomFrom(Number(seed))
const stepFile = openSync(`${path}.step`, 'r')
const stepBytes = Buffer.alloc(8)
/** The last step whose commit has returned; −1 before the first. */
function committedStep(): number {
  return readSync(stepFile, stepBytes, 0, 8, 0) === 8 ? stepBytes.readUInt32LE() - 1 : -1
}

const open = (): FlatReader => {
  const zeroCopy = mode === 'mmap' && random() < 0.5
  return FlatReader.open(openRealFile(path, 'read'), {
    mode,
    check,
    zeroCopy,
    busyTimeoutMs: 30_000,
  } as ReaderOptions)
}
let reader = open()
const newest = new Map<number, number>()
const kept: { key: number; bytes: Uint8Array }[] = []
const into = new Uint8Array(4096)
const LEAST_HITS = 1000
const count = { looks: 0, hits: 0, misses: 0, listed: 0, reopened: 0, views: 0, sources: 0 }

/** What came out for a tile must be one of its values, and not older than what was seen or had to be there. */
function judge(zoom: number, position: number, before: number, bytes: Uint8Array | undefined): void {
  count.looks++
  const key = zoomBase(zoom) + position
  const first = firstStepOf(zoom, position)
  if (bytes === undefined) {
    count.misses++
    if (first <= before && !mayVanish(position))
      throw new Error(`${zoom}/${position}: missing, committed at step ${first}, now ${before}`)
    if (newest.has(key) && !mayVanish(position)) throw new Error(`${zoom}/${position}: was there before`)
    return
  }
  count.hits++
  const version = versionOf(key, bytes)
  const seen = Math.max(first, newest.get(key) ?? 0)
  if (version < seen) throw new Error(`${zoom}/${position}: version ${version} after ${seen}`)
  if (version > committedStep() + 1)
    throw new Error(`${zoom}/${position}: version ${version} is not written yet`)
  newest.set(key, version)
}

async function look(): Promise<void> {
  const before = committedStep()
  const zoom = FIRST_ZOOM + Math.floor(random() * (LAST_ZOOM - FIRST_ZOOM + 1))
  if (firstStepOfZoom(zoom) > before + 1) return
  const position = Math.floor(random() * tilesAfter(zoom, before + 1))
  const [z, x, y] = tileIdToZxy(zoomBase(zoom) + position)
  const way = random()
  if (way < 0.6) {
    const tile = reader.get(z, x, y)
    judge(zoom, position, before, tile?.bytes)
    if (reader.zeroCopy && tile !== undefined && kept.length < 2000)
      kept.push({ key: zoomBase(zoom) + position, bytes: tile.bytes })
  } else if (way < 0.85) {
    const length = reader.getInto(z, x, y, into)
    judge(zoom, position, before, length < 0 ? undefined : into.subarray(0, length))
  } else if (way < 0.9) {
    const there = reader.has(z, x, y)
    if (!there && firstStepOf(zoom, position) <= before && !mayVanish(position))
      throw new Error(`${zoom}/${position}: has() misses it`)
  } else if (way < 0.95) judge(zoom, position, before, (await reader.getAsync(z, x, y))?.bytes)
  else if (way < 0.985) await lookAtMany(zoom, before)
  else if (way < 0.99) lookAtSources(before)
  else list(zoom, before)
}

/** Several at once, and another between: they share a reader, and the file moves on while they wait. */
async function lookAtMany(zoom: number, before: number): Promise<void> {
  const there = tilesAfter(zoom, before + 1)
  const positions = Array.from({ length: 8 }, () => Math.floor(random() * there))
  const waiting = positions.map((position) => reader.getAsync(...tileIdToZxy(zoomBase(zoom) + position)))
  for (const position of positions)
    judge(zoom, position, before, reader.get(...tileIdToZxy(zoomBase(zoom) + position))?.bytes)
  await turn()
  reader.has(...tileIdToZxy(zoomBase(zoom) + positions[0]!))
  // They may be older than what was seen since, but not than what was there when they were asked.
  for (const [i, tile] of (await Promise.all(waiting)).entries()) {
    const position = positions[i]!
    count.looks++
    if (tile !== undefined) versionOf(zoomBase(zoom) + position, tile.bytes)
    else if (firstStepOf(zoom, position) <= before && !mayVanish(position))
      throw new Error(`${zoom}/${position}: missing, asked for with others`)
  }
}

/** All are of one step, which is not older than what was committed, and not written yet. */
function lookAtSources(before: number): void {
  const sources = reader.sources()
  count.sources++
  const step = Number(sources[0]?.fingerprint ?? -1)
  const isWhole = sources.length === 1 + (step % 9) && sources.every((s) => Number(s.fingerprint) === step)
  if (step >= 0 && !isWhole) throw new Error(`${sources.length} sources of step ${step}`)
  if (step < before || step > committedStep() + 1) throw new Error(`sources of step ${step}, now ${before}`)
}

/** A listing holds what was committed when it began, in order. */
function list(zoom: number, before: number): void {
  let last = -1
  let expected = 0
  for (const tile of reader.tiles({ zoom })) {
    const position = tile.id - zoomBase(zoom)
    if (position <= last) throw new Error(`listing of ${zoom}: ${position} after ${last}`)
    for (; expected < position; expected++)
      if (firstStepOf(zoom, expected) <= before && !mayVanish(expected))
        throw new Error(`listing of ${zoom}: ${expected} is missing`)
    expected = position + 1
    last = position
    if (++count.listed % 4096 === 0 || last > 3000) break
  }
}

const until = performance.now() + Number(seconds) * 1000
try {
  // So long, and so many hits also where the machine is busy.
  while (performance.now() < until || count.hits <= LEAST_HITS) {
    for (let i = 0; i < 200; i++) await look()
    if (random() < 0.01) {
      reader.close()
      reader = open()
      count.reopened++
    }
    await turn()
  }
  // Views are values for ever, whatever the writer did since.
  for (const { key, bytes } of kept) versionOf(key, bytes)
  count.views = kept.length
  reader.close()
  writeSync(1, `total ${JSON.stringify(count)}\n`)
} catch (error) {
  writeSync(2, `${(error as Error).stack}\n`)
  process.exitCode = 1
}
