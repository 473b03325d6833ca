// Holds the layer table of the architecture: a folder imports only from lower layers, by file, and a
// third-party name appears in one folder only, so that replacing a package is one folder's work.
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize, relative } from 'node:path'
import t from 'tap'
import { root } from '../helpers/paths.js'

const LAYER: Record<string, number> = {
  // runs in browsers: imports nothing of the others
  viewer: 0,
  errors: 1,
  version: 1,
  grid: 2,
  format: 2,
  platform: 2,
  raster: 3,
  store: 3,
  interop: 4,
  sampling: 4,
  server: 5,
  pyramid: 5,
  cli: 6,
  index: 7,
}

const THIRD_PARTY: Record<string, readonly string[]> = {
  koffi: ['platform'],
  proj4: ['grid'],
  'epsg-index': ['grid'],
  sharp: ['raster'],
  fzstd: ['raster'],
  'lru-cache': ['server'],
  // its types only: who mounts the plugin has it
  fastify: ['server'],
  pino: ['server'],
  'prom-client': ['server'],
  lerc: ['raster'],
  '@napi-rs/lzma': ['raster'],
  '@rgrove/parse-xml': ['raster'],
  libsql: ['interop'],
  flatbush: ['pyramid'],
  tinyglobby: ['pyramid', 'server'],
  commander: ['cli'],
  'cli-progress': ['cli'],
  'maplibre-gl': ['viewer'],
  // its types
  geojson: ['viewer'],
}

interface Import {
  readonly file: string
  readonly target: string
}

const src = join(root, 'src')
// what is in wasm/ is AssemblyScript, built by `npm run wasm`
const files = (readdirSync(src, { recursive: true }) as string[]).filter(
  (f) => f.endsWith('.ts') && !f.startsWith('raster/wasm/'),
)

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...found].map((m) => ({ file, target: (m[1] ?? m[2])! }))
}

const folderOf = (file: string): string => file.split('/')[0]!.replace(/\.ts$/, '')
const imports = files.flatMap(importsOf)

t.test('every folder of src has a layer', (t) => {
  const unknown = [...new Set(files.map(folderOf))].filter((f) => LAYER[f] === undefined)
  t.same(unknown, [])
  t.ok(imports.length > 50, 'the imports were read')
  t.end()
})

t.test('imports point down, or stay inside their folder', (t) => {
  const wrong = imports
    .filter(({ target }) => target.startsWith('.'))
    .map(({ file, target }) => ({ file, to: normalize(relative(src, join(src, file, '..', target))) }))
    .filter(({ file, to }) => folderOf(file) !== folderOf(to.replace(/\.js$/, '.ts')))
    .filter(({ file, to }) => LAYER[folderOf(file)]! <= LAYER[folderOf(to.replace(/\.js$/, '.ts'))]!)
    .map(({ file, to }) => `${file} → ${to}`)
  t.same(wrong, [])
  t.end()
})

t.test('nothing imports the viewer: the server sends it as files', (t) => {
  const wrong = imports.filter(
    ({ file, target }) => folderOf(file) !== 'viewer' && target.includes('viewer/'),
  )
  t.same(wrong, [])
  t.end()
})

t.test('third-party names stay in their folder; zod in options.ts', (t) => {
  const wrong = imports
    .filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
    .filter(({ file, target }) => {
      const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0]!
      if (name === 'zod') return !file.endsWith('options.ts')
      return !(THIRD_PARTY[name]?.includes(folderOf(file)) ?? false)
    })
    .map(({ file, target }) => `${file} → ${target}`)
  t.same(wrong, [])
  t.end()
})

t.test('format/ does no I/O, the store never touches node:fs, only platform/ knows the system', (t) => {
  const wrong = imports
    .filter(({ file, target }) => {
      const folder = folderOf(file)
      if (folder === 'format')
        return target.startsWith('node:') && target !== 'node:zlib' && target !== 'node:os'
      if (folder === 'store') return /^node:(fs|net|http|child_process|worker_threads)/.test(target)
      return false
    })
    .map(({ file, target }) => `${file} → ${target}`)
  t.same(wrong, [])
  t.end()
})

t.test('every file of src is reachable from the library, the command or a worker', (t) => {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const { target } of importsOf(file)) {
      if (target.startsWith('.')) visit(normalize(join(file, '..', target)).replace(/\.js$/, '.ts'))
    }
  }
  // The memory and the fault-injecting file are there for tests, ours and those of who builds on the store.
  const entries = [
    'index.ts',
    'cli/bin.ts',
    'pyramid/worker.ts',
    'server/worker.ts',
    'platform/write-thread.ts',
    'platform/memory-file.ts',
    'platform/fault-file.ts',
    // what the viewer's pages load
    'viewer/catalogue.ts',
    'viewer/map.ts',
  ]
  for (const entry of entries) visit(entry)
  t.same(
    files.filter((f) => !reached.has(f)),
    [],
  )
  t.end()
})
