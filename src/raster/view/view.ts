// Converts stored samples to those of a view: 8-bit colours or Float32 values, and a mask. All formats with decoded
// samples in typed arrays use it (TIFF, PNG, hgt, ASCII grid, VRT …):
//
//   const plan = ViewPlan.of({ stored }, view, nodata)          // once per image; throws BAD_OPTION
//   plan.bands, plan.samples, plan.maskKind                      // → SourceInfo
//   plan.needed                                                  // the samples that have to be decoded
//   plan.apply({ arrays, stride }, pixels, validity?)            // a block → { data, mask }
//
// `arrays` has one array per sample (alpha included) with stride 1, or the same interleaved array for each with stride
// = samples per pixel. `validity` (0: no value) is the format's own mask of these pixels.
//
// Invariants: under mask 255, values are finite; a pixel is empty when *all* bands in use have their nodata value, or
// when any is NaN or infinite; `data` may take over the memory of the samples.
import { FlagstoneError } from '../../errors.js'
import {
  type ColourView,
  type MaskKind,
  needsTone,
  type SampleType,
  type SourceView,
  type StoredSamples,
} from '../source.js'
import { type BandTone, type BandUnits, bandTone, Colormap } from './tone.js'
import { type ColourWay, chooseSamples, colourWay, type StoredLook } from './view-choice.js'
import {
  colourCmyk,
  colourPalette,
  dividedByAlpha,
  pickColours,
  toneColours,
  valuesOf,
} from './view-colours.js'
import {
  alphaMask,
  clearBand,
  clearEmpty,
  intersect,
  type NodataRange,
  nodataRange,
  type SampleBlock,
  type ViewedBlock,
} from './view-kernels.js'

export type { SampleBlock, ViewedBlock } from './view-kernels.js'

const FLOATS: readonly SampleType[] = ['float16', 'float32', 'float64']

/** The largest value of a sample. NaN for floats: their alpha is 0…1 or 0…255, decided per pixel. */
const fullScale = ({ type, bits }: StoredSamples): number =>
  FLOATS.includes(type) ? Number.NaN : 2 ** (type.startsWith('int') ? bits - 1 : bits) - 1

export class ViewPlan {
  readonly kind: 'colour' | 'values'
  /** Bands of the result, without alpha. */
  readonly bands: number
  readonly samples: 'uint8' | 'float32'
  readonly maskKind: MaskKind
  /** Sample numbers, from 0, that `apply` uses. */
  readonly needed: readonly number[]
  readonly #look: StoredLook
  /** For messages. */
  readonly #name: string
  /** Colour or value samples, from 0. */
  readonly #chosen: readonly number[]
  readonly #alpha: number | undefined
  readonly #nodata: readonly (readonly NodataRange[])[]
  /** Nodata of each chosen band, for views with `perBand`. */
  readonly #ownNodata: readonly (readonly NodataRange[])[]
  readonly #view: SourceView
  readonly #how: ColourWay | 'values'
  #tones: readonly BandTone[] | undefined
  #colormap: Colormap | undefined
  #colormapTable: Uint8Array | undefined

  /**
   * Makes the plan of a view. `nodata` has the colours that mean "nothing here": one value for all bands, or one per
   * band (by band number, if the list is longer than the view's bands).
   * @throws BAD_OPTION when a band does not exist
   */
  static of(
    look: StoredLook,
    view: SourceView,
    nodata: readonly (readonly number[])[] = [],
    name = 'the image',
  ): ViewPlan {
    return new ViewPlan(look, view, nodata, name)
  }

  private constructor(
    look: StoredLook,
    view: SourceView,
    nodata: readonly (readonly number[])[],
    name: string,
  ) {
    const { stored } = look
    this.#look = look
    this.#name = name
    this.#view = view
    this.kind = view.kind
    this.samples = view.kind === 'values' ? 'float32' : 'uint8'
    const alpha = look.alpha ?? (stored.hasAlpha ? stored.bands : undefined)
    const total = stored.bands + (stored.hasAlpha ? 1 : 0)
    this.#chosen = chooseSamples(look, view, total, alpha, name)
    // a band requested by number is not alpha, whatever the file says: near infrared is often marked as alpha
    const isAsked = view.bands !== undefined && alpha !== undefined && view.bands.includes(alpha + 1)
    this.#alpha = isAsked || (view.kind === 'colour' && view.alpha === false) ? undefined : alpha
    this.#how = view.kind === 'values' ? 'values' : colourWay(look, view, this.#chosen)
    if (this.#how === 'colormap') {
      const { stops, interpolate } = (view as ColourView).tone!.colormap!
      this.#colormap = new Colormap(stops, interpolate)
    }
    this.bands = this.#bandsOut()
    this.#nodata = nodata.flatMap((colour) => {
      const ranges = this.#chosen.map((sample, i) => {
        const byNumber = colour.length > this.#chosen.length
        return nodataRange((byNumber ? colour[sample] : colour[i]) ?? colour[0] ?? Number.NaN, stored)
      })
      return ranges.every((range) => range !== undefined) ? [ranges] : []
    })
    this.#ownNodata = view.kind === 'values' && view.perBand ? this.#rangesByBand(nodata) : []
    this.maskKind = this.#maskKind()
    this.needed = this.#alpha === undefined ? this.#chosen : [...new Set([...this.#chosen, this.#alpha])]
  }

  /** The nodata values of single bands, not the nodata colours of all bands together. */
  #rangesByBand(nodata: readonly (readonly number[])[]): NodataRange[][] {
    const { length } = this.#chosen
    return this.#chosen.map((sample) =>
      nodata.flatMap((colour) => {
        if (colour.length > 1 && colour.length <= length) return []
        const range = nodataRange(colour[colour.length > length ? sample : 0]!, this.#look.stored)
        return range === undefined ? [] : [range]
      }),
    )
  }

  #bandsOut(): number {
    if (this.#how === 'palette') return this.#look.palette!.bands
    if (this.#how === 'cmyk' || this.#how === 'colormap') return 3
    return this.#chosen.length
  }

  #maskKind(): MaskKind {
    const { stored, validity, palette } = this.#look
    const isColour = this.#view.kind === 'colour'
    const isSoft =
      this.#alpha !== undefined ||
      this.#colormap?.hasAlpha === true ||
      (this.#how === 'palette' && palette!.alpha !== undefined && this.#wantsAlpha)
    if (isColour && isSoft) return 'alpha'
    const isHoled =
      this.#alpha !== undefined ||
      this.#nodata.length > 0 ||
      FLOATS.includes(stored.type) ||
      validity === true
    return isHoled ? 'binary' : 'none'
  }

  get #alphaTop(): number {
    const { stored } = this.#look
    const said = this.#view.kind === 'colour' && stored.type !== 'uint8' ? this.#view.alphaTop : undefined
    return said ?? fullScale(stored)
  }

  get #wantsAlpha(): boolean {
    return this.#view.kind === 'values' || this.#view.alpha !== false
  }

  /** The value of a sample in blocks that are not stored: nodata, else 0. */
  emptySample(sample: number): number {
    const { type, nodata } = this.#look.stored
    const index = this.#chosen.indexOf(sample)
    if (index >= 0 && Number.isNaN(nodata) && FLOATS.includes(type)) return Number.NaN
    return this.#nodata[0]?.[index]?.value ?? 0
  }

  /** Whether colours need a tone that the view lacks. Reading is then refused. */
  get lacksTone(): boolean {
    return this.#how === 'direct' && needsTone(this.#look.stored)
  }

  /** Converts a block. @throws BAD_OPTION when the samples are not 8-bit colours and the view has no tone */
  apply(block: SampleBlock, pixels: number, validity?: Uint8Array): ViewedBlock {
    if (this.lacksTone) {
      throw new FlagstoneError(
        'BAD_OPTION',
        `${this.#name}: its ${this.#look.stored.type} samples are not colours; pass a range, for example --rescale auto`,
      )
    }
    const alpha =
      this.#alpha === undefined
        ? undefined
        : alphaMask(block, this.#alpha, pixels, this.#alphaTop, this.kind === 'values')
    const drawn = this.#draw(block, pixels, alpha)
    let mask = alpha
    if (drawn.mask !== undefined) mask = mask === undefined ? drawn.mask : intersect(mask, drawn.mask)
    // compares stored samples, because `data` has been toned, inverted or divided by alpha
    mask = clearEmpty(
      block,
      this.#chosen,
      this.#nodata,
      FLOATS.includes(this.#look.stored.type),
      pixels,
      mask,
    )
    if (validity !== undefined) mask = mask === undefined ? validity : intersect(mask, validity)
    return { data: drawn.data, mask }
  }

  #draw(block: SampleBlock, pixels: number, alpha: Uint8Array | undefined): ViewedBlock {
    const { stored, palette, inverted } = this.#look
    const chosen = this.#chosen
    const isDivided =
      this.kind === 'colour' &&
      this.#look.premultiplied === true &&
      alpha !== undefined &&
      this.#alpha !== undefined
    switch (this.#how) {
      case 'values': {
        const values = valuesOf(block, chosen, stored.scales, pixels)
        for (const [i, ranges] of this.#ownNodata.entries()) {
          clearBand(values.data as Float32Array, block, chosen[i]!, { at: i, bands: chosen.length, ranges })
        }
        return values
      }
      case 'palette':
        return colourPalette(block, chosen[0]!, palette!, this.#wantsAlpha, pixels)
      case 'cmyk':
        return { data: colourCmyk(block, fullScale(stored) || 1, pixels), mask: undefined }
      case 'colormap': {
        const units = this.#units(chosen[0]!)
        this.#colormapTable ??= this.#colormap!.table(units)
        return toneColours.byMap(block, chosen[0]!, this.#colormap!, this.#colormapTable, units, pixels)
      }
      case 'tone': {
        const source = isDivided ? dividedByAlpha(block, chosen, this.#alpha, this.#alphaTop, pixels) : block
        const tone = (this.#view as ColourView).tone!
        this.#tones ??= chosen.map((s, i) => bandTone(tone, i, this.#units(s), this.#look.premultiplied))
        return { data: toneColours.byRange(source, chosen, this.#tones, pixels), mask: undefined }
      }
      default:
        return {
          data: pickColours(
            block,
            chosen,
            stored.bits,
            inverted === true,
            isDivided ? alpha : undefined,
            pixels,
          ),
          mask: undefined,
        }
    }
  }

  #units(sample: number): BandUnits {
    const { stored, inverted } = this.#look
    const { scale, offset } = stored.scales?.[sample] ?? { scale: 1, offset: 0 }
    return { type: stored.type, bits: stored.bits, scale, offset, inverted: inverted === true }
  }
}
