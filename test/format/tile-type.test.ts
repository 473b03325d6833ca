import t from 'tap'
import {
  extensionOf,
  mimeOf,
  nameOfTileType,
  pmtilesTypeOf,
  sniffTileType,
  TileType,
  typeFromExtension,
} from '../../src/format/tile-type.js'

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

t.test('names, extensions and media types go together', async (t) => {
  for (const type of Object.values(TileType)) {
    t.equal(typeFromExtension(extensionOf(type)) ?? TileType.unknown, type)
    t.match(mimeOf(type), /^(image|application)\//)
  }
  t.equal(typeFromExtension('.JPEG'), TileType.jpeg)
  t.equal(typeFromExtension('pbf'), TileType.mvt)
  t.equal(typeFromExtension('tiff'), undefined)
  t.equal(mimeOf(200), 'application/octet-stream')
  t.equal(extensionOf(200), 'bin')
  t.equal(nameOfTileType(200), 'type-200')
  t.equal(pmtilesTypeOf(TileType.rawInt16), 0)
  t.equal(pmtilesTypeOf(TileType.elevation), 0)
  t.equal(pmtilesTypeOf(TileType.webp), 4)
})

t.test('types by their first bytes', async (t) => {
  for (const [head, type] of [
    ['\xff\xd8\xff\xe0\0\x10JFIF', TileType.jpeg],
    ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', TileType.png],
    ['RIFF\x10\0\0\0WEBPVP8 ', TileType.webp],
    ['RIFF\x10\0\0\0WAVEfmt ', TileType.unknown],
    ['\0\0\0\x20ftypavif', TileType.avif],
    ['\x1f\x8b\x08\0', TileType.mvt],
    ['\x1a\x20\x0a\x05water', TileType.mvt],
    ['FSEL\x01\x01', TileType.elevation],
    ['<html>', TileType.unknown],
    ['\xff\xd8', TileType.unknown],
    ['\x89PN', TileType.unknown],
    ['', TileType.unknown],
  ] as const)
    t.equal(sniffTileType(bytes(head)), type, JSON.stringify(head))
})
