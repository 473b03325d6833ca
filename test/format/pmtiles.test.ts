import fc from 'fast-check'
import * as peer from 'pmtiles'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { Compression, decodeHeader, encodeHeader, type PmtilesHeader } from '../../src/format/pmtiles.js'
import { headerFindings } from '../../src/format/pmtiles-findings.js'
import { sealedSections } from '../../src/format/pmtiles-sections.js'

const header: PmtilesHeader = {
  rootOffset: 127,
  rootLength: 300,
  metadataOffset: 20000,
  metadataLength: 100,
  leafOffset: 16384,
  leafLength: 3616,
  dataOffset: 20100,
  dataLength: 5_000_000_000,
  addressedTiles: 30,
  tileEntries: 20,
  tileContents: 10,
  clustered: true,
  internalCompression: Compression.gzip,
  tileCompression: Compression.none,
  tileType: 4,
  minZoom: 2,
  maxZoom: 18,
  minLon: -12.3456789,
  minLat: -45.1234567,
  maxLon: 13.1234567,
  maxLat: 46,
  centerZoom: 7,
  centerLon: 0.0000001,
  centerLat: 1.5,
}
const SIZE = 5_000_020_100

const code = (wanted: string) => ({ constructor: FlagstoneError, code: wanted })

t.test('there and back, and as the pmtiles package reads it', async (t) => {
  const bytes = encodeHeader(header)
  t.equal(bytes.length, 127)
  t.strictSame(decodeHeader(bytes, SIZE), header)
  const theirs = peer.bytesToHeader(bytes.buffer as ArrayBuffer)
  t.match(theirs, {
    specVersion: 3,
    rootDirectoryOffset: 127,
    rootDirectoryLength: 300,
    jsonMetadataOffset: 20000,
    jsonMetadataLength: 100,
    leafDirectoryOffset: 16384,
    leafDirectoryLength: 3616,
    tileDataOffset: 20100,
    tileDataLength: 5_000_000_000,
    numAddressedTiles: 30,
    numTileEntries: 20,
    numTileContents: 10,
    clustered: true,
    internalCompression: 2,
    tileCompression: 1,
    tileType: 4,
    minZoom: 2,
    maxZoom: 18,
    minLon: header.minLon,
    minLat: header.minLat,
    maxLon: header.maxLon,
    maxLat: header.maxLat,
    centerZoom: 7,
    centerLon: header.centerLon,
    centerLat: header.centerLat,
  })
})

t.test('what cannot be read is refused with one sentence', async (t) => {
  const spoilt = (spoil: (view: DataView) => void): Uint8Array => {
    const bytes = encodeHeader(header)
    spoil(new DataView(bytes.buffer))
    return bytes
  }
  const cases: [string, Uint8Array][] = [
    ['NOT_A_TILE_FILE', new Uint8Array(0)],
    ['NOT_A_TILE_FILE', new Uint8Array(127)],
    ['NOT_A_TILE_FILE', new TextEncoder().encode('PNG and something')],
    ['NOT_A_TILE_FILE', new TextEncoder().encode('PMTile')],
    ['VERSION_UNSUPPORTED', Uint8Array.of(0x50, 0x4d, 2, 0, 0, 0)],
    ['VERSION_UNSUPPORTED', spoilt((v) => v.setUint8(7, 4))],
    ['DAMAGED', encodeHeader(header).subarray(0, 126)],
    ['DAMAGED', spoilt((v) => v.setUint32(16, 0, true))],
    ['DAMAGED', spoilt((v) => v.setUint32(8, 100, true))],
    ['DAMAGED', spoilt((v) => v.setBigUint64(8, 0xffffffffffffffffn, true))],
    ['DAMAGED', spoilt((v) => v.setBigUint64(24, BigInt(SIZE), true))],
    ['DAMAGED', spoilt((v) => v.setBigUint64(48, 0x8000000000000000n, true))],
    ['DAMAGED', spoilt((v) => v.setBigUint64(64, BigInt(header.dataLength) + 1n, true))],
  ]
  for (const [wanted, bytes] of cases) t.throws(() => decodeHeader(bytes, SIZE), code(wanted))
})

t.test('any bytes give a header or a FlagstoneError', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 140 }), fc.boolean(), (bytes, ours) => {
      if (ours && bytes.length >= 8) bytes.set(encodeHeader(header).subarray(0, 8))
      try {
        decodeHeader(bytes, 1 << 20)
      } catch (error) {
        return error instanceof FlagstoneError
      }
      return true
    }),
    { numRuns: 2000 },
  )
})

t.test('numbers that do not fit are a RangeError', async (t) => {
  for (const wrong of [
    { rootLength: -1 },
    { dataLength: 2 ** 53 },
    { dataLength: 0.5 },
    { tileType: 256 },
    { minZoom: -1 },
    { minLon: -181 },
    { centerLat: 91 },
    { centerLat: Number.NaN },
  ])
    t.throws(() => encodeHeader({ ...header, ...wrong }), RangeError, JSON.stringify(wrong))
})

t.test("go-pmtiles verify's findings", async (t) => {
  const good = { ...header, metadataOffset: 20000, leafLength: 3616 }
  const size = 16384 + 100 + 3616 + header.dataLength
  const counts = { addressedTiles: 30, tileEntries: 20, tileContents: 10, minZoom: 2, maxZoom: 18 }
  t.same(headerFindings(good, size, counts), [])
  t.same(headerFindings(good, size - 16384 + 127 + 300, counts), [], 'without padding')
  const cases: [Partial<PmtilesHeader>, RegExp][] = [
    [{ metadataOffset: 0 }, /metadata offset is 0/],
    [{ leafOffset: 0 }, /leaf directories offset is 0/],
    [{ leafLength: 3617 }, /adds up to/],
    [{ rootOffset: 16300 }, /beyond 16384/],
    [{ addressedTiles: 31 }, /addressedTiles is 31, the directories say 30/],
    [{ tileEntries: 0 }, /tileEntries/],
    [{ tileContents: 11 }, /tileContents/],
    [{ minZoom: 1 }, /minZoom/],
    [{ maxZoom: 19 }, /maxZoom/],
    [{ centerZoom: 19 }, /center zoom 19/],
    [{ maxLon: header.minLon }, /no area/],
  ]
  for (const [wrong, finding] of cases) {
    const findings = headerFindings({ ...good, ...wrong }, size, counts)
    t.match(findings.join('; '), finding)
    t.equal(findings.length, 1, findings.join('; '))
  }
})

t.test('sealed sections cover the file exactly', async () => {
  const positive = fc.integer({ min: 1, max: 2 ** 40 })
  fc.assert(
    fc.property(
      fc.boolean(),
      positive,
      positive,
      fc.nat(1 << 20),
      fc.nat(1 << 16),
      (front, v, values, leaf, metadata) => {
        const V = 24576 + Math.ceil((leaf + metadata) / 4096) * 4096 + v * 4096
        const s = sealedSections(front ? 'front' : 'tail', V, values, leaf, metadata)
        const parts = [
          [s.leafOffset, s.leafLength],
          [s.metadataOffset, s.metadataLength],
          [s.dataOffset, s.dataLength],
        ].sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
        let end = 16384
        for (const [offset, length] of parts) {
          if (offset !== end) return false
          end += length!
        }
        return (
          end === s.fileLength &&
          s.leafOffset + s.leafBase === s.directoriesOffset &&
          s.directoriesOffset + leaf === s.metadataOffset &&
          s.dataOffset + s.tileBase === V
        )
      },
    ),
  )
})

t.test('the edge of the world may come out of a projection a hair too far', (t) => {
  const bytes = encodeHeader({ ...header, minLon: -180.00000000000003, maxLon: 180.00000000000003 })
  const { minLon, maxLon } = decodeHeader(bytes, SIZE)
  t.same([minLon, maxLon], [-180, 180])
  t.throws(() => encodeHeader({ ...header, maxLon: 180.0000001 }), RangeError)
  t.end()
})
