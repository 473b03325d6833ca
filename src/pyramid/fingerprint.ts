// What a build is, for telling whether an interrupted one can be continued: everything that changes tiles.
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { isRemote, withoutSecrets } from '../raster/remote-path.js'
import type { ColourView } from '../raster/source.js'
import type { ResolvedBuildOptions } from './options.js'
import type { BuildPlan } from './plan.js'
import { describeView } from './tone.js'

/** Name of a property, in words, to its value. */
export type Fingerprint = Readonly<Record<string, string | number | boolean>>

/** Of plan, options and the source files as they are now. */
export function fingerprintOf(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  view: ColourView = { kind: 'colour' },
): Fingerprint {
  const facts: Record<string, string | number | boolean> = {
    'the lowest zoom': plan.minZoom,
    'the highest zoom': plan.maxZoom,
    'the zoom of the work units': plan.rootZoom,
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
    'the bbox': options.bbox?.join(',') ?? 'none',
    'the nodata value': JSON.stringify(options.nodata ?? 'of the file'),
    'the coordinate system': options.crs ?? 'of the file',
    'the number of sources': plan.sources.length,
  }
  for (const [i, { path, version }] of plan.sources.entries()) {
    const name = plan.sources.length === 1 ? 'the source' : `source ${i + 1}`
    if (isRemote(path)) {
      facts[name] = withoutSecrets(path)
      facts[`the version of ${name}`] = version ?? 'not said'
      continue
    }
    facts[name] = resolve(path)
    const stat = statSync(path, { throwIfNoEntry: false })
    facts[`the size of ${name}`] = stat?.size ?? 0
    facts[`the modification time of ${name}`] = stat === undefined ? 'none' : stat.mtime.toISOString()
  }
  return facts
}

/** Short name of a fingerprint, kept in the tile file. */
export function digestOf(fingerprint: Fingerprint): string {
  const sorted = Object.entries(fingerprint).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32)
}

/** Throws NOT_RESUMABLE naming what differs. */
export function requireSame(out: string, before: Fingerprint, now: Fingerprint): void {
  const differing = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (key) => before[key] !== now[key],
  )
  if (differing.length === 0) return
  const said = differing
    .slice(0, 3)
    .map((key) => `${key} was ${before[key] ?? 'not there'} and is ${now[key] ?? 'not there'} now`)
  throw new FlagstoneError(
    'NOT_RESUMABLE',
    `${out} cannot be continued: ${said.join('; ')}. Give the options it was begun with, or --overwrite to begin again.`,
  )
}
