// What the viewer asks the server for, without a browser: pages and their policy, assets and their caching, what is
// stored in a window.
import { existsSync } from 'node:fs'
import { get } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { openTiles } from '../../src/store/read/open.js'
import { pictureFile, serve } from './served.js'

const built = existsSync(join(dirname(fileURLToPath(import.meta.url)), '../../src/viewer/map.html'))
const skip = built ? false : 'needs the viewer (npm run viewer)'

const dir = t.testdir({ 'broken.pmtiles': 'no archive at all, though it says so' })
const at = (name: string): string => join(dir, name)
const isHole = (z: number, x: number, y: number): boolean => z === 4 && x === 9 && y === 5
await pictureFile(at('holes.pmtiles'), { isHole, metadata: { name: 'Holes' } })
const served = await serve(t, [dir])

/** As it stands: fetch would tidy the path. */
const rawStatus = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port: served.port, path }, (response) => {
      response.resume()
      resolve(response.statusCode!)
    })
    request.on('error', reject)
  })

t.test('pages load from this server only, whatever they are called by', { skip }, async (t) => {
  for (const [path, root] of [
    ['/', './'],
    ['/holes/map', '../'],
    ['/holes/map?x=/y/z', '../'],
    ['/tiles/holes/map', '../../'],
  ] as const) {
    const answer = await served.get(path)
    t.equal(answer.status, 200, path)
    t.match(answer.headers.get('content-type'), /^text\/html/)
    const policy = answer.headers.get('content-security-policy') ?? ''
    t.match(policy, /default-src 'none'; script-src 'self'/)
    t.notMatch(policy, /unsafe/)
    const html = await answer.text()
    t.match(html, `data-root="${root}"`)
    t.notMatch(html, /https?:\/\//, 'nothing from elsewhere')
    t.notMatch(html, /\{(root|assets)\}/, 'every word is filled in')
    for (const [, asset] of html.matchAll(/(?:href|src)="([^"]*\/_\/[^"]+)"/g)) {
      const found = await fetch(new URL(asset!, answer.url))
      t.equal(found.status, 200, asset!)
      t.match(found.headers.get('cache-control'), /immutable/)
    }
  }
  const plain = await served.get('/nothing/map')
  t.equal(plain.status, 404)
  t.match(plain.headers.get('content-type'), /json/)
  const page = await served.get('/nothing/map?x', { headers: { Accept: 'text/html,*/*;q=0.8' } })
  t.equal(page.status, 404, 'an old link leads to a page that says so')
  t.match(page.headers.get('content-type'), /^text\/html/)
  t.match(await page.text(), 'data-root="../"')
})

t.test('assets: tags, compression, and nothing else of the disk', { skip }, async (t) => {
  const plain = await served.get('/_/words.js')
  t.equal(plain.status, 200)
  t.notMatch(plain.headers.get('cache-control'), /immutable/, 'only under its version it never changes')
  const again = await served.get('/_/words.js', {
    headers: { 'If-None-Match': plain.headers.get('etag')! },
  })
  t.equal(again.status, 304)
  const packed = await served.get('/_/vendor/maplibre-gl.mjs', { headers: { 'Accept-Encoding': 'gzip' } })
  t.equal(packed.headers.get('content-encoding'), 'gzip')
  t.ok((await packed.text()).length > 500_000)
  for (const path of [
    '/_/',
    '/_/..%2fserver%2fcore.js',
    '/_/../server/core.js',
    '/_/%2e%2e/server/core.js',
    '/_/vendor/..%2f..%2f..%2f..%2fpackage.json',
    '/_/map.html',
    '/_/constructor',
    '/_/__proto__',
    '/_/vendor/maplibre-gl.mjs%00',
  ]) {
    t.match(await rawStatus(path), /40[04]/, path)
  }
})

t.test('sources and what could not be opened, without saying where they lie', async (t) => {
  const answer = await served.get('/_/sources.json')
  const { sources, problems } = (await answer.json()) as { sources: unknown[]; problems: string[] }
  t.same(sources, [{ id: 'holes', name: 'Holes' }])
  t.equal(problems.length, 1)
  t.match(problems[0], /broken\.pmtiles/)
  t.notMatch(problems[0], dir)
})

t.test('facts are those of the file', async (t) => {
  const answer = await served.get('/holes/info.json')
  const facts = (await answer.json()) as { levels: unknown[]; tiles: number; version: string }
  const reader = openTiles(at('holes.pmtiles'))
  t.teardown(() => reader.close())
  const all = [...reader.tiles()]
  t.equal(facts.tiles, all.length)
  t.same(
    facts.levels,
    [2, 3, 4].map((zoom) => {
      const there = all.filter(({ z }) => z === zoom)
      return { zoom, count: there.length, bytes: there.reduce((sum, { length }) => sum + length, 0) }
    }),
  )
  const tag = answer.headers.get('etag')!
  t.equal((await served.get('/holes/info.json', { headers: { 'If-None-Match': tag } })).status, 304)
})

interface Coverage {
  readonly cell: number
  readonly types?: string[]
  readonly tiles?: [number, number, number, number][]
  readonly cells?: [number, number, number][]
}

const coverage = async (path: string): Promise<Coverage> =>
  (await (await served.get(`/holes/coverage/${path}.json`)).json()) as Coverage

t.test('what is stored in a window', async (t) => {
  const reader = openTiles(at('holes.pmtiles'))
  t.teardown(() => reader.close())
  const lengths = (list: readonly { x: number; y: number; length: number }[]): unknown[] =>
    list.map(({ x, y, length }) => [x, y, length])
  const world = await coverage('4/-180,-85,180,85')
  t.same([world.cell, world.types], [1, ['png']])
  t.same(
    world.tiles!.map(([x, y, length]) => [x, y, length]),
    lengths([...reader.tiles({ zoom: 4 })]),
  )
  t.notOk(world.tiles!.some(([x, y]) => isHole(4, x, y)))

  const { west, south, east, north } = tileBoundsLonLat(4, 10, 5)
  const inner = [west + 1, south + 1, east - 1, north - 1].map((n) => n.toFixed(6)).join(',')
  t.same(
    (await coverage(`4/${inner}`)).tiles!.map(([x, y]) => [x, y]),
    [[10, 5]],
    'one tile',
  )
  t.same((await coverage('4/-170,-20,-160,-10')).tiles, [], 'none')
  t.same((await coverage('7/-180,-85,180,85')).tiles, [], 'no such level')
  t.equal((await coverage('4/170,-85,20,85')).tiles!.length, 3, 'over the antimeridian: the first column')
  t.same((await coverage('0/170,-85,-170,85')).tiles, [], 'and where both sides are one tile')
})

t.test('too many tiles to be listed are counted by squares', async (t) => {
  const path = at('many.pmtiles')
  await pictureFile(path, { zoom: 9, range: [200, 200, 6, 5] })
  const { url } = await serve(t, [path])
  const answer = await fetch(`${url}/many/coverage/9/-180,-85,180,85.json`)
  const { cell, cells } = (await answer.json()) as Coverage
  t.equal(cell, 4, '128 × 128 squares of 4 × 4')
  const wanted = new Map<string, number>()
  for (let x = 200; x < 206; x++) {
    for (let y = 200; y < 205; y++) {
      const key = `${x >> 2},${y >> 2}`
      wanted.set(key, (wanted.get(key) ?? 0) + 1)
    }
  }
  t.same(new Map(cells!.map(([x, y, n]) => [`${x},${y}`, n])), wanted)
})

t.test('windows that are none', async (t) => {
  for (const path of [
    '27/0,0,1,1',
    '-1/0,0,1,1',
    '1e1/0,0,1,1',
    '4/0,0,1',
    '4/0,0,1,1,1',
    '4/0,1,1,0',
    '4/NaN,0,1,1',
    '4/-181,0,1,1',
    '4/0,-91,1,1',
    '4/1e999,0,1,1',
    '4/,,,',
    `4/${'9'.repeat(5000)},0,1,1`,
  ]) {
    const answer = await served.get(`/holes/coverage/${path}.json`)
    t.equal(answer.status, 400, path.slice(0, 40))
    t.match(
      ((await answer.json()) as { error: string }).error,
      /^The zoom of a coverage|^The URL of a coverage/,
    )
  }
  t.equal((await served.get('/holes/coverage/4/0,0,1,1')).status, 400, 'without .json')
  const first = await served.get('/holes/coverage/4/0,0,1,1.json')
  const same = await served.get('/holes/coverage/4/0,0,1,1.json', {
    headers: { 'If-None-Match': first.headers.get('etag')! },
  })
  t.equal(same.status, 304)
})
