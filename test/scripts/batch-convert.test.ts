// The script of scripts/batch-convert.ts converts what is there, skips what is done, and lists what fails.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { digest, open } from '../../src/index.js'
import { root } from '../helpers/paths.js'
import { smallTiff } from '../helpers/small-tiff.js'
import { mbtilesFile } from '../server/tile-files.js'

const script = join(root, 'dist', 'scripts', 'batch-convert.js')

t.test('a folder of archives and images', async (t) => {
  const dir = t.testdir({ in: { deep: {} } })
  const at = (...parts: string[]): string => join(dir, ...parts)
  mbtilesFile(at('in', 'deep', 'a.mbtiles'), 3)
  writeFileSync(at('in', 'image.tif'), smallTiff({ width: 300, height: 200 }).bytes)
  writeFileSync(at('in', 'broken.mbtiles'), 'nothing of the kind')
  mkdirSync(at('out'))
  const run = () => spawnSync(process.execPath, [script, at('in'), at('out')], { encoding: 'utf8' })
  const first = run()
  t.equal(first.status, 1, first.stderr)
  t.match(first.stderr, /^broken\.mbtiles: .*broken\.mbtiles/)
  t.equal(first.stderr.trim().split('\n').length, 1, 'a sentence, no stack')
  t.match(first.stdout, /a\.pmtiles: \d+ tiles in [\d.]+ s\n/)
  t.same(readdirSync(at('out'), { recursive: true }).sort(), ['deep', 'deep/a.pmtiles', 'image.pmtiles'])
  t.equal((await digest(at('in/deep/a.mbtiles'))).digest, (await digest(at('out/deep/a.pmtiles'))).digest)
  const tiles = open(at('out/image.pmtiles'))
  t.ok(tiles.levels().length > 0)
  tiles.close()

  t.match(run().stdout, /^(.*: up to date\n){2}$/)
  utimesSync(at('in/deep/a.mbtiles'), Date.now() / 1000 + 10, Date.now() / 1000 + 10)
  t.match(run().stdout, /a\.pmtiles: \d+ tiles/, 'a newer source is converted again')
  t.equal((await digest(at('in/deep/a.mbtiles'))).digest, (await digest(at('out/deep/a.pmtiles'))).digest)
  writeFileSync(at('in', 'image.mbtiles'), '')
  t.match(run(), { status: 1, stderr: /two files of .* have one name/ })
})

t.test('it is short, and uses only what the library exports', (t) => {
  const text = readFileSync(join(root, 'scripts', 'batch-convert.ts'), 'utf8')
  t.ok(text.split('\n').length <= 60)
  const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
  t.same(
    imports.filter((name) => !name!.startsWith('node:')),
    ['flagstone'],
  )
  t.end()
})
