// Reads the palette indices of a PNG, because picture decoders return colours only. A VRT of such files has the palette
// itself and needs the indices, as GDAL's bands hold them. Formulas: W3C "Portable Network Graphics (Third Edition)",
// 7.2 scanlines, 9.2 filter types.
//
// Invariants: the caller has checked the size; no more than that is ever inflated.
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { inflate as inflateWith, type ZlibOptions } from 'node:zlib'

const inflate = promisify<Uint8Array, ZlibOptions, Buffer>(inflateWith)

const SIGNATURE_BYTES = 8
const INDEXED = 3

/** First column and row of an interlace pass, and the steps between its pixels. */
type Pass = readonly [x: number, y: number, byX: number, byY: number]

const WHOLE: readonly Pass[] = [[0, 0, 1, 1]]
/** 8.2 Interlace methods. */
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/**
 * The palette indices, one byte per pixel.
 * @throws Error when the file is damaged, with a message that says what is wrong
 */
export async function readPngIndices(path: string, width: number, height: number): Promise<Uint8Array> {
  const { bits, isInterlaced, parts } = chunksOf(await readFile(path), width, height)
  const passes = (isInterlaced ? ADAM7 : WHOLE)
    .map(([x, y, byX, byY]) => {
      const columns = Math.ceil((width - x) / byX)
      const rows = Math.ceil((height - y) / byY)
      return { x, y, byX, byY, columns, rows, rowBytes: Math.ceil((columns * bits) / 8) }
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
  const length = passes.reduce((sum, { rows, rowBytes }) => sum + rows * (rowBytes + 1), 0)
  const filtered = await inflate(Buffer.concat(parts), { maxOutputLength: length })
  if (filtered.length !== length) throw new Error('rows are missing')
  const indices = new Uint8Array(width * height)
  let begin = 0
  for (const { x, y, byX, byY, columns, rows, rowBytes } of passes) {
    for (let row = 0; row < rows; row++, begin += rowBytes + 1) {
      unfilter(filtered, begin, row > 0, rowBytes)
      unpack(filtered, begin + 1, bits, columns, indices, (y + row * byY) * width + x, byX)
    }
  }
  return indices
}

/** Bits per pixel, and the pieces of the compressed rows. */
function chunksOf(
  file: Buffer,
  width: number,
  height: number,
): { bits: number; isInterlaced: boolean; parts: Buffer[] } {
  let bits = 0
  let isInterlaced = false
  const parts: Buffer[] = []
  for (let at = SIGNATURE_BYTES; at + 12 <= file.length; ) {
    const size = file.readUInt32BE(at)
    const name = file.toString('latin1', at + 4, at + 8)
    const body = file.subarray(at + 8, at + 8 + size)
    if (body.length < size) throw new Error(`its ${name} chunk is cut off`)
    if (name === 'IHDR' && size >= 13) {
      const isAsSaid = body.readUInt32BE(0) === width && body.readUInt32BE(4) === height
      if (!isAsSaid || body[9] !== INDEXED) throw new Error('it changed while it was being read')
      isInterlaced = body[12] === 1
      bits = body[8]!
    }
    if (name === 'IDAT') parts.push(body)
    if (name === 'IEND') break
    at += size + 12
  }
  if (![1, 2, 4, 8].includes(bits)) throw new Error('its header is broken')
  return { bits, isInterlaced, parts }
}

/**
 * Undoes the filter of a row in place. The row begins with its filter number, and the row above is already done. A
 * pixel takes at most one byte.
 */
function unfilter(rows: Uint8Array, begin: number, hasAbove: boolean, rowBytes: number): void {
  const filter = rows[begin]!
  if (filter > 4) throw new Error(`a row has the filter ${filter}`)
  if (filter === 0) return
  const up = rowBytes + 1
  for (let i = 0, at = begin + 1; i < rowBytes; i++, at++) {
    const a = i === 0 ? 0 : rows[at - 1]!
    const b = hasAbove ? rows[at - up]! : 0
    const c = hasAbove && i > 0 ? rows[at - up - 1]! : 0
    const guess = filter === 1 ? a : filter === 2 ? b : filter === 3 ? (a + b) >> 1 : paeth(a, b, c)
    rows[at] = rows[at]! + guess
  }
}

function paeth(a: number, b: number, c: number): number {
  const toA = Math.abs(b - c)
  const toB = Math.abs(a - c)
  const toC = Math.abs(a + b - 2 * c)
  if (toA <= toB && toA <= toC) return a
  return toB <= toC ? b : c
}

/** Unpacks `columns` pixels of `bits` each from `begin` on, into every `step`th byte of `into` from `to` on. */
function unpack(
  rows: Uint8Array,
  begin: number,
  bits: number,
  columns: number,
  into: Uint8Array,
  to: number,
  step: number,
): void {
  const mask = (1 << bits) - 1
  for (let col = 0, bit = 0; col < columns; col++, bit += bits, to += step) {
    into[to] = (rows[begin + (bit >> 3)]! >> (8 - bits - (bit & 7))) & mask
  }
}
