// Old-style JPEG (compression 6 of TIFF 6.0 §22, withdrawn by Technical Note 2 because readers disagreed about it):
// blocks hold bare entropy-coded data, or whole streams, or the continuation of the header that JPEGInterchangeFormat
// points to. In every case a block becomes one complete baseline stream, as in libtiff's tif_ojpeg.c: with its own
// markers if it has any, else those of the header, else those made from the table tags.

import { Problem } from '../file/problem.js'
import type { OldJpeg } from './codec-tags.js'
import type { BlockShape } from './coding.js'
import { isFrame, segmentsOf } from './jpeg.js'

const SOI = 0xd8
const EOI = 0xd9
const DHT = 0xc4
const DQT = 0xdb
const DRI = 0xdd
const SOS = 0xda

const isStream = (bytes: Uint8Array | undefined): bytes is Uint8Array =>
  bytes !== undefined && bytes.length > 4 && bytes[0] === 0xff && bytes[1] === SOI

const segment = (marker: number, ...body: number[]): Uint8Array =>
  Uint8Array.of(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body)

/** The block as a complete JPEG stream. @throws Problem */
export function completeOldJpeg(block: Uint8Array, old: OldJpeg, shape: BlockShape): Uint8Array {
  if (isStream(block)) return block
  const before = (isStream(old.header) && fromHeader(old.header, shape)) || fromTags(old, shape)
  return Buffer.concat([Uint8Array.of(0xff, SOI), ...before, withoutEnd(block), Uint8Array.of(0xff, EOI)])
}

/** The header's markers up to the scan, with the block's size in the frame; undefined without a frame or scan. */
function fromHeader(header: Uint8Array, shape: BlockShape): Uint8Array[] | undefined {
  const { segments, scan } = segmentsOf(header)
  const frame = segments.find((s) => isFrame(s.marker))
  if (frame === undefined || scan + 4 > header.length) return undefined
  const scanEnd = scan + 2 + ((header[scan + 2]! << 8) | header[scan + 3]!)
  return [
    ...segments.map((s) => {
      const bytes = header.slice(s.start, s.end)
      if (s === frame) putSize(bytes, shape)
      return bytes
    }),
    header.subarray(scan, scanEnd),
  ]
}

function putSize(frame: Uint8Array, { width, rows }: BlockShape): void {
  frame.set([rows >> 8, rows & 255, width >> 8, width & 255], 5)
}

function fromTags(old: OldJpeg, shape: BlockShape): Uint8Array[] {
  const { samples, width, rows } = shape
  const { quantization, dc, ac } = old
  if ([quantization, dc, ac].some((tables) => tables.length < samples)) {
    throw new Problem('the tables of its old-style JPEG are missing')
  }
  if (width > 65535 || rows > 65535) throw new Problem('it is too large for a JPEG stream')
  const ids = Array.from({ length: samples }, (_, i) => i)
  const [across, down] = old.subsampling
  const sampling = (i: number): number => (i === 0 && samples === 3 ? (across << 4) | down : 0x11)
  return [
    ...ids.map((i) => segment(DQT, i, ...quantization[i]!)),
    segment(
      0xc0,
      8,
      rows >> 8,
      rows & 255,
      width >> 8,
      width & 255,
      samples,
      ...ids.flatMap((i) => [i + 1, sampling(i), i]),
    ),
    ...ids.flatMap((i) => [segment(DHT, i, ...dc[i]!), segment(DHT, 0x10 | i, ...ac[i]!)]),
    ...(old.restartInterval > 0 ? [segment(DRI, old.restartInterval >> 8, old.restartInterval & 255)] : []),
    segment(SOS, samples, ...ids.flatMap((i) => [i + 1, (i << 4) | i]), 0, 63, 0),
  ]
}

/** Removes the restart or end marker that a strip may end with. */
function withoutEnd(block: Uint8Array): Uint8Array {
  const marker = block.length >= 2 && block.at(-2) === 0xff ? block.at(-1)! : 0
  return (marker >= 0xd0 && marker <= 0xd7) || marker === EOI ? block.subarray(0, -2) : block
}
