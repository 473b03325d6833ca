// A process that writes a tile file for some seconds: adds, replaces and removes tiles, commits many times a second,
// seals at times and goes on. Every tile says which it is. Arguments: path, growth, milliseconds that it writes at
// least; it ends when its stdin has ended too.
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { createTiles } from '../../src/store/paths.js'

const [path, growth, milliseconds] = process.argv.slice(2) as [string, 'auto' | 'relocate', string]
const options = { initialRegionBytes: 24, stagingBytes: 65536, tailRecords: 300 }
const writer = createTiles(path, { ...options, growth })
const end = performance.now() + Number(milliseconds)
let isEnough = false
process.stdin.resume().once('end', () => {
  isEnough = true
})

function put(key: number, round: number): void {
  const bytes = Buffer.alloc(100 + (key % 400), round)
  bytes.writeDoubleLE(key, 8)
  writer.append(...tileIdToZxy(key), bytes, TileType.jpeg)
}

put(0, 0)
writer.commit()
process.stdout.write('ready\n')
for (let round = 1, n = 0; performance.now() < end || !isEnough; round++) {
  for (let i = 0; i < 100; i++) put(zoomBase(9) + n++, round)
  for (let i = 0; i < 30; i++) put(zoomBase(9) + ((i * 7919 + round * 31) % n), round)
  for (let i = 0; i < 10; i++) writer.remove(...tileIdToZxy(zoomBase(9) + ((i * 104729 + round) % n)))
  for (let i = 0; i < 5; i++) put(zoomBase(8) + ((i * 7919 + round * 104729) % 4 ** 8), round)
  writer.commit()
  if (round % 40 === 0) writer.seal()
  await new Promise((resolve) => setTimeout(resolve, 15))
}
writer.seal()
writer.close()
