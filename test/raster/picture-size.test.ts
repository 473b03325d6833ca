// The size of a picture by its head is what decoding says, and no bytes at all make it fail.
import fc from 'fast-check'
import t from 'tap'
import { decodeTile, encodeImage } from '../../src/raster/tiles/codec.js'
import { pictureSize } from '../../src/raster/tiles/picture-size.js'

const FORMATS = [
  ['png', true],
  ['jpeg', false],
  ['webp', false],
  ['webp', true],
] as const

for (const [format, lossless] of FORMATS) {
  for (const mask of [undefined, 'holes']) {
    t.test(
      `${format}${lossless ? ', lossless' : ''}${mask === undefined ? '' : ', with alpha'}`,
      async (t) => {
        for (const [width, height] of [
          [1, 1],
          [256, 256],
          [300, 77],
        ] as const) {
          const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 251)
          const holes = new Uint8Array(width * height).map((_, i) => (i % 3 === 0 ? 0 : 255))
          const picture = { width, height, bands: 3, data, mask: mask === undefined ? undefined : holes }
          const { bytes } = await encodeImage(picture, { format, lossless, quality: 75 })
          t.same(pictureSize(bytes), { width, height })
          const decoded = await decodeTile(bytes)
          t.same([decoded.width, decoded.height], [width, height])
          for (let length = 0; length < Math.min(bytes.length, 700); length++) {
            const size = pictureSize(bytes.subarray(0, length))
            if (size !== undefined) t.same(size, { width, height }, `${length} bytes`)
          }
        }
      },
    )
  }
}

t.test('other bytes', async (t) => {
  t.equal(pictureSize(new Uint8Array(0)), undefined)
  t.equal(
    pictureSize(new TextEncoder().encode('FSEL, heights as numbers, have a size of their own')),
    undefined,
  )
  const heads = [[0xff, 0xd8, 0xff], [0x89, 0x50, 0x4e, 0x47], [...Buffer.from('RIFF....WEBPVP8X')], []]
  fc.assert(
    fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 200 }), (head, rest) => {
      const size = pictureSize(Uint8Array.from([...head, ...rest]))
      return size === undefined || (size.width > 0 && size.height > 0)
    }),
  )
})
