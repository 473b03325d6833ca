// What a build says when it is done.
import { statSync } from 'node:fs'
import { extensionOf, nameOfTileType } from '../format/tile-type.js'
import type { ResolvedBuildOptions } from './options.js'
import type { Assembler } from './output/assemble.js'
import type { Output } from './output/output.js'
import type { Prepared } from './prepare.js'
import type { SkippedSource } from './sources/infos.js'
import { type DamagedSource, damagedSources } from './work/damage.js'

/** What a build made. */
export interface BuildReport {
  /** Path of the tile file. */
  readonly out: string
  /** Tiles in it, of all zooms. */
  readonly tiles: number
  /** Encoded bytes; identical tiles count each. */
  readonly tileBytes: number
  /** Size of the file. */
  readonly fileBytes: number
  /** Lowest zoom. */
  readonly minZoom: number
  /** Highest zoom. */
  readonly maxZoom: number
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
  /** Tiles of each zoom, and their encoded bytes. */
  readonly levels: readonly { zoom: number; tiles: number; bytes: number }[]
  /** How many tiles are of each type, most common first. */
  readonly types: readonly { name: string; extension: string; count: number }[]
  /** Paths of the sources, as the build found them. */
  readonly sources: readonly string[]
  /** Sources skipped by skipUnreadable. */
  readonly skipped: readonly SkippedSource[]
  /** Sources of which parts could not be read, by skipUnreadable, in the order they were met; of runs before this one too. */
  readonly damaged: readonly DamagedSource[]
  /** Sentences about choices that the build made itself. */
  readonly notes: readonly string[]
  /** It continued an interrupted build. */
  readonly resumed: boolean
  /** Of this run. */
  readonly seconds: number
}

export function reportOf(
  { plan, skipped }: Prepared,
  options: ResolvedBuildOptions,
  output: Output,
  { tally }: Assembler,
  notes: readonly string[],
  seconds: number,
): BuildReport {
  const levels = Object.entries(tally.levels).map(([zoom, level]) => ({ zoom: Number(zoom), ...level }))
  const types = Object.entries(tally.types).map(([type, count]) => ({
    name: nameOfTileType(Number(type)),
    extension: extensionOf(Number(type)),
    count,
  }))
  return {
    out: options.out,
    tiles: tally.tiles,
    tileBytes: tally.bytes,
    fileBytes: statSync(options.out).size,
    minZoom: plan.minZoom,
    maxZoom: plan.maxZoom,
    bounds: plan.bounds,
    levels,
    types,
    sources: plan.sources.map((info) => info.description),
    skipped,
    damaged: damagedSources(tally.damage),
    notes,
    resumed: output.resumed,
    seconds,
  }
}
