// LERC blocks (Limited Error Raster Compression, Lerc2: https://github.com/Esri/lerc) decoded by Esri's WebAssembly
// decoder. Its memory only grows and it trusts the headers, so they are checked here first: a blob must exactly match
// the block's shape and the file's sample format.
import type * as Lerc from 'lerc'
import { requirePackage } from '../../../beside.js'
import type { SampleArray } from '../../view/tone.js'
import { Problem } from '../file/problem.js'
import type { BlockShape, DecodedSamples, SampleCoding } from './coding.js'

// The package's ES module is a .js file without "type": "module". Node before 20.19, and any loader hook, refuse to
// import it. Its CommonJS file has the same code.
const lerc = requirePackage('lerc') as typeof Lerc

const MAGIC = [0x4c, 0x65, 0x72, 0x63, 0x32, 0x20]
const OLDEST = 1
const NEWEST = 6
/** Sample types by their number in the header. */
const TYPES = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'float32', 'float64'] as const

interface BlobHeader {
  readonly width: number
  readonly height: number
  /** Values per pixel. */
  readonly depth: number
  readonly validPixels: number
  readonly bytes: number
  readonly type: number
}

/** The header of the blob at `at`; undefined when none begins there. Bands may follow each other as separate blobs. */
function readHeader(input: Uint8Array, at: number): BlobHeader | undefined {
  if (MAGIC.some((byte, i) => input[at + i] !== byte)) return undefined
  const view = new DataView(input.buffer, input.byteOffset + at, input.byteLength - at)
  if (view.byteLength < 58) throw new Problem('its LERC data is cut off')
  const version = view.getInt32(6, true)
  if (version < OLDEST || version > NEWEST) throw new Problem(`its LERC data is of version ${version}`)
  // version 3 has a checksum here, version 4 several values per pixel
  const size = version >= 3 ? 14 : 10
  const more = version >= 4 ? 4 : 0
  return {
    height: view.getInt32(size, true),
    width: view.getInt32(size + 4, true),
    depth: more > 0 ? view.getInt32(size + 8, true) : 1,
    validPixels: view.getInt32(size + 8 + more, true),
    bytes: view.getInt32(size + 16 + more, true),
    type: view.getInt32(size + 20 + more, true),
  }
}

const sampleType = (coding: SampleCoding): string => `${coding.sampleFormat}${coding.bitsPerSample}`

/** Checks every blob, and returns how the samples are laid out. @throws Problem */
function checkBlobs(
  input: Uint8Array,
  shape: BlockShape,
  coding: SampleCoding,
): BlobHeader & { bands: number } {
  let first: BlobHeader | undefined
  let bands = 0
  for (let at = 0; bands < shape.samples; bands++) {
    const header = readHeader(input, at)
    if (header === undefined) break
    const { width, height, depth, bytes, type, validPixels } = header
    if (width !== shape.width || height < shape.rows || height > shape.fullRows) {
      throw new Problem(
        `it has a LERC image of ${width}×${height} pixels instead of ${shape.width}×${shape.rows}`,
      )
    }
    if (TYPES[type] !== sampleType(coding)) {
      throw new Problem(
        `it has LERC values of type ${TYPES[type] ?? type}, but the file says ${sampleType(coding)}`,
      )
    }
    if (depth < 1 || depth > shape.samples || (first !== undefined && depth !== first.depth)) {
      throw new Problem(`it has ${depth} LERC values per pixel instead of ${shape.samples}`)
    }
    if (bytes < 58 || at + bytes > input.length || validPixels < 0 || validPixels > width * height) {
      throw new Problem('its LERC data is cut off or broken')
    }
    first ??= header
    at += bytes
  }
  if (first === undefined) throw new Problem('it has no LERC data')
  return { ...first, bands }
}

let loading: Promise<void> | undefined

/** Decodes the interleaved samples of a block, and a mask of the pixels that have values. @throws Problem */
export async function decodeLerc(
  input: Uint8Array,
  shape: BlockShape,
  coding: SampleCoding,
): Promise<DecodedSamples> {
  const header = checkBlobs(input, shape, coding)
  const stored = header.bands * header.depth
  // the validity mask can stand for an alpha band that is only on or off
  const maskIsAlpha = stored === shape.samples - 1 && sampleType(coding) === 'uint8'
  if (stored !== shape.samples && !maskIsAlpha) {
    throw new Problem(`it has ${stored} LERC bands instead of ${shape.samples}`)
  }
  loading ??= lerc.load()
  await loading
  let decoded: Lerc.LercData
  try {
    decoded = lerc.decode(input, { returnInterleaved: true })
  } catch (error) {
    throw new Problem(`its LERC data is broken: ${(error as Error).message}`)
  }
  const pixels = shape.width * shape.rows
  if (
    decoded.pixels.length !== header.bands ||
    decoded.pixels.some((p) => p.length < pixels * header.depth)
  ) {
    throw new Problem('its LERC data has fewer bands than it claims')
  }
  if (!coding.littleEndian) for (const band of decoded.pixels) swapBytes(band)
  return arrange(decoded, header, shape, maskIsAlpha)
}

type Band = Lerc.PixelTypedArray

/** libtiff passes samples in the file's byte order to its encoder, which assumes native order. */
function swapBytes(band: Band): void {
  const bytes = Buffer.from(band.buffer, band.byteOffset, band.byteLength)
  if (band.BYTES_PER_ELEMENT === 2) bytes.swap16()
  else if (band.BYTES_PER_ELEMENT === 4) bytes.swap32()
  else if (band.BYTES_PER_ELEMENT === 8) bytes.swap64()
}

function arrange(
  decoded: Lerc.LercData,
  header: BlobHeader & { bands: number },
  shape: BlockShape,
  maskIsAlpha: boolean,
): DecodedSamples {
  const { samples } = shape
  const pixels = shape.width * shape.rows
  const isFloat = header.type >= 6
  const bands = decoded.pixels
  let data: Band = bands[0]!.subarray(0, pixels * samples)
  if (header.bands > 1 || maskIsAlpha) {
    data = new (bands[0]!.constructor as new (length: number) => Band)(pixels * samples)
    for (const [band, from] of bands.entries()) {
      interleave(from, header.depth, data, samples, band * header.depth, pixels)
    }
  }
  const { mask } = decoded
  if (maskIsAlpha) {
    for (let i = 0, s = samples - 1; i < pixels; i++, s += samples)
      data[s] = mask === null || mask[i] ? 255 : 0
    return { data: data as SampleArray, valid: undefined }
  }
  if (mask === null) return { data: data as SampleArray, valid: undefined }
  const valid = new Uint8Array(pixels)
  for (let i = 0; i < pixels; i++) valid[i] = mask[i] ? 255 : 0
  if (isFloat) {
    // as in libtiff, pixels without a value are NaN, band by band
    for (let band = 0; band < samples; band++) {
      const own = decoded.bandMasks?.[Math.floor(band / header.depth)] ?? mask
      for (let i = 0, s = band; i < pixels; i++, s += samples) if (own[i] === 0) data[s] = Number.NaN
    }
    return { data: data as SampleArray, valid: undefined }
  }
  return { data: data as SampleArray, valid }
}

function interleave(
  from: Band,
  depth: number,
  to: Band,
  samples: number,
  first: number,
  pixels: number,
): void {
  for (let i = 0, s = 0, d = first; i < pixels; i++, d += samples) {
    for (let k = 0; k < depth; k++) to[d + k] = from[s++]!
  }
}
