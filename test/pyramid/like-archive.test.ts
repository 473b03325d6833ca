// Builds from tile archives: like them where nothing else was asked, and what it costs is said before.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { estimate } from '../../src/pyramid/estimate/estimate.js'
import { createTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { fixture } from '../helpers/paths.js'

const ABOUT = {
  name: 'Fields',
  description: 'of a farm',
  attribution: '© somebody',
  metadata: { legend: 'green' },
}

async function archive(t: Test, options: Partial<BuildOptions> & { out?: string }): Promise<string> {
  const out = join(t.testdir(), options.out ?? 'first.pmtiles')
  await build({ sources: [fixture('ortho.tif')], threads: 0, ...options, out })
  return out
}

async function again(path: string, options: Partial<BuildOptions> = {}) {
  const out = `${path}.again.pmtiles`
  const said: string[] = []
  let begun = false
  const report = await build(
    { sources: [path], threads: 0, overwrite: true, ...options, out },
    {
      onNote: (note) => {
        if (!begun) said.push(note)
      },
      onProgress: () => {
        begun = true
      },
    },
  )
  const reader = openTiles(out, { mode: 'buffered' })
  const metadata = reader.metadata()
  reader.close()
  return { report, metadata, said, types: report.types.map(({ name }) => name) }
}

t.test('PNG stays PNG, with what the archive says of itself', async (t) => {
  const { types, metadata, said } = await again(await archive(t, { format: 'png', maxZoom: 14, ...ABOUT }))
  t.same(types, ['png'])
  t.match(metadata, {
    name: 'Fields',
    description: 'of a farm',
    attribution: '© somebody',
    legend: 'green',
    format: 'png',
  })
  t.same(said, [], 'nothing is lost')
})

t.test('WebP of 512 pixels keeps its grid; what is lost is said before', async (t) => {
  const path = await archive(t, { format: 'webp', tileSize: 512, zoom: [9, 14] })
  const { report, metadata, said, types } = await again(path)
  t.same([report.minZoom, report.maxZoom, metadata['tileSize']], [9, 14, 512])
  t.same(types, ['webp'])
  t.match(said, [
    /WEBP tiles of .*first\.pmtiles are decoded and encoded again as WEBP with quality 75.*loses/,
  ])
  t.equal(metadata['name'], 'first.pmtiles.again', 'what was called by its file only is called by its file')
  const found = await estimate({ sources: [path], out: join(t.testdirName, 'e.pmtiles'), threads: 0 })
  t.match(found, { minZoom: 9, maxZoom: 14, tileSize: 512, notes: [/loses/] })
})

t.test('lossless WebP stays lossless, JPEG stays JPEG', async (t) => {
  const lossless = await again(await archive(t, { format: 'webp', lossless: true, maxZoom: 13 }))
  t.same([lossless.types, lossless.said], [['webp'], []])
  const jpeg = await again(await archive(t, { format: 'jpeg', maxZoom: 14, out: 'j.pmtiles' }))
  t.same(jpeg.types, ['jpeg'])
  t.match(jpeg.said, [/quality 75/])
})

t.test('what was asked for goes before', async (t) => {
  const path = await archive(t, { format: 'png', zoom: [10, 14], ...ABOUT })
  const asked = { format: 'jpeg', quality: 90, tileSize: 512, maxZoom: 12, name: 'Other' } as const
  const { report, metadata, said, types } = await again(path, asked)
  t.same(types, ['jpeg'])
  t.equal(report.maxZoom, 12)
  t.match(metadata, { name: 'Other', attribution: '© somebody', tileSize: 512 })
  t.match(said, [
    /PNG tiles .* JPEG with quality 90.*--format png/,
    /[Tt]ransparent.*background/,
    /256 pixels wide .* 512/,
  ])
  const auto = await again(path, { format: 'auto' })
  t.notMatch(auto.types, ['png'])
})

t.test('several archives: what they agree on, and all who are to be named', async (t) => {
  const dir = t.testdir()
  const sources: string[] = []
  for (const who of ['A', 'B']) {
    const out = join(dir, `${who}.pmtiles`)
    await build({
      ...ABOUT,
      sources: [fixture('ortho.tif')],
      out,
      name: who,
      attribution: who,
      format: 'png',
      maxZoom: 12,
      threads: 0,
    })
    sources.push(out)
  }
  const out = join(dir, 'both.pmtiles')
  const report = await build({ sources, out, threads: 0 })
  const reader = openTiles(out, { mode: 'buffered' })
  t.match(reader.metadata(), { name: 'both', attribution: 'A | B', description: 'of a farm', format: 'png' })
  reader.close()
  t.equal(report.maxZoom, 12)
})

t.test('vector tiles are called vector tiles', async (t) => {
  const path = join(t.testdir(), 'roads.pmtiles')
  const writer = createTiles(path)
  writer.append(0, 0, 0, Uint8Array.of(0x1a, 2, 3, 4))
  writer.seal()
  writer.close()
  await t.rejects(build({ sources: [path], out: `${path}.out.pmtiles`, threads: 0 }), {
    code: 'SOURCE_UNSUPPORTED',
    message: /roads\.pmtiles has vector tiles/,
  })
})
