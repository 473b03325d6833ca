// Sources by path: the one place that decides which kind of file a path is.
import { FlagstoneError } from '../errors.js'
import type { Crs } from '../grid/crs.js'
import { crsFromEpsg } from '../grid/epsg.js'
import { lonLatConverterOf } from '../grid/transform.js'
import { openGeoTiff } from '../raster/geotiff.js'
import type { RasterSource } from '../raster/source.js'
import type { ResolvedBuildOptions } from './options.js'

/** Plain data. */
export interface OpenOptions {
  readonly nodata?: readonly (readonly number[])[]
  readonly crs?: Crs
  /** Decoded blocks kept for this source, bytes. */
  readonly cacheBytes?: number
}

export type SourceOpener = (path: string, options: OpenOptions) => Promise<RasterSource>

/** Throws what openGeoTiff throws. */
export const openSource: SourceOpener = (path, options) => openGeoTiff(path, options)

export function openOptionsOf(options: ResolvedBuildOptions): OpenOptions {
  return {
    ...(options.nodata === undefined ? {} : { nodata: options.nodata }),
    ...(options.crs === undefined ? {} : { crs: parseCrs(options.crs) }),
  }
}

/** All of them, or none is left open. */
export async function openAll(
  paths: readonly string[],
  options: OpenOptions,
  open: SourceOpener,
): Promise<RasterSource[]> {
  const opened: RasterSource[] = []
  try {
    for (const path of paths) opened.push(await open(path, options))
    return opened
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

export async function closeAll(sources: readonly RasterSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close()))
}

/** 'EPSG:25832', '25832', a PROJ string or WKT. Throws CRS_UNSUPPORTED. */
export function parseCrs(text: string): Crs {
  const code = /^\s*(?:EPSG:{1,2}|ESRI:)?(\d{4,6})\s*$/i.exec(text)
  if (code !== null) {
    const crs = crsFromEpsg(Number(code[1]))
    if (crs !== undefined) return crs
    throw new FlagstoneError(
      'CRS_UNSUPPORTED',
      `The coordinate system ${text.trim()} is not known here or cannot be computed; pass its PROJ string or WKT instead.`,
    )
  }
  const crs: Crs = { epsg: undefined, name: nameOf(text), definition: text.trim() }
  lonLatConverterOf(crs)
  return crs
}

/** A WKT's own name, or the PROJ string. */
function nameOf(text: string): string {
  return /^\s*[A-Z]+\s*[[(]\s*"([^"]+)"/.exec(text)?.[1] ?? text.trim()
}
