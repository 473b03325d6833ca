// Verification of a file by path, with its pictures: the store checks structure and checksums, the codecs
// whether every tile decodes, and to a tile's size.
import { FlagstoneError } from '../errors.js'
import { MAX_ZOOM } from '../format/layout.js'
import { TileType } from '../format/tile-type.js'
import { openRealFile } from '../platform/real-file.js'
import { decodeTile } from '../raster/tiles/codec.js'
import { decodeHeights } from '../raster/tiles/terrain.js'
import { type TileArea, tilesIn } from '../store/areas.js'
import type { AnyReader } from '../store/open.js'
import { PATIENT } from '../store/options.js'
import { openTiles } from '../store/paths.js'
import { type Finding, verify } from '../store/verify.js'

export interface VerifyPathOptions {
  readonly decode?: boolean
  readonly signal?: AbortSignal
}

/** Tiles decoded at a time. */
const IN_FLIGHT = 4
/** Faulty tiles that are named; the rest is counted. */
const NAMED = 10

const DECODED = new Set<number>([
  TileType.jpeg,
  TileType.png,
  TileType.webp,
  TileType.avif,
  TileType.elevation,
])

/**
 * Every numbered invariant and every checksum of a tile file.
 * @returns findings, never throws for what is wrong inside the file
 * @throws FlagstoneError NOT_FOUND, SYSTEM, INTERRUPTED
 */
export async function verifyPath(path: string, options: VerifyPathOptions = {}): Promise<Finding[]> {
  const file = openRealFile(path, 'read')
  let findings: Finding[]
  try {
    findings = verify(file)
  } finally {
    file.close()
  }
  if (options.decode === true && findings.every((finding) => finding.ok)) {
    findings.push(...(await decodeAll(path, options.signal)))
  }
  return findings
}

async function decodeAll(path: string, signal: AbortSignal | undefined): Promise<Finding[]> {
  const reader = openTiles(path, { ...PATIENT, check: 'never' })
  const bad: Finding[] = []
  let faults = 0
  let decoded = 0
  const decodeFirst = async (area: TileArea): Promise<void> => {
    const { z, minX: x, minY: y } = area
    const tile = reader.get(z, x, y)
    if (tile === undefined || !DECODED.has(tile.type)) return
    try {
      if (tile.type === TileType.elevation) await decodeHeights(tile.bytes)
      else await decodeTile(tile.bytes)
      decoded += tilesIn(area)
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      if (faults++ < NAMED)
        bad.push({ invariant: 'decode', ok: false, message: `tile ${z}/${x}/${y}: ${error.message}` })
    }
  }
  try {
    const areas = areasOf(reader)
    const worker = async (): Promise<void> => {
      for (const area of areas) {
        if (signal?.aborted === true)
          throw new FlagstoneError('INTERRUPTED', `The verification of ${path} was interrupted.`)
        await decodeFirst(area)
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  } finally {
    reader.close()
  }
  if (faults > NAMED)
    bad.push({ invariant: 'decode', ok: false, message: `${faults - NAMED} more tiles do not decode` })
  return faults > 0 ? bad : [{ invariant: 'decode', ok: true, message: `${decoded} tiles decode` }]
}

/** Equal tiles that lie together are one. */
function* areasOf(reader: AnyReader): Generator<TileArea> {
  for (let zoom = 0; zoom <= MAX_ZOOM; zoom++) yield* reader.areas(zoom)
}
