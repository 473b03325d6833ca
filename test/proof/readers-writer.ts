// The writer that readers are set upon: node readers-writer.js PATH SEED GROWTH SECONDS. After each commit the step
// goes to PATH.step, where the readers look how much they have a right to.

import { openSync, writeSync } from 'node:fs'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { WriterOptions } from '../../src/store/options.js'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { randomFrom } from '../helpers/random.js'
import { sourcesOf } from '../helpers/sources.js'
import { FIRST_ZOOM, firstStepOfZoom, LAST_ZOOM, mayVanish, tilesAfter } from './readers-schedule.js'
import { provenValue } from './values.js'

const [path, seed, growth, seconds] = process.argv.slice(2) as [string, string, 'insert' | 'relocate', string]
const random = randomFrom(Number(seed))
const stepFile = openSync(`${path}.step`, 'w')
const stepBytes = Buffer.alloc(8)
const LEAST_STEPS = 50
const options: WriterOptions = {
  initialRegionBytes: 24,
  tailRecords: 100,
  stagingBytes: 16384,
  commitBytes: 0,
  growth,
  // Past the page cache, by another thread, under readers that look through it.
  cache: 'drop',
}

let writer = createTiles(path, options)
const total = { inserts: 0, relocations: 0, merges: 0, collapses: 0, seals: 0, reopens: 0, steps: 0 }

function note(): void {
  const stats = writer.stats.growth
  total.inserts += stats.inserts
  total.relocations += stats.relocations
  total.merges += stats.merges
  total.collapses += stats.collapses
}

function put(zoom: number, position: number, step: number): void {
  const key = zoomBase(zoom) + position
  writer.append(...tileIdToZxy(key), provenValue(key, step))
}

function work(step: number): void {
  for (let zoom = FIRST_ZOOM; zoom <= LAST_ZOOM && firstStepOfZoom(zoom) <= step; zoom++)
    for (let at = tilesAfter(zoom, step - 1); at < tilesAfter(zoom, step); at++) put(zoom, at, step)
  for (let i = 0; i < 40; i++) {
    const zoom = FIRST_ZOOM + Math.floor(random() * (LAST_ZOOM - FIRST_ZOOM + 1))
    const there = tilesAfter(zoom, step)
    if (there === 0) continue
    const position = Math.floor(random() * there)
    if (mayVanish(position) && random() < 0.5) writer.remove(...tileIdToZxy(zoomBase(zoom) + position))
    else put(zoom, position, step)
  }
}

writeSync(1, 'created\n')
const start = performance.now()
/** The share of the work that is done: so long, and so many steps also where the machine is busy. */
const elapsed = (): number =>
  Math.min((performance.now() - start) / 1000 / Number(seconds), total.steps / LEAST_STEPS)
for (let step = 0; elapsed() < 1; step++) {
  work(step)
  // more or fewer, so that they take another place and another length each time
  writer.setSources(sourcesOf(1 + (step % 9)).map((source) => ({ ...source, fingerprint: `${step}` })))
  writer.commit()
  stepBytes.writeUInt32LE(step + 1)
  writeSync(stepFile, stepBytes, 0, 8, 0)
  total.steps++
  // Readers pin a sealed file, and what is pinned is not grown by INSERT_RANGE: that strategy seals only later.
  const mayWait = growth === 'relocate' || elapsed() > 0.6
  if (mayWait && step % 25 === 24) {
    writer.seal()
    total.seals++
  }
  if (step % 40 === 39) {
    note()
    writer.close()
    writer = reopenTiles(path, mayWait && growth === 'insert' ? { ...options, growth: 'auto' } : options)
    total.reopens++
  } else if (mayWait && growth === 'insert' && total.seals === 1) {
    // From the first seal on 'auto': it relocates while it is pinned.
    note()
    writer.close()
    writer = reopenTiles(path, { ...options, growth: 'auto' })
    total.seals++
  }
}
writer.seal()
note()
writer.close()
writeSync(1, `total ${JSON.stringify(total)}\n`)
