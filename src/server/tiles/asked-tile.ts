// One tile that is asked for, taken out of its address.
import type { TileType } from '../../format/tile-type.js'
import type { TileQuery } from '../pictures/tile-query.js'
import type { Source } from '../sources/source.js'

export interface AskedTile {
  readonly source: Source
  readonly z: number
  readonly x: number
  /** From the north. */
  readonly y: number
  readonly asked: TileQuery
  /** The URL meant the version that the source had when it was asked. */
  readonly wasVersioned: boolean
  /** Undefined: no extension was given. */
  readonly type: TileType | undefined
  readonly scale: number
}

/** To be asked when the answer is known: it may be kept for ever when the version it is for did not pass meanwhile. */
export const isLasting = ({ wasVersioned, asked, source }: AskedTile): boolean =>
  wasVersioned && asked.version === source.version
