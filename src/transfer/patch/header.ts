// What a patch says of itself, in its metadata. formats/patch-1.md is the normative description.
import { FlagstoneError } from '../../errors.js'
import { CHUNK_BYTES } from './removed.js'

/** The name in the metadata. */
export const PATCH_KEY = 'flagstone_patch'

/** Which tiles an archive has. */
export interface TilesState {
  readonly tiles: number
  /** As `flagstone digest` prints it. */
  readonly digest: string
}

/** What an archive says of itself. */
export interface PatchAbout {
  /** All metadata; undefined when they stay as they are. */
  readonly metadata?: Record<string, unknown> | undefined
  /** For the header of PMTiles. */
  readonly bounds?: readonly [number, number, number, number] | undefined
  readonly center?: readonly [number, number, number] | undefined
  /** Number of sources that the patch has for it; undefined when those of the archive stay. */
  readonly sources?: number | undefined
}

export interface PatchHeader {
  readonly version: 1
  readonly before: TilesState
  readonly after: TilesState & PatchAbout
  readonly removed: {
    readonly tiles: number
    /** Offset from V, length and CRC-32 of each. */
    readonly chunks: readonly (readonly [offset: number, length: number, crc: number])[]
  }
}

/**
 * @throws NOT_A_TILE_FILE when the metadata are not those of a patch
 * @throws VERSION_UNSUPPORTED when a later Flagstone wrote it
 */
export function headerOfPatch(path: string, metadata: Record<string, unknown>): PatchHeader {
  const found = metadata[PATCH_KEY]
  if (found === undefined)
    throw new FlagstoneError(
      'NOT_A_TILE_FILE',
      `${path} is a tile archive, not a patch; flagstone diff BEFORE AFTER PATCH makes one.`,
      { path },
    )
  if (isHeader(found)) return found
  const version = (found as { version?: unknown } | null)?.version
  if (Number.isInteger(version) && (version as number) > 1)
    throw new FlagstoneError(
      'VERSION_UNSUPPORTED',
      `${path} is a patch of version ${version}, this program reads version 1; use a newer Flagstone.`,
      { path },
    )
  throw new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${path}: what its metadata say of a patch is damaged; make the patch again.`,
    { path },
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const areNumbers = (value: unknown, count: number): boolean =>
  value === undefined || (Array.isArray(value) && value.length === count && value.every(Number.isFinite))

const isState = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && isCount(value['tiles']) && /^[0-9a-f]{32}$/.test(String(value['digest']))

const isChunk = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 3 &&
  value.every(isCount) &&
  value[1] > 0 &&
  value[1] <= CHUNK_BYTES

function isHeader(value: unknown): value is PatchHeader {
  if (!isObject(value)) return false
  const { version, before, after, removed } = value
  if (version !== 1 || !isState(before) || !isState(after) || !isObject(removed)) return false
  const { metadata, bounds, center, sources } = after
  if (metadata !== undefined && !isObject(metadata)) return false
  const { tiles, chunks } = removed
  return (
    areNumbers(bounds, 4) &&
    areNumbers(center, 3) &&
    (sources === undefined || isCount(sources)) &&
    isCount(tiles) &&
    Array.isArray(chunks) &&
    chunks.every(isChunk)
  )
}
