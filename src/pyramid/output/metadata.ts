// The metadata that a build writes to its file.
import { basename, extname } from 'node:path'
import type { ColourView } from '../../raster/source.js'
import { isTerrainRgb } from '../../raster/tiles/terrain.js'
import { VARYING_DEPTH } from '../../store/report/depth.js'
import { version } from '../../version.js'
import type { ResolvedBuildOptions } from '../options.js'
import type { BuildPlan } from '../plan/plan.js'
import { digestOf, type Fingerprint } from './fingerprint.js'

/** The metadata that are written at the start. */
export function metadataOf(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  fingerprint: Fingerprint,
  view: ColourView = { kind: 'colour' },
): Record<string, unknown> {
  const { bounds, minZoom, maxZoom } = plan
  const given = options.name ?? options.metadata?.['name']
  const name = given ?? basename(options.out, extname(options.out))
  const optional = { description: options.description, attribution: options.attribution }
  return {
    ...options.metadata,
    name,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    type: options.type ?? options.metadata?.['type'] ?? 'baselayer',
    tileSize: plan.tileSize,
    generator: `flagstone ${version}`,
    minzoom: minZoom,
    maxzoom: maxZoom,
    bounds: bounds.map((degrees) => Math.round(degrees * 1e7) / 1e7),
    center: centerOf(plan),
    ...(plan.isUniform ? {} : VARYING_DEPTH),
    ...(isTerrainRgb(plan.terrain?.encoding) ? { encoding: plan.terrain.encoding } : {}),
    flagstone: {
      build: digestOf(fingerprint),
      // their records lie elsewhere: a client of PMTiles loads the metadata whole
      sources: plan.sources.length,
      tileSize: plan.tileSize,
      resampling: plan.resampling,
      overviewResampling: plan.overviewResampling,
      ...(plan.terrain === undefined ? { encoding: plan.encoding } : { terrain: plan.terrain }),
      ...coloursOf(view),
      // the user gave no name: a viewer may show the present name of the file instead (givenName)
      ...(given === undefined ? { fileName: name } : {}),
    },
  }
}

/** How values became colours, if they did. */
function coloursOf({ bands, tone }: ColourView): Record<string, unknown> {
  return {
    ...(bands === undefined ? {} : { bands }),
    ...(tone === undefined ? {} : { tone }),
  }
}

/** The center of the bounds, at a zoom where about four tiles show everything. */
export function centerOf({ bounds, minZoom, maxZoom }: BuildPlan): [number, number, number] {
  const [west, south, east, north] = bounds
  const round = (degrees: number): number => Math.round(degrees * 1e7) / 1e7
  return [round((west + east) / 2), round((south + north) / 2), Math.min(maxZoom, minZoom + 1)]
}
