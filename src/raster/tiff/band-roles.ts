// What GDAL says bands mean, in its metadata tag, where that differs from ExtraSamples: near infrared kept as a
// fourth band is often marked as alpha there, because writers of RGB files could think of nothing else.
import type { ImageLayout } from './layout.js'
import type { Ifd } from './structure.js'
import { Tag } from './tags.js'

/** Colour interpretations by sample number, as GDAL names them ('Alpha', 'Undefined', …). */
export type BandRoles = ReadonlyMap<number, string>

export async function readBandRoles(ifd: Ifd): Promise<BandRoles> {
  const text = (await ifd.text(Tag.GdalMetadata, 2 ** 20)) ?? ''
  const roles = new Map<number, string>()
  for (const [, attributes, role] of text.matchAll(/<Item ([^>]*role="colorinterp"[^>]*)>([^<]*)</g)) {
    const sample = /sample="(\d+)"/.exec(attributes!)
    if (sample !== null) roles.set(Number(sample[1]), role!.trim())
  }
  return roles
}

/** The layout with ExtraSamples as the roles say: 2 alpha, 0 something else; unnamed bands stay. */
export function withRoles(layout: ImageLayout, roles: BandRoles): ImageLayout {
  const first = layout.samplesPerPixel - layout.extraSamples.length
  const kinds: number[] = []
  for (let s = 1; s < layout.samplesPerPixel; s++) {
    const said = layout.extraSamples[s - first] ?? 0
    const role = roles.get(s)
    if (role === undefined) kinds.push(said)
    else kinds.push(role === 'Alpha' ? said || 2 : 0)
  }
  return roles.size === 0 ? layout : { ...layout, extraSamples: kinds }
}
