// Options for opening a raster of any format. Plain data, so that workers can receive them.
import type { Crs } from '../grid/crs/crs.js'
import type { SourceView } from './source.js'
import type { Spool } from './spool.js'

export interface OpenOptions {
  /** The stored colours that mean "nothing here", instead of the file's own. With an empty list no colour does. */
  readonly nodata?: readonly (readonly number[])[]
  /** Used instead of the file's own CRS. */
  readonly crs?: Crs
  /** Bytes of decoded blocks to cache for this source. */
  readonly cacheBytes?: number
  /** What reading returns. Default: { kind: 'colour' }. */
  readonly view?: SourceView
  /** Where decoded strips of one image are kept. */
  readonly spool?: Spool
  /** Leaves blocks that cannot be read empty, and reports them with each read. Otherwise the first one is an error. */
  readonly skipDamaged?: boolean
  /** Accepts an image without a position: it gets `crs` and, if it has none, an arbitrary geotransform. */
  readonly anywhere?: boolean
}
