// The heights of frast: 256×256 u16, little-endian, rows from north to south, in eighths of a metre, packed with zlib.
// They become our elevation tiles, which hold the same numbers exactly.
import { promisify } from 'node:util'
import { deflate, inflateSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { encodeElevation } from '../../format/elevation.js'
import { unpackProblem } from '../../format/unpack-problem.js'

export const TERRAIN_SIDE = 256
const TERRAIN_BYTES = TERRAIN_SIDE * TERRAIN_SIDE * 2
const STEPS_PER_METRE = 8
const MAX_STORED = 65_535
/** Signed samples hold the unsigned numbers of frast when zero is moved to the middle. */
const MIDDLE = 32_768

/** @throws DAMAGED when these are not the heights of a tile */
export function terrainToElevation(packed: Uint8Array): Uint8Array {
  const bytes = unpackTerrain(packed)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const samples = new Int16Array(TERRAIN_SIDE * TERRAIN_SIDE)
  for (let p = 0; p < samples.length; p++) samples[p] = view.getUint16(p * 2, true) - MIDDLE
  return encodeElevation({
    width: TERRAIN_SIDE,
    height: TERRAIN_SIDE,
    samples,
    mask: undefined,
    step: 1 / STEPS_PER_METRE,
    offset: MIDDLE / STEPS_PER_METRE,
  })
}

/** The stored numbers. @throws DAMAGED when these are not the heights of a tile */
export function unpackTerrain(packed: Uint8Array): Uint8Array {
  let why: string
  try {
    const bytes = inflateSync(packed, { maxOutputLength: TERRAIN_BYTES })
    if (bytes.length === TERRAIN_BYTES) return bytes
    why = `it has ${bytes.length} bytes`
  } catch (cause) {
    why = unpackProblem(cause, TERRAIN_BYTES)
  }
  throw new FlagstoneError('DAMAGED', `A terrain tile is not 256×256 heights: ${why}.`)
}

const deflateInTurn = promisify(deflate)

/** Packs heights in metres. Those without a height become 0, which is also what frast stores there. */
export async function packTerrain(
  heights: Float32Array,
  mask: Uint8Array | undefined,
): Promise<{ bytes: Uint8Array; clamped: number; missing: number }> {
  const stored = new Uint8Array(TERRAIN_BYTES)
  const view = new DataView(stored.buffer)
  let clamped = 0
  let missing = 0
  for (let p = 0; p < heights.length; p++) {
    if (mask !== undefined && mask[p] === 0) {
      missing++
      continue
    }
    const value = Math.floor(heights[p]! * STEPS_PER_METRE + 0.5)
    const inside = Math.min(MAX_STORED, Math.max(0, value))
    if (inside !== value) clamped++
    view.setUint16(p * 2, inside, true)
  }
  return { bytes: await deflateInTurn(stored), clamped, missing }
}
