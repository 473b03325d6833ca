// Converts archives to other containers: the same tiles come out, and a failure leaves nothing.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PMTiles } from 'pmtiles'
import t from 'tap'
import { convert, create, open, type TransferProgress } from '../../src/index.js'

const png = (n: number): Uint8Array => {
  const bytes = new Uint8Array(60 + n)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  bytes[59] = n
  return bytes
}

/** Tiles in an order that is not that of their keys, some of them equal. */
function makeArchive(path: string): void {
  const writer = create(path)
  for (let x = 7; x >= 0; x--) for (let y = 0; y < 8; y++) writer.append(3, x, y, png((x * y) % 5))
  writer.append(0, 0, 0, png(1))
  writer.setMetadata({ name: 'a name', attribution: 'me', tileSize: 256 })
  writer.seal({ bounds: [-180, -85, 180, 85], center: [1, 2, 3] })
  writer.close()
}

t.test('PMTiles to PMTiles: the same tiles and metadata, clustered', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.pmtiles')]
  makeArchive(source)
  const phases: string[] = []
  const report = await convert({ source, out }, { onProgress: ({ phase }) => phases.push(phase) })
  t.match(report, { out, format: 'pmtiles', tiles: 65, types: [{ name: 'png', count: 65 }] })
  t.match(report.levels, [
    { zoom: 0, tiles: 1 },
    { zoom: 3, tiles: 64 },
  ])
  t.equal(phases.at(-1), 'done')
  const [before, after] = [open(source), open(out)]
  for (const { z, x, y } of before.tiles()) t.same(after.get(z, x, y)?.bytes, before.get(z, x, y)?.bytes)
  t.match(after.metadata(), { name: 'a name', attribution: 'me', tileSize: 256 })
  before.close()
  after.close()
  const bytes = readFileSync(out)
  const archive = new PMTiles({
    getKey: () => out,
    getBytes: async (at: number, length: number) => ({
      data: new Uint8Array(bytes.subarray(at, at + length)).buffer,
    }),
  })
  const header = await archive.getHeader()
  t.match(header, { clustered: true, numAddressedTiles: 65, minLat: -85, centerLon: 1, centerZoom: 3 })
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'b.pmtiles'])
  t.end()
})

t.test('what exists is replaced only if asked, and only by a complete archive', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.pmtiles')]
  makeArchive(source)
  await convert({ source, out })
  const before = readFileSync(out)
  await t.rejects(convert({ source, out }), { code: 'EXISTS' })
  await t.rejects(convert({ source, out, overwrite: true }, { signal: AbortSignal.abort() }), {
    code: 'INTERRUPTED',
  })
  t.same(readFileSync(out), before)
  const late = new AbortController()
  const onProgress = ({ phase }: TransferProgress): void => {
    if (phase === 'finish') late.abort()
  }
  await t.rejects(convert({ source, out, overwrite: true }, { signal: late.signal, onProgress }), {
    code: 'INTERRUPTED',
  })
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'b.pmtiles'])
  await convert({ source, out, overwrite: true })
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  await t.rejects(convert({ source, out: join(folder, 'notes.txt'), to: 'pmtiles', overwrite: true }), {
    code: 'BAD_OPTION',
  })
  await t.rejects(convert({ source, out: source, overwrite: true }), { code: 'BAD_OPTION' })
  await t.rejects(convert({ source, out: join(folder, 'c.what') }), { code: 'BAD_OPTION' })
  await t.rejects(convert({ source: join(folder, 'none.pmtiles'), out: join(folder, 'd.pmtiles') }), {
    code: 'NOT_FOUND',
  })
  t.notOk(existsSync(join(folder, 'd.pmtiles')))
  t.end()
})
