// The options of convert and its relatives, checked once where they come in.
import { z } from 'zod'
import { OUTPUT_FORMATS } from '../interop/create.js'
import { ROW_SCHEMES } from '../interop/folder/schemes.js'
import { MBTILES_TYPES } from '../interop/mbtiles/schemas.js'
import { type Given, geoJsonObject, pathText } from '../store/options.js'
import { MAX_ZOOM } from '../zooms.js'

const zoomShape = {
  /** Leave out lower zooms. Default: none. */
  minZoom: z.int().min(0).max(MAX_ZOOM).optional(),
  /** Leave out higher zooms. Default: none. */
  maxZoom: z.int().min(0).max(MAX_ZOOM).optional(),
}
const zoomsAscend = ({ minZoom, maxZoom }: { minZoom?: number | undefined; maxZoom?: number | undefined }) =>
  (minZoom ?? 0) <= (maxZoom ?? MAX_ZOOM)
const ZOOMS_DESCEND = { path: ['minZoom'], error: 'it is more than maxZoom' }

const outputShape = {
  /** The archive to write. */
  out: pathText,
  /** Its container. Default: by the extension of `out`; a name without one, or with a slash at its end, is a folder. */
  to: z.enum(OUTPUT_FORMATS).optional(),
  /**
   * Tables of an MBTiles output, named as by martin's `mbtiles` tool. 'flat': one table. 'flat-with-hash': with a hash
   * of each tile, behind a view. 'normalized': equal tiles are stored once. Default: 'flat'.
   */
  mbtilesType: z.enum(MBTILES_TYPES).optional(),
  /** Rows of an output folder. 'xyz': counted from the north. 'tms': from the south. Default: 'xyz'. */
  scheme: z.enum(ROW_SCHEMES).optional(),
  /**
   * Swap red and blue in the JPEGs of a frast output, as frast's own viewer expects it, which encodes them again. Default:
   * false, they are copied and its metadata say so.
   */
  frastColours: z.boolean().optional(),
  /** Replace an existing tile archive. Default: false. */
  overwrite: z.boolean().default(false),
}

const outputOptions = z.strictObject(outputShape)
export type ResolvedOutputOptions = z.output<typeof outputOptions>

/** The archive to read. */
const source = pathText

const colour = z.int().min(0).max(255)
const formShape = {
  /** Encode tiles in this format. Tiles that have it are copied. Default: as they are. */
  format: z.enum(['jpeg', 'png', 'webp', 'avif']).optional(),
  /**
   * 1 to 100, of lossy tiles that are encoded. Without `format`, all lossy tiles are encoded again in their own format.
   * Default: 75 (AVIF: 60).
   */
  quality: z.int().min(1).max(100).optional(),
  /** Lossless WebP or AVIF, with `format`. Default: false. */
  lossless: z.boolean().optional(),
  /** Red, green, blue behind transparent pixels, with format 'jpeg'. Default: transparent tiles are refused. */
  background: z.tuple([colour, colour, colour]).optional(),
  /**
   * Width and height of tiles, pixels: four tiles of 256 become one of 512 at the next lower zoom, or one of 512 becomes
   * four at the next higher. Zooms are then those of the new tiles. Default: as they are.
   */
  tileSize: z.union([z.literal(256), z.literal(512)], 'expected 256 or 512').optional(),
  /** Encode heights so, without loss. Default: as they are. */
  terrain: z.enum(['terrarium', 'mapbox']).optional(),
}
interface Form {
  readonly format?: string | undefined
  readonly lossless?: boolean | undefined
  readonly background?: unknown
}
const losslessFits = ({ format, lossless }: Form) =>
  lossless !== true || (format !== undefined && format !== 'jpeg')
const LOSSLESS = { path: ['lossless'], error: 'it needs a format that can be lossless: webp, avif or png' }
const backgroundFits = ({ format, background }: Form) => background === undefined || format === 'jpeg'
const BACKGROUND = { path: ['background'], error: "it is for the format 'jpeg', which has no transparency" }

const convertShape = {
  /** The archive to read. */
  source,
  ...outputShape,
  ...zoomShape,
  ...formShape,
  /**
   * Copy the tiles of a frast file as they are stored: JPEGs with red and blue swapped, packed heights. The metadata of the
   * output say so. Default: false, they become tiles as others have them.
   */
  raw: z.boolean().optional(),
}

export const convertOptions = z
  .strictObject(convertShape)
  .refine(zoomsAscend, ZOOMS_DESCEND)
  .refine(losslessFits, LOSSLESS)
  .refine(backgroundFits, BACKGROUND)

/** The options of `convert`. */
export interface ConvertOptions extends Given<typeof convertShape> {}

const areaShape = {
  /** West, south, east, north, degrees: the tiles that touch it. West > east crosses the antimeridian. */
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
  /** The tiles that these polygons touch: the path of a GeoJSON file, or a GeoJSON object. */
  region: z.union([pathText, geoJsonObject], 'expected a path or a GeoJSON object').optional(),
}

const extractShape = {
  /** The archive to read. */
  source,
  ...outputShape,
  ...areaShape,
  ...zoomShape,
}
const isOneArea = ({ bbox, region }: { bbox?: unknown; region?: unknown }) =>
  bbox === undefined || region === undefined
const TWO_AREAS = { path: ['region'], error: 'pass a region or a bbox, not both' }

export const extractOptions = z
  .strictObject(extractShape)
  .refine(zoomsAscend, ZOOMS_DESCEND)
  .refine(isOneArea, TWO_AREAS)

/** The options of `extract`. */
export interface ExtractOptions extends Given<typeof extractShape> {}

const planExtractShape = {
  /** The archive to read. */
  source,
  ...areaShape,
  ...zoomShape,
}

export const planExtractOptions = z
  .strictObject(planExtractShape)
  .refine(zoomsAscend, ZOOMS_DESCEND)
  .refine(isOneArea, TWO_AREAS)

/** The options of `planExtract`. */
export interface PlanExtractOptions extends Given<typeof planExtractShape> {}

export const DUPLICATE_CHOICES = ['first', 'last', 'blend', 'abort'] as const
export type DuplicateChoice = (typeof DUPLICATE_CHOICES)[number]

const mergeShape = {
  /** The archives to join, two or more. */
  sources: z.array(pathText).min(2, 'name two or more archives'),
  ...outputShape,
  /**
   * What becomes of different tiles at one place. 'first', 'last': that of the archive named first or last. 'blend':
   * drawn over one another, the last on top, encoded as that one; heights as heights. 'abort': nothing is written.
   * Default: 'blend' where every tile shows in the result, otherwise 'abort'.
   */
  onDuplicate: z.enum(DUPLICATE_CHOICES).optional(),
}

export const mergeOptions = z.strictObject(mergeShape)
export const mergeSources = z.strictObject({ sources: mergeShape.sources })

/** The options of `merge`. */
export interface MergeOptions extends Given<typeof mergeShape> {}

const diffShape = {
  /** The archive as it was. */
  before: pathText,
  /** The archive as it is. */
  after: pathText,
  /** The patch to write, if the archives differ. Default: none, they are only compared. */
  patch: pathText.optional(),
  /** Write a patch even if the archives are the same. Default: false. */
  allowEmpty: z.boolean().default(false),
  /** Replace an existing patch. Default: false. */
  overwrite: z.boolean().default(false),
}

export const diffOptions = z.strictObject(diffShape)

/** The options of `diff`. */
export interface DiffOptions extends Given<typeof diffShape> {}

const applyShape = {
  /** The Flagstone file to change. */
  file: pathText,
  /** What to change, made by `diff`. */
  patch: pathText,
  /** A patch to write before anything changes, which takes it back. Default: none. */
  undo: pathText.optional(),
  /** Replace an existing patch by the one that takes it back. Default: false. */
  overwrite: z.boolean().default(false),
  /** Apply the patch to a file that it was not made from. Default: false. */
  force: z.boolean().default(false),
  /** Only find out whether the patch fits, and what it would change. Default: false. */
  dryRun: z.boolean().default(false),
}

export const applyOptions = z.strictObject(applyShape)

export type ResolvedApplyOptions = z.output<typeof applyOptions>

/** The options of `apply`. */
export interface ApplyOptions extends Given<typeof applyShape> {}

const contextShape = {
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
  onProgress: z.custom<unknown>((v) => typeof v === 'function', 'expected a function').optional(),
}
export const transferContext = z.strictObject(contextShape)

export const diffContext = z.strictObject({
  ...contextShape,
  onDifference: z.custom<unknown>((v) => typeof v === 'function', 'expected a function').optional(),
})
