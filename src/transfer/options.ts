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

const contextShape = {
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
  onProgress: z.custom<unknown>((v) => typeof v === 'function', 'expected a function').optional(),
}
export const transferContext = z.strictObject(contextShape)
