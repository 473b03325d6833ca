// What has been built so far: plain data, because it is stored in the checkpoint.

import type { FileDamage } from '../work/damage.js'

export interface LevelTally {
  tiles: number
  bytes: number
}

export interface Tally {
  /** Number of tiles finished, including empty ones; for progress. */
  tilesDone: number
  tiles: number
  bytes: number
  /** By zoom. */
  levels: Record<number, LevelTally>
  /** Tiles by type code. */
  types: Record<number, number>
  /** Heights of the base that are outside the range of the encoding. */
  clamped: number
  /** Parts of sources that could not be read. */
  damage: FileDamage[]
}

export const emptyTally = (): Tally => ({
  tilesDone: 0,
  tiles: 0,
  bytes: 0,
  levels: {},
  types: {},
  clamped: 0,
  damage: [],
})

export function countTile(tally: Tally, zoom: number, type: number, bytes: number): void {
  tally.tiles++
  tally.bytes += bytes
  tally.types[type] = (tally.types[type] ?? 0) + 1
  const level = tally.levels[zoom] ?? { tiles: 0, bytes: 0 }
  level.tiles++
  level.bytes += bytes
  tally.levels[zoom] = level
}
