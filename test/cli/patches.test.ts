// diff and apply as people use them: what they print, and their exit codes.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/cli/run.js'
import { makeFlat, makeMbtiles, pngLike } from '../helpers/archives.js'

async function flagstone(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await run(argv, {
    stdout: { write: (chunk) => out.push(String(chunk)) },
    stderr: { write: (chunk) => err.push(String(chunk)) },
    isTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out: out.join(''), err: err.join('') }
}

const dir = t.testdir({})
const at = (name: string): string => join(dir, name)
const [a, b, same, patch, undo] = ['a.pmtiles', 'b.pmtiles', 'same.mbtiles', 'ab.patch', 'ba.patch'].map(
  at,
) as [string, string, string, string, string]
const row = (from: number, to: number, n: number) =>
  Array.from({ length: to - from }, (_, i) => ({ z: 4, x: from + i, y: 3, bytes: pngLike(n) }))

t.before(() => {
  makeFlat(a, row(0, 5, 1), { name: 'a' })
  makeFlat(b, [...row(1, 4, 1), ...row(4, 5, 2), ...row(8, 10, 2), { z: 2, x: 0, y: 0, bytes: pngLike(7) }], {
    name: 'b',
  })
  makeMbtiles(same, row(0, 5, 1))
})

t.test('compared: 0 the same, 1 different, 2 trouble, as of diff and cmp', async (t) => {
  t.match(await flagstone('diff', a, a), { code: 0, out: '', err: /have the same tiles and metadata\.\n$/ })
  const { code, out } = await flagstone('diff', a, b)
  t.equal(code, 1)
  t.same(
    out.split('\n').map((line) => line.trim().split(/ {2,}/)),
    [
      ['zoom', 'added', 'changed', 'removed'],
      ['2', '1', '0', '0'],
      ['4', '2', '1', '1'],
      ['3 tiles added, 1 changed, 1 removed'],
      ['metadata that differ: name'],
      [''],
    ],
  )
  t.match(await flagstone('compare', a, b, patch, '--dry-run'), { code: 1, err: '' })
  t.notOk(existsSync(patch))
  t.match(await flagstone('diff', a, at('none')), { code: 2, out: '', err: /no such file/ })
  t.match(await flagstone('diff', a), { code: 2, err: /missing required argument.*Usage: flagstone diff/ })
  t.match(await flagstone('diff', a, b, '--list', '--json'), { code: 2, err: /--list.*--json/ })
  t.end()
})

t.test('an MBTiles with the same tiles differs in its metadata only', async (t) => {
  const { code, out } = await flagstone('diff', a, same, '--json')
  t.equal(code, 1)
  t.match(JSON.parse(out), { same: false, added: 0, changed: 0, removed: 0, levels: [], metadata: ['name'] })
  t.end()
})

t.test('--list prints one line per tile, in key order', async (t) => {
  const { out } = await flagstone('diff', a, b, '--list')
  t.same(out.trim().split('\n').sort(), ['+ 2/0/0', '+ 4/8/3', '+ 4/9/3', '- 4/0/3', '~ 4/4/3'])
  t.equal(out.split('\n')[0], '+ 2/0/0')
  t.end()
})

t.test('a patch is written, shown, applied, and taken back', async (t) => {
  t.match(await flagstone('diff', a, b, patch), {
    code: 0,
    out: /3 tiles added/,
    err: /ab\.patch: .*To apply it: flagstone apply FILE/,
  })
  t.match(await flagstone('diff', a, b, patch), {
    code: 2,
    err: /exists already: replace it with --overwrite/,
  })
  t.match(await flagstone('diff', a, b, patch, '--overwrite', '-q'), { code: 0, err: '' })
  t.match(await flagstone('info', patch), {
    out: /patch +from 5 tiles, digest [0-9a-f]{32}, to 7, digest [0-9a-f]{32}, removes 1 tile, replaces the metadata\n/,
  })
  t.match(await flagstone('verify', patch), { code: 0 })
  t.match(await flagstone('apply', a, patch, '-n'), {
    code: 0,
    err: /can be applied.*3 tiles added, 1 changed, 1 removed.*Nothing was changed/,
  })
  t.match(await flagstone('apply', a, patch, '--undo', undo), {
    code: 0,
    err: /3 tiles added, 1 changed, 1 removed, metadata replaced; it has 7 tiles now.*\ndigest [0-9a-f]{32}\nTo take it back: flagstone apply /,
  })
  t.match(await flagstone('diff', a, b), { code: 0 })
  t.match(await flagstone('apply', a, patch), { code: 0, err: /has this patch already; nothing was done/ })
  t.match(await flagstone('apply-patch', a, undo, '--json'), { code: 0, out: /"outcome": "applied"/ })
  t.match(await flagstone('apply', b, undo), { code: 0 }, 'b is where the undo begins')
  t.match(await flagstone('apply', b, undo, '-q'), { code: 0, err: '' })
  t.match(await flagstone('apply', same, patch), {
    code: 2,
    err: /is MBTiles; .*Convert it first: flagstone convert/,
  })
  t.match(await flagstone('apply', a, undo), { code: 0, err: /already/ })
  makeFlat(at('c.pmtiles'), row(0, 4, 9))
  t.match(await flagstone('apply', at('c.pmtiles'), patch), {
    code: 1,
    err: /is not what .* was made from.*Nothing was changed; --force/,
  })
  t.match(await flagstone('apply', at('c.pmtiles'), patch, '--force'), { code: 0 })
  t.end()
})
