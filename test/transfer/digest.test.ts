// The digest of an archive: the same in every container, and as formats/digest-1.md says.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/cli/run.js'
import { digest, open, reopen, verify } from '../../src/index.js'
import { makeFlat, makeFolder, makeMbtiles, type PlacedBytes, pngLike } from '../helpers/archives.js'
import { root } from '../helpers/paths.js'

/** Several equal tiles in a row, and zooms that are not next to one another. */
const TILES: readonly PlacedBytes[] = [
  { z: 0, x: 0, y: 0, bytes: pngLike(0) },
  ...Array.from({ length: 64 }, (_, i) => ({
    z: 3,
    x: i & 7,
    y: i >> 3,
    bytes: i < 32 ? pngLike(7) : new Uint8Array([0xff, 0xd8, 0xff, i]),
  })),
]

/** A foreign archive: what makes a sealed file ours is erased. */
function makeForeign(path: string, tiles: readonly PlacedBytes[]): string {
  makeFlat(path, tiles)
  const bytes = readFileSync(path)
  bytes.fill(0, 16384, 16384 + 2 * 4096)
  writeFileSync(path, bytes)
  return path
}

t.test('containers and orders', async (t) => {
  const folder = t.testdir()
  const flat = makeFlat(join(folder, 'a.pmtiles'), TILES)
  const expected = await digest(flat)
  t.match(expected, { tiles: 65, digest: /^[0-9a-f]{32}$/ })
  const foreign = makeForeign(join(folder, 'f.pmtiles'), TILES)
  const reader = open(foreign)
  t.equal(reader.kind, 'pmtiles')
  reader.close()
  const others = [
    foreign,
    makeFlat(join(folder, 'b.pmtiles'), [...TILES].reverse()),
    makeMbtiles(join(folder, 'a.mbtiles'), TILES),
    makeMbtiles(join(folder, 'twice.mbtiles'), [...TILES, TILES[3]!], false),
    makeFolder(join(folder, 'a'), TILES),
  ]
  for (const path of others) t.same(await digest(path), expected, path)
  // (the foreign one has metadata of ours among its values)
  for (const path of [flat, ...others.slice(1)]) t.equal((await verify(path)).digest, expected.digest, path)
  const printed = { stdout: '', stderr: '' }
  const io = {
    stdout: { write: (text: unknown) => (printed.stdout += String(text)) },
    stderr: { write: (text: unknown) => (printed.stderr += String(text)) },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  t.equal(await run(['digest', flat, foreign], io), 0)
  t.equal(printed.stdout, `${expected.digest}  ${flat}\n${expected.digest}  ${foreign}\n`)
  printed.stdout = ''
  for (const path of [flat, foreign]) {
    t.equal(await run(['info', path], io), 0)
    t.match(printed.stdout, expected.digest)
    printed.stdout = ''
  }
  t.end()
})

t.test('what was removed or replaced, and files that are being written', async (t) => {
  const path = makeFlat(join(t.testdir(), 'a.pmtiles'), TILES)
  const before = (await digest(path)).digest
  const writer = reopen(path)
  writer.append(5, 9, 9, pngLike(5))
  writer.append(0, 0, 0, pngLike(6))
  writer.commit()
  t.not((await digest(path)).digest, before)
  t.equal((await digest(path)).tiles, 66)
  writer.remove(5, 9, 9)
  writer.append(0, 0, 0, pngLike(0))
  writer.commit()
  t.match(await digest(path), { digest: before, tiles: 65 })
  writer.close()
  await t.rejects(digest(path, { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  t.end()
})

t.test('the example of formats/digest-1.md', async (t) => {
  const text = readFileSync(join(root, 'formats', 'digest-1.md'), 'utf8')
  const [one, , both] = [...text.matchAll(/`([0-9a-f]{32})`/g)].map((match) => match[1])
  const folder = t.testdir()
  const jpeg = { z: 1, x: 1, y: 0, bytes: Buffer.from('\xff\xd8\xffflagst', 'latin1') }
  const other = { z: 0, x: 0, y: 0, bytes: Buffer.from('tile') }
  t.equal((await digest(makeFlat(join(folder, 'a.pmtiles'), [jpeg]))).digest, one)
  t.equal((await digest(makeFlat(join(folder, 'b.pmtiles'), [other, jpeg]))).digest, both)
  t.end()
})
