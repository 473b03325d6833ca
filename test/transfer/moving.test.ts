// Tiles of Flagstone files are moved to another one without being read: inside the kernel, or by sharing blocks.
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PMTiles } from 'pmtiles'
import t from 'tap'
import {
  convert,
  create,
  digest,
  extract,
  type FlatReader,
  merge,
  open,
  openTileSet,
  reopen,
  verify,
} from '../../src/index.js'
import { Movable } from '../../src/transfer/movable.js'
import { makeFlat, type PlacedBytes, pngLike } from '../helpers/archives.js'
import { mountFor } from '../helpers/mounts.js'
import { sameBytes } from '../helpers/same-bytes.js'

/** A part of a zoom, clustered: tiles of 3 KB, every fifth one like another. */
function tilesOf(columns: readonly [number, number], zoom = 5): PlacedBytes[] {
  const tiles: PlacedBytes[] = []
  for (let x = columns[0]; x < columns[1]; x++)
    for (let y = 0; y < 32; y++)
      tiles.push({ z: zoom, x, y, bytes: pngLike((x * 32 + y) % 5 === 0 ? x >> 3 : x * 32 + y + 1000, 3000) })
  return tiles
}

async function makeClustered(folder: string, name: string, tiles: readonly PlacedBytes[]): Promise<string> {
  const raw = makeFlat(join(folder, `raw-${name}.pmtiles`), tiles, { name })
  const out = join(folder, `${name}.pmtiles`)
  await convert({ source: raw, out })
  return out
}

async function headerOf(path: string) {
  const bytes = readFileSync(path)
  const archive = new PMTiles({
    getKey: () => path,
    getBytes: async (at: number, length: number) => ({
      data: new Uint8Array(bytes.subarray(at, at + length)).buffer,
    }),
  })
  return { header: await archive.getHeader(), archive }
}

function openFlat(path: string): FlatReader {
  const reader = open(path)
  if (reader.kind !== 'flat') throw new Error(`${path} is ${reader.kind}`)
  return reader
}

/** Changes a byte of a tile in the file. */
function damage(path: string, tile: Uint8Array): void {
  const bytes = readFileSync(path)
  const at = bytes.indexOf(tile)
  bytes[at + 100]! ^= 255
  writeFileSync(path, bytes)
}

t.test('convert and extract: clustered, sound, and not read', async (t) => {
  const folder = t.testdir()
  const tiles = tilesOf([0, 32])
  const source = await makeClustered(folder, 'a', tiles)
  const out = join(folder, 'b.pmtiles')
  const report = await convert({ source, out })
  t.equal(report.digest, (await digest(source)).digest)
  t.ok((await verify(out)).ok)
  t.match((await headerOf(out)).header, { clustered: true, numAddressedTiles: 1024 })
  // scattered ranges, some of which refer to bytes that were copied before
  const bbox: [number, number, number, number] = [-100, -60, 120, 70]
  const cut = await extract({ source, out, bbox, overwrite: true })
  const plain = await extract({ source: join(folder, 'raw-a.pmtiles'), out: join(folder, 'c.pmtiles'), bbox })
  t.equal(cut.digest, plain.digest)
  t.ok((await verify(out)).ok)
  const { header } = await headerOf(out)
  t.equal(header.clustered, true)
  const [before, after] = [openFlat(source), openFlat(out)]
  const places = new Map([...before.records(5)].map(({ key, offset }) => [key, offset]))
  const used = new Set([...after.records(5)].map(({ key }) => places.get(key)))
  t.equal(header.numTileContents, used.size, 'what is stored once there is stored once')
  before.close()
  after.close()
  damage(source, tiles[77]!.bytes)
  await convert({ source, out, overwrite: true })
  const { ok, findings } = await verify(out)
  t.notOk(ok, 'what was damaged is found damaged in the copy')
  t.same([...new Set(findings.filter((finding) => !finding.ok).map((finding) => finding.invariant))], ['F13'])
  t.end()
})

t.test('merge of files in key order: the output is, too', async (t) => {
  const folder = t.testdir()
  const sources = [
    await makeClustered(folder, 'a', tilesOf([0, 13])),
    await makeClustered(folder, 'b', [{ z: 0, x: 0, y: 0, bytes: pngLike(1) }, ...tilesOf([13, 32])]),
  ]
  const whole = makeFlat(join(folder, 'whole.pmtiles'), [
    { z: 0, x: 0, y: 0, bytes: pngLike(1) },
    ...tilesOf([0, 32]),
  ])
  for (const name of ['c.pmtiles', 'c.mbtiles']) {
    const out = join(folder, name)
    const report = await merge({ sources, out })
    t.equal(report.digest, (await digest(whole)).digest, name)
    t.ok((await verify(out)).ok, name)
  }
  t.equal((await headerOf(join(folder, 'c.pmtiles'))).header.clustered, true)
  t.end()
})

t.test('a file that is written meanwhile', async (t) => {
  const path = makeFlat(join(t.testdir(), 'a.pmtiles'), tilesOf([0, 4]))
  const tiles = await openTileSet(path)
  const movable = Movable.of(tiles)!
  movable.assertUnchanged()
  const writer = reopen(path)
  writer.append(5, 31, 31, pngLike(1))
  writer.commit()
  t.throws(() => movable.assertUnchanged(), { code: 'LOCKED', message: /changed while it was being copied/ })
  movable.close()
  // one that is not sealed may grow at any moment, so its tiles are read
  t.equal(Movable.of(tiles), undefined)
  writer.close()
  tiles.close()
  t.end()
})

for (const name of ['xfs', 'btrfs'] as const)
  t.test(`${name}: files share their blocks with what they are merged to, and not their fate`, async (t) => {
    const place = mountFor(t, name)
    if (typeof place === 'string') {
      t.comment(`skipped: ${place}`)
      t.end()
      return
    }
    const { directory } = place
    const used = (): number => {
      const { blocks, bfree, bsize } = statfsSync(directory)
      return (blocks - bfree) * bsize
    }
    const [bytes, count] = [200_000, 100]
    const sources = [0, 1].map((n) => {
      const path = join(directory, `${n}.pmtiles`)
      const writer = create(path)
      // out of key order; the last place is in both
      for (let i = count; i > 0; i--) writer.append(8, n * 100 + i, 200 - i, pngLike(n * count + i, bytes))
      writer.append(0, 0, 0, pngLike(n, 60))
      writer.seal()
      writer.close()
      return path
    })
    const before = used()
    const out = join(directory, 'both.pmtiles')
    const report = await merge({ sources, out, onDuplicate: 'last' })
    t.match(report, { tiles: 2 * count + 1, duplicates: { won: [{ source: sources[1], tiles: 1 }] } })
    t.ok(report.tileBytes > 2 * count * bytes)
    const grown = used() - before
    t.ok(grown < 10_000_000, `${grown} bytes more for ${report.tileBytes}`)
    for (const path of sources) {
      writeFileSync(path, 'nothing')
      rmSync(path)
    }
    t.ok((await verify(out)).ok)
    const file = open(out)
    sameBytes(t, file.get(8, 150, 150)?.bytes, pngLike(count + 50, bytes))
    sameBytes(t, file.get(8, 50, 150)?.bytes, pngLike(50, bytes))
    sameBytes(t, file.get(0, 0, 0)?.bytes, pngLike(1, 60))
    file.close()
    const { archive } = await headerOf(out)
    t.equal((await archive.getZxy(8, 150, 150))?.data.byteLength, bytes)
    // and it can be gone on with
    const writer = reopen(out)
    writer.append(9, 1, 1, pngLike(9, bytes))
    writer.seal()
    writer.close()
    t.ok((await verify(out)).ok)
    t.end()
  })
