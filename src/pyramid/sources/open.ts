// Opens sources by path. This is the only place that decides which kind of file a path is.
import { crsFromText } from '../../grid/crs/crs-text.js'
import { isTileArchive } from '../../interop/archive-name.js'
import { openRaster } from '../../raster/open.js'
import type { OpenOptions as RasterOpenOptions } from '../../raster/open-options.js'
import type { RasterSource, SourceView } from '../../raster/source.js'
import type { ResolvedBuildOptions } from '../options.js'
import type { ResolvedSource } from '../source-options.js'

/** What a source's own properties change about how it is opened. Plain data. */
export type OwnOpenOptions = Pick<RasterOpenOptions, 'nodata' | 'crs'> & {
  readonly bands?: readonly number[]
}

export interface OpenOptions extends RasterOpenOptions {
  /** By source; undefined where one has no properties that count here, and when none has. */
  readonly own?: readonly (OwnOpenOptions | undefined)[]
}

export type SourceOpener = (path: string, options: OpenOptions) => Promise<RasterSource>

/** @throws as openRaster and openArchive */
export const openSource: SourceOpener = async (path, options) =>
  isTileArchive(path)
    ? (await import('./archive-source.js')).openArchive(path, options)
    : openRaster(path, options)

export function openOptionsOf(options: ResolvedBuildOptions): OpenOptions {
  return {
    ...(options.nodata === undefined ? {} : { nodata: options.nodata }),
    ...(options.skipUnreadable ? { skipDamaged: true } : {}),
    ...(options.crs === undefined ? {} : { crs: crsFromText(options.crs) }),
  }
}

/** @throws CRS_UNSUPPORTED, BAD_OPTION when the CRS is none */
export function ownOpenOptions({ nodata, crs, bands }: ResolvedSource): OwnOpenOptions | undefined {
  if (nodata === undefined && crs === undefined && bands === undefined) return undefined
  return {
    ...(nodata === undefined ? {} : { nodata }),
    ...(crs === undefined ? {} : { crs: crsFromText(crs) }),
    ...(bands === undefined ? {} : { bands }),
  }
}

/** How one source is opened: as all, but for its own properties. */
export function openOptionsFor(
  { own: _, ...open }: OpenOptions,
  own: OwnOpenOptions | undefined,
): RasterOpenOptions {
  if (own === undefined) return open
  const { bands, ...others } = own
  return { ...open, ...others, ...(bands === undefined ? {} : { view: viewOf(open.view, bands) }) }
}

function viewOf(view: SourceView | undefined, own: readonly number[]): SourceView {
  if (view?.kind !== 'values') return { ...(view ?? { kind: 'colour' }), bands: own }
  // as many as are asked for
  return { ...view, bands: view.bands.map((_, i) => own[i] ?? own[0]!) }
}
