// The sample files are what their script makes, valid ones open, invalid ones raise what they are named by, and
// sealed ones are PMTiles archives in the eyes of the `pmtiles` package and of go-pmtiles' verify rules.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as peer from 'pmtiles'
import t from 'tap'
import { invalidSamples, validSamples } from '../../scripts/fixtures/flat.js'
import { FlagstoneError } from '../../src/errors.js'
import { crc32 } from '../../src/format/crc.js'
import { decodeDirectory, entryAt } from '../../src/format/directory.js'
import { SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET, SUPERBLOCK_BYTES } from '../../src/format/layout.js'
import { Compression, decodeHeader } from '../../src/format/pmtiles.js'
import { headerFindings } from '../../src/format/pmtiles-findings.js'
import type { Superblock } from '../../src/format/superblock/fields.js'
import { chooseSuperblock } from '../../src/format/superblock/slots.js'
import { tileId, tileIdToZxy } from '../../src/format/tile-id.js'
import { fixture } from '../helpers/paths.js'

const read = (kind: string, file: string): Buffer => readFileSync(fixture(kind, file))

t.test('the committed files are what the script makes', async (t) => {
  for (const [kind, samples] of [
    ['valid', validSamples()],
    ['invalid', invalidSamples()],
  ] as const) {
    for (const { file, bytes } of samples) t.ok(read(kind, file).equals(bytes), `${kind}/${file}`)
    const listed = JSON.parse(read(kind, 'flat.json').toString()) as unknown[]
    t.same(
      listed,
      samples.map(({ bytes, ...rest }) => ({ ...rest, bytes: bytes.length })),
    )
    const onDisk = readdirSync(fixture(kind)).filter((name) => /\.(flat|pmtiles)$/.test(name))
    t.same(onDisk.sort(), samples.map(({ file }) => file).sort())
  }
})

/** As much of opening as needs no file: the superblock in force, or the error. */
function openFlat(bytes: Uint8Array): Superblock {
  const slot = (at: number): Uint8Array => bytes.subarray(at, at + SUPERBLOCK_BYTES)
  const { superblock, problems } = chooseSuperblock(slot(SUPERBLOCK_A_OFFSET), slot(SUPERBLOCK_B_OFFSET))
  if (superblock === undefined) {
    const byCode = (code: string) => problems.find((problem) => problem?.code === code)
    const said = byCode('VERSION_UNSUPPORTED') ?? byCode('DAMAGED') ?? problems[0]!
    throw new FlagstoneError(said.code, said.problem)
  }
  const { pending, fileLength, sealed } = superblock
  const end = superblock.valuesStart + superblock.valuesLength
  if (sealed ? bytes.length !== fileLength : bytes.length < end)
    throw new FlagstoneError('DAMAGED', `F7: ${bytes.length} bytes`)
  if (pending !== undefined && ![0, pending.length].includes(bytes.length - pending.sizeBefore))
    throw new FlagstoneError('DAMAGED', `F8: ${bytes.length} bytes`)
  return superblock
}

t.test('valid flat files have a sound superblock', async (t) => {
  for (const { file } of validSamples())
    if (file !== 'foreign.pmtiles') t.ok(openFlat(read('valid', file)), file)
})

t.test('invalid files raise the error they are named by', async (t) => {
  for (const { file, code, when, finding } of invalidSamples()) {
    const bytes = read('invalid', file)
    if (when === 'use') {
      t.ok(openFlat(bytes), `${file} opens; its damage is found when it is used`)
      continue
    }
    const isFlat = file.endsWith('.flat') || bytes.length > 24576
    let raised: unknown
    try {
      if (isFlat && bytes.length < 20000)
        throw new FlagstoneError('NOT_A_TILE_FILE', 'no room for a superblock')
      if (isFlat) openFlat(bytes)
      else {
        const header = decodeHeader(bytes, bytes.length)
        decodeDirectory(bytes.subarray(header.rootOffset, header.rootOffset + header.rootLength))
      }
    } catch (error) {
      raised = error
    }
    t.match(raised, { code }, file)
    if (finding !== undefined)
      t.match((raised as Error).message, finding === 'F1' ? /./ : new RegExp(`^${finding}:`), file)
  }
})

// ── as PMTiles ──────────────────────────────────────────────────────────────────────────────────────────

/** A source over bytes for the pmtiles package. */
function source(bytes: Buffer): peer.Source {
  return {
    getKey: () => 'sample',
    getBytes: async (offset, length) => ({
      data: Uint8Array.from(bytes.subarray(offset, offset + length)).buffer,
    }),
  }
}

t.test('the pmtiles package reads every tile of the archives, and no others', async (t) => {
  for (const { file, tiles, metadata, pmtilesMetadata } of validSamples()) {
    if (!file.endsWith('.pmtiles')) continue
    const archive = new peer.PMTiles(source(read('valid', file)))
    for (let id = 0; id < 85; id++) {
      const [z, x, y] = tileIdToZxy(id)
      const held = tiles.find((tile) => tileId(tile.z, tile.x, tile.y) === id)
      const got = await archive.getZxy(z, x, y)
      const found = got && { length: got.data.byteLength, crc: crc32(new Uint8Array(got.data)) }
      if (held === undefined) t.equal(found, undefined, `${file} ${z}/${x}/${y}`)
      else t.match(held, found ?? { missing: true }, `${file} ${z}/${x}/${y}`)
    }
    t.same(await archive.getMetadata(), pmtilesMetadata ?? metadata)
  }
})

t.test("go-pmtiles verify's rules hold for the archives", async (t) => {
  for (const { file } of validSamples()) {
    if (!file.endsWith('.pmtiles')) continue
    const bytes = read('valid', file)
    const header = decodeHeader(bytes, bytes.length)
    const open = (part: Uint8Array): Uint8Array =>
      header.internalCompression === Compression.gzip ? gunzipSync(part) : part
    const directory = (offset: number, length: number) => {
      const decoded = decodeDirectory(open(bytes.subarray(offset, offset + length)))
      return Array.from({ length: decoded.count }, (_, i) => entryAt(decoded, i))
    }
    const entries = directory(header.rootOffset, header.rootLength).flatMap((entry) =>
      entry.runLength > 0 ? [entry] : directory(header.leafOffset + entry.offset, entry.length),
    )
    const last = entries.at(-1)!
    const counts = {
      addressedTiles: entries.reduce((sum, { runLength }) => sum + runLength, 0),
      tileEntries: entries.length,
      tileContents: new Set(entries.map(({ offset }) => offset)).size,
      minZoom: tileIdToZxy(entries[0]!.tileId)[0],
      maxZoom: tileIdToZxy(last.tileId)[0],
    }
    t.same(headerFindings(header, bytes.length, counts), [], file)
    for (const { offset, length } of entries) t.ok(offset + length <= header.dataLength)
    if (file.includes('leaves')) t.ok(header.leafLength > 0 && entries.length > 4)
  }
})
