// What `npm pack` packs is enough to run, and says nothing of files that are not in it.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { textOf } from '../helpers/documents.js'
import { fixture, root } from '../helpers/paths.js'

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

t.test('the packed package runs by itself', (t) => {
  const dir = t.testdir()
  const said = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
    cwd: root,
    encoding: 'utf8',
  })
  const answer = JSON.parse(said) as Packed[] | Record<string, Packed>
  const [packed] = Object.values(answer) as [Packed]
  const paths = packed.files.map(({ path }) => path)
  for (const path of [
    'dist/src/cli/bin.js',
    'dist/src/index.js',
    'dist/src/index.d.ts',
    'README.md',
    'LICENSE',
  ])
    t.ok(paths.includes(path), path)
  t.ok(paths.includes('dist/src/raster/wasm/kernels.wasm'), 'the kernels')
  t.ok(
    paths.some((path) => /viewer\/map\.html$/.test(path)) && paths.some((path) => /maplibre/.test(path)),
    'the viewer',
  )
  t.same(
    paths.filter((path) => /\.map$|^dist\/(test|scripts)|^(src|scripts|fixtures)\/.*\.(ts|tif)$/.test(path)),
    [],
    'no maps of sources that are not there, no tests',
  )
  for (const document of paths.filter((path) => path.endsWith('README.md'))) {
    for (const [, link] of textOf(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      t.ok(paths.includes(join(dirname(document), link!)), `${document} links to ${link}`)
  }
  execFileSync('tar', ['-xf', join(dir, packed.filename), '-C', dir])
  symlinkSync(join(root, 'node_modules'), join(dir, 'package', 'node_modules'))
  const bin = join(dir, 'package/dist/src/cli/bin.js')
  t.ok(statSync(bin).isFile())
  copyFileSync(fixture('ortho.tif'), join(dir, 'a.tif'))
  const ran = spawnSync(process.execPath, [bin, 'build', 'a.tif', 'a.pmtiles', '--threads', '2'], {
    cwd: dir,
    encoding: 'utf8',
  })
  t.equal(ran.status, 0, ran.stderr)
  writeFileSync(
    join(dir, 'package', 'use.mjs'),
    "import { open } from 'flagstone'\nconst file = open('../a.pmtiles')\nconsole.log(file.levels().length)\nfile.close()\n",
  )
  const used = spawnSync(process.execPath, ['use.mjs'], { cwd: join(dir, 'package'), encoding: 'utf8' })
  t.equal(used.stdout, '7\n', used.stderr)
  t.end()
})

t.test('installing from git builds; npm ci, npx and npm link do not', (t) => {
  const dir = t.testdir()
  for (const command of ['ci', 'exec', 'link', 'install', 'pack', 'publish']) {
    // the script as it stands, with a build that only leaves a trace
    const line = `npm() { touch '${dir}/built-${command}'; }; ${scripts['prepare']}`
    const { status } = spawnSync('sh', ['-c', line], { env: { ...process.env, npm_command: command } })
    t.equal(status, 0, command)
    t.equal(existsSync(join(dir, `built-${command}`)), command === 'install', command)
  }
  t.end()
})

t.test('packing builds anew, without maps: nothing of an older build is packed', (t) => {
  const dir = t.testdir({ dist: { 'stale.js': '' } })
  const line = `npm() { echo "$@" > built; }; ${scripts['prepack']}`
  t.equal(spawnSync('sh', ['-c', line], { cwd: dir }).status, 0)
  t.notOk(existsSync(join(dir, 'dist', 'stale.js')))
  t.match(readFileSync(join(dir, 'built'), 'utf8'), /^run .*package$/m)
  t.match(scripts['package'], /tsc --sourceMap false/, 'so no file names a map that is not there')
  t.end()
})
