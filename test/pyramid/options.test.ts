import t from 'tap'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { encodingAt, encodingPlanOf } from '../../src/pyramid/plan/encoding.js'
import { nearest } from '../../src/store/nearest.js'

const given = { sources: ['a.tif'], out: 'a.pmtiles' }

t.test('defaults', (t) => {
  const options = parseBuildOptions(given)
  t.match(options, {
    zoomLevelStrategy: 'auto',
    resampling: 'bilinear',
    overviewResampling: 'average',
    format: 'auto',
    transparentFormat: 'webp',
    background: [255, 255, 255],
    gamma: 1,
    skipBlank: false,
    tileSize: 256,
    dedupe: true,
    commitEverySeconds: 5,
  })
  t.equal(options.threads, undefined)
  t.match(encodingPlanOf(options), { quality: 75, qualityByZoom: {}, alpha: true })
  t.equal(encodingPlanOf(parseBuildOptions({ ...given, format: 'avif' })).quality, 60)
  t.end()
})

t.test('other spellings of the same', (t) => {
  t.equal(parseBuildOptions({ ...given, format: 'jpg' }).format, 'jpeg')
  t.same(parseBuildOptions({ ...given, rescale: [0, 3000] }).rescale, [[0, 3000]])
  t.same(
    parseBuildOptions({
      ...given,
      rescale: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
    }).rescale,
    [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  )
  t.same(parseBuildOptions({ ...given, nodata: 255 }).nodata, [[255]])
  t.same(parseBuildOptions({ ...given, nodata: [0, 0, 0] }).nodata, [[0, 0, 0]])
  t.same(parseBuildOptions({ ...given, nodata: Number.NaN }).nodata, [[Number.NaN]])
  t.same(parseBuildOptions({ ...given, nodata: [] }).nodata, [])
  t.same(parseBuildOptions({ ...given, nodata: [[0], [255, 255, 255]] }).nodata, [[0], [255, 255, 255]])
  t.end()
})

t.test('complaints name the field', (t) => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['a misspelling', { qualty: 80 }, /no option 'qualty'; did you mean 'quality'\?/],
    ['another case', { tile_size: 512 }, /did you mean 'tileSize'/],
    ['nothing like it', { colour: 1 }, /no option 'colour'$/],
    ['quality', { quality: 101 }, /quality: Too big.*<=100/],
    ['quality in words', { quality: 'best' }, /quality: expected 1 to 100/],
    ['quality of a zoom with a nought', { quality: { byZoom: { '07': 50 } } }, /quality/],
    ['tile size', { tileSize: 100 }, /tileSize: expected 256 or 512/],
    ['zoom', { maxZoom: 27 }, /maxZoom/],
    ['quality of a zoom', { quality: { byZoom: { 27: 50 } } }, /quality/],
    ['two bands', { bands: [1, 2] }, /bands: expected one band, or three/],
    ['an empty range', { rescale: [5, 5] }, /rescale: min and max are the same/],
    ['half a range', { rescale: [5] }, /rescale: expected 'auto', \[min, max\]/],
    ['a strange map', { colormap: 5 }, /colormap: expected a name/],
    ['no light', { gamma: 0 }, /gamma: expected a number above 0/],
    ['a colormap for three', { bands: [3, 2, 1], colormap: 'viridis' }, /colormap is for one band/],
    ['alpha in JPEG', { format: 'jpeg', alpha: true }, /alpha: JPEG has no alpha/],
    ['jpeg', { format: 'jpeg', lossless: true }, /lossless: JPEG cannot be lossless/],
    ['bbox', { bbox: [0, 5, 1, 4] }, /bbox.*south must be less than north/],
    ['memory', { memLimit: 1000 }, /memLimit: a build needs at least 256 MB/],
    ['no source', { sources: [] }, /sources: expected at least one source/],
  ]
  for (const [name, wrong, message] of cases) {
    t.throws(() => parseBuildOptions({ ...given, ...wrong }), { code: 'BAD_OPTION', message }, name)
  }
  t.throws(() => parseBuildOptions(undefined), { code: 'BAD_OPTION' })
  t.end()
})

t.test('a quality for each zoom', (t) => {
  const of = (quality: unknown) => encodingPlanOf(parseBuildOptions({ ...given, quality }))
  t.equal(encodingAt(of(80), 3).quality, 80)
  const some = of({ default: 70, byZoom: { 14: 50, 15: 90 } })
  t.same(
    [13, 14, 15, 16].map((zoom) => encodingAt(some, zoom).quality),
    [70, 50, 90, 70],
  )
  t.equal(encodingAt(of({ byZoom: { 2: 50 } }), 9).quality, 75, 'the default stays')
  t.end()
})

t.test('the nearest word', (t) => {
  t.equal(nearest('resampeling', ['resampling', 'overviewResampling']), 'resampling')
  t.equal(nearest('max-zoom', ['minZoom', 'maxZoom']), 'maxZoom')
  t.equal(nearest('xyz', ['out', 'name']), undefined)
  t.end()
})
