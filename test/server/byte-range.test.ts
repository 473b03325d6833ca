// The Range header, plain, odd and hostile.
import t from 'tap'
import { parseRange } from '../../src/server/archive/byte-range.js'

const CASES: [header: string | undefined, answer: [number, number] | 'whole' | 'none'][] = [
  [undefined, 'whole'],
  ['bytes=0-0', [0, 1]],
  ['bytes=0-99', [0, 100]],
  ['bytes=10-19', [10, 20]],
  ['Bytes=10-19', [10, 20]],
  ['bytes= 10-19 ', [10, 20]],
  ['bytes=990-', [990, 1000]],
  ['bytes=990-5000', [990, 1000]],
  ['bytes=999-999', [999, 1000]],
  ['bytes=0-999999999999999999999999', [0, 1000]],
  ['bytes=-1', [999, 1000]],
  ['bytes=-1000', [0, 1000]],
  ['bytes=-99999999999999999999999999', [0, 1000]],
  ['bytes=000000000000000000007-00008', [7, 9]],
  // no byte of it is there
  ['bytes=1000-', 'none'],
  ['bytes=1000-1000', 'none'],
  [`bytes=${'9'.repeat(400)}-`, 'none'],
  ['bytes=-0', 'none'],
  // to be ignored: malformed, of other units, of several ranges
  ['bytes=5-4', 'whole'],
  ['bytes=2000-1999', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=', 'whole'],
  ['bytes', 'whole'],
  ['', 'whole'],
  ['items=0-1', 'whole'],
  ['bytes=a-b', 'whole'],
  ['bytes=1.5-3', 'whole'],
  ['bytes=+1-3', 'whole'],
  ['bytes=0x1-0x3', 'whole'],
  ['bytes=1-3-5', 'whole'],
  ['bytes=--5', 'whole'],
  ['bytes=0-0,5-5', 'whole'],
  ['bytes=0-0,', 'whole'],
  [`bytes=${'0-0,'.repeat(4000)}1-1`, 'whole'],
  [`bytes=${' '.repeat(8000)}x`, 'whole'],
  ['bytes=1\u00a0-3', 'whole'],
  ['bytes=١-٣', 'whole'],
]

for (const [header, wanted] of CASES) {
  const range = parseRange(header, 1000)
  const found = typeof range === 'string' ? range : [range.from, range.to]
  t.strictSame(found, wanted, header === undefined ? 'no header' : header.slice(0, 60))
}
t.equal(parseRange('bytes=0-0', 0), 'none', 'nothing is there')
t.equal(parseRange('bytes=-5', 0), 'none')
t.strictSame(parseRange('bytes=5000000000-5000000009', 2 ** 40), { from: 5e9, to: 5e9 + 10 }, 'beyond 2^32')
