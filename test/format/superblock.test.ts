import fc from 'fast-check'
import t from 'tap'
import { crc32 } from '../../src/format/crc.js'
import { SEQUENCE_WORD, SUPERBLOCK } from '../../src/format/layout.js'
import { decodeSuperblock, encodeSuperblock } from '../../src/format/superblock/codec.js'
import { applyChange, emptySuperblock, type Superblock } from '../../src/format/superblock/fields.js'
import { brokenInvariant } from '../../src/format/superblock/invariants.js'
import { chooseSuperblock } from '../../src/format/superblock/slots.js'

const uuid = Uint8Array.from({ length: 16 }, (_, i) => i * 7)

/** Two levels in front, one relocated, metadata. */
function sample(sequence = 4): Superblock {
  const sb = emptySuperblock(uuid, 4096)
  sb.sequence = sequence
  sb.valuesStart = 24576 + 3 * 4096
  sb.valuesLength = 100_000
  sb.metadata = { offset: 50, length: 20, crc: 0xdeadbeef }
  sb.levels[0] = { offset: 24576, capacityBytes: 4096, count: 1, sortedCount: 1 }
  sb.levels[5] = { offset: 28672, capacityBytes: 8192, count: 300, sortedCount: 280 }
  sb.levels[6] = { offset: 36864 + 40960, capacityBytes: 8192, count: 341, sortedCount: 341 }
  return sb
}

function sealed(placement: 'front' | 'tail'): Superblock {
  const sb = sample()
  sb.levels[5]!.sortedCount = 300
  sb.sealed = true
  if (placement === 'front') {
    sb.valuesStart += 4096
    sb.levels[6]!.offset += 4096
  }
  const end = sb.valuesStart + sb.valuesLength
  const directoriesOffset = placement === 'front' ? sb.valuesStart - 1000 : end
  sb.pmtiles = { placement, headerCrc: 1, directoriesOffset, directoriesLength: 1000, directoriesCrc: 2 }
  sb.fileLength = placement === 'front' ? end : end + 1000
  return sb
}

function pending(kind: 'insert' | 'collapse', at: number, length = 4096): Superblock {
  const sb = sample()
  sb.pending = { kind, at, length, sizeBefore: sb.valuesStart + sb.valuesLength }
  return sb
}

function withSources(): Superblock {
  const sb = sample()
  sb.writeVersion = 2
  sb.sources = { offset: 70, length: 300, crc: 0xcafe, count: 5000 }
  return sb
}

t.test('there and back', async (t) => {
  for (const sb of [
    emptySuperblock(uuid, 65536),
    sample(),
    withSources(),
    sealed('front'),
    sealed('tail'),
    pending('insert', 28672),
  ])
    t.strictSame(decodeSuperblock(encodeSuperblock(sb)), sb)
  const far = sample(2 ** 52 + 1)
  far.valuesLength = 2 ** 48
  t.strictSame(decodeSuperblock(encodeSuperblock(far)), far, 'numbers beyond 2^32')
})

t.test('the sequence is where a polling reader looks', async (t) => {
  const bytes = encodeSuperblock(sample(2 ** 33 + 6))
  const words = new Uint32Array(bytes.buffer)
  t.equal(words[SEQUENCE_WORD], 6)
  t.equal(words[SEQUENCE_WORD + 1], 2)
})

t.test('every flipped bit is found', async (t) => {
  const bytes = encodeSuperblock(sample())
  let missed = 0
  for (let at = 0; at < bytes.length; at++) {
    const bit = 1 << (at % 8)
    bytes[at]! ^= bit
    if (!('problem' in decodeSuperblock(bytes))) missed++
    bytes[at]! ^= bit
  }
  t.equal(missed, 0)
  t.match(decodeSuperblock(bytes.subarray(0, 4095)), { code: 'DAMAGED' })
  t.match(decodeSuperblock(new Uint8Array(4096)), { code: 'NOT_A_TILE_FILE' })
})

t.test('broken invariants are named, and are not written', async (t) => {
  const cases: [string, (sb: Superblock) => void][] = [
    [
      'F3',
      (sb) => {
        sb.growthUnitBytes = 12288
      },
    ],
    [
      'F3',
      (sb) => {
        sb.growthUnitBytes = 512
      },
    ],
    [
      'F3',
      (sb) => {
        sb.valuesStart += 1
      },
    ],
    [
      'F3',
      (sb) => {
        sb.valuesStart = 20480
      },
    ],
    [
      'F3',
      (sb) => {
        sb.levels[0]!.offset = 24577
      },
    ],
    [
      'F3',
      (sb) => {
        sb.levels[0]!.capacityBytes = 100
      },
    ],
    [
      'F24',
      (sb) => {
        sb.writeVersion = 2
        sb.sources = { offset: 99_999, length: 2, crc: 0, count: 1 }
      },
    ],
    [
      'F24',
      (sb) => {
        sb.sources = { offset: 0, length: 2, crc: 0, count: 1 }
      },
    ],
    [
      'F4',
      (sb) => {
        sb.levels[5]!.count = 342
      },
    ],
    [
      'F4',
      (sb) => {
        sb.levels[5]!.sortedCount = 301
      },
    ],
    [
      'F4',
      (sb) => {
        sb.levels[9]!.offset = 4096
      },
    ],
    [
      'F4',
      (sb) => {
        sb.levels[9]!.count = 1
      },
    ],
    [
      'F4',
      (sb) => {
        sb.levels[5]!.count = Number.NaN
      },
    ],
    [
      'F4',
      (sb) => {
        sb.levels[5]!.count = -1
      },
    ],
    ['F10', (sb) => void Object.assign(sb.levels[0]!, { count: 2, sortedCount: 2 })],
    [
      'F5',
      (sb) => {
        sb.levels[0]!.offset = 28672
      },
    ],
    [
      'F5',
      (sb) => {
        sb.levels[0]!.offset = 20480
      },
    ],
    [
      'F5',
      (sb) => {
        sb.levels[5]!.offset = 32768
      },
    ],
    [
      'F5',
      (sb) => {
        sb.levels[6]!.offset = 36864 + 94208
      },
    ],
    [
      'F6',
      (sb) => {
        sb.metadata!.offset = 99_981
      },
    ],
    [
      'F6',
      (sb) => {
        sb.metadata!.length = 0
      },
    ],
    [
      'F16',
      (sb) => {
        sb.sealed = true
      },
    ],
    [
      'F16',
      (sb) => {
        sb.fileLength = 1
      },
    ],
    [
      'F2',
      (sb) => {
        sb.readVersion = 2
      },
    ],
    [
      'F2',
      (sb) => {
        sb.uuid = new Uint8Array(15)
      },
    ],
    [
      'F2',
      (sb) => {
        sb.sequence = 2 ** 53
      },
    ],
  ]
  for (const [finding, spoil] of cases) {
    const sb = sample()
    spoil(sb)
    const problem = brokenInvariant(sb)
    t.equal(problem?.split(':')[0], finding, `${spoil}: ${problem}`)
    t.throws(() => encodeSuperblock(sb), RangeError)
  }
})

t.test('pending changes', async (t) => {
  for (const good of [pending('insert', 28672), pending('insert', 36864), pending('insert', 24576, 1 << 20)])
    t.equal(brokenInvariant(good), undefined)
  const gap = pending('collapse', 24576)
  gap.levels[0] = { offset: 0, capacityBytes: 0, count: 0, sortedCount: 0 }
  t.equal(brokenInvariant(gap), undefined)
  for (const bad of [
    pending('insert', 32768),
    pending('insert', 28000),
    pending('insert', 28672, 100),
    pending('insert', 28672, 0),
    pending('insert', 20480),
    pending('insert', 40960),
    pending('collapse', 24576),
    pending('collapse', 36864),
  ])
    t.match(brokenInvariant(bad), /^F8/, JSON.stringify(bad.pending))
  const short = pending('insert', 28672)
  short.pending!.sizeBefore -= 1
  t.match(brokenInvariant(short), /^F8/)
})

t.test('sealed files', async (t) => {
  const cases: [string, 'front' | 'tail', (sb: Superblock) => void][] = [
    [
      'F8',
      'front',
      (sb) => {
        sb.pending = { kind: 'insert', at: 24576, length: 4096, sizeBefore: 1e6 }
      },
    ],
    [
      'F16',
      'front',
      (sb) => {
        sb.levels[5]!.sortedCount = 299
      },
    ],
    [
      'F16',
      'front',
      (sb) => {
        sb.pmtiles = undefined
      },
    ],
    [
      'F18',
      'front',
      (sb) => {
        sb.fileLength += 1
      },
    ],
    [
      'F18',
      'front',
      (sb) => {
        sb.pmtiles!.directoriesOffset += 1
      },
    ],
    [
      'F18',
      'front',
      (sb) => void Object.assign(sb.pmtiles!, { directoriesOffset: 36863, directoriesLength: 4097 }),
    ],
    [
      'F18',
      'tail',
      (sb) => {
        sb.fileLength += 1
      },
    ],
    [
      'F18',
      'tail',
      (sb) => {
        sb.pmtiles!.directoriesOffset -= 1
      },
    ],
  ]
  for (const [finding, placement, spoil] of cases) {
    const sb = sealed(placement)
    t.equal(brokenInvariant(sb), undefined)
    spoil(sb)
    t.equal(brokenInvariant(sb)?.split(':')[0], finding, `${spoil}`)
  }
})

/** Encodes, changes bytes behind the encoder's back, and makes the checksum right again. */
function patched(sb: Superblock, patch: (view: DataView) => void): Uint8Array {
  const bytes = encodeSuperblock(sb)
  const view = new DataView(bytes.buffer)
  patch(view)
  view.setUint32(SUPERBLOCK.crc, crc32(bytes.subarray(0, SUPERBLOCK.crc)), true)
  return bytes
}

t.test('versions', async (t) => {
  const newer = patched(sample(), (v) => {
    v.setUint16(SUPERBLOCK.readVersion, 2, true)
    v.setUint16(SUPERBLOCK.writeVersion, 2, true)
  })
  t.match(decodeSuperblock(newer), { code: 'VERSION_UNSUPPORTED', problem: /version 2.*up to 1/ })
  const readable = patched(sample(), (v) => {
    v.setUint16(SUPERBLOCK.writeVersion, 7, true)
    v.setUint8(SUPERBLOCK.reserved2 + 5, 1)
    v.setUint32(SUPERBLOCK.flags, 0x80, true)
  })
  t.match(decodeSuperblock(readable), { writeVersion: 7, sequence: 4 }, 'an old reader reads what it may')
  const dirty = patched(sample(), (v) => v.setUint8(SUPERBLOCK.reserved3 + 2715, 1))
  t.match(decodeSuperblock(dirty), { code: 'DAMAGED', problem: /^F2/ })
  // a version that does not have them
  const early = patched(withSources(), (v) => v.setUint16(SUPERBLOCK.writeVersion, 1, true))
  t.match(decodeSuperblock(early), { code: 'DAMAGED', problem: /^F2/ })
  const late = patched(withSources(), (v) => {
    v.setUint16(SUPERBLOCK.writeVersion, 3, true)
    v.setUint8(SUPERBLOCK.reserved2, 1)
  })
  t.match(decodeSuperblock(late), { writeVersion: 3, sources: { count: 5000 } })
  const untidy = patched(withSources(), (v) => v.setUint8(SUPERBLOCK.reserved2, 1))
  t.match(decodeSuperblock(untidy), { code: 'DAMAGED', problem: /^F2/ })
  const strange = patched(sample(), (v) => v.setUint32(SUPERBLOCK.pendingKind, 3, true))
  t.match(decodeSuperblock(strange), { code: 'DAMAGED', problem: /^F8/ })
})

t.test('hostile superblocks with a right checksum are refused or sound', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1375), fc.nat(255)), { minLength: 1, maxLength: 6 }), (edits) => {
      const bytes = patched(sample(), (v) => {
        for (const [at, byte] of edits) v.setUint8(at, byte)
      })
      const sb = decodeSuperblock(bytes)
      return 'problem' in sb ? sb.problem.length > 0 : brokenInvariant(sb) === undefined
    }),
    { numRuns: 1000 },
  )
})

t.test('the valid copy with the higher sequence is chosen', async (t) => {
  const even = encodeSuperblock(sample(4), new Uint8Array(4096))
  const odd = encodeSuperblock(sample(5), new Uint8Array(4096))
  const broken = even.slice()
  broken[100]! ^= 1
  t.match(chooseSuperblock(even, odd), {
    slot: 1,
    superblock: { sequence: 5 },
    problems: [undefined, undefined],
  })
  t.match(chooseSuperblock(encodeSuperblock(sample(6)), odd), { slot: 0, superblock: { sequence: 6 } })
  t.match(chooseSuperblock(broken, odd), {
    slot: 1,
    superblock: { sequence: 5 },
    problems: [{ code: 'DAMAGED' }, undefined],
  })
  t.match(chooseSuperblock(even, new Uint8Array(4096)), { slot: 0, superblock: { sequence: 4 } })
  t.equal(chooseSuperblock(broken, new Uint8Array(4096)).superblock, undefined)
  t.match(
    chooseSuperblock(odd, even).problems,
    [{ problem: /^F1/ }, { problem: /^F1/ }],
    'in the wrong slots',
  )
  const newer = patched(sample(5), (v) => {
    v.setUint16(SUPERBLOCK.readVersion, 2, true)
    v.setUint16(SUPERBLOCK.writeVersion, 2, true)
  })
  t.equal(
    chooseSuperblock(even, newer).superblock,
    undefined,
    'an old copy beside a newer version is not the file',
  )
})

t.test('a change moves what lies at or behind it', async (t) => {
  const sb = sample()
  const after = applyChange(sb, { kind: 'insert', at: 28672, length: 8192 })
  t.equal(after.levels[0]!.offset, 24576)
  t.equal(after.levels[5]!.offset, 28672 + 8192)
  t.equal(after.levels[6]!.offset, sb.levels[6]!.offset + 8192)
  t.equal(after.valuesStart, sb.valuesStart + 8192)
  t.equal(after.levels[9]!.offset, 0, 'an absent level stays absent')
  t.strictSame(applyChange(after, { kind: 'collapse', at: 28672, length: 8192 }), sb)
  t.equal(sb.levels[5]!.offset, 28672, 'the argument is not touched')
})
