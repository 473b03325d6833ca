// GeoTIFFs in web mercator made by a function, and where their blocks lie, so that a test can damage one of them.
import { deflateSync } from 'node:zlib'

export interface SmallTiff {
  readonly width: number
  readonly height: number
  readonly bands?: number
  /** Tile side; or rows a strip, with `strips`. */
  readonly block?: number
  readonly strips?: boolean
  readonly planar?: boolean
  readonly compress?: boolean
  /** Sample of a band; of overviews as of the pixel in their corner. */
  readonly paint?: (x: number, y: number, band: number) => number
  /** A mask: 1 where there is something. */
  readonly mask?: (x: number, y: number) => boolean
  /** Factors: 2, 4 … */
  readonly overviews?: readonly number[]
  /** 16-bit samples. */
  readonly wide?: boolean
  /** Upper left corner and pixel size, metres. */
  readonly place?: readonly [x: number, y: number, metres: number]
}

/** A stored block of the image 0, its overviews (1, 2 …) or their masks. */
export interface BlockPlace {
  readonly image: number
  readonly isMask: boolean
  readonly block: number
  readonly offset: number
  readonly count: number
}

type Entry = readonly [tag: number, type: 2 | 3 | 4 | 12, values: readonly number[]]
const SIZES = { 2: 1, 3: 2, 4: 4, 12: 8 } as const

interface Image {
  readonly number: number
  readonly factor: number
  readonly isMask: boolean
}

export function smallTiff(tiff: SmallTiff): { bytes: Buffer; blocks: BlockPlace[] } {
  const parts: Buffer[] = [Buffer.from('II*\0\0\0\0\0', 'latin1')]
  let at = 8
  const put = (bytes: Buffer): number => {
    const offset = at
    parts.push(bytes, Buffer.alloc(bytes.length % 2))
    at += bytes.length + (bytes.length % 2)
    return offset
  }
  const images: Image[] = [1, ...(tiff.overviews ?? [])].flatMap((factor, number) => [
    { number, factor, isMask: false },
    ...(tiff.mask === undefined ? [] : [{ number, factor, isMask: true }]),
  ])
  const blocks: BlockPlace[] = []
  const directories = images.map((image) => {
    const stored = blocksOf(tiff, image).map((bytes) => ({ offset: put(bytes), count: bytes.length }))
    for (const [block, place] of stored.entries())
      blocks.push({ image: image.number, isMask: image.isMask, block, ...place })
    return entriesOf(tiff, image, stored)
  })
  let link = 4
  const links: [number, number][] = []
  for (const entries of directories) {
    const ifd = Buffer.alloc(2 + entries.length * 12 + 4)
    ifd.writeUInt16LE(entries.length, 0)
    for (const [i, [tag, type, values]] of entries.entries()) {
      const bytes = Buffer.alloc(Math.max(4, values.length * SIZES[type]))
      for (const [j, v] of values.entries()) {
        if (type === 2) bytes.writeUInt8(v, j)
        else if (type === 3) bytes.writeUInt16LE(v, j * 2)
        else if (type === 4) bytes.writeUInt32LE(v, j * 4)
        else bytes.writeDoubleLE(v, j * 8)
      }
      const e = 2 + i * 12
      ifd.writeUInt16LE(tag, e)
      ifd.writeUInt16LE(type, e + 2)
      ifd.writeUInt32LE(values.length, e + 4)
      if (bytes.length === 4) bytes.copy(ifd, e + 8)
      else ifd.writeUInt32LE(put(bytes), e + 8)
    }
    const offset = put(ifd)
    links.push([link, offset])
    link = offset + ifd.length - 4
  }
  const bytes = Buffer.concat(parts)
  for (const [place, offset] of links) bytes.writeUInt32LE(offset, place)
  return { bytes, blocks }
}

const sizeOf = ({ width, height }: SmallTiff, { factor }: Image): [number, number] => [
  Math.ceil(width / factor),
  Math.ceil(height / factor),
]

function blocksOf(tiff: SmallTiff, image: Image): Buffer[] {
  const [width, height] = sizeOf(tiff, image)
  const { block = 64, strips = false, planar = false, bands = 3 } = tiff
  const w = strips ? width : block
  const planes = image.isMask ? 1 : planar ? bands : 1
  const all: Buffer[] = []
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < height; y += block) {
      for (let x = 0; x < width; x += w) {
        const rows = strips ? Math.min(block, height - y) : block
        const raw = image.isMask
          ? maskBlock(tiff, image, x, y, w, rows)
          : colourBlock(tiff, image, x, y, w, rows, planar ? plane : undefined)
        all.push(tiff.compress === false ? raw : deflateSync(raw))
      }
    }
  }
  return all
}

function colourBlock(
  { paint = () => 128, bands = 3, wide = false }: SmallTiff,
  { factor }: Image,
  x: number,
  y: number,
  width: number,
  rows: number,
  plane: number | undefined,
): Buffer {
  const own = plane === undefined ? Array.from({ length: bands }, (_, b) => b) : [plane]
  const out = Buffer.alloc(width * rows * own.length * (wide ? 2 : 1))
  let o = 0
  for (let v = y; v < y + rows; v++) {
    for (let u = x; u < x + width; u++) {
      for (const band of own) {
        const value = paint(u * factor, v * factor, band)
        if (wide) out.writeUInt16LE(value, 2 * o++)
        else out[o++] = value
      }
    }
  }
  return out
}

function maskBlock(
  { mask }: SmallTiff,
  { factor }: Image,
  x: number,
  y: number,
  width: number,
  rows: number,
): Buffer {
  const rowBytes = Math.ceil(width / 8)
  const out = Buffer.alloc(rowBytes * rows)
  for (let v = 0; v < rows; v++) {
    for (let u = 0; u < width; u++) {
      if (mask!((x + u) * factor, (y + v) * factor)) out[v * rowBytes + (u >> 3)]! |= 128 >> (u & 7)
    }
  }
  return out
}

function entriesOf(tiff: SmallTiff, image: Image, stored: { offset: number; count: number }[]): Entry[] {
  const [width, height] = sizeOf(tiff, image)
  const { block = 64, strips = false, planar = false, bands = 3, wide = false } = tiff
  const samples = image.isMask ? 1 : bands
  const [x, y, metres] = tiff.place ?? [1_000_000, 6_000_000, 10]
  const offsets = stored.map(({ offset }) => offset)
  const counts = stored.map(({ count }) => count)
  const places: Entry[] = strips
    ? [
        [273, 4, offsets],
        [278, 4, [block]],
        [279, 4, counts],
      ]
    : [
        [322, 4, [block]],
        [323, 4, [block]],
        [324, 4, offsets],
        [325, 4, counts],
      ]
  const onEarth: Entry[] =
    image.number > 0 || image.isMask
      ? []
      : [
          [33550, 12, [metres, metres, 0]],
          [33922, 12, [0, 0, 0, x, y, 0]],
          [34735, 3, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 3857]],
        ]
  const all: Entry[] = [
    [254, 4, [(image.number > 0 ? 1 : 0) + (image.isMask ? 4 : 0)]],
    [256, 4, [width]],
    [257, 4, [height]],
    [258, 3, new Array<number>(samples).fill(image.isMask ? 1 : wide ? 16 : 8)],
    [259, 3, [tiff.compress === false ? 1 : 8]],
    [262, 3, [image.isMask ? 4 : samples >= 3 ? 2 : 1]],
    [277, 3, [samples]],
    [284, 3, [planar && !image.isMask ? 2 : 1]],
    ...places,
    ...onEarth,
  ]
  return all.sort(([a], [b]) => a - b)
}
