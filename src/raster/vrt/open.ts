// Opens VRT mosaics as gdalbuildvrt makes them: one picture from pieces of many files. It is composed before it is
// warped, so that there are no seams. Files are opened when needed, a bounded number at a time.
import { realpath, stat } from 'node:fs/promises'
import { FlagstoneError } from '../../errors.js'
import { withMaskBeside } from '../formats/mask-beside.js'
import { type StoredBlock, type StoredImage, sourceOf } from '../formats/stored-source.js'
import { readPam } from '../place/pam.js'
import { NOWHERE, type Place, requireArea, requireCrs } from '../place/place.js'
import { readPrj, readWorldFile } from '../place/sidecar.js'
import type { PixelWindow, RasterSource, SampleType, SourceLevel, StoredSamples } from '../source.js'
import { openFileSource } from '../tiff/file/byte-source.js'
import type { StoredLook } from '../view/view-choice.js'
import { Composer, isUnusable } from './compose.js'
import { readDocument, type VrtBand, type VrtDocument } from './document.js'
import { type Layer, layersOf } from './layers.js'
import { unsupported } from './piece.js'
import { type NestedOptions, SourcePool } from './source-pool.js'

const MAX_BYTES = 64 * 2 ** 20
/** How deep VRTs may be nested. */
const MAX_DEPTH = 3
/** Number of files whose overviews are examined. */
const SAMPLED_FILES = 16
const CACHE_BYTES = 64 * 2 ** 20
const BLOCK = 512

type VrtOptions = Partial<NestedOptions>
type Opener = (path: string, options: VrtOptions) => Promise<RasterSource>

/**
 * Opens a VRT. `open` opens its files.
 * @throws SOURCE_UNSUPPORTED when it uses an unsupported element, which the message names
 * @throws NOT_FOUND when it or one of its files is missing
 * @throws SOURCE_CORRUPT, TOO_LARGE, CRS_MISSING, CRS_UNSUPPORTED, BAD_OPTION
 */
export async function openVrt(path: string, options: VrtOptions, open: Opener): Promise<RasterSource> {
  const within = await chainOf(path, options.within ?? [])
  const document = readDocument(await textOfFile(path), path, options.crs !== undefined)
  const place = await placeOf(path, document, options)
  const layers = layersOf(document)
  const skipDamaged = options.skipDamaged === true
  if (within.length === 1 && !skipDamaged) await requireFiles(path, layers)
  const cacheBytes = Math.max(4 * 2 ** 20, Math.floor((options.cacheBytes ?? CACHE_BYTES) / 8))
  const pool = new SourcePool(layers, open, { crs: place.crs, cacheBytes, within, skipDamaged })
  try {
    const most = within.length === 1 ? SAMPLED_FILES : 2
    const levels = await levelsOf(document, layers, pool, most, skipDamaged)
    const own = new VrtImage(document, layers, pool, levels, skipDamaged)
    // the VRT's own mask takes precedence
    const image = document.mask === undefined ? await withMaskBeside(path, own, options.view) : own
    const { width, height } = document
    return await sourceOf(path, image, place, {
      nodata: options.nodata ?? nodataColour(document),
      view: options.view,
      skipDamaged: options.skipDamaged,
      description: [
        `VRT ${width}×${height}`,
        `${pool.files} ${pool.files === 1 ? 'file' : 'files'}`,
        describeBands(document),
        place.crs.name,
      ].join(', '),
    })
  } catch (error) {
    await pool.close()
    throw error
  }
}

/** @throws SOURCE_UNSUPPORTED when a VRT contains itself, or is nested too deep */
async function chainOf(path: string, within: readonly string[]): Promise<string[]> {
  const real = await realpath(path).catch(() => path)
  if (within.includes(real))
    throw unsupported(path, 'itself among its sources', 'create it again with gdalbuildvrt')
  if (within.length >= MAX_DEPTH) throw unsupported(path, `${within.length} other VRTs around it`)
  return [...within, real]
}

async function textOfFile(path: string): Promise<string> {
  const file = await openFileSource(path)
  try {
    if (file.sizeBytes > MAX_BYTES) {
      throw new FlagstoneError(
        'TOO_LARGE',
        `${path} has ${Math.round(file.sizeBytes / 2 ** 20)} MiB of XML, more than the limit of ${MAX_BYTES / 2 ** 20} MiB; pass its files directly, or create several VRTs`,
        { path },
      )
    }
    return Buffer.from(await file.read(0, file.sizeBytes)).toString('utf8')
  } finally {
    await file.close()
  }
}

async function placeOf(path: string, document: VrtDocument, options: VrtOptions): Promise<Place> {
  const pam = await readPam(path, options.crs !== undefined)
  const crs = options.crs ?? document.crs ?? pam?.crs ?? (await readPrj(path))
  const geotransform = document.geotransform ?? pam?.geotransform ?? (await readWorldFile(path))
  if (geotransform === undefined && options.anywhere === true && crs !== undefined) {
    return { crs, geotransform: NOWHERE }
  }
  if (geotransform === undefined) {
    throw new FlagstoneError(
      'CRS_MISSING',
      `${path} is not georeferenced (it has no GeoTransform); create it from georeferenced files`,
      { path },
    )
  }
  const polynomials = document.geotransform === undefined ? pam?.polynomials : document.polynomials
  return {
    crs: crs ?? requireCrs(path),
    geotransform: requireArea(path, geotransform),
    ...(polynomials === undefined ? {} : { polynomials }),
  }
}

/** Checks that all files exist, so that a build does not fail half-way. @throws NOT_FOUND when a file is missing */
async function requireFiles(path: string, layers: readonly Layer[]): Promise<void> {
  const files = [...new Set(layers.map((layer) => layer.file))].filter((file) => !/^https?:/i.test(file))
  for (let i = 0; i < files.length; i += 64) {
    const checks = files.slice(i, i + 64).map(async (file) => {
      if (await stat(file).catch(() => undefined)) return
      throw new FlagstoneError(
        'NOT_FOUND',
        `${path} refers to ${file}, which does not exist; put the file there, or create the VRT again`,
        { path: file },
      )
    })
    await Promise.all(checks)
  }
}

/** The nodata colour, if every colour band has a nodata value. */
function nodataColour({ bands }: VrtDocument): number[][] {
  const values = bands.filter((band) => !band.isAlpha).map((band) => band.nodata)
  return values.length === 0 || values.includes(undefined) ? [] : [values as number[]]
}

const describeBands = ({ bands }: VrtDocument): string =>
  bands[0]!.palette === undefined ? `${bands.length} ${bands.length === 1 ? 'band' : 'bands'}` : 'palette'

/** Levels for the overviews that all examined files have, each half the size of the one before. */
async function levelsOf(
  { width, height }: VrtDocument,
  layers: readonly Layer[],
  pool: SourcePool,
  most: number,
  skipDamaged: boolean,
): Promise<SourceLevel[]> {
  const step = Math.max(1, Math.ceil(layers.length / most))
  let coarsest = Infinity
  for (let i = 0; i < layers.length && coarsest >= 2; i += step) {
    const { file, from, to } = layers[i]!
    const looked = pool.use(file, async ({ source }) => {
      const { info } = source
      const shrink = (from?.width ?? info.width) / to.width
      coarsest = Math.min(coarsest, info.width / info.levels.at(-1)!.width / shrink)
    })
    await looked.catch((error: unknown) => {
      if (!skipDamaged || !isUnusable(error)) throw error
    })
  }
  const levels: SourceLevel[] = []
  for (let by = 1; by === 1 || (by <= coarsest * 1.01 && Math.max(width, height) / by > 256); by *= 2) {
    const size = { width: Math.ceil(width / by), height: Math.ceil(height / by) }
    levels.push({
      ...size,
      blockWidth: Math.min(BLOCK, size.width),
      blockHeight: Math.min(BLOCK, size.height),
    })
    if (coarsest === Infinity) break
  }
  return levels
}

class VrtImage implements StoredImage {
  readonly look: StoredLook
  readonly levels: readonly SourceLevel[]
  readonly #composer: Composer
  readonly #pool: SourcePool

  constructor(
    document: VrtDocument,
    layers: readonly Layer[],
    pool: SourcePool,
    levels: readonly SourceLevel[],
    skipDamaged: boolean,
  ) {
    this.look = lookOf(document)
    this.levels = levels
    this.#composer = new Composer(document, this.look.stored.type, layers, pool, skipDamaged)
    this.#pool = pool
  }

  samples(level: number, window: PixelWindow, needed: readonly number[]): Promise<StoredBlock> {
    return this.#composer.paint(this.levels[level]!, window, needed)
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}

function lookOf({ bands, mask }: VrtDocument): StoredLook {
  const type = commonType(bands)
  const alpha = bands.findIndex((band) => band.isAlpha)
  const hasAlpha = alpha >= 0 && bands.length > 1
  const isPalette = bands[0]!.palette !== undefined && bands.length === (hasAlpha ? 2 : 1)
  const isIndex = isPalette && (type === 'uint8' || type === 'uint16')
  const { nodata } = bands[0]!
  const stored: StoredSamples = {
    type,
    bits: Number(/\d+/.exec(type)![0]),
    bands: bands.length - (hasAlpha ? 1 : 0),
    hasAlpha,
    palette: isIndex,
    ...(bands.some((band) => band.isColour) ? { isColour: true } : {}),
    ...(nodata === undefined ? {} : { nodata }),
    ...(bands.some(({ unit }) => unit) ? { units: bands.map(({ unit }) => unit) } : {}),
    ...(bands.every(({ scale, offset }) => scale === 1 && offset === 0)
      ? {}
      : { scales: bands.map(({ scale, offset }) => ({ scale, offset })) }),
  }
  return {
    stored,
    ...(hasAlpha ? { alpha } : {}),
    ...(isIndex ? { palette: bands[0]!.palette! } : {}),
    validity: mask !== undefined,
  }
}

/** One type that holds the values of all bands (64-bit integers become doubles). */
function commonType(bands: readonly VrtBand[]): SampleType {
  const types = [...new Set(bands.map((band) => band.type))]
  if (types.length === 1) return types[0]!
  const bits = Math.max(...types.map((type) => Number(/\d+/.exec(type)![0])))
  const isAny = (start: string): boolean => types.some((type) => type.startsWith(start))
  if (isAny('float')) return bits > 32 || types.some((type) => /int32/.test(type)) ? 'float64' : 'float32'
  if (!isAny('int')) return `uint${bits}` as SampleType
  const signed = types
    .filter((type) => type.startsWith('uint'))
    .map((type) => Number(/\d+/.exec(type)![0]) * 2)
  const wanted = Math.max(bits, ...signed)
  return wanted > 64 ? 'float64' : (`int${wanted}` as SampleType)
}
