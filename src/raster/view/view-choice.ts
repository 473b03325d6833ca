// Chooses the bands of a view, and the way that its samples become colours, once per image.
import { FlagstoneError } from '../../errors.js'
import type { ColourView, SourceView, StoredSamples } from '../source.js'

/** Colours by index, with 1 or 3 bytes each; `alpha` has one byte each. */
export interface Palette {
  readonly bands: 1 | 3
  readonly table: Uint8Array
  readonly alpha?: Uint8Array
}

/** How a format describes its samples. */
export interface StoredLook {
  readonly stored: StoredSamples
  /** The alpha sample, from 0. Default: the last one if `stored.hasAlpha`. */
  readonly alpha?: number
  /** The samples of the file's own picture, from 0. Default: the first one or three without alpha. */
  readonly colours?: readonly number[]
  /** Stored colours are multiplied by alpha. */
  readonly premultiplied?: boolean
  /** 0 is white. Pictures are inverted, values are not. */
  readonly inverted?: boolean
  readonly palette?: Palette
  /** The first four samples are cyan, magenta, yellow and black. */
  readonly cmyk?: boolean
  /** Blocks come with a validity mask. */
  readonly validity?: boolean
}

export type ColourWay = 'palette' | 'cmyk' | 'colormap' | 'tone' | 'direct'

/**
 * The bands of a view, as sample numbers from 0.
 * @throws BAD_OPTION when a band does not exist, or their number is not supported
 */
export function chooseSamples(
  { stored, cmyk, colours: own }: StoredLook,
  view: SourceView,
  total: number,
  alpha: number | undefined,
  name: string,
): readonly number[] {
  if (view.bands === undefined) {
    if (own !== undefined) return own
    const colours = Array.from({ length: total }, (_, s) => s).filter((s) => s !== alpha)
    if (cmyk === true) return colours.slice(0, 4)
    return stored.palette || stored.bands < 3 ? colours.slice(0, 1) : colours.slice(0, 3)
  }
  const isCount = view.kind === 'values' ? view.bands.length > 0 : [1, 3].includes(view.bands.length)
  if (!isCount) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `${view.bands.length} bands were given; an image has 1 (grey) or 3 (red, green, blue), for example --bands 4,3,2`,
    )
  }
  for (const band of view.bands) {
    if (Number.isInteger(band) && band >= 1 && band <= total) continue
    const has = total === 1 ? '1 band' : `${total} bands`
    throw new FlagstoneError('BAD_OPTION', `${name} has ${has}, but --bands asks for band ${band}`)
  }
  return view.bands.map((band) => band - 1)
}

/** How the chosen samples become colours. */
export function colourWay(
  { palette, cmyk }: StoredLook,
  view: ColourView,
  chosen: readonly number[],
): ColourWay {
  if (view.tone?.colormap !== undefined && chosen.length === 1 && view.tone.colormap.stops.length > 0) {
    return 'colormap'
  }
  // a tone's range applies to values, and a palette has none: it stays unchanged among toned sources
  if (palette !== undefined && chosen.length === 1 && chosen[0] === 0) return 'palette'
  if (cmyk === true && view.bands === undefined) return 'cmyk'
  return view.tone === undefined ? 'direct' : 'tone'
}
