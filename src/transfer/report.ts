import { statSync } from 'node:fs'
import type { OutputFormat } from '../interop/create.js'
import type { CopiedLevel, CopyTally } from './copy.js'

/** What a transfer made. */
export interface TransferReport {
  /** Path of the new archive. */
  readonly out: string
  /** Its container. */
  readonly format: OutputFormat
  /** Number of tiles in it, over all zooms. */
  readonly tiles: number
  /** Bytes of tiles; identical tiles count each time. */
  readonly tileBytes: number
  /** Size of the file; undefined for a folder. */
  readonly fileBytes: number | undefined
  /** Number of tiles of each zoom, and their bytes. */
  readonly levels: readonly CopiedLevel[]
  /** Number of tiles of each type, most common first. */
  readonly types: readonly { name: string; count: number }[]
  /** Digest of the tiles; see `digest`. */
  readonly digest: string
  /** Sentences about what could not be kept. */
  readonly notes: readonly string[]
  /** Duration. */
  readonly seconds: number
}

export function reportOf(
  out: string,
  format: OutputFormat,
  tally: CopyTally,
  notes: readonly string[],
  seconds: number,
): TransferReport {
  const stat = statSync(out)
  return {
    out,
    format,
    tiles: tally.tiles,
    tileBytes: tally.bytes,
    fileBytes: stat.isFile() ? stat.size : undefined,
    levels: tally.levels,
    types: tally.types,
    digest: tally.digest.hex,
    notes,
    seconds,
  }
}
