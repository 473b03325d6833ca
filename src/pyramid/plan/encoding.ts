// How tiles are encoded, as part of the plan: one set of choices, with a quality for each zoom.
import { defaultQuality, type EncodeOptions, type TileFormat } from '../../raster/tiles/codec.js'

/** How the tiles of a build are encoded. */
export interface EncodingPlan {
  /** Format of the tiles. 'auto' chooses one for each tile. */
  readonly format: TileFormat
  /** With 'auto', the format of tiles that are not opaque. */
  readonly transparentFormat: 'webp' | 'png'
  /** 1 to 100, for JPEG, lossy WebP and AVIF. */
  readonly quality: number
  /** Quality of zooms that have their own. */
  readonly qualityByZoom: Readonly<Record<number, number>>
  /** Whether WebP and AVIF are lossless. */
  readonly lossless: boolean
  /** Shown behind transparent pixels in formats, and builds, without alpha. */
  readonly background: readonly [red: number, green: number, blue: number]
  /** false: no tile is transparent. */
  readonly alpha: boolean
  /** Whether tiles that show only the background are left out. */
  readonly skipBlank: boolean
}

/** The options about encoding. */
export interface EncodingChoices {
  readonly format: TileFormat
  readonly transparentFormat: 'webp' | 'png'
  readonly quality?:
    | number
    | {
        readonly default?: number | undefined
        readonly byZoom?: Readonly<Record<string, number>> | undefined
      }
    | undefined
  readonly lossless: boolean
  readonly background: readonly [number, number, number]
  readonly alpha?: boolean | undefined
  readonly skipBlank: boolean
}

export function encodingPlanOf(options: EncodingChoices): EncodingPlan {
  const { format, transparentFormat, quality, lossless, background, alpha, skipBlank } = options
  const given = typeof quality === 'number' ? { default: quality } : (quality ?? {})
  return {
    format,
    transparentFormat,
    quality: given.default ?? defaultQuality(format),
    qualityByZoom: { ...('byZoom' in given ? given.byZoom : {}) },
    lossless,
    background,
    alpha: alpha ?? true,
    skipBlank,
  }
}

export function encodingAt(plan: EncodingPlan, zoom: number): EncodeOptions {
  return { ...plan, quality: plan.qualityByZoom[zoom] ?? plan.quality }
}
