// The digest of an archive's tiles, whatever container they are in.
import { openTileSet } from '../interop/open.js'
import { digestOf } from '../interop/transfer/digest-of.js'
import { Turns } from '../interop/transfer/turns.js'
import { unawaited } from '../store/callbacks.js'
import { parseOptions } from '../store/options.js'
import { transferContext } from './options.js'
import { TransferMeter } from './progress.js'
import type { TransferContext } from './transfer.js'

/** The result of `digest`. */
export interface DigestReport {
  /** 32 hexadecimal digits: see formats/digest-1.md. */
  readonly digest: string
  /** Number of tiles, over all zooms. */
  readonly tiles: number
  /** Bytes of tiles; identical tiles count each time. */
  readonly tileBytes: number
}

/**
 * The digest of a tile archive's tiles: their places, types and bytes. It is the same for a Flagstone file, PMTiles, an
 * MBTiles and a folder that hold the same tiles, in whatever order. For a Flagstone file it is computed from the index;
 * in other archives every tile is read.
 * @throws TypeError when an argument is wrong
 * @throws NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM when the archive cannot be read
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function digest(path: string, context: TransferContext = {}): Promise<DigestReport> {
  parseOptions(transferContext, context, 'context')
  const tiles = await openTileSet(path)
  try {
    const total = tiles.levels().reduce((sum, { count }) => sum + count, 0)
    const meter = new TransferMeter(total, unawaited('onProgress', context.onProgress))
    const turns = new Turns(context.signal, `The digest of ${path} was interrupted.`)
    const tally = await digestOf(tiles, turns, (now) => meter.update('tiles', now.digest.tiles, now.bytes))
    meter.update('done', tally.digest.tiles, tally.bytes)
    return { digest: tally.digest.hex, tiles: tally.digest.tiles, tileBytes: tally.bytes }
  } finally {
    tiles.close()
  }
}
