// Reads what GDAL's metadata tag says about bands: scale and offset, and their meaning where it differs from
// ExtraSamples. (Near infrared as a fourth band is often marked as alpha there, because writers of RGB files knew no
// other kind of fourth band.)
import { atof, atofM } from '../../gdal-number.js'
import type { Ifd } from '../file/structure.js'
import { Tag } from '../file/tags.js'
import type { ImageLayout } from './layout.js'

export interface BandRoles {
  /**
   * Colour interpretations by sample number, with GDAL's names ('Alpha', 'Undefined', …); undefined where not given.
   */
  readonly names: readonly (string | undefined)[]
  /** By sample number; empty when no band has a scale or offset. */
  readonly scales: readonly ({ readonly scale: number; readonly offset: number } | undefined)[]
  /** Units by sample number; undefined where not given. */
  readonly units: readonly (string | undefined)[]
  /** Metadata items of the dataset (not of a band), by name. */
  readonly items: ReadonlyMap<string, string>
}

/** Far larger than the metadata of thousands of bands. */
const MAX_TEXT = 2 ** 20
const MAX_SAMPLES = 65536

/**
 * What a file beside the image says about a band. As in GDAL, its nodata takes precedence over the image's own; its
 * scale and offset do not.
 */
export interface BandNotes {
  readonly nodata?: number
  readonly scale?: number
  readonly offset?: number
  readonly unit?: string
}

/** Adds `notes` to the roles. They are by band, from 0; undefined for bands without notes. */
export function withNotes(roles: BandRoles, notes: readonly (BandNotes | undefined)[]): BandRoles {
  const scales = [...roles.scales]
  const units = [...roles.units]
  for (const [s, note] of notes.entries()) {
    if (note?.unit !== undefined) units[s] ??= note.unit
    if (note?.scale === undefined && note?.offset === undefined) continue
    scales[s] ??= { scale: note.scale ?? 1, offset: note.offset ?? 0 }
  }
  return { ...roles, scales, units }
}

/**
 * The nodata colours in ViewPlan's form, from GDAL's NODATA_VALUES ("255 255 0": all bands together), else from the
 * notes; undefined when neither has any.
 */
export function notedNodata(
  roles: BandRoles,
  notes: readonly (BandNotes | undefined)[],
  samples: number,
): number[][] | undefined {
  const said = roles.items.get('NODATA_VALUES')?.trim().split(/\s+/).map(atof)
  if (said?.length === samples) return [[...said, Number.NaN]]
  const values = Array.from({ length: samples }, (_, s) => notes[s]?.nodata)
  if (values.every((v) => v === undefined)) return undefined
  if (values.every((v) => Object.is(v, values[0]))) return [[values[0]!]]
  // one more value than bands, so that values go by band number; a band without one is never empty
  return [[...values.map((v) => v ?? Number.NaN), Number.NaN]]
}

export async function readBandRoles(ifd: Ifd): Promise<BandRoles> {
  const text = (await ifd.text(Tag.GdalMetadata, MAX_TEXT)) ?? ''
  const names: (string | undefined)[] = []
  const scales: ({ scale: number; offset: number } | undefined)[] = []
  const units: (string | undefined)[] = []
  const items = new Map<string, string>()
  for (const [, attributes, content] of text.matchAll(/<Item ([^>]*)>([^<]*)</g)) {
    const said = content!.trim()
    const role = /\brole="([^"]*)"/.exec(attributes!)?.[1]
    const sample = Number(/\bsample="(\d+)"/.exec(attributes!)?.[1] ?? -1)
    const name = /\bname="([^"]*)"/.exec(attributes!)?.[1]
    if (sample < 0 || sample >= MAX_SAMPLES) {
      if (name !== undefined) items.set(name, said)
    } else if (role === 'colorinterp') names[sample] = said
    else if (role === 'unittype') units[sample] = said
    else if ((role === 'scale' || role === 'offset') && said !== '' && Number.isFinite(Number(said))) {
      const before = scales[sample] ?? { scale: 1, offset: 0 }
      scales[sample] = { ...before, [role]: Number(said) }
    }
  }
  const isPlain = scales.every((s) => s === undefined || (s.scale === 1 && s.offset === 0))
  return { names, scales: isPlain ? [] : scales, units, items }
}

/** The layout with ExtraSamples set from the roles: 2 for alpha, 0 for anything else. Unnamed bands are unchanged. */
export function withRoles(layout: ImageLayout, roles: BandRoles): ImageLayout {
  const first = layout.samplesPerPixel - layout.extraSamples.length
  const kinds: number[] = []
  for (let s = 1; s < layout.samplesPerPixel; s++) {
    const said = layout.extraSamples[s - first] ?? 0
    const role = roles.names[s]
    if (role === undefined) kinds.push(said)
    else kinds.push(role === 'Alpha' ? said || 2 : 0)
  }
  return roles.names.length === 0 ? layout : { ...layout, extraSamples: kinds }
}

/** The file's nodata value, read as GDAL reads it: "255", "0,0", "nan". A text that is not a number is 0. */
export async function nodataTag(ifd: Ifd): Promise<number | undefined> {
  const text = await ifd.text(Tag.GdalNodata, 256)
  return text ? atofM(text) : undefined
}
