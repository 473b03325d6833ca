// What is installed with Flagstone: not too much, and only what runs on the oldest Node that is supported.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import t from 'tap'
import { installedSizes, LIMIT_BYTES, totalOf } from '../../scripts/installed-size.js'
import { root } from '../helpers/paths.js'

interface Packed {
  readonly unpackedSize: number
}

t.test('Flagstone and the packages it needs take at most 60 MB', (t) => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  })
  const [own] = Object.values(JSON.parse(said) as Record<string, Packed>)
  const sizes = [{ name: 'flagstone', bytes: own!.unpackedSize }, ...installedSizes(root)]
  const list = sizes.slice(0, 12).map(({ name, bytes }) => `${(bytes / 1e6).toFixed(1)} MB ${name}`)
  t.comment(list.join(', '))
  t.ok(own!.unpackedSize > 2e6, 'with what it is')
  t.ok(
    sizes.some(({ name, bytes }) => name.startsWith('@img/sharp-libvips') && bytes > 10e6),
    'with libvips',
  )
  t.ok(totalOf(sizes) <= LIMIT_BYTES, `${totalOf(sizes)} bytes`)
  t.end()
})

t.test('sizes: what is for development or for another system is left out, what is missing is told', (t) => {
  const dir = t.testdir()
  const file = (path: string, bytes: number): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), new Uint8Array(bytes))
  }
  file('node_modules/a/dist/deep/x.js', 1000)
  file('node_modules/a/node_modules/b/y.js', 200)
  file('node_modules/@s/dev/z.js', 50)
  const packages: Record<string, object> = {
    '': {},
    'node_modules/a': {},
    'node_modules/a/node_modules/b': {},
    'node_modules/@s/dev': { dev: true },
    'node_modules/@s/other-system': { optional: true },
  }
  const lock = (): void => writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages }))
  lock()
  t.same(installedSizes(dir), [
    { name: 'a', bytes: 1000 },
    { name: 'a/node_modules/b', bytes: 200 },
  ])
  packages['node_modules/gone'] = {}
  lock()
  t.throws(() => installedSizes(dir), { code: 'ENOENT' })
  t.end()
})

t.test('no package that is installed asks for a newer Node than Flagstone does', (t) => {
  interface Engines {
    readonly engines?: { readonly node?: string }
    readonly dev?: boolean
    readonly devOptional?: boolean
  }
  const json = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'))
  const semver = createRequire(import.meta.url)('semver') as {
    satisfies(version: string, range: string): boolean
    minVersion(range: string): { version: string }
  }
  const oldest = semver.minVersion(json('package.json').engines.node).version
  const { packages } = json('package-lock.json') as { packages: Record<string, Engines> }
  const installed = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => !dev && !devOptional && existsSync(join(root, path)),
  )
  t.ok(installed.length > 30, `${installed.length} packages`)
  t.notOk(semver.satisfies(oldest, '>=22'), 'the oldest is older than 22')
  t.same(
    installed
      .filter(([, { engines }]) => !semver.satisfies(oldest, engines?.node ?? '*'))
      .map(([path, { engines }]) => `${path} wants ${engines?.node}, ${oldest} is supported`),
    [],
  )
  t.end()
})
