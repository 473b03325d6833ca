import sharp from 'sharp'
import t from 'tap'
import { decodeElevation } from '../../src/format/elevation.js'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { decodeTile, encodeImage } from '../../src/raster/tiles/codec.js'
import { decodeHeights, rgbToHeights } from '../../src/raster/tiles/terrain.js'
import { sample } from '../../src/sampling/sample.js'
import {
  overzoomTile,
  renderTile,
  type TileWant,
  transparentTile,
} from '../../src/server/pictures/render-tile.js'
import {
  block,
  contextOf,
  decoded,
  type Paint,
  type Place,
  pixelOf,
  query,
  statusOf,
  together,
  worstOf,
  writeHeights,
  writePictures,
} from './drawn.js'
import { vectorFile } from './served.js'

/** Every pixel another colour, with edges. */
const busy: Paint = (x, y, z) => [
  (x * 37 + y * 11 + z) & 255,
  (Math.imul(x, 2654435761) >>> 24) & 255,
  ((x >> 3) ^ (y >> 3)) & 1 ? 230 : 20,
  255,
]
const bboxOf = (z: number, x: number, y: number): [number, number, number, number] => {
  const { west, south, east, north } = tileBoundsLonLat(z, x, y)
  return [west, south, east, north]
}

t.test('transparent tiles', async (t) => {
  for (const size of [1, 7, 256, 512, 2048]) {
    for (const format of ['png', 'webp', 'jpeg', undefined]) {
      const { bytes, contentType, etag } = transparentTile(size, format)
      const image = sharp(bytes)
      const { width, height, format: found, hasAlpha } = await image.metadata()
      t.same([width, height, hasAlpha], [size, size, true], `${size} ${format}`)
      t.equal(contentType, `image/${found}`)
      t.equal(found, format === 'webp' ? 'webp' : 'png')
      t.match(etag, /^"[\w-]+"$/)
      const { max } = (await image.ensureAlpha().stats()).channels[3]!
      t.equal(max, 0, 'nothing shows')
      t.ok(bytes.length < 2500, `${bytes.length} bytes`)
    }
  }
  t.equal(transparentTile(256, 'png'), transparentTile(256, 'png'))
  for (const encoding of ['mapbox', 'terrarium'] as const) {
    for (const format of ['png', 'webp']) {
      const { data, info } = await sharp(transparentTile(16, format, encoding).bytes)
        .raw()
        .toBuffer({ resolveWithObject: true })
      t.equal(info.channels, 4)
      const colour = {
        width: 1,
        height: 1,
        bands: 3,
        data: Uint8Array.from(data.subarray(0, 3)),
        mask: undefined,
      }
      t.equal(rgbToHeights(colour, encoding).data[0], 0, `${format} ${encoding}: sea level without alpha`)
    }
  }
  for (const size of [0, -1, 1.5, 4097, Number.NaN]) t.throws(() => transparentTile(size), RangeError)
})

t.test('overzoom is what sample says of the place, at any depth', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, block(5, 10, 12, 2, 2), busy)
  const context = await contextOf(t, [`${dir}/a.pmtiles`])
  const source = context.catalog.get('a')!
  for (let depth = 1; depth <= 8; depth++) {
    const n = 2 ** depth
    // beside the seam of two stored tiles
    const [z, x, y] = [5 + depth, 11 * n - 1, 12 * n + (n >> 1)]
    const made = await overzoomTile(context, source, z, x, y, query, {})
    const expected = await sample(source.tiles, { bbox: bboxOf(z, x, y), width: 256, height: 256, zoom: 5 })
    t.ok(worstOf(await decoded(made), expected) <= 1, `depth ${depth}`)
    t.equal(made!.contentType, 'image/png')
  }
  const deepest = await overzoomTile(context, source, 26, 11 * 2 ** 21, 13 * 2 ** 21, query, {})
  // less than a pixel of zoom 5 from its corner, where four tiles meet
  const [r] = pixelOf(await decoded(deepest), 128, 128)
  const around = [0, 1, 2, 3].map((i) => busy(11 * 256 - (i & 1), 13 * 256 - (i >> 1), 5)[0])
  t.ok(Math.abs(r - around.reduce((a, b) => a + b) / 4) <= 2)
  t.equal(await overzoomTile(context, source, 27, 11 * 2 ** 22, 12 * 2 ** 22, query, {}), undefined)
})

t.test('overzoom is bilinear, by another formula, over the tiles it is cut from', async (t) => {
  const dir = t.testdir()
  const places = block(4, 6, 6, 2, 1)
  await writePictures(`${dir}/a.pmtiles`, places, busy)
  const context = await contextOf(t, [`${dir}/a.pmtiles`])
  const source = context.catalog.get('a')!
  const depth = 3
  const parts = []
  for (let i = 6; i < 10; i++) {
    parts.push(await decoded(await overzoomTile(context, source, 4 + depth, 6 * 8 + i, 6 * 8 + 4, query, {})))
  }
  const row = together(parts, 4)
  let worst = 0
  for (let y = 0; y < 256; y += 3) {
    for (let x = 0; x < row.width; x++) {
      // positions in pixels of zoom 4, centres at whole numbers
      const u = (6 * 8 + 6) * 32 + (x + 0.5) / 8 - 0.5
      const v = (6 * 8 + 4) * 32 + (y + 0.5) / 8 - 0.5
      const [i, j] = [Math.floor(u), Math.floor(v)]
      for (let c = 0; c < 3; c++) {
        const at = (a: number, b: number): number => busy(a, b, 4)[c]!
        const above = at(i, j) * (1 - u + i) + at(i + 1, j) * (u - i)
        const below = at(i, j + 1) * (1 - u + i) + at(i + 1, j + 1) * (u - i)
        const expected = above * (1 - v + j) + below * (v - j)
        worst = Math.max(worst, Math.abs(expected - pixelOf(row, x, y)[c]!))
      }
    }
  }
  t.ok(worst <= 2, `at most ${worst.toFixed(2)} levels apart, across the seam of two tiles too`)
})

t.test('overzoom: nothing above, nothing in its part, vector tiles, holes below stored zooms', async (t) => {
  const dir = t.testdir()
  const left: Paint = (x, y, z) => [...busy(x, y, z).slice(0, 3), x % 256 < 128 ? 255 : 0] as never
  await writePictures(`${dir}/half.pmtiles`, [[3, 2, 2]], left, { format: 'jpeg' })
  await writePictures(`${dir}/half-png.pmtiles`, [[3, 2, 2]], left)
  vectorFile(`${dir}/v.pmtiles`, {})
  const context = await contextOf(t, [`${dir}/half.pmtiles`, `${dir}/half-png.pmtiles`, `${dir}/v.pmtiles`])
  const png = context.catalog.get('half-png')!
  const over = (z: number, x: number, y: number, want: TileWant = {}, source = png) =>
    overzoomTile(context, source, z, x, y, query, want)
  t.equal(await over(4, 0, 0), undefined)
  t.equal(await over(5, 11, 8), undefined, 'the eastern half is transparent')
  t.equal(await over(2, 1, 1), undefined)
  for (const [z, x, y] of [
    [4, -1, 4],
    [4, 4.5, 4],
    [4, 16, 4],
    [-1, 0, 0],
    [Number.NaN, 0, 0],
  ] as Place[]) {
    t.equal(await over(z, x, y), undefined, `${z}/${x}/${y}`)
  }
  t.equal(await over(2, 2, 0, {}, context.catalog.get('v')), undefined)
  const jpeg = context.catalog.get('half')!
  t.equal((await over(4, 4, 4, {}, jpeg))!.contentType, 'image/jpeg', 'as it is stored')
  const edge = await over(4, 4, 4, { format: 'jpeg' })
  t.equal(edge!.contentType, 'image/jpeg')
  t.match(await over(4, 4, 4, { format: 'webp' }), { contentType: 'image/webp' })
  t.equal((await decoded(await over(4, 4, 4, { size: 512, scale: 2 }))).width, 1024)
})

t.test('heights are enlarged as heights', async (t) => {
  const dir = t.testdir()
  // over every carry of the codes; bilinear of a plane is the plane
  const plane = (x: number, y: number): number => (x - 2048) * 0.37 + (y - 2048) * 1.91 + 300
  const places = block(4, 7, 7, 2, 2)
  for (const encoding of ['mapbox', 'terrarium', 'int16', 'float32'] as const) {
    await writeHeights(`${dir}/${encoding}.pmtiles`, places, plane, encoding)
  }
  const context = await contextOf(t, [dir])
  for (const [encoding, near] of [
    ['mapbox', 0.11],
    ['terrarium', 0.02],
    ['int16', 0.27],
    ['float32', 0.02],
  ] as const) {
    const source = context.catalog.get(encoding)!
    const made = await overzoomTile(context, source, 7, 8 * 8 - 1, 8 * 8, query, {})
    const isColours = encoding === 'mapbox' || encoding === 'terrarium'
    const heights = await decodeHeights(made!.bytes, isColours ? encoding : undefined)
    let worst = 0
    for (let p = 0; p < 256 * 256; p++) {
      const u = (8 * 8 - 1) * 32 + ((p % 256) + 0.5) / 8 - 0.5
      const v = 8 * 8 * 32 + (Math.floor(p / 256) + 0.5) / 8 - 0.5
      worst = Math.max(worst, Math.abs(heights.data[p]! - plane(u, v)))
    }
    t.ok(worst <= near, `${encoding}: ${worst.toFixed(3)} m`)
    if (isColours) t.equal(made!.contentType, 'image/png')
    else {
      const { samples, step } = decodeElevation(made!.bytes)
      t.equal(samples.constructor.name, encoding === 'int16' ? 'Int16Array' : 'Float32Array')
      t.equal(step, encoding === 'int16' ? 0.25 : 1)
    }
  }
})

t.test('@2x is the four children where they are stored', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [...block(3, 3, 3, 2, 1), ...block(4, 6, 6, 2, 2), [4, 8, 6]], busy)
  const context = await contextOf(t, [`${dir}/a.pmtiles`])
  const source = context.catalog.get('a')!
  const made = await decoded(await renderTile(context, source, 3, 3, 3, { scale: 2 }, query))
  const children = []
  for (const [z, x, y] of block(4, 6, 6, 2, 2)) children.push(await decoded(source.get(z, x, y)))
  t.equal(worstOf(made, together(children, 2)), 0)
  t.same(await decoded(await renderTile(context, source, 3, 3, 3, { size: 512 }, query)), made)

  // one child of four: real pixels there, the rest enlarged
  const mixed = await decoded(await renderTile(context, source, 3, 4, 3, { scale: 2 }, query))
  const child = await decoded(source.get(4, 8, 6))
  const own = await decoded(source.get(3, 4, 3))
  t.same(pixelOf(mixed, 100, 100), pixelOf(child, 100, 100))
  const [r] = pixelOf(own, 200, 200)
  t.ok(Math.abs(pixelOf(mixed, 400, 400)[0] - r) < 60, 'enlarged')
  t.ok(mixed.mask === undefined)

  // nothing deeper at all
  const large = await decoded(await renderTile(context, source, 4, 6, 6, { scale: 4 }, query))
  const parts = []
  for (const [z, x, y] of block(6, 24, 24, 4, 4)) {
    parts.push(await decoded(await overzoomTile(context, source, z, x, y, query, {})))
  }
  t.ok(worstOf(large, together(parts, 4)) <= 1)
})

t.test('smaller tiles are means, @3x has its size', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, block(3, 3, 3, 1, 1), busy, { size: 512 })
  const context = await contextOf(t, [`${dir}/a.pmtiles`])
  const source = context.catalog.get('a')!
  const small = await decoded(await renderTile(context, source, 3, 3, 3, { size: 256 }, query))
  const own = await decoded(source.get(3, 3, 3))
  let worst = 0
  for (let y = 0; y < 256; y++) {
    for (let x = 0; x < 256; x++) {
      for (let c = 0; c < 3; c++) {
        const four = [0, 1, 2, 3].map((i) => pixelOf(own, 2 * x + (i & 1), 2 * y + (i >> 1))[c]!)
        const mean = four.reduce((a, b) => a + b) / 4
        worst = Math.max(worst, Math.abs(mean - pixelOf(small, x, y)[c]!))
      }
    }
  }
  t.ok(worst <= 1, `${worst}`)
  t.equal(
    (await decoded(await renderTile(context, source, 3, 3, 3, { size: 256, scale: 3 }, query))).width,
    768,
  )
})

t.test('another format is decoding and encoding, no resampling', async (t) => {
  const dir = t.testdir()
  const soft: Paint = (x, y, z) => [...busy(x, y, z).slice(0, 3), x % 3 === 0 ? 0 : (x * y) & 255] as never
  await writePictures(`${dir}/opaque.pmtiles`, [[3, 3, 3]], busy, { format: 'jpeg' })
  await writePictures(`${dir}/soft.pmtiles`, [[3, 3, 3]], soft)
  const context = await contextOf(t, [dir])
  for (const id of ['opaque', 'soft']) {
    const source = context.catalog.get(id)!
    const pixels = await decoded(source.get(3, 3, 3))
    for (const format of ['png', 'jpeg', 'webp', 'avif'] as const) {
      const made = await renderTile(context, source, 3, 3, 3, { format, quality: 50 }, query)
      const expected = await encodeImage(pixels, { format, quality: 50 })
      t.same(made!.bytes, expected.bytes, `${id} as ${format}`)
      t.equal(made!.contentType, `image/${format}`)
    }
    const same = await decoded(await renderTile(context, source, 3, 3, 3, { format: 'png' }, query))
    t.equal(worstOf(same, pixels), 0)
  }
})

t.test('heights as colours change their format without loss, and refuse what loses', async (t) => {
  const dir = t.testdir()
  const height = (x: number, y: number): number => (x % 11 === 0 ? Number.NaN : x * 3.3 - y)
  await writeHeights(`${dir}/rgb.pmtiles`, [[3, 3, 3]], height, 'mapbox')
  await writeHeights(`${dir}/num.pmtiles`, [[3, 3, 3]], height, 'int16')
  vectorFile(`${dir}/v.pmtiles`, {})
  const context = await contextOf(t, [dir])
  const source = context.catalog.get('rgb')!
  const made = await renderTile(context, source, 3, 3, 3, { format: 'webp' }, query)
  const raw = (bytes: Uint8Array): Promise<Buffer> => sharp(bytes).raw().toBuffer()
  t.equal((await sharp(made!.bytes).metadata()).format, 'webp')
  t.same(await raw(made!.bytes), await raw(source.get(3, 3, 3)!.bytes), 'under transparent pixels too')
  for (const format of ['jpeg', 'avif'] as const) {
    t.equal(await statusOf(renderTile(context, source, 3, 3, 3, { format }, query)), 400, format)
    t.equal(await statusOf(overzoomTile(context, source, 5, 13, 13, query, { format })), 400, format)
  }
  const numbers = context.catalog.get('num')!
  t.equal(await statusOf(renderTile(context, numbers, 3, 3, 3, { format: 'png' }, query)), 400)
  const doubled = decodeElevation((await renderTile(context, numbers, 3, 3, 3, { scale: 2 }, query))!.bytes)
  t.equal(doubled.width, 512)
  const vectors = context.catalog.get('v')!
  t.equal(await statusOf(renderTile(context, vectors, 0, 0, 0, { format: 'png' }, query)), 400)
})

t.test('large tiles are the same, only drawn in pieces', async (t) => {
  const dir = t.testdir()
  const soft: Paint = (x, y, z) => [...busy(x, y, z).slice(0, 3), y % 512 < 40 ? 0 : 255] as never
  const height = (x: number, y: number): number => (y % 256 < 9 ? Number.NaN : x - y)
  await writePictures(`${dir}/jpeg.pmtiles`, [[3, 3, 3]], busy, { size: 512, format: 'jpeg' })
  await writePictures(`${dir}/soft.pmtiles`, [[3, 3, 3]], soft, { size: 512 })
  await writeHeights(`${dir}/rgb.pmtiles`, [[3, 3, 3]], height, 'mapbox')
  await writeHeights(`${dir}/num.pmtiles`, [[3, 3, 3]], height, 'int16')
  const context = await contextOf(t, [dir])
  const large = (id: string, want: TileWant) =>
    renderTile(context, context.catalog.get(id)!, 3, 3, 3, { scale: 4, ...want }, query)
  const soft4 = await decoded(await large('soft', {}))
  t.same([soft4.width, soft4.height], [2048, 2048])
  const parts = []
  for (const [z, x, y] of block(5, 12, 12, 4, 4)) {
    const made = await overzoomTile(context, context.catalog.get('soft')!, z, x, y, query, {})
    parts.push(await decoded(made))
  }
  t.ok(worstOf(soft4, together(parts, 4)) <= 1)
  t.equal((await large('jpeg', {}))!.contentType, 'image/jpeg', 'as it is stored where that can be')
  t.equal((await large('soft', { format: 'jpeg' }))!.contentType, 'image/jpeg')
  t.same(pixelOf(await decoded(await large('soft', { format: 'jpeg' })), 9, 9), [255, 255, 255, 255])
  const terrain = await large('rgb', { size: 512 })
  const { data } = await sharp(terrain!.bytes).raw().toBuffer({ resolveWithObject: true })
  const hidden = {
    width: 1,
    height: 1,
    bands: 3,
    data: Uint8Array.from(data.subarray(0, 3)),
    mask: undefined,
  }
  t.equal(data[3], 0)
  t.equal(rgbToHeights(hidden, 'mapbox').data[0], 0, 'sea level for who overlooks alpha')
  t.equal(await statusOf(large('num', {})), 400, 'numbers are packed on the thread that answers')
})

t.test('wants that cannot be are refused before anything is made', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [[3, 3, 3]], busy)
  const context = await contextOf(t, [`${dir}/a.pmtiles`], { limits: { pixels: 1024 * 1024 } })
  const source = context.catalog.get('a')!
  const wants: TileWant[] = [
    { quality: 0 },
    { quality: 101 },
    { quality: 1.5 },
    { quality: Number.NaN },
    { size: 255 },
    { size: 0 },
    { size: -256 },
    { size: 1e9 },
    { scale: 0 },
    { scale: 5 },
    { scale: 1e6 },
    { scale: 1.5 },
    { size: 1024, scale: 2 },
  ]
  for (const want of wants) {
    const name = JSON.stringify(want)
    t.equal(await statusOf(renderTile(context, source, 3, 3, 3, want, query)), 400, name)
    t.equal(await statusOf(overzoomTile(context, source, 4, 6, 6, query, want)), 400, name)
  }
  t.same([context.cache.misses, context.work.running], [0, 0])
  t.equal(await renderTile(context, source, 3, 0, 0, { scale: 2 }, query), undefined, 'not stored')
})

t.test('made once, under a tag that says what was asked for', async (t) => {
  const dir = t.testdir()
  await writePictures(`${dir}/a.pmtiles`, [[3, 3, 3]], busy)
  const context = await contextOf(t, [`${dir}/a.pmtiles`])
  const source = context.catalog.get('a')!
  const wants: TileWant[] = [
    {},
    { format: 'webp' },
    { format: 'webp', quality: 20 },
    { scale: 2 },
    { size: 1024 },
  ]
  const tags = new Set<string>()
  for (const want of wants) {
    const [a, b] = await Promise.all([
      renderTile(context, source, 3, 3, 3, want, query),
      renderTile(context, source, 3, 3, 3, want, query),
    ])
    t.equal(a, b)
    tags.add(a!.etag)
    tags.add((await overzoomTile(context, source, 5, 13, 13, query, want))!.etag)
  }
  t.equal(tags.size, 2 * wants.length)
  t.equal(context.cache.misses, 2 * wants.length)
  const [a, b] = [
    await renderTile(context, source, 3, 3, 3, { format: 'webp', quality: 90 }, query),
    await renderTile(context, source, 3, 3, 3, { format: 'webp', quality: 20 }, query),
  ]
  t.ok(a!.bytes.length > b!.bytes.length)
  const pixels = await decodeTile(a!.bytes)
  t.equal(pixels.width, 256)
})

t.test('a damaged tile is an error of its own, and the next one is made', async (t) => {
  const dir = t.testdir()
  await writePictures(
    `${dir}/a.pmtiles`,
    [
      [3, 3, 3],
      [3, 4, 3],
    ],
    busy,
  )
  const context = await contextOf(t, [`${dir}/a.pmtiles`])
  const source = context.catalog.get('a')!
  const broken = { ...source.get(3, 3, 3)!, bytes: source.get(3, 3, 3)!.bytes.slice(0, 900) }
  const lying = new Proxy(source, {
    get: (target, key) =>
      key === 'get'
        ? (z: number, x: number, y: number) => (x === 3 ? broken : target.get(z, x, y))
        : typeof Reflect.get(target, key) === 'function'
          ? Reflect.get(target, key).bind(target)
          : Reflect.get(target, key, target),
  })
  await t.rejects(renderTile(context, lying, 3, 3, 3, { format: 'webp' }, query), { code: 'DAMAGED' })
  t.ok(await renderTile(context, lying, 3, 4, 3, { format: 'webp' }, query))
  t.equal(context.work.running, 0)
})
