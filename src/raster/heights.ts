// Converts heights to metres. As in gdalwarp, the file's unit is that of its vertical coordinate system, unless the
// band itself names feet or metres; or the caller gives the unit.
import type { ReadPixels } from './losses.js'
import type { PixelMemory } from './pixels.js'
import type { PixelWindow, RasterSource, SourceInfo, SourceView } from './source.js'

/** Metres per unit, for the unit names that GDAL knows. */
const WORDS: Readonly<Record<string, number>> = {
  m: 1,
  meter: 1,
  metre: 1,
  ft: 0.3048,
  foot: 0.3048,
  'us survey foot': 1200 / 3937,
}

/** Other spellings, which gdalwarp ignores. They are used for notes only. */
const MORE_WORDS: Readonly<Record<string, number>> = {
  ...WORDS,
  meters: 1,
  metres: 1,
  feet: 0.3048,
  'international foot': 0.3048,
  'us-ft': 1200 / 3937,
  'us ft': 1200 / 3937,
  'us feet': 1200 / 3937,
  'us survey feet': 1200 / 3937,
  ftus: 1200 / 3937,
  foot_us: 1200 / 3937,
}

/** Metres per unit of the heights in `band` (from 1), as in gdalwarp: 1 without a vertical system. */
export function heightMetres({ crs, stored }: SourceInfo, band: number): number {
  if (crs.heightMetres === undefined) return 1
  return WORDS[stored.units?.[band - 1]?.trim().toLowerCase() ?? ''] ?? crs.heightMetres
}

/** The unit of `band` if it is not metres and goes unused, because the file has no vertical system. */
export function unusedUnit(
  { crs, stored }: SourceInfo,
  band: number,
): { name: string; metres: number | undefined } | undefined {
  const name = stored.units?.[band - 1]?.trim()
  if (crs.heightMetres !== undefined || name === undefined || name === '') return undefined
  const metres = MORE_WORDS[name.toLowerCase()]
  return metres === 1 ? undefined : { name, metres }
}

/** The source with heights in metres, if the view asks for that. */
export function inMetres(source: RasterSource, view: SourceView | undefined): RasterSource {
  if (view?.kind !== 'values' || view.heights === undefined) return source
  const metres = view.heights === 'said' ? heightMetres(source.info, view.bands[0]!) : view.heights
  return metres === 1 ? source : new ScaledSource(source, metres)
}

class ScaledSource implements RasterSource {
  readonly info: SourceInfo
  readonly #source: RasterSource
  readonly #metres: number

  constructor(source: RasterSource, metres: number) {
    this.info = source.info
    this.#source = source
    this.#metres = metres
  }

  async read(level: number, window: PixelWindow, memory?: PixelMemory): Promise<ReadPixels> {
    const pixels = await this.#source.read(level, window, memory)
    const { data } = pixels
    for (let i = 0; i < data.length; i++) data[i]! *= this.#metres
    return pixels
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}
