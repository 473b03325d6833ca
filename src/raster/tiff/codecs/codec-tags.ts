// Reads what a directory says about its compression beyond the code: tables, options, versions. They are read once, so
// that decompress.ts gets plain data. Old-style JPEG (compression 6) scatters its tables over the file; they are
// collected here, and their lengths checked.
import { FlagstoneError } from '../../../errors.js'
import { type ByteSource, inside } from '../file/byte-source.js'
import type { Ifd } from '../file/structure.js'
import { Compression, Tag } from '../file/tags.js'

/** JPEG headers of valid files are far smaller (a thumbnail in an APP segment may be 64 KiB). */
const MAX_HEADER = 2 ** 18
const MAX_COMPONENTS = 4

/** Old-style JPEG: the pieces of a stream. */
export interface OldJpeg {
  /** What JPEGInterchangeFormat points to: a stream, or the start of one. */
  readonly header: Uint8Array | undefined
  /** 64 bytes per component, in zigzag order. */
  readonly quantization: readonly Uint8Array[]
  /** 16 counts and their values per component, as in a DHT segment. */
  readonly dc: readonly Uint8Array[]
  readonly ac: readonly Uint8Array[]
  readonly subsampling: readonly [number, number]
  readonly restartInterval: number
  /** JPEGProc: 1 baseline, 14 lossless. */
  readonly process: number
}

export interface CodecTags {
  readonly jpegTables: Uint8Array | undefined
  /** CCITT group 3: bit 0 two-dimensional, bit 1 uncompressed mode, bit 2 rows end on a byte. */
  readonly t4Options: number
  /** CCITT group 4: bit 1 uncompressed mode. */
  readonly t6Options: number
  /** LERC: compression of the blob itself; 0 none, 1 DEFLATE, 2 ZSTD. */
  readonly lercPacking: number
  readonly oldJpeg: OldJpeg | undefined
}

/** Reads the tags. @throws SOURCE_CORRUPT when tables lie outside the file */
export async function readCodecTags(source: ByteSource, ifd: Ifd, compression: number): Promise<CodecTags> {
  return {
    jpegTables: await ifd.bytes(Tag.JpegTables, 65536),
    t4Options: (await ifd.number(Tag.T4Options)) ?? 0,
    t6Options: (await ifd.number(Tag.T6Options)) ?? 0,
    lercPacking: (await ifd.numbers(Tag.LercParameters, 2))?.[1] ?? 0,
    oldJpeg: compression === Compression.OldJpeg ? await readOldJpeg(source, ifd) : undefined,
  }
}

async function readOldJpeg(source: ByteSource, ifd: Ifd): Promise<OldJpeg> {
  const subsampling = (await ifd.numbers(Tag.YCbCrSubsampling, 2)) ?? [2, 2]
  return {
    header: await readHeader(source, ifd),
    quantization: await readTables(source, ifd, Tag.JpegQTables, () => 64),
    dc: await readTables(source, ifd, Tag.JpegDcTables, huffmanLength),
    ac: await readTables(source, ifd, Tag.JpegAcTables, huffmanLength),
    subsampling: [subsampling[0] ?? 2, subsampling[1] ?? 2],
    restartInterval: (await ifd.number(Tag.JpegRestartInterval)) ?? 0,
    process: (await ifd.number(Tag.JpegProc)) ?? 1,
  }
}

async function readHeader(source: ByteSource, ifd: Ifd): Promise<Uint8Array | undefined> {
  const offset = await ifd.number(Tag.JpegInterchangeFormat)
  // some writers leave 0 here, or an offset past the end: their tables are elsewhere
  if (offset === undefined || offset === 0 || !inside(source, offset, 4)) return undefined
  const said = (await ifd.number(Tag.JpegInterchangeFormatLength)) ?? Number.POSITIVE_INFINITY
  return source.read(offset, Math.min(said, MAX_HEADER, source.sizeBytes - offset))
}

const huffmanLength = (counts: Uint8Array): number => {
  let values = 0
  for (let i = 0; i < 16; i++) values += counts[i]!
  return 16 + values
}

async function readTables(
  source: ByteSource,
  ifd: Ifd,
  tag: number,
  length: (head: Uint8Array) => number,
): Promise<Uint8Array[]> {
  const tables: Uint8Array[] = []
  for (const offset of (await ifd.numbers(tag, MAX_COMPONENTS)) ?? []) {
    if (!inside(source, offset, 16)) throw damaged(source, tag)
    const bytes = length(await source.read(offset, 16))
    if (bytes > 16 + 256 || !inside(source, offset, bytes)) throw damaged(source, tag)
    tables.push(await source.read(offset, bytes))
  }
  return tables
}

const damaged = (source: ByteSource, tag: number): FlagstoneError =>
  new FlagstoneError(
    'SOURCE_CORRUPT',
    `${source.name} is damaged: the JPEG tables of tag ${tag} are past its end or not valid; get a complete copy of the file`,
  )
