// The report of a completed build.
import { statSync } from 'node:fs'
import { extensionOf, nameOfTileType } from '../format/tile-type.js'
import type { ResolvedBuildOptions } from './options.js'
import type { Assembler } from './output/assemble.js'
import type { Output } from './output/output.js'
import { type SourcesOfDepth, sourcesByDepth } from './plan/depth-note.js'
import type { Prepared } from './prepare.js'
import type { SkippedSource } from './sources/infos.js'
import { type DamagedSource, damagedSources } from './work/damage.js'

/** What a build made. */
export interface BuildReport {
  /** Path of the tile file. */
  readonly out: string
  /** Number of tiles in it, over all zooms. */
  readonly tiles: number
  /** Bytes of encoded tiles; identical tiles count each time. */
  readonly tileBytes: number
  /** Size of the file. */
  readonly fileBytes: number
  /** Lowest zoom that has tiles. */
  readonly minZoom: number
  /** Highest zoom that has tiles. */
  readonly maxZoom: number
  /** The highest zoom of the sources, lowest first. One entry unless depth varies. */
  readonly depths: readonly SourcesOfDepth[]
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
  /** Number of tiles of each zoom, and their encoded bytes. */
  readonly levels: readonly { zoom: number; tiles: number; bytes: number }[]
  /** Number of tiles of each type, most common first. */
  readonly types: readonly { name: string; extension: string; count: number }[]
  /** What each source is, such as 'GeoTIFF 512×512, RGB, EPSG:3857'. Their paths are in `depths`. */
  readonly sources: readonly string[]
  /** Sources skipped by skipUnreadable. */
  readonly skipped: readonly SkippedSource[]
  /**
   * With skipUnreadable: sources with parts that could not be read, in the order they were found, including those of
   * earlier runs.
   */
  readonly damaged: readonly DamagedSource[]
  /** Sentences about choices that the build made itself. */
  readonly notes: readonly string[]
  /** Whether it continued an interrupted build. */
  readonly resumed: boolean
  /** Duration of this run. */
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
    // a source may turn out to be empty
    minZoom: levels[0]?.zoom ?? plan.minZoom,
    maxZoom: levels.at(-1)?.zoom ?? plan.maxZoom,
    depths: sourcesByDepth(plan),
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
