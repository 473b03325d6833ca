// What a JPEG stream says of itself, as far as a TIFF must repeat it in its tags.

/** How the samples of a JPEG are stored. */
export interface JpegLook {
  readonly colour: 'grey' | 'ycbcr' | 'rgb'
  /** Width and height of a block of luma samples that share a chroma sample. */
  readonly subsampling: readonly [number, number]
}

const SOF_FIRST = 0xc0
const SOF_PROGRESSIVE = 0xc2
const SOS = 0xda
const APP14 = 0xee
/** DHT, JPG and DAC have numbers among those of the frame headers. */
const NOT_FRAMES = [0xc4, 0xc8, 0xcc]

/** Undefined when a TIFF cannot contain the stream as it is, or it is damaged. ITU-T T.81, B.2.2. */
export function jpegLook(bytes: Uint8Array): JpegLook | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let adobe: number | undefined
  let frame: number | undefined
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1]!
    // a fill byte
    if (marker === 0xff) {
      at++
      continue
    }
    if (marker === SOS) return frame === undefined ? undefined : lookOf(bytes, frame, adobe)
    const length = view.getUint16(at + 2)
    if (marker >= SOF_FIRST && marker <= 0xcf && !NOT_FRAMES.includes(marker)) {
      if (marker > SOF_PROGRESSIVE || bytes[at + 4] !== 8) return undefined
      frame = at + 4
    }
    // 'Adobe', version, two flags, transform
    if (marker === APP14 && length >= 14) adobe = bytes[at + 15]
    at += 2 + length
  }
  return undefined
}

function lookOf(bytes: Uint8Array, frame: number, adobe: number | undefined): JpegLook | undefined {
  const count = bytes[frame + 5]
  const component = (i: number): { id: number; factors: number } => ({
    id: bytes[frame + 6 + 3 * i]!,
    factors: bytes[frame + 7 + 3 * i]!,
  })
  if (count === 1) return component(0).factors === 0x11 ? { colour: 'grey', subsampling: [1, 1] } : undefined
  if (count !== 3 || component(1).factors !== 0x11 || component(2).factors !== 0x11) return undefined
  const { factors } = component(0)
  const subsampling = [factors >> 4, factors & 15] as const
  if (!subsampling.every((n) => n === 1 || n === 2)) return undefined
  const isRgb =
    adobe === 0 || (adobe === undefined && [0, 1, 2].every((i) => component(i).id === 'RGB'.charCodeAt(i)))
  if (!isRgb) return { colour: 'ycbcr', subsampling }
  return factors === 0x11 ? { colour: 'rgb', subsampling } : undefined
}

export const isSameLook = (a: JpegLook, b: JpegLook): boolean =>
  a.colour === b.colour && a.subsampling[0] === b.subsampling[0] && a.subsampling[1] === b.subsampling[1]
