import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  type Checkpoint,
  checkpointPath,
  decodeCheckpoint,
  encodeCheckpoint,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from '../../src/pyramid/output/checkpoint.js'
import { digestOf } from '../../src/pyramid/output/fingerprint.js'
import { requireSame } from '../../src/pyramid/output/refusal.js'
import type { RawTile } from '../../src/pyramid/work/quad.js'

const raw = (x: number, hasMask: boolean): RawTile => ({
  x,
  y: 7,
  pixels: {
    width: 16,
    height: 16,
    bands: 3,
    data: Uint8Array.from({ length: 768 }, (_, i) => (i * x) & 255),
    mask: hasMask ? Uint8Array.from({ length: 256 }, (_, i) => (i % 3) * 127) : undefined,
  },
})

const checkpoint: Checkpoint = {
  fingerprint: { 'the quality': 75, lossless: false },
  place: 'beside',
  subtreesDone: 17,
  tally: {
    tilesDone: 900,
    tiles: 800,
    bytes: 12345,
    levels: { 9: { tiles: 800, bytes: 12345 } },
    types: { 3: 800 },
    clamped: 3,
    damage: [],
  },
  pending: [
    { zoom: 5, tiles: [raw(2, false)] },
    { zoom: 9, tiles: [raw(40, true), raw(41, false)] },
  ],
}

t.test('what goes in comes out', (t) => {
  t.same(decodeCheckpoint(encodeCheckpoint(checkpoint)), checkpoint)
  const out = join(t.testdir(), 'x.pmtiles')
  t.equal(readCheckpoint(out), undefined)
  writeCheckpoint(out, checkpoint)
  writeCheckpoint(out, { ...checkpoint, subtreesDone: 18 })
  t.same(readCheckpoint(out), { ...checkpoint, subtreesDone: 18 })
  removeCheckpoint(out)
  removeCheckpoint(out)
  t.equal(readCheckpoint(out), undefined)
  t.end()
})

t.test('a damaged one is refused, wherever the damage is', (t) => {
  const out = join(t.testdir(), 'x.pmtiles')
  writeCheckpoint(out, checkpoint)
  const whole = readFileSync(checkpointPath(out))
  const accepted: number[] = []
  for (let i = 0; i < whole.length; i += 7) {
    const flipped = Buffer.from(whole)
    flipped[i]! ^= 1 << (i % 8)
    if (decodeCheckpoint(flipped) !== undefined) accepted.push(i)
  }
  t.same(accepted, [])
  for (const length of [0, 5, 16, 100, whole.length - 1]) {
    writeFileSync(checkpointPath(out), whole.subarray(0, length))
    t.throws(() => readCheckpoint(out), { code: 'NOT_RESUMABLE', message: /is damaged/ })
  }
  t.end()
})

t.test('what differs is named', (t) => {
  const before = { 'the quality': 75, 'the format': 'auto' }
  t.doesNotThrow(() => requireSame('x', before, { ...before }))
  t.throws(() => requireSame('x', before, { ...before, 'the quality': 80 }), {
    code: 'NOT_RESUMABLE',
    message: /the quality was 75 and is 80 now/,
  })
  t.equal(digestOf(before), digestOf({ 'the format': 'auto', 'the quality': 75 }))
  t.not(digestOf(before), digestOf({ ...before, 'the quality': 76 }))
  t.end()
})
