// What a process loads that only reads tiles: nothing that writes a tile file, no image or map library. A process of its
// own is asked, by the engine's list of the scripts it has parsed.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { fixture, root } from '../helpers/paths.js'

interface Loaded {
  /** Modules of src/, without their ending. */
  readonly modules: readonly string[]
  readonly packages: readonly string[]
}

const FLAT = ['small.flat', 'sealed-front.pmtiles', 'sealed-tail-leaves.pmtiles', 'relocated.flat']
const SRC = pathToFileURL(join(root, 'dist/src/')).href

/** Runs the body of a module and says what was loaded when it ended. */
function loadedBy(t: Test, program: string, args: readonly string[] = []): Loaded {
  const list = join(t.testdir(), 'loaded.json')
  const code = `
    import { Session } from 'node:inspector'
    import { writeFileSync } from 'node:fs'
    const urls = []
    const session = new Session()
    session.connect()
    session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url))
    session.post('Debugger.enable')
    process.once('exit', () => writeFileSync(${JSON.stringify(list)}, JSON.stringify(urls)))
    ${program}`
  execFileSync(process.execPath, ['--input-type=module', '-e', code, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const urls = [...new Set(JSON.parse(readFileSync(list, 'utf8')) as string[])]
  const modules = urls.filter((url) => url.startsWith(SRC)).map((url) => url.slice(SRC.length, -'.js'.length))
  const found = urls.map((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
  return { modules, packages: [...new Set(found.filter((name) => name !== undefined))].sort() }
}

const load = (module: string): string => `await import(${JSON.stringify(`${SRC}${module}.js`)})`
const roomsOf = (modules: readonly string[], folder: string): string[] => [
  ...new Set(
    modules.filter((m) => m.startsWith(`${folder}/`)).map((m) => m.split('/').slice(0, 2).join('/')),
  ),
]

/** Every call of a reader, on each of some files. */
const readAll = (open: string, files: readonly string[]): string => `
  const { ${open}: open } = ${load(open === 'openTileSet' ? 'interop/open' : 'store/read/open')}
  for (const path of ${JSON.stringify(files)}) {
    const reader = await open(path)
    for (const { z, x, y } of reader.tiles({})) {
      if (!reader.has(z, x, y) || reader.get(z, x, y) === undefined) throw new Error(path)
      reader.stat?.(z, x, y)
      await reader.getAsync?.(z, x, y)
    }
    reader.levels()
    reader.metadata()
    reader.close()
  }`

t.test('opening a file and reading all of it loads no writer', (t) => {
  const files = [...FLAT, 'foreign.pmtiles'].map((name) => fixture('valid', name))
  const { modules, packages } = loadedBy(t, readAll('openTiles', files))
  t.ok(modules.includes('store/read/open'), 'the list has what was loaded')
  t.same(
    roomsOf(modules, 'store').sort(),
    ['store/file', 'store/index', 'store/nearest', 'store/options', 'store/pmtiles', 'store/read'],
    'rooms of store/',
  )
  t.same(
    packages.filter((name) => !name.startsWith('@koromix/')),
    ['koffi', 'zod'],
  )
  t.comment(`${modules.length} modules`)
  t.end()
})

t.test('nor does opening an archive of any kind', (t) => {
  const files = ['small.flat', 'foreign.pmtiles'].map((name) => fixture('valid', name))
  const { modules } = loadedBy(t, readAll('openTileSet', files))
  t.ok(modules.includes('interop/open'))
  t.same(
    modules.filter((m) => m.startsWith('store/write/')),
    [],
  )
  t.end()
})

for (const [command, ...rest] of [['info'], ['verify'], ['tile', '0', '0', '0', '-o', '-']] as const) {
  t.test(`flagstone ${command} loads no writer`, (t) => {
    const { modules } = loadedBy(t, load('cli/bin'), [
      'flagstone',
      command,
      fixture('valid', 'foreign.pmtiles'),
      ...rest,
    ])
    t.ok(modules.includes(`cli/commands/${command}`))
    t.same(
      modules.filter((m) => m.startsWith('store/write/')),
      [],
    )
    t.end()
  })
}

t.test('the list is one: who creates a file has loaded the writer', (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  const create = `const { createTiles } = ${load('store/paths')}\ncreateTiles(${JSON.stringify(out)}).close()`
  const { modules } = loadedBy(t, create)
  t.ok(modules.includes('store/write/writer'))
  t.ok(fileURLToPath(SRC).startsWith(root))
  t.end()
})
