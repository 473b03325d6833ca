// A writer that stops in the middle of making room for its index, for stalled.test.ts: argv: path.

import { once } from 'node:events'
import { FALLOC } from '../../src/platform/byte-file.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { SEEN } from './stalled-tiles.js'

const path = process.argv[2]!
const file = openRealFile(path, 'create')
if (!file.capabilities.insertRange) {
  console.log('committed nothing: no INSERT_RANGE here')
  process.exit(0)
}
let hasStopped = false
const fallocate = file.fallocate.bind(file)
file.fallocate = (mode, offset, length) => {
  fallocate(mode, offset, length)
  if (mode !== FALLOC.INSERT_RANGE || hasStopped) return
  hasStopped = true
  // from here on it is announced and done, and nobody is told
  console.log('stalled')
  process.kill(process.pid, 'SIGSTOP')
}
const writer = TileWriter.create(file, { initialRegionBytes: 4096 })
for (let i = 0; i < SEEN; i++) writer.append(6, i % 64, Math.floor(i / 64), Uint8Array.of(1, i))
writer.commit()
console.log('committed')
// until it is told to go on
await once(process.stdin, 'data')
process.stdin.destroy()
for (let i = SEEN; i < 600; i++)
  writer.append(6, i % 64, Math.floor(i / 64), Uint8Array.of(1, i & 255, i >> 8))
writer.commit()
console.log('grown')
writer.close()
