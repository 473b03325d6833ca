// Holds the layer table of the architecture: a folder imports only from lower layers, by file, and a
// third-party name appears in one folder only, so that replacing a package is one folder's work.
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize, relative } from 'node:path'
import t from 'tap'
import { root } from '../helpers/paths.js'

const LAYER: Record<string, number> = {
  // runs in browsers: imports nothing of the others
  viewer: 0,
  beside: 0.5,
  errors: 1,
  version: 1,
  zooms: 1,
  grid: 2,
  format: 2,
  platform: 2,
  raster: 3,
  store: 3,
  interop: 4,
  sampling: 4.5,
  server: 5,
  pyramid: 5,
  transfer: 5.5,
  batch: 5.8,
  cli: 6,
  index: 7,
}

/** The same inside a folder of many, by its path: its own folders, and the files that lie between them. */
const ROOMS: Record<string, Record<string, number>> = {
  server: {
    options: 1,
    life: 1,
    http: 2,
    sources: 3,
    work: 3,
    metrics: 4,
    context: 5,
    computed: 6,
    pages: 6,
    archive: 6,
    pictures: 7,
    points: 7,
    tiles: 8,
    describe: 8,
    routes: 9,
    core: 10,
    adapters: 11,
    handler: 12,
    run: 13,
    mount: 14,
    fastify: 15,
  },
  store: {
    nearest: 1,
    options: 2,
    file: 3,
    index: 4,
    pmtiles: 5,
    read: 6,
    write: 7,
    live: 8,
    report: 9,
    'output-path': 10,
    paths: 11,
  },
  grid: { tiles: 1, crs: 2, place: 3 },
  interop: {
    'other-grid': 1,
    sqlite: 1,
    transfer: 2,
    pmtiles: 3,
    mbtiles: 3,
    cog: 3,
    packed: 4,
    frast: 4,
    folder: 5,
    tar: 5,
    zip: 5,
    versatiles: 5,
    'archive-name': 6,
    create: 6,
    open: 7,
  },
  transfer: {
    progress: 1,
    options: 1,
    patch: 1,
    copy: 2,
    movable: 3,
    report: 3,
    bounds: 3,
    area: 4,
    pile: 4.5,
    transfer: 5,
    reencode: 6,
    extract: 6,
    merge: 6,
    diff: 6,
    apply: 6,
    digest: 6,
    convert: 7,
  },
  batch: {
    report: 1,
    options: 1,
    budget: 1,
    variables: 1,
    commands: 2,
    state: 2,
    'jobs-file': 2,
    patterns: 3,
    paths: 4,
    order: 5,
    plan: 6,
    fingerprint: 7,
    decide: 8,
    run: 9,
  },
  pyramid: {
    dates: 0.5,
    'context-options': 1,
    'source-options': 1,
    'terrain-options': 1,
    options: 2,
    cutline: 3,
    plan: 4,
    progress: 5,
    sources: 6,
    paint: 7,
    provenance: 7.5,
    work: 8,
    output: 9,
    prepare: 10,
    estimate: 11,
    report: 11,
    build: 12,
  },
  'raster/tiff': { file: 1, codecs: 2, samples: 3, image: 4, raster: 5 },
  raster: {
    'gdal-number': 1,
    pixels: 1,
    'remote-path': 1,
    sharp: 1,
    losses: 1.5,
    source: 2,
    simd: 2,
    words: 2,
    canvas: 3,
    inflate: 3,
    spool: 3,
    'open-options': 4,
    heights: 4,
    view: 5,
    warp: 5,
    tiff: 6,
    tiles: 6,
    place: 7,
    formats: 8,
    vrt: 9,
    open: 10,
  },
}

const THIRD_PARTY: Record<string, readonly string[]> = {
  koffi: ['platform'],
  proj4: ['grid'],
  sharp: ['raster'],
  zstddec: ['raster'],
  'lru-cache': ['server'],
  // its types only: who mounts the plugin has it
  fastify: ['server'],
  pino: ['server'],
  'prom-client': ['server'],
  '@cornerstonejs/codec-libjpeg-turbo-8bit': ['raster'],
  lerc: ['raster'],
  '@napi-rs/lzma': ['raster'],
  '@rgrove/parse-xml': ['raster'],
  '@sqlite.org/sqlite-wasm': ['interop'],
  yauzl: ['interop'],
  flatbush: ['pyramid', 'raster'],
  tinyglobby: ['batch', 'pyramid', 'server'],
  yaml: ['batch'],
  commander: ['cli'],
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

for (const [folder, rooms] of Object.entries(ROOMS)) {
  t.test(`inside ${folder}/ imports point down too`, (t) => {
    const roomOf = (file: string): string =>
      file
        .slice(folder.length + 1)
        .split('/')[0]!
        .replace(/\.(ts|js)$/, '')
    const inside = imports
      .filter(({ file, target }) => file.startsWith(`${folder}/`) && target.startsWith('.'))
      .map(({ file, target }) => ({
        from: file,
        to: normalize(relative(src, join(src, file, '..', target))),
      }))
      .filter(({ to }) => to.startsWith(`${folder}/`))
      .map(({ from, to }) => [roomOf(from), roomOf(to), from] as const)
      .filter(([from, to]) => from !== to)
    const known = new Set<string>()
    for (const [from, to] of inside) known.add(from).add(to)
    t.same(
      [...known].filter((room) => rooms[room] === undefined),
      [],
      'all are known',
    )
    t.same(
      inside
        .filter(([from, to]) => !(rooms[from]! > rooms[to]!))
        .map(([from, to, file]) => `${from} → ${to} (${file})`),
      [],
    )
    t.ok(inside.length >= 5, `${inside.length} imports`)
    t.end()
  })
}

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

t.test('one place asks where our files are: a bundle of CommonJS has no import.meta.url', (t) => {
  const ours = files.filter((file) => !file.startsWith('viewer/'))
  const asking = ours.filter((file) => {
    const text = readFileSync(join(src, file), 'utf8').replace(/\/\/.*$/gm, '')
    return /import\.meta\b|\bcreateRequire\b/.test(text)
  })
  t.same(asking, ['beside.ts'])
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
  const entries = [
    'index.ts',
    'cli/bin.ts',
    'pyramid/work/worker.ts',
    'platform/gentle-loader.ts',
    'server/run/worker.ts',
    'cli/batch/worker.ts',
    'platform/write-thread.ts',
    'interop/mbtiles/md5-thread.ts',
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
