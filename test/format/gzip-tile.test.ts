import { gzipSync } from 'node:zlib'
import t from 'tap'
import { unpackedPicture } from '../../src/format/gzip-tile.js'
import { unpackProblem } from '../../src/format/unpack-problem.js'

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

t.test('a picture in gzip that is a bomb is refused in our words', async (t) => {
  const bomb = gzipSync(Buffer.concat([PNG, Buffer.alloc(65 * 2 ** 20)]))
  t.ok(bomb.length < 100_000)
  t.throws(() => unpackedPicture(bomb), {
    code: 'DAMAGED',
    message: /cannot be unpacked: it unpacks to more than the limit of 67108864 bytes\.$/,
  })
  t.same(Buffer.from(unpackedPicture(gzipSync(PNG))), PNG)
})

t.test('other problems are said as they are', async (t) => {
  t.equal(unpackProblem(new Error('incorrect header check'), 5), 'incorrect header check')
})
