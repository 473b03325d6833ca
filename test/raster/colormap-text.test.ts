// Colormaps by name, of gdaldem's text, of QGIS and JSON: what is read, what is refused, and the colours that
// gdaldem color-relief gives for the same file.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  type ColormapMode,
  colormapOfName,
  colormapOfObject,
  isRelative,
  type ParsedColormap,
  parseColormap,
  stopsOf,
} from '../../src/raster/view/colormap-text.js'
import { COLORMAPS, namedColormap } from '../../src/raster/view/colormaps.js'
import { Colormap } from '../../src/raster/view/tone.js'
import { withoutGdal } from '../helpers/gdal.js'

/** r, g, b, a of a value. */
function at(map: ParsedColormap, value: number, mode: ColormapMode = map.mode, range = [0, 100]): number[] {
  const { stops, interpolate } = stopsOf(map, mode, range as [number, number])
  const out = new Uint8Array(4)
  new Colormap(stops, interpolate).lookUp(value, out, 0)
  return [...out]
}

t.test('names', (t) => {
  t.ok(COLORMAPS.length >= 15)
  for (const name of COLORMAPS) {
    const colours = namedColormap(name)!
    t.ok(colours.length >= 2, name)
    t.ok(colours.flat().every((v) => Number.isInteger(v) && v >= 0 && v <= 255))
    t.same(namedColormap(`${name}_r`), [...colours].reverse())
  }
  // the published ends and middles
  t.same(namedColormap('viridis')![0], [68, 1, 84])
  t.same(namedColormap('viridis')!.at(-1), [253, 231, 37])
  t.same(namedColormap('magma')!.at(-1), [252, 253, 191])
  t.same(namedColormap('spectral')![5], [255, 255, 191])
  t.same(namedColormap('GREY'), [
    [0, 0, 0],
    [255, 255, 255],
  ])
  for (const none of ['', 'viridi', 'constructor', '__proto__', '_r'])
    t.equal(namedColormap(none), undefined, none)
  const viridis = colormapOfName('viridis')!
  t.ok(isRelative(viridis))
  t.same(at(viridis, 10, 'linear', [10, 20]), [68, 1, 84, 255])
  t.same(at(viridis, 20, 'linear', [10, 20]), [253, 231, 37, 255])
  t.same(at(viridis, 15, 'linear', [10, 20]), [33, 144, 141, 255], 'the middle, 21908d')
  t.end()
})

t.test('gdaldem text', (t) => {
  const map = parseColormap(
    '# heights\n\n0 0,0,0\n 100:255\t255 255 0\nnv 1 2 3\n50% red\n200 #102030\n',
    'a.txt',
  )
  t.equal(map.mode, 'linear')
  t.ok(map.hasNodata)
  t.ok(isRelative(map))
  t.same(at(map, 0), [0, 0, 0, 255])
  t.same(at(map, 50), [255, 0, 0, 255], 'a percentage of the range')
  t.same(at(map, 75), [255, 128, 128, 128], 'half way to a transparent white')
  t.same(at(map, 999), [16, 32, 48, 255])
  t.same(at(map, 75, 'lower'), [255, 0, 0, 255])
  t.end()
})

t.test('QGIS exports', (t) => {
  const head = '# QGIS Generated Color Map Export File\n'
  const map = parseColormap(
    `${head}INTERPOLATION:EXACT\n1,10,20,30,255,forest\n2,40,50,60,128,a lake: deep\n`,
    'q',
  )
  t.equal(map.mode, 'exact')
  t.same(at(map, 1), [10, 20, 30, 255])
  t.same(at(map, 2), [40, 50, 60, 128])
  for (const other of [0, 1.5, 3, -9]) t.equal(at(map, other)[3], 0, `${other} has no colour`)
  t.throws(() => parseColormap(`${head}INTERPOLATION:DISCRETE\n1,1,1,1`, 'q'), {
    message: /DISCRETE.*linear or exact/,
  })
  t.end()
})

t.test('JSON by value is exact, by interval as far as it goes', (t) => {
  const map = parseColormap('{"1": [1,2,3], "7.5": [4,5,6,7], "9": "#ff0000", "10": "blue"}', 'c.json')
  t.same(at(map, 1), [1, 2, 3, 255])
  t.same(at(map, Math.fround(7.5)), [4, 5, 6, 7])
  t.same(at(map, 9), [255, 0, 0, 255])
  t.same(at(map, 10), [0, 0, 255, 255])
  t.equal(at(map, 8)[3], 0)
  t.same(at(map, 4.25, 'linear'), [3, 4, 5, 131])
  const steps = parseColormap('[[[0, 10], [1,1,1]], [[10, 20], [2,2,2]], [[30, 40], [3,3,3,9]]]', 's.json')
  for (const [value, want] of [
    [-1, 0],
    [0, 1],
    [9.99, 1],
    [10, 2],
    [20, 0],
    [30, 3],
    [40, 0],
    [1e9, 0],
  ] as const) {
    t.same(at(steps, value)[3] === 0 ? 0 : at(steps, value)[0], want, `${value}`)
  }
  t.same(
    at(colormapOfObject({ '0.1': [9, 9, 9] }, 'given'), Math.fround(0.1)),
    [9, 9, 9, 255],
    'a float of 0.1',
  )
  t.end()
})

t.test('what is no colormap says where', (t) => {
  const cases: [string, RegExp][] = [
    ['', /has no entries/],
    ['# nothing\n', /has no entries/],
    ['1 2 3', /no colour of three or four numbers from 0 to 255 at line 1/],
    ['0 0 0 0\n1 300 0 0', /line 2/],
    ['0 mauve', /line 1/],
    ['x 1 2 3', /begins line 1 with 'x'/],
    ['% 1 2 3', /begins line 1 with '%'/],
    ['{"a": [1,2,3]}', /'a', which is not a number/],
    ['{"1": [1,2]}', /at 1/],
    ['{"1": 5}', /at 1/],
    ['{"1": [1,2,', /not valid JSON/],
    ['[[[5, 1], [1,2,3]]]', /item 1/],
    ['[5]', /item 1/],
    ['{}', /no entries/],
    ['[]', /no entries/],
  ]
  for (const [text, message] of cases) {
    t.throws(() => parseColormap(text, 'c'), { code: 'BAD_OPTION', message }, text)
  }
  t.end()
})

t.test('gdaldem gives the same colours', { skip: withoutGdal }, (t) => {
  const dir = t.testdir()
  const count = 601
  const values = Float32Array.from({ length: count }, (_, i) => -50 + i * 0.731)
  writeFileSync(join(dir, 'v.raw'), values)
  const header = `ENVI\nsamples = ${count}\nlines = 1\nbands = 1\nheader offset = 0\n`
  writeFileSync(
    join(dir, 'v.hdr'),
    `${header}file type = ENVI Standard\ndata type = 4\ninterleave = bip\nbyte order = 0\n`,
  )
  const texts: [string, string, string[]][] = [
    ['linear', '-20 10 20 30\n0 0 0 0\n17.5 255 0 128 40\n100 white\n250 aqua\n', []],
    ['commas, colons, comments', '# c\n-20:1,2,3\n\n0\t9 9,9\n300 orange\n', []],
    ['percentages', '0% black\n33% 10 200 50\n100% 250 240 230\n', []],
    ['names', '0 brown\n50 violet\n100 indigo\n150 gray\n200 purple\n250 yellow\n300 cyan\n', []],
  ]
  for (const [name, text, extra] of texts) {
    writeFileSync(join(dir, 'map.txt'), text)
    const args = ['color-relief', join(dir, 'v.raw'), join(dir, 'map.txt'), join(dir, 'out.raw')]
    execFileSync('gdaldem', [...args, '-q', '-alpha', '-of', 'ENVI', '-co', 'INTERLEAVE=BIP', ...extra])
    const theirs = readFileSync(join(dir, 'out.raw'))
    const map = parseColormap(text, 'map.txt')
    const range = [values[0]!, values.at(-1)!]
    let worst = 0
    for (const [i, value] of values.entries()) {
      const ours = at(map, value, 'linear', range)
      for (let c = 0; c < 4; c++) worst = Math.max(worst, Math.abs(ours[c]! - theirs[4 * i + c]!))
    }
    // gdaldem adds 0.45 before it cuts
    t.ok(worst <= 1, `${name}: ${worst} levels off at most`)
  }
  t.end()
})
