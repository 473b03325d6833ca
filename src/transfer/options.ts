// The options of convert and its relatives, checked once where they come in.
import { z } from 'zod'
import { OUTPUT_FORMATS } from '../interop/create.js'
import { MBTILES_TYPES } from '../interop/mbtiles/schemas.js'
import { type Given, pathText } from '../store/options.js'

const convertShape = {
  /** The archive to read. */
  source: pathText,
  /** The archive to write. */
  out: pathText,
  /** Its container. Default: by the extension of `out`. */
  to: z.enum(OUTPUT_FORMATS).optional(),
  /**
   * Tables of an MBTiles output, named as by martin's `mbtiles` tool. 'flat': one table. 'flat-with-hash': with a hash
   * of each tile, behind a view. 'normalized': equal tiles are stored once. Default: 'flat'.
   */
  mbtilesType: z.enum(MBTILES_TYPES).optional(),
  /** Replace an existing tile archive. Default: false. */
  overwrite: z.boolean().default(false),
}

export const convertOptions = z.strictObject(convertShape)

/** The options of `convert`. */
export interface ConvertOptions extends Given<typeof convertShape> {}

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
