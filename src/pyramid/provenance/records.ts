// What the file remembers of the sources of a build.
import { basename } from 'node:path'
import type { SourceRecord } from '../../format/sources/record.js'
import { withoutSecrets } from '../../raster/remote-path.js'
import type { SourceInfo } from '../../raster/source.js'
import type { TileWriter } from '../../store/write/writer.js'
import { dateOfSource } from '../dates.js'
import type { ResolvedBuildOptions } from '../options.js'
import { naturalZooms } from '../plan/depth.js'
import type { BuildPlan } from '../plan/plan.js'
import { attributionOf } from '../sources/attribution.js'
import type { CellStates } from './cells.js'
import { shownFootprint } from './footprint.js'
import { groundResolution } from './outline.js'

/** Most points of a footprint, and of those of all sources together. */
const MOST_POINTS = 200
const MOST_POINTS_OF_ALL = 2 ** 20
/** An upright image has four, and a footprint that is cut a few more. */
const FEWEST_POINTS = 12

const MAX_ID = 256

/** What is tried in turn until the records are small enough, and what is then said. */
const LESS: readonly { without: (record: SourceRecord) => SourceRecord; said?: string }[] = [
  { without: (record) => record },
  { without: (record) => ({ ...record, footprint: null }), said: 'footprints' },
  { without: ({ properties: _, ...record }) => record, said: 'other properties' },
  {
    without: ({ properties: _, ...record }) => ({ ...record, footprint: null }),
    said: 'footprints and other properties',
  },
]

/**
 * Puts the records of the sources into the file with the next commit. Where they are too large for it, footprints or
 * properties are left out, and if need be all of it. Returns sentences about what was left out.
 * @throws CRS_UNSUPPORTED
 */
export function rememberSources(
  writer: TileWriter,
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  fingerprints: readonly string[],
  cells: CellStates,
): string[] {
  const records = sourceRecords(plan, options, fingerprints, cells)
  for (const { without, said } of LESS) {
    try {
      writer.setSources(records.map(without))
      if (said === undefined) return []
      return [`The file remembers its sources without ${said}: with them they are too large for it.`]
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }
  writer.setSources([])
  return ['The file does not remember its sources: they are too many, or too large for it.']
}

/**
 * A record for each source, in the order of the plan's. `fingerprints`: by source. `cells`: what was painted so far;
 * where nothing was, a source counts as shown.
 * @throws CRS_UNSUPPORTED
 */
function sourceRecords(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  fingerprints: readonly string[],
  cells: CellStates,
): SourceRecord[] {
  const { sources, depths, blend, isUniform, minZoom: lowest } = plan
  const names = sources.map(nameOf)
  const said = options.sources
  const ids = idsOf(
    names,
    said.map(({ id }) => id),
  )
  const natural = isUniform ? naturalZooms(sources, options) : []
  const share = Math.floor(MOST_POINTS_OF_ALL / sources.length)
  const most = Math.max(FEWEST_POINTS, Math.min(MOST_POINTS, share))
  const known = cells.bySource()
  return sources.map((info, i): SourceRecord => {
    const { minZoom, zoom } = depths[i]!
    const { licence, properties } = said[i]!
    return {
      id: ids[i]!,
      name: names[i]!,
      order: blend === 'first' ? sources.length - 1 - i : i,
      // what is built for a finer source shows this one enlarged
      zoom: isUniform ? Math.min(zoom, natural[i] ?? zoom) : zoom,
      ...(minZoom > lowest ? { minZoom } : {}),
      resolution: rounded(groundResolution(info)),
      footprint: shownFootprint(plan, i, known.get(i) ?? [], most),
      date: dateOfSource(said[i]!, info),
      attribution: attributionOf(info, said[i]!),
      licence,
      fingerprint: fingerprints[i]!,
      properties,
    }
  })
}

const nameOf = ({ path }: SourceInfo): string => basename(withoutSecrets(path))

/** Different for each: the one that was given, or the name, with a number where several have the same. */
function idsOf(names: readonly string[], given: readonly (string | undefined)[]): string[] {
  const used = new Set<string | undefined>(given)
  const counts = new Map<string, number>()
  return names.map((name, i) => {
    const own = given[i]
    if (own !== undefined) return own
    const short = name.slice(0, MAX_ID - 16) || 'source'
    let count = counts.get(short) ?? 1
    let id = count === 1 ? short : `${short} (${count})`
    while (used.has(id)) id = `${short} (${++count})`
    counts.set(short, count + 1)
    used.add(id)
    return id
  })
}

/** To six digits. */
const rounded = (metres: number): number => Number(metres.toPrecision(6))
