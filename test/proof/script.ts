// The same life of a file in two processes: the one that is killed, and the one that knows what it should have
// written. Step n is a pure function of the seed and n.

import type { SourceRecord } from '../../src/format/sources/record.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { WriterOptions } from '../../src/store/options.js'
import type { TileWriter } from '../../src/store/write/writer.js'
import { randomFrom } from '../helpers/random.js'
import { sourcesOf } from '../helpers/sources.js'
import { provenValue } from './values.js'

/** Every region begins with one block and doubles; tails are merged soon. */
export const SCRIPT_OPTIONS: WriterOptions = {
  initialRegionBytes: 24,
  tailRecords: 64,
  stagingBytes: 16384,
  commitBytes: 0,
}

export type Change = { readonly key: number; readonly version: number } | { readonly removed: number }

/** What step n changes, in order; followed by a commit. Every fifth step also seals, every seventh reopens. */
export function changesOf(seed: number, n: number): Change[] {
  const random = randomFrom(seed * 1_000_003 + n)
  const changes: Change[] = []
  // Several levels at once, each in order …
  for (let zoom = 4; zoom <= 12; zoom++) {
    const count = Math.floor(random() * (zoom > 8 ? 90 : 30))
    const from = n * 90
    for (let i = 0; i < count && from + i < 4 ** zoom; i++)
      changes.push({ key: zoomBase(zoom) + from + i, version: n })
  }
  // … out of order, written again, and taken away.
  for (let i = 0; i < 12; i++) {
    const zoom = 4 + Math.floor(random() * 9)
    const key = zoomBase(zoom) + Math.floor(random() * Math.min(4 ** zoom, n * 90 + 90))
    changes.push(random() < 0.2 ? { removed: key } : { key, version: n })
  }
  return changes
}

export const sealsAt = (n: number): boolean => n % 5 === 4
export const reopensAt = (n: number): boolean => n % 7 === 6

export function applyTo(writer: TileWriter, seed: number, n: number): void {
  for (const change of changesOf(seed, n)) {
    if ('removed' in change) writer.remove(...tileIdToZxy(change.removed))
    else writer.append(...tileIdToZxy(change.key), provenValue(change.key, change.version))
  }
  writer.setMetadata({ step: n })
  writer.setSources(sourcesAfter(n))
}

/** None before the first step. */
export const sourcesAfter = (n: number): SourceRecord[] => sourcesOf(n < 0 ? 0 : 1 + (n % 5))

/** Versions by key after steps 0 … n. */
export function expectedAfter(seed: number, n: number): Map<number, number> {
  const expected = new Map<number, number>()
  for (let step = 0; step <= n; step++)
    for (const change of changesOf(seed, step)) {
      if ('removed' in change) expected.delete(change.removed)
      else expected.set(change.key, change.version)
    }
  return expected
}
