// Reads the size of a picture from its first bytes, without decoding it.

export interface PictureSize {
  readonly width: number
  readonly height: number
}

/** Width and height in pixels; undefined when this is not a PNG, JPEG or WebP, or it is cut off before its size. */
export function pictureSize(bytes: Uint8Array): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const size = pngSize(view) ?? jpegSize(view) ?? webpSize(view)
    return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined
  } catch (error) {
    // a read past the end of the DataView
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** PNG specification, 5.6 and 11.2.1: IHDR is the first chunk. */
function pngSize(view: DataView): PictureSize | undefined {
  const isPng = view.getUint32(0) === 0x89504e47 && view.getUint32(12) === 0x49484452
  return isPng ? { width: view.getUint32(16), height: view.getUint32(20) } : undefined
}

/** ITU-T T.81, B.1 and B.2.2: segments up to the frame's header (SOF). */
function jpegSize(view: DataView): PictureSize | undefined {
  if (view.getUint16(0) !== 0xffd8) return undefined
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1)
    // DHT, JPG and DAC have numbers in the same range
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    // fill bytes of 0xff may precede a marker
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2)
  }
  return undefined
}

/** RFC 9649, 2.5 to 2.7: simple (lossy or lossless) and extended. */
function webpSize(view: DataView): PictureSize | undefined {
  if (view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return undefined
  const chunk = view.getUint32(12)
  if (chunk === 0x56503820) {
    // the frame header follows the chunk header: three bytes, the start code, then 14 bits for each side
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  }
  if (chunk === 0x5650384c) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (chunk !== 0x56503858) return undefined
  const at24 = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16)
  return { width: at24(24) + 1, height: at24(27) + 1 }
}
