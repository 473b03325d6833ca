// Prints what is in a frast file (`.ft`): its header, and each tile with its key, its place, and the SHA-256 of its value.
//
//   node dist/scripts/interop/frast-listing.js FILE.ft
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { decodeFrastHeader, HEADER_BYTES, placeOfOrder } from '../../src/interop/frast/layout.js'
import { LevelIndex } from '../../src/interop/frast/level.js'
import { openRealFile } from '../../src/platform/real-file.js'

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: node dist/scripts/interop/frast-listing.js FILE.ft')

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const bytes = readFileSync(path)
const file = openRealFile(path, 'read')
const header = decodeFrastHeader(bytes.subarray(0, HEADER_BYTES))
if (typeof header === 'string') throw new Error(`${path}: ${header}`)
const indexes = header.levels.map((level) => new LevelIndex(file, level, bytes.length))

const print = (line: string): boolean => process.stdout.write(`${line}\n`)
print(`# file=${basename(path)} size=${bytes.length} sha256=${sha256(bytes)}`)
print(
  `# version=0 metaOffset=${header.metadata} metaLength=${header.metadataLength} rasterType=${bytes[1480]} codecOverride=${bytes[1481]}`,
)
for (const [n, level] of header.levels.entries()) {
  const { zoom, keysCapacity, valuesCapacity, keys, keysLength, offsets, values, valuesLength } = level
  print(
    `# level ${zoom}: keysCapacity=${keysCapacity} valsCapacity=${valuesCapacity} keysOffset=${keys} keysLength=${keysLength} k2vsOffset=${offsets} valsOffset=${values} valsLength=${valuesLength} items=${indexes[n]!.count}`,
  )
}
print('#level\tindex\tkey\tz\ty_south\tx\txyz_y\tk2v\tfile_offset\tlength\tmagic\tsha256_16')
for (const [n, index] of indexes.entries()) {
  for (const i of index.indexes()) {
    const order = index.orderAt(i)
    const { z, x, y } = placeOfOrder(index.zoom, order)
    const { position, length } = index.spanAt(i)
    const value = bytes.subarray(position, position + length)
    const columns = [
      ...[
        z,
        i,
        (BigInt(z) << 58n) | (BigInt(2 ** z - 1 - y) << 29n) | BigInt(x),
        z,
        2 ** z - 1 - y,
        x,
        y,
        position - header.levels[n]!.values,
      ],
      ...[position, length, value.subarray(0, 4).toString('hex'), sha256(value).slice(0, 16)],
    ]
    print(columns.join('\t'))
  }
}
file.close()
