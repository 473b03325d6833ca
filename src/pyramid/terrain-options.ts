// The options of a build about heights: checked against each other, then as part of the plan.
import { FlagstoneError } from '../errors.js'
import { heightMetres, unusedUnit } from '../raster/heights.js'
import { withoutSecrets } from '../raster/remote-path.js'
import type { SourceInfo } from '../raster/source.js'
import {
  checkTerrain,
  isTerrainRgb,
  type TerrainEncoding,
  type TerrainNodata,
  type TerrainOptions,
  terrainRange,
} from '../raster/tiles/terrain.js'

/** Default step and offset of int16 heights: −5,691.75 to 10,691.75 m, which includes every place on land. */
const DEFAULT_STEP_M = 0.25
const DEFAULT_OFFSET_M = 2500

/** Unit of heights: 'm', 'ft', 'us-ft', or the number of metres in one unit. */
export type TerrainUnit = 'm' | 'ft' | 'us-ft' | number

/** The options about heights. */
export interface TerrainChoices {
  readonly terrain?: TerrainEncoding | undefined
  readonly terrainNodata?: TerrainNodata | undefined
  readonly terrainStep?: number | undefined
  readonly terrainOffset?: number | undefined
  readonly terrainUnit?: TerrainUnit | undefined
  readonly format: string
  readonly bands?: readonly number[] | undefined
  /** What single sources have instead. */
  readonly sources?: readonly { readonly bands?: readonly number[] | undefined }[]
  readonly quality?: unknown
  readonly rescale?: unknown
  readonly gamma: number
  readonly colormap?: unknown
  readonly alpha?: boolean | undefined
  readonly skipBlank: boolean
  readonly blend: string
  readonly cutlineBlend: number
}

export interface Contradiction {
  readonly path: string
  readonly error: string
}

/** The first option that contradicts the others; undefined when there is none. */
export function terrainContradiction(o: TerrainChoices): Contradiction | undefined {
  const { terrain } = o
  if (terrain === undefined) {
    for (const path of ['terrainNodata', 'terrainStep', 'terrainOffset', 'terrainUnit'] as const) {
      if (o[path] !== undefined)
        return { path, error: 'it is only used with terrain: set terrain to an encoding' }
    }
    return undefined
  }
  const isRgb = isTerrainRgb(terrain)
  const refused: readonly (readonly [boolean, string, string])[] = [
    [
      isRgb && !['auto', 'webp', 'png'].includes(o.format),
      'format',
      `heights need a lossless format: choose webp or png, not ${o.format}`,
    ],
    [
      !isRgb && o.format !== 'auto',
      'format',
      `${terrain} tiles are numbers, not images: leave out the format`,
    ],
    [o.quality !== undefined, 'quality', 'heights are always lossless: leave out the quality'],
    [o.bands !== undefined && o.bands.length !== 1, 'bands', 'terrain is built from one band: choose one'],
    [o.rescale !== undefined, 'rescale', 'heights are stored unchanged: leave out rescale'],
    [o.gamma !== 1, 'gamma', 'heights are stored unchanged: leave out gamma'],
    [o.colormap !== undefined, 'colormap', 'heights are stored unchanged: leave out the colormap'],
    [
      o.alpha === false,
      'alpha',
      'terrain without transparent pixels needs a height for them: set terrainNodata',
    ],
    [o.skipBlank, 'skipBlank', 'terrain has no background: tiles without heights are never stored'],
    [o.cutlineBlend > 0, 'cutlineBlend', 'heights cannot fade: leave out cutlineBlend'],
    [
      terrain !== 'int16' && o.terrainStep !== undefined,
      'terrainStep',
      `${terrain} has its own step; only int16 takes one`,
    ],
    [
      terrain !== 'int16' && o.terrainOffset !== undefined,
      'terrainOffset',
      `${terrain} has its own offset; only int16 takes one`,
    ],
  ]
  const found = refused.find(([is]) => is)
  return found && { path: found[1], error: found[2] }
}

/**
 * The terrain options of the plan; undefined for colours.
 * @throws BAD_OPTION when the encoding cannot represent the height for nodata
 */
export function terrainOf(o: TerrainChoices): TerrainOptions | undefined {
  if (o.terrain === undefined) return undefined
  const terrain: TerrainOptions = {
    encoding: o.terrain,
    format: o.format === 'png' ? 'png' : 'webp',
    step: o.terrainStep ?? DEFAULT_STEP_M,
    offset: o.terrainOffset ?? DEFAULT_OFFSET_M,
    nodata: o.terrainNodata ?? 'transparent',
  }
  checkTerrain(terrain)
  return terrain
}

/**
 * Refuses sources whose bands are colours when no band was named: the first one, red, would silently be read as
 * heights.
 * @throws BAD_OPTION when there is such a source
 */
export function refuseColours(
  sources: readonly SourceInfo[],
  { terrain, bands, sources: given }: TerrainChoices,
): void {
  if (terrain === undefined || bands !== undefined) return
  const found = sources.find(({ stored }, i) => stored.isColour === true && given?.[i]?.bands === undefined)
  if (found === undefined) return
  const { palette, indexed, bands: count } = found.stored
  const what = palette || indexed === true ? 'an image with a palette' : `a colour image with ${count} bands`
  throw new FlagstoneError(
    'BAD_OPTION',
    `${withoutSecrets(found.path)} is ${what}, and --terrain needs heights; if one of its bands has heights, choose it, e.g. --bands 1.`,
    { path: found.path },
  )
}

const UNITS = { m: 1, ft: 0.3048, 'us-ft': 1200 / 3937 } as const

/** Metres per unit of the sources' heights; 'said' uses the unit that each source states. */
export const unitOf = (unit: TerrainUnit | undefined): number | 'said' =>
  unit === undefined ? 'said' : typeof unit === 'number' ? unit : UNITS[unit]

/** Sentences about units that were converted, or could not be. */
export function heightNotes(
  sources: readonly SourceInfo[],
  { bands, terrainUnit, sources: given }: TerrainChoices,
): string[] {
  if (terrainUnit !== undefined) return []
  const own = new Map(sources.map((info, i) => [info, given?.[i]?.bands?.[0]]))
  const bandOf = (info: SourceInfo): number => own.get(info) ?? bands?.[0] ?? 1
  const notes: string[] = []
  const converted = sources.filter((info) => heightMetres(info, bandOf(info)) !== 1)
  if (converted.length > 0) {
    const sizes = [
      ...new Set(converted.map((info) => Number(heightMetres(info, bandOf(info)).toPrecision(9)))),
    ]
    notes.push(
      `The heights of ${named(converted)} are in units of ${sizes.join(' and ')} m and are converted to metres; --terrain-unit m stores them unchanged.`,
    )
  }
  const unsure = sources.filter((info) => unusedUnit(info, bandOf(info)) !== undefined)
  const units = new Set(unsure.map((info) => unusedUnit(info, bandOf(info))!.name))
  if (unsure.length > 0) {
    notes.push(
      `${named(unsure)} ${unsure.length === 1 ? 'says' : 'say'} that heights are in ${[...units].join(', ')}, but no vertical coordinate system does: they are taken as metres, as gdalwarp does. --terrain-unit ft or us-ft converts them.`,
    )
  }
  return notes
}

const named = ([first, ...others]: readonly SourceInfo[]): string =>
  withoutSecrets(first!.path) + (others.length === 0 ? '' : ` and ${others.length} more`)

/** A sentence for the report about heights that had to be clamped. */
export function terrainNotes(terrain: TerrainOptions | undefined, clamped: number): string[] {
  if (terrain === undefined || clamped === 0) return []
  const [low, high] = terrainRange(terrain)
  return [
    `${clamped} heights are outside the range of ${terrain.encoding} (${low} to ${high} m) and were clamped to it.`,
  ]
}
