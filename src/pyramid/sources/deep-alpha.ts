// Detects alpha bands of more than 8 bits that hold 8-bit values: some writers widen the colours and leave alpha as it
// was. By its type 65535 would be opaque, and the image nearly invisible.
import type { OpenOptions } from '../../raster/open-options.js'
import type { SourceInfo } from '../../raster/source.js'
import type { SourceOpener } from './open.js'
import { sampleValues } from './value-sample.js'

const MAX_SOURCES = 64
const DEEP = new Set(['uint16', 'int16', 'uint32', 'int32'])

/** 255 when no sampled alpha of more than 8 bits exceeds it; undefined otherwise. @throws as RasterSource.read */
export async function deepAlphaTop(
  infos: readonly SourceInfo[],
  open: SourceOpener,
  options: OpenOptions,
): Promise<255 | undefined> {
  const deep = infos.filter(({ stored }) => stored.hasAlpha && DEEP.has(stored.type)).slice(0, MAX_SOURCES)
  let most = 0
  for (const info of deep) {
    const { bands, alphaBand = bands + 1 } = info.stored
    const [alpha] = await sampleValues([info], [alphaBand], open, { ...options, nodata: [] })
    most = Math.max(most, alpha!.max)
    if (most > 255) return undefined
  }
  return most > 0 ? 255 : undefined
}

export const DEEP_ALPHA_NOTE =
  'The alpha values do not exceed 255 although they have more than 8 bits: 255 is taken as opaque.'
