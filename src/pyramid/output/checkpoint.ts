// The progress of a build, in a file beside its output. It is written after each commit of the store, so the store may
// be ahead of it, never behind.
//
//   0   8 bytes   'FSBUILD1'
//   8   u32 LE    length of the JSON
//   12  u32 LE    CRC-32 of everything after these 16 bytes
//   16  JSON      CheckpointHeader, then the pixels it refers to, each deflated
//
// The file is replaced as a whole (written beside, synced, renamed, directory synced).
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { placeAt } from '../../platform/place.js'
import { openRegularSync, readRegularSync } from '../../platform/regular-file.js'
import { renameOver, renameReplace, syncDirectory } from '../../platform/rename.js'
import { fromNodeError } from '../../platform/system-error.js'
import { isValues } from '../../raster/pixels.js'
import type { ColourView } from '../../raster/source.js'
import type { CellBits } from '../provenance/cells.js'
import type { SourceState } from '../sources/facts.js'
import type { Pending, RawTile } from '../work/quad.js'
import type { Fingerprint } from './fingerprint.js'
import type { Tally } from './tally.js'

export interface Checkpoint {
  readonly fingerprint: Fingerprint
  /** The state of each source. Checkpoints of version 0.1 have none of the following fields. */
  readonly sources?: readonly SourceState[]
  /** See coverOf. */
  readonly cover?: string
  /** How values become colours. */
  readonly view?: ColourView
  /**
   * The build that the tile file names as its own, if it is not the digest of the fingerprint: sources have changed
   * since.
   */
  readonly owner?: string
  /** Which file is being written: OUT itself, or one beside it that will replace OUT. */
  readonly place: 'out' | 'beside'
  /** Number of units of work whose tiles, and all parents completed by them, are in the file. */
  readonly subtreesDone: number
  readonly tally: Tally
  readonly pending: readonly Pending[]
  /** Valid pixels of sources, by frame of the plan. */
  readonly cells?: readonly (CellBits | undefined)[]
}

interface PendingHeader {
  readonly zoom: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly bands: number
  /** Absent for 8-bit samples. */
  readonly samples?: 'float32'
  /** Lengths of the deflated samples and mask; 0 for no mask. */
  readonly dataLength: number
  readonly maskLength: number
}

interface CheckpointHeader extends Omit<Checkpoint, 'pending' | 'cells'> {
  readonly pending: readonly PendingHeader[]
  /** Lengths of the deflated arrays of each frame; null when nothing is known of it. */
  readonly cells?: readonly (readonly [seen: number, valid: number] | null)[]
}

const MAGIC = Buffer.from('FSBUILD1', 'latin1')
const HEAD_BYTES = 16
/** Three raw tiles a zoom, and some room. */
const MAX_BYTES = 2 ** 28

export const checkpointPath = (out: string): string => `${out}.build`

// Tiles of low zooms are written to many checkpoints, so their deflated form is cached.
const deflated = new WeakMap<RawTile, { data: Buffer; mask: Buffer | undefined }>()

function deflate(tile: RawTile): { data: Buffer; mask: Buffer | undefined } {
  let found = deflated.get(tile)
  if (found === undefined) {
    const { data, mask } = tile.pixels
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    found = { data: deflateSync(bytes, { level: 1 }), mask: mask && deflateSync(mask, { level: 1 }) }
    deflated.set(tile, found)
  }
  return found
}

// Frames that nobody paints any more are written to many checkpoints too.
const deflatedCells = new WeakMap<CellBits, readonly [seen: Buffer, valid: Buffer]>()

function deflateCells(bits: CellBits): readonly [seen: Buffer, valid: Buffer] {
  let found = deflatedCells.get(bits)
  if (found === undefined) {
    found = [deflateSync(bits.seen, { level: 1 }), deflateSync(bits.valid, { level: 1 })]
    deflatedCells.set(bits, found)
  }
  return found
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const { pending, cells = [], ...rest } = checkpoint
  const payload: Buffer[] = []
  const headers: PendingHeader[] = []
  for (const { zoom, tiles } of pending) {
    for (const tile of tiles) {
      const { data, mask } = deflate(tile)
      const { width, height, bands } = tile.pixels
      payload.push(data, ...(mask === undefined ? [] : [mask]))
      const lengths = { dataLength: data.length, maskLength: mask?.length ?? 0 }
      const kind = isValues(tile.pixels) ? { samples: 'float32' as const } : {}
      headers.push({ zoom, x: tile.x, y: tile.y, width, height, bands, ...kind, ...lengths })
    }
  }
  const cellLengths = cells.map((bits) => {
    if (bits === undefined) return null
    const [seen, valid] = deflateCells(bits)
    payload.push(seen, valid)
    return [seen.length, valid.length] as const
  })
  const header: CheckpointHeader = {
    ...rest,
    pending: headers,
    ...(cells.length === 0 ? {} : { cells: cellLengths }),
  }
  const json = Buffer.from(JSON.stringify(header))
  const body = Buffer.concat([json, ...payload])
  const head = Buffer.alloc(HEAD_BYTES)
  MAGIC.copy(head)
  head.writeUInt32LE(json.length, 8)
  head.writeUInt32LE(crc32(body), 12)
  return Buffer.concat([head, body])
}

/** Undefined when it is not a complete checkpoint. */
export function decodeCheckpoint(bytes: Buffer): Checkpoint | undefined {
  if (bytes.length < HEAD_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined
  const body = bytes.subarray(HEAD_BYTES)
  if (crc32(body) !== bytes.readUInt32LE(12)) return undefined
  const length = bytes.readUInt32LE(8)
  const { pending, cells, ...rest } = JSON.parse(body.toString('utf8', 0, length)) as CheckpointHeader
  let at = length
  const take = (bytesHere: number): Uint8Array => {
    const found = inflateSync(body.subarray(at, at + bytesHere), { maxOutputLength: MAX_BYTES })
    at += bytesHere
    // a copy with memory of its own, which may be transferred
    return new Uint8Array(found)
  }
  const byZoom = new Map<number, RawTile[]>()
  for (const { zoom, x, y, width, height, bands, samples, dataLength, maskLength } of pending) {
    const bytes = take(dataLength)
    const data = samples === 'float32' ? new Float32Array(bytes.buffer) : bytes
    const mask = maskLength === 0 ? undefined : take(maskLength)
    byZoom.set(zoom, [...(byZoom.get(zoom) ?? []), { x, y, pixels: { width, height, bands, data, mask } }])
  }
  const known = cells
    ?.map((lengths) => lengths?.map(take))
    ?.map((bits) => (bits === undefined ? undefined : { seen: bits[0]!, valid: bits[1]! }))
  return {
    ...rest,
    pending: [...byZoom].map(([zoom, tiles]) => ({ zoom, tiles })),
    ...(known === undefined ? {} : { cells: known }),
  }
}

/** Durable when it returns. @throws DISK_FULL, SYSTEM */
export function writeCheckpoint(out: string, checkpoint: Checkpoint): void {
  const path = checkpointPath(out)
  const beside = `${path}.tmp`
  writeDurably(beside, encodeCheckpoint(checkpoint))
  renameReplace(beside, path)
}

/**
 * Writes the first checkpoint of a build. If two builds begin at the same time, only one succeeds. False when there was
 * a checkpoint already.
 * @throws LOCKED when another build has it
 * @throws DISK_FULL, SYSTEM
 */
export function claimCheckpoint(out: string, checkpoint: Checkpoint): boolean {
  const path = checkpointPath(out)
  if (existsSync(path)) {
    writeCheckpoint(out, checkpoint)
    return false
  }
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  writeDurably(beside, encodeCheckpoint(checkpoint))
  if (renameOver(beside, path, undefined)) return true
  rmSync(beside, { force: true })
  throw new FlagstoneError(
    'LOCKED',
    `${out}: another build of it has just started; wait until it has finished, or stop it.`,
    { path },
  )
}

function writeDurably(path: string, bytes: Buffer): void {
  try {
    // never writes to something else at that path: a link, a pipe
    rmSync(path, { force: true })
    const fd = openSync(path, 'wx')
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    rmSync(path, { force: true })
    throw fromNodeError(error, 'write', path)
  }
}

/** @throws EXISTS when a file that no build made has a name that the build needs beside its output */
export function refuseForeignCheckpoint(out: string): void {
  for (const path of [checkpointPath(out), `${checkpointPath(out)}.tmp`]) {
    const { kind } = placeAt(path)
    if (kind === 'nothing' || (kind === 'file' && beginsAsCheckpoint(path))) continue
    throw new FlagstoneError(
      'EXISTS',
      `${path} is in the way: build keeps its progress there, and this file was not created by build. Move it, or choose another name.`,
      { path },
    )
  }
}

function beginsAsCheckpoint(path: string): boolean {
  const head = Buffer.alloc(MAGIC.length)
  const fd = openRegularSync(path)
  try {
    // after a crash it may be shorter
    const got = readSync(fd, head, 0, head.length, 0)
    return head.subarray(0, got).equals(MAGIC.subarray(0, got))
  } finally {
    closeSync(fd)
  }
}

/** Undefined when there is none. @throws NOT_RESUMABLE when it is damaged */
export function readCheckpoint(out: string): Checkpoint | undefined {
  const path = checkpointPath(out)
  if (!existsSync(path)) return undefined
  const found = decodeCheckpoint(readRegularSync(path))
  if (found !== undefined) return found
  throw new FlagstoneError(
    'NOT_RESUMABLE',
    `${path}, the checkpoint of ${out}, is damaged, so the build cannot be continued; use --overwrite to start again.`,
    { path },
  )
}

export function removeCheckpoint(out: string): void {
  rmSync(checkpointPath(out), { force: true })
  rmSync(`${checkpointPath(out)}.tmp`, { force: true })
  syncDirectory(dirname(checkpointPath(out)))
}
