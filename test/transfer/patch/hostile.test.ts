// Patches that somebody made to do harm, or that were damaged: one sentence, at once, and the file is as it was.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crc32 } from '../../../src/format/crc.js'
import { zoomBase } from '../../../src/format/tile-id.js'
import { apply, convert, create, diff, digest, open, verify } from '../../../src/index.js'
import { makeFlat, pngLike } from '../../helpers/archives.js'

const some = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ z: 5, x: from + i, y: 3, bytes: pngLike(1) }))
/** LEB128. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}
const [FIRST, END] = [1, zoomBase(27)]

interface Lie {
  readonly header?: Record<string, unknown>
  readonly after?: Record<string, unknown>
  readonly runs?: readonly number[]
  readonly chunks?: unknown
  readonly tiles?: number
  readonly code: string
}

t.test('lies', async (t) => {
  const folder = t.testdir({})
  const file = makeFlat(join(folder, 'a.pmtiles'), some(0, 9))
  const { digest: now } = await digest(file)
  const bytes = readFileSync(file)
  const key = zoomBase(5)
  const lies: Record<string, Lie> = {
    'no version': { header: { version: undefined }, code: 'NOT_A_TILE_FILE' },
    'a later version': { header: { version: 2 }, code: 'VERSION_UNSUPPORTED' },
    'a digest that is none': { header: { before: { tiles: 9, digest: 'x' } }, code: 'NOT_A_TILE_FILE' },
    'no chunks': { chunks: 'none', code: 'NOT_A_TILE_FILE' },
    'a chunk of 4 GB': { chunks: [[0, 2 ** 32, 0]], code: 'NOT_A_TILE_FILE' },
    'a chunk outside the file': { chunks: [[2 ** 50, 1000, crc32(new Uint8Array(1000))]], code: 'DAMAGED' },
    'very many chunks': { chunks: Array(1e5).fill([0, 2 ** 20, 0]), code: 'DAMAGED' },
    'all tiles of the world removed': {
      runs: [...varint(FIRST), ...varint(END - FIRST)],
      tiles: END - FIRST,
      code: 'DAMAGED',
    },
    'another number of removed tiles': { runs: [...varint(key), 5], tiles: 6, code: 'DAMAGED' },
    'another digest afterwards': { runs: [...varint(key), 200, 1], tiles: 200, code: 'DAMAGED' },
    'bounds that are none': { after: { bounds: [1, 2, 3] }, code: 'NOT_A_TILE_FILE' },
    'metadata that are a list': { after: { metadata: [] }, code: 'NOT_A_TILE_FILE' },
  }
  for (const [what, { header, after, runs, chunks, tiles = 0, code }] of Object.entries(lies)) {
    const patch = join(folder, `${what}.patch`)
    const writer = create(patch)
    writer.append(0, 0, 0, pngLike(5))
    const list = new Uint8Array(runs ?? [])
    const stored = runs === undefined ? [] : [[writer.storeBytes(list), list.length, crc32(list)]]
    writer.setMetadata({
      flagstone_patch: {
        version: 1,
        before: { tiles: 9, digest: now },
        after: { tiles: 10, digest: now, ...after },
        removed: { tiles, chunks: chunks ?? stored },
        ...header,
      },
    })
    writer.seal()
    writer.close()
    await t.rejects(apply({ file, patch }), { code }, what)
  }
  t.same(readFileSync(file), bytes, 'not a byte of the file has changed')
  const world = join(folder, 'all tiles of the world removed.patch')
  t.match(await apply({ file, patch: world, force: true }), { added: 1, removed: 9, tiles: 1 })
  t.end()
})

t.test('a tile of the patch is damaged: the file is as before, and sealed', async (t) => {
  const folder = t.testdir({})
  const at = (name: string): string => join(folder, name)
  const [before, patch] = [makeFlat(at('a.pmtiles'), some(0, 9)), at('p.patch')]
  const many = Array.from({ length: 500 }, (_, i) => ({ z: 9, x: i, y: 3, bytes: pngLike(i) }))
  await diff({ before, after: makeFlat(at('b.pmtiles'), many), patch })
  const { digest: was } = await digest(before)
  const bytes = readFileSync(patch)
  const last = bytes.lastIndexOf(Buffer.from(pngLike(many.length - 1)))
  bytes[last + 20]! ^= 1
  writeFileSync(patch, bytes)
  await t.rejects(apply({ file: before, patch, undo: at('u.patch') }), {
    code: 'DAMAGED',
    message: /p\.patch/,
  })
  t.equal((await digest(before)).digest, was)
  t.ok((await verify(before)).ok)
  const reader = open(before)
  t.ok(reader.kind === 'flat' && reader.sealed)
  reader.close()
  t.end()
})

t.test('damage, and a patch that another program copied', async (t) => {
  const folder = t.testdir({})
  const at = (name: string): string => join(folder, name)
  const before = makeFlat(at('a.pmtiles'), some(0, 9))
  const after = makeFlat(at('b.pmtiles'), [...some(0, 3), ...some(20, 24)])
  const [patch, copy, undo] = [at('p.patch'), at('copy.pmtiles'), at('undo.patch')]
  await diff({ before, after, patch })
  await convert({ source: patch, out: copy })
  await t.rejects(apply({ file: before, patch: copy, undo }), { code: 'DAMAGED' }, 'it lost the list')
  // bounds and center that no seal would take
  const writer = create(at('c.pmtiles'))
  const source = open(patch)
  for (const { z, x, y } of source.tiles()) writer.append(z, x, y, source.get(z, x, y)!.bytes)
  const own = source.metadata()['flagstone_patch'] as {
    after: object
    removed: { chunks: [number, number, number][] }
  }
  const [offset, length] = own.removed.chunks[0]!
  const list = new Uint8Array(length)
  if (source.kind === 'flat') source.readBytesSync(list, ({ valuesStart }) => valuesStart + offset)
  const chunks = [[writer.storeBytes(list), length, crc32(list)]]
  writer.setMetadata({
    flagstone_patch: {
      ...own,
      after: { ...own.after, bounds: [170, -100, -170, 1e300], center: [0, 0, 25] },
      removed: { ...own.removed, chunks },
    },
  })
  source.close()
  writer.close()
  t.match(await apply({ file: before, patch: at('c.pmtiles'), undo }), {
    outcome: 'applied',
    added: 4,
    removed: 6,
  })
  t.ok((await verify(before)).ok)
  t.equal((await diff({ before, after })).same, true)
  t.end()
})
