// Verifies a file by path, including its pictures: the store checks structure and checksums, and the codecs check
// whether every tile decodes to the size of a tile.
import { setImmediate } from 'node:timers/promises'
import { FlagstoneError } from '../errors.js'
import { TileType } from '../format/tile-type.js'
import { archiveKind, KIND_NAMES } from '../interop/archive-name.js'
import { openTileSet } from '../interop/open.js'
import { digestOf } from '../interop/transfer/digest-of.js'
import { Turns } from '../interop/transfer/turns.js'
import { openRealFile } from '../platform/real-file.js'
import { decodeTile } from '../raster/tiles/codec.js'
import { isDrawn } from '../raster/tiles/image-format.js'
import { decodeHeights } from '../raster/tiles/terrain.js'
import { PATIENT } from '../store/options.js'
import { tilesIn } from '../store/read/areas.js'
import type { TileRange } from '../store/read/list.js'
import { isTileFile, notTileFile, openTiles } from '../store/read/open.js'
import { areasOf, type TileSet } from '../store/read/tile-set.js'
import { type Finding, verify } from '../store/report/verify.js'
import { checkVerifyArguments, type VerifyOptions } from './options.js'

/** The result of `verify`. */
export interface VerifyReport {
  /** Whether every finding holds. */
  readonly ok: boolean
  /** At least one for every invariant that was checked, whether it holds or not. */
  readonly findings: readonly Finding[]
  /** Digest of the tiles, see `digest`; undefined when something is damaged, and for more than 10^8 tiles. */
  readonly digest: string | undefined
}

/** A file with such a name should be a tile file, whatever it contains. */
const MAY_BE_DAMAGED = /\.(pmtiles|ft|flat)$/i
/** Number of tiles between checks of the signal. */
const TURN_TILES = 256
/** Number of tiles decoded at a time. */
const IN_FLIGHT = 4
/** Number of faulty tiles that are named; the others are counted. */
const NAMED = 10

/**
 * Checks every numbered invariant and every checksum of a tile file. For MBTiles and folders, checks that every tile
 * can be read. Faults in the file are findings, not errors. The file should not be written meanwhile.
 * @throws TypeError, RangeError when an argument is wrong
 * @throws NOT_A_TILE_FILE when it is something else
 * @throws VERSION_UNSUPPORTED when a later Flagstone or another version of PMTiles wrote it
 * @throws NOT_FOUND, SYSTEM when it cannot be read
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function verifyTiles(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  checkVerifyArguments(path, options)
  const findings = await findingsOf(path, options)
  const ok = findings.every((finding) => finding.ok)
  return { ok, findings, digest: ok ? await digestIn(path, options.signal) : undefined }
}

/** An entry of PMTiles may stand for 10^12 tiles, which a digest goes through one by one. */
const DIGEST_TILES = 1e8

async function digestIn(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const tiles = await openTileSet(path)
  try {
    if (tiles.levels().reduce((sum, { count }) => sum + count, 0) > DIGEST_TILES) return undefined
    return (await digestOf(tiles, new Turns(signal, interruption(path)))).digest.hex
  } finally {
    tiles.close()
  }
}

async function findingsOf(path: string, options: VerifyOptions): Promise<Finding[]> {
  if (archiveKind(path) !== 'file') return verifySet(path, options)
  const file = openRealFile(path, 'read')
  let findings: Finding[]
  try {
    if (!MAY_BE_DAMAGED.test(path) && !isTileFile(file)) throw notTileFile(file)
    findings = verify(file)
    if (findings.some((finding) => !finding.ok)) refuseNewer(path)
  } finally {
    file.close()
  }
  if (options.decode === true && findings.every((finding) => finding.ok)) {
    const reader = openTiles(path, { ...PATIENT, check: 'never' })
    try {
      findings.push(...(await decodeAll(reader, options.signal)))
    } finally {
      reader.close()
    }
  }
  return findings
}

/** A file of another version is not damaged; it only cannot be checked here. @throws VERSION_UNSUPPORTED */
function refuseNewer(path: string): void {
  try {
    openTiles(path, PATIENT).close()
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'VERSION_UNSUPPORTED') throw error
  }
}

/** For archives without checksums: every listed tile exists, and decodes. */
async function verifySet(path: string, { decode, signal }: VerifyOptions): Promise<Finding[]> {
  const tiles = await openTileSet(path)
  try {
    const levels = tiles.levels()
    let missing: string | undefined
    let count = 0
    for (const { zoom } of levels) {
      for (const { z, x, y } of tiles.tiles({ zoom })) {
        if (signal?.aborted === true) throw interrupted(path)
        if (tiles.get(z, x, y) === undefined) missing ??= `${z}/${x}/${y}`
        // gives others a turn, above all interrupts
        if (++count % TURN_TILES === 0) await setImmediate()
      }
    }
    const zooms = levels.length === 0 ? '' : `, zooms ${levels[0]!.zoom} to ${levels.at(-1)!.zoom}`
    const kind = archiveKind(path)
    const readable: Finding = {
      invariant: KIND_NAMES[kind].short,
      ok: missing === undefined,
      message: missing === undefined ? `${count} tiles can be read${zooms}` : `tile ${missing} is empty`,
    }
    if (decode !== true || !readable.ok) return [readable]
    return [readable, ...(await decodeAll(tiles, signal))]
  } catch (error) {
    if (!(error instanceof FlagstoneError) || error.code !== 'DAMAGED') throw error
    return [{ invariant: 'read', ok: false, message: error.message }]
  } finally {
    tiles.close()
  }
}

const interruption = (path: string): string => `The verification of ${path} was interrupted.`
const interrupted = (path: string): FlagstoneError => new FlagstoneError('INTERRUPTED', interruption(path))

async function decodeAll(reader: TileSet, signal: AbortSignal | undefined): Promise<Finding[]> {
  const bad: Finding[] = []
  let faults = 0
  let decoded = 0
  const decodeFirst = async (area: TileRange & { readonly z: number }): Promise<void> => {
    const { z, minX: x, minY: y } = area
    const tile = reader.get(z, x, y)
    if (tile === undefined || !isDrawn(tile.type)) return
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
  const areas = allAreas(reader)
  const worker = async (): Promise<void> => {
    for (const area of areas) {
      if (signal?.aborted === true) throw interrupted(reader.path)
      await decodeFirst(area)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  if (faults > NAMED)
    bad.push({ invariant: 'decode', ok: false, message: `${faults - NAMED} more tiles do not decode` })
  return faults > 0 ? bad : [{ invariant: 'decode', ok: true, message: `${decoded} tiles decode` }]
}

/** Adjacent equal tiles count as one. */
function* allAreas(tiles: TileSet): Generator<TileRange & { readonly z: number }> {
  for (const { zoom } of tiles.levels()) for (const area of areasOf(tiles, zoom)) yield { ...area, z: zoom }
}
