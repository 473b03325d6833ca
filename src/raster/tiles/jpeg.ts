// Encodes baseline JPEG with our own encoder (wasm/jpeg.ts): twice as fast as sharp for tiles, and in this thread. The
// stream is that of libjpeg at the same quality: JFIF, the quantisation and Huffman tables of ITU-T T.81 annex K,
// quality scaled as libjpeg does (jcparam.c), 4:2:0.
import type { Pixels } from '../pixels.js'
import { JPEG_ADDRESS, JPEG_BYTES, type Simd, simd } from '../simd.js'

/** Annex K.1, row by row. */
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
  29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
  121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
const CHROMINANCE = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
]
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
]

interface HuffmanTable {
  /** Number of codes of 1 … 16 bits. */
  readonly counts: readonly number[]
  readonly symbols: readonly number[]
}
const bytesOf = (hex: string): number[] => [...Buffer.from(hex.replaceAll(' ', ''), 'hex')]

/** Annex K.3: DC tables, then AC tables, each for luminance and chrominance. */
const DC: readonly HuffmanTable[] = [
  { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: bytesOf('000102030405060708090a0b') },
  { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: bytesOf('000102030405060708090a0b') },
]
const AC: readonly HuffmanTable[] = [
  {
    counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
    symbols: bytesOf(
      '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435' +
        '363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a929394959697' +
        '98999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2' +
        'f3f4f5f6f7f8f9fa',
    ),
  },
  {
    counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
    symbols: bytesOf(
      '0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a262728292a' +
        '35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495' +
        '969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2' +
        'f3f4f5f6f7f8f9fa',
    ),
  },
]

/** Huffman codes by symbol, as code << 8 | length. Annex C.2. */
function codesOf({ counts, symbols }: HuffmanTable, size: number): Uint32Array {
  const codes = new Uint32Array(size)
  let code = 0
  let next = 0
  for (const [i, count] of counts.entries()) {
    for (let n = 0; n < count; n++) codes[symbols[next++]!] = (code++ << 8) | (i + 1)
    code <<= 1
  }
  return codes
}

/** Quantisation steps for a quality of 1 … 100, row by row. */
function stepsOf(base: readonly number[], quality: number): number[] {
  const scale = quality < 50 ? Math.trunc(5000 / quality) : 200 - quality * 2
  return base.map((step) => Math.min(255, Math.max(1, Math.trunc((step * scale + 50) / 100))))
}

const segment = (marker: number, body: readonly number[]): number[] => {
  const length = body.length + 2
  return [0xff, marker, length >> 8, length & 255, ...body]
}

function headerOf(width: number, height: number, bands: number, quality: number): Uint8Array {
  const planes = bands === 3 ? 2 : 1
  const tables = [LUMINANCE, CHROMINANCE].slice(0, planes).map((base) => stepsOf(base, quality))
  const sampling = bands === 3 ? [0x22, 0x11, 0x11] : [0x11]
  const components = sampling.map((factors, i) => [i + 1, factors, Math.min(i, 1)])
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...tables.flatMap((steps, i) => segment(0xdb, [i, ...ZIGZAG.map((place) => steps[place]!)])),
    ...segment(0xc0, [
      ...[8, height >> 8, height & 255, width >> 8, width & 255, bands],
      ...components.flat(),
    ]),
    ...[DC, AC].flatMap((kind, k) =>
      kind
        .slice(0, planes)
        .flatMap(({ counts, symbols }, i) => segment(0xc4, [(k << 4) | i, ...counts, ...symbols])),
    ),
    ...segment(0xda, [bands, ...components.flatMap(([id, , table]) => [id!, table! * 0x11]), 0, 63, 0]),
  ])
}

// Byte offsets in the tables of wasm/jpeg.ts.
const DC_AT = 256
const AC_AT = 384
const TABLES_BYTES = 3328
const MAX_SIDE = 512
/** Space for copies of pixels that lie outside the module's memory. */
const STAGE_BYTES = MAX_SIDE * MAX_SIDE * 3
const STAGE_AT = JPEG_ADDRESS + 101 * TABLES_BYTES
const SCAN_AT = STAGE_AT + STAGE_BYTES
/** 512² pixels of noise at quality 100 take 1 MB. What does not fit is encoded by sharp. */
const SCAN_END = JPEG_ADDRESS + JPEG_BYTES
const MAX_HEADERS = 64

class JpegEncoder {
  readonly #simd: Simd
  /** Qualities whose tables exist. */
  readonly #tables = new Set<number>()
  readonly #headers = new Map<string, Uint8Array>()

  constructor(simd: Simd) {
    this.#simd = simd
  }

  encode(picture: Picture, quality: number): Uint8Array | undefined {
    const { x, y, width, height, bands } = picture
    const { kernels, bytes } = this.#simd
    let from = this.#simd.addressOf(picture.data)
    let stride = picture.stride
    if (from >= 0) from += y * stride + x * bands
    else {
      from = this.#stage(picture)
      stride = width * bands
    }
    const tables = this.#tablesOf(quality)
    const out = SCAN_AT
    const end = kernels.jpegScan(tables, from, stride, bands, width, height, out, SCAN_END)
    if (end === 0) return undefined
    const header = this.#header(width, height, bands, quality)
    const jpeg = new Uint8Array(header.length + end - out + 2)
    jpeg.set(header)
    jpeg.set(bytes.subarray(out, end), header.length)
    jpeg[jpeg.length - 2] = 0xff
    jpeg[jpeg.length - 1] = 0xd9
    return jpeg
  }

  /** Copies pixels into the module's memory. */
  #stage({ data, stride, x, y, width, height, bands }: Picture): number {
    const row = width * bands
    for (let j = 0; j < height; j++) {
      const at = (y + j) * stride + x * bands
      this.#simd.bytes.set(data.subarray(at, at + row), STAGE_AT + j * row)
    }
    return STAGE_AT
  }

  #tablesOf(quality: number): number {
    const at = JPEG_ADDRESS + quality * TABLES_BYTES
    if (!this.#tables.has(quality)) {
      const tables = this.#simd.bytes.subarray(at, at + TABLES_BYTES)
      const reciprocals = new Int16Array(128)
      for (const [t, base] of [LUMINANCE, CHROMINANCE].entries()) {
        for (const [i, step] of stepsOf(base, quality).entries()) {
          reciprocals[t * 64 + (i & 7) * 8 + (i >> 3)] = Math.round(4096 / step)
        }
      }
      tables.set(new Uint8Array(reciprocals.buffer))
      for (let i = 0; i < 2; i++) {
        tables.set(new Uint8Array(codesOf(DC[i]!, 16).buffer), DC_AT + i * 64)
        tables.set(new Uint8Array(codesOf(AC[i]!, 256).buffer), AC_AT + i * 1024)
      }
      this.#tables.add(quality)
    }
    return at
  }

  #header(width: number, height: number, bands: number, quality: number): Uint8Array {
    const key = `${width} ${height} ${bands} ${quality}`
    let found = this.#headers.get(key)
    if (found === undefined) {
      if (this.#headers.size >= MAX_HEADERS) this.#headers.clear()
      found = headerOf(width, height, bands, quality)
      this.#headers.set(key, found)
    }
    return found
  }
}

/** A rectangle of a larger picture. */
interface Picture {
  readonly data: Uint8Array
  /** Bytes between row starts. */
  readonly stride: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly bands: number
}

let encoder: { jpeg: JpegEncoder | undefined } | undefined

/**
 * Encodes an opaque rectangle of a picture as JPEG, 4:2:0 or grey, with quality 1 … 100. Undefined when that is not
 * possible here: without WebAssembly SIMD, or when a side is not a multiple of 16 or is over 512.
 */
export function encodeJpeg(
  from: Pixels,
  x: number,
  y: number,
  width: number,
  height: number,
  quality: number,
): Uint8Array | undefined {
  if ((width | height) & 15 || Math.max(width, height) > MAX_SIDE) return undefined
  if (encoder === undefined) {
    const here = simd()
    encoder = { jpeg: here && new JpegEncoder(here) }
  }
  const { data, bands } = from
  return encoder.jpeg?.encode({ data, stride: from.width * bands, x, y, width, height, bands }, quality)
}
