// info FILE --sources: a table that fits the terminal, JSON, GeoJSON; all sources or those at a place.
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/cli/run.js'
import type { SourceRecord } from '../../src/index.js'
import { fixture } from '../helpers/paths.js'
import { fileOfSources, sourceOf, sourcesOf, squareAt } from '../helpers/sources.js'

async function flagstone(
  argv: readonly string[],
  columns?: number,
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await run(argv, {
    stdout: { write: (chunk) => (out += String(chunk)) },
    stderr: { write: (chunk) => (err += String(chunk)) },
    isTerminal: false,
    stdoutIsTerminal: columns !== undefined,
    columns: () => columns,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

const dir = t.testdir()
const archive = (name: string, sources: readonly SourceRecord[]): string =>
  fileOfSources(join(dir, `${name}.pmtiles`), sources)

const three = archive('three', [
  sourceOf(0, { name: 'country.tif', footprint: squareAt(0, 40, 20), zoom: 12, resolution: 38.2189 }),
  sourceOf(1, {
    name: 'a city with a name that is longer than most names of files are, with its date.tif',
    footprint: squareAt(10, 45, 1),
    zoom: 18,
    minZoom: 10,
    resolution: 0.25,
    date: '2024-06-30',
    licence: 'CC BY 4.0',
    attribution: '© The City',
  }),
  sourceOf(2, { name: 'lost\n\u001b[31m.tif', footprint: null, zoom: 14, resolution: 5 }),
])

t.test('a table, the topmost first', async (t) => {
  const { code, out } = await flagstone(['info', three, '--sources'])
  t.equal(code, 0)
  const lines = out.trimEnd().split('\n')
  t.match(lines[0], /^name +order +zoom +from +resolution +date +licence +attribution$/)
  t.match(lines[1], /^lost\\u000a\\u001b\[31m\.tif +2 +14 +5 m/)
  t.match(lines[2], /with its date\.tif +1 +18 +10 +0\.25 m +2024-06-30 +CC BY 4\.0 +© The City$/)
  t.match(lines[3], /^country\.tif +0 +12 +38\.2 m/)
  t.equal(lines[4], '3 sources, the topmost first.')
})

t.test('it fits the terminal', async (t) => {
  for (const columns of [60, 80, 100, 200]) {
    const { out } = await flagstone(['info', three, '--sources'], columns)
    const lines = out.trimEnd().split('\n')
    t.ok(Math.max(...lines.map((line) => line.length)) <= columns, `${columns} columns`)
    t.match(lines[2], columns < 200 ? /^a city .*….*\.tif +1 / : /^a city .*with its date\.tif +1 /)
    t.match(lines[3], /^country\.tif +0 +12 /)
  }
})

t.test('at a place', async (t) => {
  const at = async (...where: string[]): Promise<string> => {
    const { code, out, err } = await flagstone(['info', three, '--sources', ...where, '--json'])
    t.equal(code, 0, err)
    const { count, sources } = JSON.parse(out) as { count: number; sources: SourceRecord[] }
    t.equal(count, 3)
    return sources.map(({ id }) => id).join()
  }
  t.equal(await at(), 'source-2,source-1,source-0')
  t.equal(await at('--point', '10.5,45.5'), 'source-1,source-0')
  t.equal(await at('--point', '5,45.5'), 'source-0')
  t.equal(await at('--bbox', '10.9,45.9,11.5,46.5'), 'source-1,source-0')
  t.equal(await at('--bbox=-10,-10,-5,-5'), '')
  const none = await flagstone(['info', three, '--sources', '--point=-60,45'])
  t.match(none, { code: 0, out: 'None of 3 sources lies there.\n' })
  const one = await flagstone(['info', three, '--sources', '--point', '5,45'])
  t.match(one.out, /\n1 of 3 sources, the topmost first\.\n$/)
})

t.test('GeoJSON, in the order of drawing', async (t) => {
  const { out } = await flagstone(['info', three, '--sources', '--geojson'])
  const { type, features } = JSON.parse(out)
  t.equal(type, 'FeatureCollection')
  t.same(
    features.map(({ id }: { id: string }) => id),
    ['source-0', 'source-1', 'source-2'],
  )
  t.match(features[1], { geometry: { type: 'Polygon' }, properties: { zoom: 18, date: '2024-06-30' } })
  const { out: part } = await flagstone(['info', three, '--sources', '--geojson', '--point', '5,45'])
  t.equal(JSON.parse(part).features.length, 1)
})

t.test('what has none, and what is asked wrongly', async (t) => {
  const none = archive('none', [])
  t.match(await flagstone(['info', none, '--sources']), {
    code: 0,
    out: /none\.pmtiles remembers no sources\.\n$/,
  })
  const foreign = fixture('valid', 'foreign.pmtiles')
  t.match(await flagstone(['info', foreign, '--sources']), { code: 0, out: /remembers no sources/ })
  t.same(JSON.parse((await flagstone(['info', foreign, '--sources', '--json'])).out).sources, [])
  t.match(await flagstone(['info', three, '--point', '1,1']), {
    err: /--point is about the sources.*add --sources/,
  })
  t.match(await flagstone(['info', three, '--geojson']), { err: /--geojson is about the sources/ })
  t.match(await flagstone(['info', three, '--sources', '--point', '1,91']), {
    code: 2,
    err: /expected longitude,latitude/,
  })
  t.match(await flagstone(['info', three, '--sources', '--point', '1']), {
    code: 2,
    err: /expected longitude,latitude/,
  })
  const both = ['info', three, '--sources', '--point', '1,1', '--bbox', '0,0,1,1']
  t.match(await flagstone(both), { code: 2, err: /cannot be used with/ })
  t.match(await flagstone(['info', fixture('invalid', 'DAMAGED.sources-order.flat'), '--sources']), {
    code: 3,
    out: '',
    err: /what it remembers of its sources.*not in the order of its sources/,
  })
})

t.test('info names their number, and lists none', async (t) => {
  const many = archive('many', sourcesOf(5000))
  t.match((await flagstone(['info', many])).out, /\n {2}sources +5,000 {2}\(--sources lists them\)\n/)
  t.equal(JSON.parse((await flagstone(['info', many, '--json'])).out).sources, 5000)
  t.notMatch((await flagstone(['info', archive('few', [])])).out, /sources/)
})

t.test('what else info prints is not mixed with the sources', async (t) => {
  for (const other of ['--levels', '--tilejson', '--digest']) {
    const { code, out, err } = await flagstone(['info', three, '--sources', other])
    t.equal(code, 2, other)
    t.equal(out, '')
    t.match(err, new RegExp(`'--sources' cannot be used with option '${other}'`))
  }
})
