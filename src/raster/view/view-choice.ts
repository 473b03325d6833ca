// What a view looks at, and by which way its samples become colours. Decided once an image.
import { FlagstoneError } from '../../errors.js'
import type { ColourView, SourceView, StoredSamples } from '../source.js'

/** Colours by index, 1 or 3 bytes each; `alpha` one byte each. */
export interface Palette {
  readonly bands: 1 | 3
  readonly table: Uint8Array
  readonly alpha?: Uint8Array
}

/** What a format knows about its samples. */
export interface StoredLook {
  readonly stored: StoredSamples
  /** The sample that is alpha, from 0; default the last one when `stored.hasAlpha`. */
  readonly alpha?: number
  /** The samples that make the file's own picture, from 0; default the first one or three without alpha. */
  readonly colours?: readonly number[]
  /** Colours are stored multiplied by alpha. */
  readonly premultiplied?: boolean
  /** 0 is white. Pictures are turned around, values are as stored. */
  readonly inverted?: boolean
  readonly palette?: Palette
  /** The first four samples are cyan, magenta, yellow, black. */
  readonly cmyk?: boolean
  /** The format gives a validity mask with its blocks. */
  readonly validity?: boolean
}

export type ColourWay = 'palette' | 'cmyk' | 'colormap' | 'tone' | 'direct'

/** The bands a view looks at, as sample numbers from 0. @throws BAD_OPTION */
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

/** How colours are made of the chosen samples. */
export function colourWay(
  { palette, cmyk }: StoredLook,
  view: ColourView,
  chosen: readonly number[],
): ColourWay {
  if (view.tone?.colormap !== undefined && chosen.length === 1 && view.tone.colormap.stops.length > 0) {
    return 'colormap'
  }
  // A range is about values, a palette has none: it stays as it is among toned sources.
  if (palette !== undefined && chosen.length === 1 && chosen[0] === 0) return 'palette'
  if (cmyk === true && view.bands === undefined) return 'cmyk'
  return view.tone === undefined ? 'direct' : 'tone'
}
