import t from 'tap'
import { nearest, parseBuildOptions } from '../../src/pyramid/options.js'

const given = { sources: ['a.tif'], out: 'a.pmtiles' }

t.test('defaults', (t) => {
  const options = parseBuildOptions(given)
  t.match(options, {
    zoomLevelStrategy: 'auto',
    resampling: 'bilinear',
    overviewResampling: 'average',
    format: 'auto',
    quality: 75,
    tileSize: 256,
    dedupe: true,
    commitEverySeconds: 5,
  })
  t.equal(options.threads, undefined)
  t.end()
})

t.test('other spellings of the same', (t) => {
  t.equal(parseBuildOptions({ ...given, format: 'jpg' }).format, 'jpeg')
  t.same(parseBuildOptions({ ...given, nodata: 255 }).nodata, [[255]])
  t.same(parseBuildOptions({ ...given, nodata: [0, 0, 0] }).nodata, [[0, 0, 0]])
  t.same(parseBuildOptions({ ...given, nodata: [[0], [255, 255, 255]] }).nodata, [[0], [255, 255, 255]])
  t.end()
})

t.test('complaints name the field', (t) => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['a misspelling', { qualty: 80 }, /no option 'qualty'; did you mean 'quality'\?/],
    ['another case', { tile_size: 512 }, /did you mean 'tileSize'/],
    ['nothing like it', { colour: 1 }, /no option 'colour'$/],
    ['quality', { quality: 101 }, /quality/],
    ['tile size', { tileSize: 100 }, /tileSize: tiles are 256 or 512/],
    ['zoom', { maxZoom: 27 }, /maxZoom/],
    ['jpeg', { format: 'jpeg', lossless: true }, /lossless: JPEG cannot be lossless/],
    ['both', { resume: true, overwrite: true }, /choose one/],
    ['bbox', { bbox: [0, 5, 1, 4] }, /bbox.*south must be less than north/],
    ['memory', { memLimit: 1000 }, /memLimit: a build takes 256 MB/],
    ['no source', { sources: [] }, /sources: name at least one image/],
  ]
  for (const [name, wrong, message] of cases) {
    t.throws(() => parseBuildOptions({ ...given, ...wrong }), { code: 'BAD_OPTION', message }, name)
  }
  t.throws(() => parseBuildOptions(undefined), { code: 'BAD_OPTION' })
  t.end()
})

t.test('the nearest word', (t) => {
  t.equal(nearest('resampeling', ['resampling', 'overviewResampling']), 'resampling')
  t.equal(nearest('max-zoom', ['minZoom', 'maxZoom']), 'maxZoom')
  t.equal(nearest('xyz', ['out', 'name']), undefined)
  t.end()
})
