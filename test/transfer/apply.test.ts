// Patches: what diff writes, apply does, and another patch takes back.
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { apply, convert, diff, digest, open, reopen, verify } from '../../src/index.js'
import { makeFlat, makeFolder, makeMbtiles, pngLike } from '../helpers/archives.js'
import { integersFrom } from '../helpers/random.js'
import { changedTiles, keyOf, placed, randomTiles, type Tiles } from '../helpers/random-archives.js'
import { rounds } from '../helpers/rounds.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000)

function contentOf(path: string): Tiles {
  const file = open(path)
  const tiles: Tiles = new Map()
  for (const { z, x, y } of file.tiles())
    tiles.set(keyOf({ z, x, y }), new Uint8Array(file.get(z, x, y)!.bytes))
  file.close()
  return tiles
}

const sorted = (tiles: Tiles) =>
  [...tiles].sort(([a], [b]) => a - b).map(([key, bytes]) => [key, Buffer.from(bytes)])
const isSame = (a: Tiles, b: Tiles): boolean => {
  const [as, bs] = [sorted(a), sorted(b)]
  return (
    as.length === bs.length &&
    as.every(([key, bytes], i) => key === bs[i]![0] && (bytes as Buffer).equals(bs[i]![1] as Buffer))
  )
}

const CONTAINERS = [
  (path: string, tiles: Tiles) => makeFlat(`${path}.pmtiles`, placed(tiles)),
  (path: string, tiles: Tiles) => makeMbtiles(`${path}.mbtiles`, placed(tiles)),
  (path: string, tiles: Tiles) => makeFolder(path, placed(tiles)),
]

const ROUNDS = rounds(5, 300, 'FLAGSTONE_PATCH_ROUNDS')

t.test(`any two archives: the patch makes B of A, and is taken back (seed ${SEED})`, async (t) => {
  const folder = t.testdir({})
  for (let round = 0; round < ROUNDS; round++) {
    const seed = SEED + round * 1000
    const below = integersFrom(seed)
    const at = (name: string): string => join(folder, `${round}-${name}`)
    const a = randomTiles(seed, 1 + below(600))
    const b = changedTiles(a, seed + 1)
    // an empty archive is tried elsewhere: a folder cannot be one
    if (b.size === 0) continue
    const before = CONTAINERS[below(3)]!(at('a'), a)
    const after = CONTAINERS[below(3)]!(at('b'), b)
    const [patch, undo, file] = [at('ab.patch'), at('ba.patch'), at('file.pmtiles')]
    if (before.endsWith('.pmtiles')) copyFileSync(before, file)
    else await convert({ source: before, out: file })
    const found = await diff({ before, after, patch, allowEmpty: true })
    const added = [...b.keys()].filter((key) => !a.has(key)).length
    const removed = [...a.keys()].filter((key) => !b.has(key)).length
    t.match(found, { added, removed, before: { tiles: a.size }, after: { tiles: b.size } }, `seed ${seed}`)
    const report = await apply({ file, patch, undo })
    t.match(report, { tiles: b.size, digest: found.after.digest, digestBefore: found.before.digest })
    t.ok(isSame(contentOf(file), b), `seed ${seed}: the tiles of B`)
    t.equal((await digest(file)).digest, (await digest(after)).digest)
    t.ok((await verify(file)).ok && (await verify(patch)).ok)
    if (report.outcome === 'present') continue
    t.equal((await apply({ file, patch })).outcome, 'present')
    await apply({ file, patch: undo })
    t.ok(isSame(contentOf(file), a), `seed ${seed}: the tiles of A again`)
    t.equal((await digest(file)).digest, found.before.digest)
    t.ok((await verify(file)).ok && (await verify(undo)).ok)
  }
  t.end()
})

const some = (from: number, to: number, n: number) =>
  Array.from({ length: to - from }, (_, i) => ({ z: 5, x: from + i, y: 3, bytes: pngLike(n) }))

t.test('metadata and bounds come along, and go back to the letter', async (t) => {
  const folder = t.testdir({})
  const [before, after, patch, undo] = ['a.pmtiles', 'b.pmtiles', 'p.patch', 'u.patch'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string]
  makeFlat(before, some(0, 9, 1), { name: 'old', minzoom: 5, list: [1, { deep: null }] })
  makeFlat(after, some(0, 9, 1), { name: 'new', attribution: 'me' })
  t.match(await diff({ before, after, patch }), {
    same: false,
    added: 0,
    changed: 0,
    removed: 0,
    metadata: ['attribution', 'list', 'name'],
  })
  t.match(await apply({ file: before, patch, undo }), { outcome: 'applied', metadata: true })
  let file = open(before)
  t.same(file.metadata(), { name: 'new', attribution: 'me' })
  file.close()
  t.equal((await apply({ file: before, patch })).outcome, 'present')
  await apply({ file: before, patch: undo })
  file = open(before)
  t.same(file.metadata(), { name: 'old', minzoom: 5, list: [1, { deep: null }] })
  t.ok(file.sealed)
  file.close()
  t.end()
})

t.test('a patch of bounds alone', async (t) => {
  const folder = t.testdir({})
  const [before, after, patch] = ['a.pmtiles', 'b.pmtiles', 'p.patch'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  makeFlat(before, some(0, 9, 1))
  makeFlat(after, some(0, 9, 1))
  const writer = reopen(after)
  writer.seal({ bounds: [-170, 70, -100, 80], center: [-150, 75, 5] })
  writer.close()
  t.match(await diff({ before, after, patch }), { same: false, metadata: ['bounds', 'center'] })
  t.equal((await apply({ file: before, patch })).outcome, 'applied')
  t.equal((await apply({ file: before, patch })).outcome, 'present')
  t.equal((await diff({ before, after })).same, true)
  t.end()
})

t.test('an archive that changes while it is compared: no patch', async (t) => {
  const folder = t.testdir({})
  const [before, after, patch] = ['a.pmtiles', 'b.pmtiles', 'p.patch'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  makeFlat(before, some(0, 9, 1))
  makeFlat(after, some(0, 9, 2))
  let seen = 0
  const onDifference = () => {
    if (seen++ > 0) return
    const writer = reopen(after)
    for (const { z, x, y } of some(0, 9, 2)) writer.append(z, x, y, pngLike(3))
    writer.close()
  }
  await t.rejects(diff({ before, after, patch }, { onDifference }), {
    code: 'LOCKED',
    message: /compare again/,
  })
  t.equal(seen, 1)
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'b.pmtiles'])
  t.end()
})

t.test('a patch that does not fit changes nothing, unless forced', async (t) => {
  const folder = t.testdir({})
  const [before, after, other, patch, undo] = ['a', 'b', 'c', 'p', 'u'].map((name) =>
    join(folder, `${name}.pmtiles`),
  ) as [string, string, string, string, string]
  makeFlat(before, some(0, 9, 1))
  makeFlat(after, [...some(0, 4, 1), ...some(4, 6, 2), ...some(20, 22, 3)])
  makeFlat(other, [...some(0, 5, 7), ...some(25, 28, 7)], { name: 'other' })
  await diff({ before, after, patch })
  const bytes = readFileSync(other)
  await t.rejects(apply({ file: other, patch, undo }), { code: 'PATCH_UNFIT' })
  t.notOk(existsSync(undo))
  t.same(readFileSync(other), bytes, 'not a byte has changed')
  const { digest: was } = await digest(other)
  const forced = await apply({ file: other, patch, undo, force: true })
  t.match(forced, { outcome: 'applied', added: 3, changed: 1, removed: 0, digestBefore: was })
  t.ok((await verify(other)).ok)
  await apply({ file: other, patch: undo })
  t.equal((await digest(other)).digest, was)
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'b.pmtiles', 'c.pmtiles', 'p.pmtiles', 'u.pmtiles'])
  t.end()
})

t.test('what cannot be changed in place, or is not a patch, is refused with a sentence', async (t) => {
  const folder = t.testdir({ 'notes.txt': 'mine', 'not.patch': 'mine' })
  const [before, after, patch] = ['a.pmtiles', 'b.pmtiles', 'p.patch'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  makeFlat(before, some(0, 9, 1))
  makeFlat(after, some(0, 9, 2))
  await diff({ before, after, patch })
  const mbtiles = makeMbtiles(join(folder, 'a.mbtiles'), some(0, 9, 1))
  await t.rejects(apply({ file: mbtiles, patch }), { code: 'BAD_OPTION', message: /Convert it first/ })
  await t.rejects(apply({ file: before, patch: after }), { code: 'NOT_A_TILE_FILE', message: /not a patch/ })
  await t.rejects(apply({ file: before, patch: join(folder, 'none') }), { code: 'NOT_FOUND' })
  await t.rejects(apply({ file: join(folder, 'none'), patch }), { code: 'NOT_FOUND' })
  await t.rejects(apply({ file: patch, patch }), { code: 'BAD_OPTION', message: /is the file itself/ })
  await t.rejects(apply({ file: before, patch, undo: after, overwrite: true }), {
    code: 'EXISTS',
    message: /not a patch/,
  })
  await t.rejects(apply({ file: before, patch, undo: patch, overwrite: true }), { code: 'BAD_OPTION' })
  await t.rejects(diff({ before, after, patch }), { code: 'EXISTS' })
  await t.rejects(diff({ before, after, patch: join(folder, 'not.patch'), overwrite: true }), {
    code: 'EXISTS',
  })
  await t.rejects(diff({ before: patch, after, patch: before, overwrite: true }), { code: 'EXISTS' })
  await t.rejects(diff({ before, after, patch: join(folder, 'q.patch') }, { signal: AbortSignal.abort() }), {
    code: 'INTERRUPTED',
  })
  await t.rejects(apply({ file: before, patch }, { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  t.equal((await apply({ file: before, patch, dryRun: true })).outcome, 'applicable')
  const writer = reopen(before)
  await t.rejects(apply({ file: before, patch }), { code: 'LOCKED' })
  writer.close()
  t.match(await diff({ before, after }), { changed: 9 }, 'nothing of this changed the file')
  t.same(readdirSync(folder).sort(), [
    'a.mbtiles',
    'a.pmtiles',
    'b.pmtiles',
    'not.patch',
    'notes.txt',
    'p.patch',
  ])
  await diff({ before, after, patch, overwrite: true })
  t.end()
})

t.test('an empty archive, and two that are the same', async (t) => {
  const folder = t.testdir({})
  const [full, empty, patch, back] = ['a.pmtiles', 'b.pmtiles', 'p.patch', 'q.patch'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string]
  makeFlat(full, some(0, 9, 1))
  makeFlat(empty, [])
  const { digest: was } = await digest(full)
  t.match(await diff({ before: full, after: full, patch }), { same: true, patch: undefined })
  t.notOk(existsSync(patch))
  await diff({ before: full, after: empty, patch })
  t.match(await apply({ file: full, patch, undo: back }), { removed: 9, tiles: 0, digest: '0'.repeat(32) })
  t.ok((await verify(full)).ok)
  t.match(await apply({ file: full, patch: back }), { added: 9, digest: was })
  t.ok((await verify(full)).ok)
  await diff({ before: full, after: full, patch: join(folder, 'none.patch'), allowEmpty: true })
  t.equal((await apply({ file: full, patch: join(folder, 'none.patch') })).outcome, 'present')
  t.end()
})
