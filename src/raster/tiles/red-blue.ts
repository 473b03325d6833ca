// Swaps red and blue of JPEG tiles. A JPEG stores luma and chroma, so this takes decoding and encoding.
//
// It happens in this thread, at once, because that is how tiles are read everywhere: libjpeg-turbo as WebAssembly
// decodes 256² in 2 ms, about as fast as sharp.
import { requirePackage } from '../../beside.js'
import { FlagstoneError } from '../../errors.js'
import { encodeJpeg } from './jpeg.js'

/** The parts of the package that are used here. */
interface Decoder {
  getEncodedBuffer(bytes: number): Uint8Array
  readHeader(): void
  decode(): void
  getDecodedBuffer(): Uint8Array
  getFrameInfo(): FrameInfo
}
interface Encoder {
  getDecodedBuffer(frame: FrameInfo): Uint8Array
  setQuality(quality: number): void
  setSubSampling(code: number): void
  encode(): void
  getEncodedBuffer(): Uint8Array
}
interface FrameInfo {
  readonly width: number
  readonly height: number
  readonly bitsPerSample: number
  readonly componentCount: number
  readonly isSigned: boolean
}
type Start = () => Promise<{ JPEGDecoder: new () => Decoder; JPEGEncoder: new () => Encoder }>

/**
 * OpenCV's, with which frast writes. At the same quality most coefficients stay what they were: 45 to 53 dB on satellite
 * tiles, in as many bytes.
 */
const QUALITY = 95
const SUBSAMPLING_420 = 2
/** Real tiles are never larger than this; decompression bombs are. */
const MAX_PIXELS = 4096 * 4096

let codec: { readonly decoder: Decoder; readonly encoder: Encoder } | undefined

/** Loads what `swapRedAndBlue` needs. @throws SYSTEM when the package is missing */
export async function loadJpegCodec(): Promise<void> {
  if (codec !== undefined) return
  try {
    const start = requirePackage('@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs') as Start
    const { JPEGDecoder, JPEGEncoder } = await start()
    codec = { decoder: new JPEGDecoder(), encoder: new JPEGEncoder() }
  } catch (cause) {
    throw new FlagstoneError(
      'SYSTEM',
      `The JPEG codec that swaps red and blue cannot be loaded (${(cause as Error).message.split('\n')[0]}); install the packages of flagstone again.`,
      { cause },
    )
  }
}

/**
 * A JPEG with red and blue swapped, encoded anew with quality 95. One that is not of three components is returned
 * unchanged.
 * @throws DAMAGED when it does not decode
 * @throws TOO_LARGE when it has more than 4096² pixels
 * @throws TypeError when `loadJpegCodec` was not waited for
 */
export function swapRedAndBlue(bytes: Uint8Array): Uint8Array {
  if (codec === undefined) throw new TypeError('loadJpegCodec was not waited for')
  const frame = decode(codec.decoder, bytes)
  if (frame === undefined) return bytes
  const { info, data } = frame
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i]!
    data[i] = data[i + 2]!
    data[i + 2] = red
  }
  const pixels = { width: info.width, height: info.height, bands: 3, data, mask: undefined } as const
  const own = encodeJpeg(pixels, 0, 0, info.width, info.height, QUALITY)
  return own ?? encode(codec.encoder, info, data)
}

/** Red, green, blue of each pixel; undefined for grey and CMYK. */
function decode(decoder: Decoder, bytes: Uint8Array): { info: FrameInfo; data: Uint8Array } | undefined {
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes)
    decoder.readHeader()
    const info = decoder.getFrameInfo()
    if (info.componentCount !== 3) return undefined
    if (info.width * info.height > MAX_PIXELS)
      throw new FlagstoneError(
        'TOO_LARGE',
        `A tile of ${info.width}×${info.height} pixels is over the limit of 4096×4096.`,
      )
    decoder.decode()
    // the array is the codec's own
    return { info, data: decoder.getDecodedBuffer().slice() }
  } catch (cause) {
    if (cause instanceof FlagstoneError) throw cause
    throw new FlagstoneError('DAMAGED', `A JPEG tile of ${bytes.length} bytes does not decode.`, { cause })
  }
}

function encode(encoder: Encoder, info: FrameInfo, data: Uint8Array): Uint8Array {
  encoder.getDecodedBuffer(info).set(data)
  encoder.setQuality(QUALITY)
  encoder.setSubSampling(SUBSAMPLING_420)
  encoder.encode()
  return encoder.getEncodedBuffer().slice()
}
