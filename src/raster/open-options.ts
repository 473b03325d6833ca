// How a raster is opened, whichever kind it is. Plain data: sent to workers as it is.
import type { Crs } from '../grid/crs/crs.js'
import type { SourceView } from './source.js'
import type { Spool } from './spool.js'

export interface OpenOptions {
  /** Stored colours that mean "nothing here", instead of what the file says; an empty list: none. */
  readonly nodata?: readonly (readonly number[])[]
  /** Instead of the file's own CRS. */
  readonly crs?: Crs
  /** Decoded blocks kept for this source, bytes. */
  readonly cacheBytes?: number
  /** What reading gives; { kind: 'colour' } when left out. */
  readonly view?: SourceView
  /** Where decoded strips of one image are kept. */
  readonly spool?: Spool
  /** Blocks that cannot be read are left empty, and told with what is read; otherwise the first one is an error. */
  readonly skipDamaged?: boolean
  /** It does not matter where the image lies: `crs` is taken, a geotransform is made up when there is none. */
  readonly anywhere?: boolean
}
