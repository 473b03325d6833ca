// Where the parts of a COG are: classic TIFF as long as its offsets have room, BigTIFF beyond. The large file is sparse.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type CogImage, directoriesOf } from '../../../src/interop/cog/directories.js'
import type { CogForm } from '../../../src/interop/cog/form.js'
import { encodeHead, headLength } from '../../../src/interop/cog/head.js'
import { decodeTile, encodeImage } from '../../../src/raster/tiles/codec.js'
import { gdal, runGdal, withoutGdal } from '../../helpers/gdal-process.js'
import { gdalRead, picture, SIZE, validate, withoutValidator } from './pyramids.js'

const FORM: CogForm = { kind: 'jpeg', look: { colour: 'ycbcr', subsampling: [2, 2] }, mask: false }
const LAYOUT = { hasMasks: false, isRowMajor: true }
const ABOUT = { metadata: { name: 'large' }, bounds: undefined, center: undefined }

/** Two images of which only the last tile is there, `at` bytes into the file. */
async function write(path: string, at: number): Promise<Uint8Array> {
  const { bytes } = await encodeImage(picture(4, 3, 3), { format: 'jpeg' })
  const images: CogImage[] = [1, 2].map((zoom) => {
    const side = 2 ** zoom
    const level = { zoom, x: 0, y: 0, across: side, down: side, width: side, height: side, isFull: false }
    const offsets = new Float64Array(side * side)
    const counts = new Uint32Array(side * side)
    offsets[side * side - 1] = at + zoom * 100_000
    counts[side * side - 1] = bytes.length
    return { level, blocks: { offsets, counts }, mask: undefined }
  })
  const directories = directoriesOf(images, FORM, SIZE, ABOUT)
  const file = openSync(path, 'wx')
  for (const piece of encodeHead(directories, LAYOUT, at + 300_000)) {
    t.ok(piece.position + piece.bytes.length <= headLength(directories, LAYOUT), 'inside the space for it')
    writeSync(file, piece.bytes, 0, piece.bytes.length, piece.position)
  }
  for (const { blocks } of images) {
    const offset = blocks.offsets.at(-1)!
    const leader = Buffer.alloc(4)
    leader.writeUInt32LE(bytes.length)
    writeSync(file, leader, 0, 4, offset - 4)
    writeSync(file, bytes, 0, bytes.length, offset)
    writeSync(file, bytes, bytes.length - 4, 4, offset + bytes.length)
  }
  closeSync(file)
  return bytes
}

for (const { name, at, version } of [
  { name: 'a small file is a TIFF', at: 20_000, version: 42 },
  { name: 'beyond 4 GB it is a BigTIFF', at: 5e9, version: 43 },
]) {
  t.test(name, { skip: withoutGdal }, async (t) => {
    const folder = t.testdir({})
    const path = join(folder, 'a.tif')
    const bytes = await write(path, at)
    const head = readHead(path)
    t.equal(head.toString('latin1', 0, 2), 'II')
    t.equal(head.readUInt16LE(2), version)
    t.match(
      head.toString('latin1'),
      /GDAL_STRUCTURAL_METADATA_SIZE=000\d\d\d bytes\nLAYOUT=IFDS_BEFORE_DATA\n/,
    )
    const { stderr, stdout } = runGdal('gdalinfo', ['-json', path])
    t.equal(stderr, '')
    t.match(JSON.parse(stdout), {
      size: [4 * SIZE, 4 * SIZE],
      metadata: { IMAGE_STRUCTURE: { LAYOUT: 'COG' } },
    })
    const wanted = await decodeTile(bytes)
    for (const [overview, side] of [
      [undefined, 4],
      [0, 2],
    ] as const) {
      const raw = gdalRead(path, overview, folder)
      let worst = 0
      for (let p = 0; p < SIZE * SIZE; p++) {
        const place = (side - 1) * SIZE
        const pixel = (place + Math.floor(p / SIZE)) * side * SIZE + place + (p % SIZE)
        for (let c = 0; c < 3; c++)
          worst = Math.max(worst, Math.abs(raw[3 * pixel + c]! - wanted.data[3 * p + c]!))
      }
      t.ok(worst <= 1, `image of ${side}×${side} tiles differs by ${worst}`)
    }
    if (withoutValidator === false) t.match(validate(path), /is a valid cloud optimized GeoTIFF\n/)
    else t.comment(withoutValidator)
    t.match(gdal('gdalinfo', path), /name=large/)
  })
}

/** The file is a hole of gigabytes. */
function readHead(path: string): Buffer {
  const file = openSync(path, 'r')
  const head = Buffer.alloc(200)
  readSync(file, head, 0, head.length, 0)
  closeSync(file)
  return head
}
