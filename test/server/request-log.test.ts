// What a log leaves out: the same failure again and again, and lines that nobody takes.
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { boundedSink } from '../../src/server/run/bounded-sink.js'
import { Repeats } from '../../src/server/run/repeats.js'
import { requestLog } from '../../src/server/run/request-log.js'

t.test('a failure of one file is said once a minute, and how many were left out', (t) => {
  const repeats = new Repeats()
  t.equal(repeats.count('a', 0), 0)
  t.equal(repeats.count('a', 10), undefined)
  t.equal(repeats.count('b', 20), 0)
  t.equal(repeats.count('a', 59_999), undefined)
  t.equal(repeats.count('a', 60_000), 2)
  t.equal(repeats.count('a', 60_001), undefined)
  t.end()
})

t.test('failures that are remembered are bounded', (t) => {
  const repeats = new Repeats()
  for (let i = 0; i < 3000; i++) t.equal(repeats.count(`${i}`, 0), 0)
  t.equal(repeats.count('2999', 1), undefined)
  t.equal(repeats.count('0', 1), 0, 'forgotten')
  t.end()
})

t.test('what is wrong with a file is a sentence, whichever tile was asked for', (t) => {
  const lines: string[] = []
  const log = requestLog({ write: (line) => lines.push(line) }, undefined, { trustProxy: false })
  const fail = (target: string, path: string): void => {
    const error = new FlagstoneError('DAMAGED', `${path}: tile ${target} cannot be read.`, { path })
    log.onError!(error, { method: 'GET', target, headers: {} } as never)
  }
  for (let x = 0; x < 100; x++) fail(`/a/8/${x}/0`, 'a.pmtiles')
  fail('/b/8/0/0', 'b.pmtiles')
  t.equal(lines.length, 2)
  t.match(JSON.parse(lines[0]!), {
    msg: 'failed',
    url: '/a/8/0/0',
    err: { type: 'FlagstoneError', code: 'DAMAGED', message: 'a.pmtiles: tile /a/8/0/0 cannot be read.' },
  })
  t.notMatch(lines.join(), 'stack')
  t.end()
})

t.test('lines that nobody takes are counted and left out', (t) => {
  const taken: string[] = []
  const stream = { writableLength: 0, write: (line: string) => taken.push(line) }
  const sink = boundedSink(stream, (lines) => `${lines} left out`)
  sink.write('1')
  stream.writableLength = 5 * 1024 * 1024
  for (let i = 0; i < 10; i++) sink.write('much')
  stream.writableLength = 1
  sink.write('2')
  stream.writableLength = 0
  sink.write('3')
  sink.write('4')
  t.same(taken, ['1', '2', '10 left out', '3', '4'])
  t.end()
})
