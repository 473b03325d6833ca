// JPEG inside TIFF (Technical Note 2): a block is an abbreviated stream. Its tables may lie in the JPEGTables tag, and
// the photometric tag, not a marker, gives its colour space. This module assembles one complete stream for the decoder:
// SOI, an Adobe marker with the colour space, the tables, and the block's own segments.
import { Problem } from '../file/problem.js'

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const APP0 = 0xe0
const APP15 = 0xef
const COM = 0xfe

export interface JpegHeader {
  readonly width: number
  readonly height: number
  readonly components: number
  readonly bits: number
}

/** A complete stream, and the header of its frame. */
export interface JpegStream {
  readonly stream: Uint8Array
  readonly header: JpegHeader
}

export interface Segment {
  readonly marker: number
  /** From the 0xff of the marker to the end of the segment. */
  readonly start: number
  readonly end: number
}

/** The segments before the first scan. `scan` is the offset of that scan, or the end of the stream without one. */
export function segmentsOf(bytes: Uint8Array): { segments: Segment[]; scan: number } {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) throw new Problem('it has no JPEG stream')
  const segments: Segment[] = []
  let at = 2
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new Problem('its JPEG markers are broken')
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    if (marker === SOS) return { segments, scan: at }
    if (marker === EOI) break
    const end = at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!)
    if (end > bytes.length || end < at + 4) throw new Problem('its JPEG markers are cut off')
    segments.push({ marker, start: at, end })
    at = end
  }
  return { segments, scan: bytes.length }
}

/** SOF0…SOF15 without DHT (c4), JPG (c8) and DAC (cc). */
export const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

/** APP14 "Adobe", version 100, transform 1 for YCbCr and 0 for components as they are. */
const adobe = (transform: 0 | 1): readonly number[] => [
  0xff,
  0xee,
  0,
  14,
  0x41,
  0x64,
  0x6f,
  0x62,
  0x65,
  0,
  100,
  0,
  0,
  0,
  0,
  transform,
]

/**
 * The block as a complete stream, with its size, so that it can be checked before it is decoded.
 * @throws Problem
 */
export function completeJpeg(block: Uint8Array, tables: Uint8Array | undefined, ycbcr: boolean): JpegStream {
  const { segments, scan } = segmentsOf(block)
  const frame = segments.find((s) => isFrame(s.marker))
  if (frame === undefined || frame.end - frame.start < 10) throw new Problem('its JPEG stream has no frame')
  const at = frame.start + 4
  const header = {
    bits: block[at]!,
    height: (block[at + 1]! << 8) | block[at + 2]!,
    width: (block[at + 3]! << 8) | block[at + 4]!,
    components: block[at + 5]!,
  }
  if (scan >= block.length) throw new Problem('its JPEG stream has no image')
  const own = segments.filter((s) => !((s.marker >= APP0 && s.marker <= APP15) || s.marker === COM))
  const shared = tables === undefined || tables.length < 4 ? [] : segmentsOf(tables).segments
  const parts = [
    Uint8Array.of(0xff, SOI),
    // one component needs no marker; four are read as Adobe CMYK, which picture.ts handles
    ...(header.components > 1 ? [Uint8Array.from(adobe(ycbcr && header.components === 3 ? 1 : 0))] : []),
    ...shared
      .filter((s) => s.marker < APP0 && !isFrame(s.marker))
      .map((s) => tables!.subarray(s.start, s.end)),
    ...own.map((s) => block.subarray(s.start, s.end)),
    block.subarray(scan),
  ]
  return { stream: Buffer.concat(parts), header }
}
