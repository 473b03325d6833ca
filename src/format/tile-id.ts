// PMTiles v3 TileIDs: zooms one after another, each in the order of the Hilbert curve. A TileID is an exact JS number
// up to zoom 26 (the last id is (4^27-1)/3 - 1 < 2^53), so BigInt is not needed.
//
// The curve is a state machine over the bits of x and y, from the top: four states (the orientations of the curve), two
// bits of the id per level. Tables process four levels per step. A level of zeros above the top only transposes the
// curve, so a zoom is padded to whole steps and starts transposed if the padding is odd.
import { wrongType } from '../errors.js'
import { MAX_ZOOM } from '../zooms.js'

/** Four levels per step: 256 = 4^4 entries per state. */
const STEP_ENTRIES = 256
/** [state·256 + x₄·16 + y₄] → eight bits of the id | next state·256. */
const ENCODE = new Uint16Array(4 * STEP_ENTRIES)
/** [state·256 + eight bits of the id] → x₄·16 + y₄ | next state·256. */
const DECODE = new Uint16Array(4 * STEP_ENTRIES)
fillTables()

/**
 * One level at a time: bit 0 of the state means transposed, bit 1 both axes reversed (as the rotation of xy2d
 * composes).
 */
function fillTables(): void {
  for (let start = 0; start < 4; start++) {
    for (let xy = 0; xy < STEP_ENTRIES; xy++) {
      let state = start
      let id = 0
      for (let bit = 3; bit >= 0; bit--) {
        const x = (xy >> (4 + bit)) & 1
        const y = (xy >> bit) & 1
        const flip = state >> 1
        const rx = (state & 1 ? y : x) ^ flip
        const ry = (state & 1 ? x : y) ^ flip
        id = (id << 2) | ((3 * rx) ^ ry)
        if (ry === 0) state ^= rx === 1 ? 3 : 1
      }
      const from = start * STEP_ENTRIES
      ENCODE[from + xy] = id | (state << 8)
      DECODE[from + id] = xy | (state << 8)
    }
  }
}

/** Levels whose arithmetic fits 24 bits of the id. The rest is added as a multiple of 2^24. */
const LOW_LEVELS = 12
const LOW_RANGE = 2 ** (2 * LOW_LEVELS)

/** First id of each zoom, (4^z-1)/3; one more than there are zooms. */
const BASES = Float64Array.from({ length: MAX_ZOOM + 2 }, (_, z) => (4 ** z - 1) / 3)

/** First TileID of zoom `z`, 0…27 (27: the end of all ids). Unit: tiles. Formula: (4^z - 1) / 3. */
export function zoomBase(z: number): number {
  const base = BASES[z]
  if (base === undefined) throw new RangeError(`zoom ${z} is outside 0…${MAX_ZOOM + 1}`)
  return base
}

/**
 * The PMTiles v3 TileID of a tile (y counted from the north).
 * @throws RangeError when the tile lies outside the grid of zooms 0…26
 * @throws TypeError when an argument is not a number
 */
export function tileId(z: number, x: number, y: number): number {
  if (typeof z !== 'number' || typeof x !== 'number' || typeof y !== 'number') throw notNumbers(z, x, y)
  const base = BASES[z]
  if (base === undefined || z > MAX_ZOOM || (x | 0) !== x || (y | 0) !== y || x >>> z !== 0 || y >>> z !== 0)
    throw outsideGrid(z, x, y)
  let state = (z & 1) << 8
  let high = 0
  if (z > LOW_LEVELS) {
    for (let shift = z > 24 ? 24 : z > 20 ? 20 : z > 16 ? 16 : 12; shift >= LOW_LEVELS; shift -= 4) {
      const step = ENCODE[state + ((x >> shift) & 15) * 16 + ((y >> shift) & 15)]!
      high = high * 256 + (step & 255)
      state = step & 0x300
    }
  }
  const a = ENCODE[state + ((x >> 4) & 0xf0) + ((y >> 8) & 15)]!
  const b = ENCODE[(a & 0x300) + (x & 0xf0) + ((y >> 4) & 15)]!
  const c = ENCODE[(b & 0x300) + ((x << 4) & 0xf0) + (y & 15)]!
  return base + high * LOW_RANGE + (((a & 255) << 16) | ((b & 255) << 8) | (c & 255))
}

/** The zoom of a TileID. @throws RangeError when it is not a TileID of zooms 0…26 */
export function zoomOfTileId(id: number): number {
  if (!(id >= 0 && id < BASES[MAX_ZOOM + 1]!)) throw notAnId(id)
  const high = (id / 2 ** 32) >>> 0
  const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(id >>> 0)
  // base(z) is 0101…01 in 2z-1 bits: an id of 2z bits has zoom z, one of 2z-1 bits has zoom z or z-1.
  const z = (bits + 1) >> 1
  return id < BASES[z]! ? z - 1 : z
}

/** Writes zoom, x and y of a TileID to `out[0…2]`; allocates nothing. @throws RangeError when it is not a TileID */
export function decodeTileId(id: number, out: Int32Array | [number, number, number]): void {
  const z = zoomOfTileId(id)
  const rest = id - BASES[z]!
  if (Math.floor(rest) !== rest) throw notAnId(id)
  const high = (rest / LOW_RANGE) >>> 0
  const low = rest - high * LOW_RANGE
  let state = (z & 1) << 8
  let x = 0
  let y = 0
  if (z > LOW_LEVELS) {
    for (let shift = z > 24 ? 24 : z > 20 ? 16 : z > 16 ? 8 : 0; shift >= 0; shift -= 8) {
      const step = DECODE[state + ((high >>> shift) & 255)]!
      x = (x << 4) | ((step >> 4) & 15)
      y = (y << 4) | (step & 15)
      state = step & 0x300
    }
  }
  const a = DECODE[state + ((low >> 16) & 255)]!
  const b = DECODE[(a & 0x300) + ((low >> 8) & 255)]!
  const c = DECODE[(b & 0x300) + (low & 255)]!
  out[0] = z
  out[1] = (x << 12) | ((a & 0xf0) << 4) | (b & 0xf0) | ((c & 0xf0) >> 4)
  out[2] = (y << 12) | ((a & 15) << 8) | ((b & 15) << 4) | (c & 15)
}

/** Ensures that decodeTileId sees only one kind of array, which keeps it fast. */
const scratch = new Int32Array(3)

/** Zoom, x and y of a TileID. @throws RangeError when it is not a TileID of zooms 0…26 */
export function tileIdToZxy(id: number): [z: number, x: number, y: number] {
  decodeTileId(id, scratch)
  return [scratch[0]!, scratch[1]!, scratch[2]!]
}

function notNumbers(z: unknown, x: unknown, y: unknown): TypeError {
  const [name, value] = Object.entries({ z, x, y }).find(([, value]) => typeof value !== 'number')!
  return wrongType(`${name} of a tile must be a number`, value)
}

function outsideGrid(z: number, x: number, y: number): RangeError {
  return new RangeError(
    BASES[z] === undefined || z > MAX_ZOOM
      ? `zoom ${z} is outside 0…${MAX_ZOOM}`
      : `tile ${z}/${x}/${y} is outside the grid: x and y of zoom ${z} are whole numbers in 0…${2 ** z - 1}`,
  )
}

function notAnId(id: number): RangeError {
  return new RangeError(`${id} is not a TileID of zooms 0…${MAX_ZOOM}`)
}
