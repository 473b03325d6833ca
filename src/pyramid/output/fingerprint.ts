// The fingerprint of a build: everything that affects its tiles. It tells whether an interrupted build can be
// continued.
import { createHash } from 'node:crypto'
import type { ColourView } from '../../raster/source.js'
import type { CutlinePlan } from '../cutline/plan.js'
import type { ResolvedBuildOptions } from '../options.js'
import type { BuildPlan } from '../plan/plan.js'
import { sourceFacts } from '../sources/facts.js'
import { describeView } from '../sources/tone.js'

/** Maps properties, named in words, to their values. */
export type Fingerprint = Readonly<Record<string, string | number | boolean>>

/** Names of properties that messages say in words of their own. */
export const UNITS = 'the zoom of the work units'
export const DEPTH = 'the depth'
export const OWN = 'what was said of single images'

/** The fingerprint of plan, options and the source files as they are now. */
export function fingerprintOf(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  view: ColourView = { kind: 'colour' },
): Fingerprint {
  const facts: Record<string, string | number | boolean> = {
    'the lowest zoom': plan.minZoom,
    'the highest zoom': plan.maxZoom,
    [UNITS]: plan.maxZoom - plan.treeDepth,
    'the tile size': plan.tileSize,
    'the resampling': plan.resampling,
    'the overview resampling': plan.overviewResampling,
    'the format': plan.encoding.format,
    'the format of transparent tiles': plan.encoding.transparentFormat,
    'the quality': [
      plan.encoding.quality,
      ...Object.entries(plan.encoding.qualityByZoom).map(([zoom, q]) => `${zoom}:${q}`),
    ].join(','),
    lossless: plan.encoding.lossless,
    'the background': plan.encoding.background.join(','),
    alpha: plan.encoding.alpha,
    'skipping blank tiles': plan.encoding.skipBlank,
    'the colours': describeView(view),
    'the terrain': plan.terrain === undefined ? 'none' : JSON.stringify(plan.terrain),
    'the unit of the heights': options.terrainUnit ?? 'of the file',
    'the bbox': options.bbox?.join(',') ?? 'none',
    'the nodata value': options.nodata?.map((colour) => colour.join(',')).join(';') ?? 'of the file',
    'the blend': plan.blend,
    'the cutline': cutlineDigest(plan),
    'the coordinate system': options.crs ?? 'of the file',
    'the number of sources': plan.sources.length,
  }
  if (!plan.isUniform) facts[DEPTH] = depthDigest(plan)
  if (options.feather !== undefined) facts['the width of the feather'] = plan.featherPx
  const own = ownDigest(plan, options)
  if (own !== undefined) facts[OWN] = own
  Object.assign(facts, sourceFacts(plan.sources))
  return facts
}

/** Each zoom in words, and a digest of which source has which. */
function depthDigest({ depths }: BuildPlan): string {
  const zooms = [...new Set(depths.map(({ zoom }) => zoom))].sort((a, b) => a - b)
  const all = depths.map(({ minZoom, zoom }) => `${minZoom}-${zoom}`).join()
  const digest = createHash('sha256').update(all).digest('hex').slice(0, 16)
  return `that of each source, zoom ${zooms.join(' or ')} (digest ${digest})`
}

function cutlineDigest({ cutline }: BuildPlan): string {
  if (cutline === undefined) return 'none'
  return `${cutline.polygons.length - 1} polygons (digest ${pointsDigest(cutline)}), faded in over ${cutline.blendPx} pixels`
}

function pointsDigest({ points, rings, polygons }: CutlinePlan): string {
  const hash = createHash('sha256')
  for (const part of [points, rings, polygons]) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  }
  return hash.digest('hex').slice(0, 16)
}

/** A digest of the sources' own properties that affect tiles; undefined when there are none. */
function ownDigest({ cutlines }: BuildPlan, { sources }: ResolvedBuildOptions): string | undefined {
  const said = sources.map(({ nodata, crs, bands }, i) => {
    const cutline = cutlines?.[i]
    return [nodata?.join(';'), crs, bands, cutline && pointsDigest(cutline)]
  })
  if (said.flat().every((one) => one === undefined)) return undefined
  return `digest ${createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16)}`
}

/** A short digest of a fingerprint, stored in the tile file. */
export function digestOf(fingerprint: Fingerprint): string {
  const sorted = Object.entries(fingerprint).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32)
}

/** Names of the properties that differ. */
export const differences = (before: Fingerprint, now: Fingerprint): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((key) => before[key] !== now[key])
