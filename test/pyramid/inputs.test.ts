// Names of sources to paths.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { expandInputs } from '../../src/pyramid/sources/inputs.js'

const inputs = (out = 'nowhere.pmtiles', keep: 'first' | 'last' = 'last') => ({ out, keep })

t.test('files, folders, globs, lists and URLs, in the order given', async (t) => {
  const dir = t.testdir({
    'z.tif': '',
    a: {
      'b.tif': '',
      'A.TIF': '',
      'a.tif.ovr': '',
      'a.tif.msk': '',
      'a.tif.aux.xml': '',
      'a.tfw': '',
      'mosaic.vrt': '',
      'readme.txt': '',
      'photo.jpg': '',
      'placed.jpg': '',
      'placed.jgw': '',
      'also.png': '',
      'also.png.aux.xml': '',
      sub: { 'c.tiff': '', 'N01E002.hgt': '' },
    },
    '[x].tif': '',
    'list.txt': '\uFEFF# pieces\nz.tif\r\n\n  a/sub/c.tiff  # the last\nhttps://example.com/a.tif#frag\n',
    'globs.txt': 'a/*.tif\na/sub\n',
  })
  const names = async (given: string[], options = inputs()): Promise<string[]> =>
    (await expandInputs(given, options)).map((path) => (path.includes('://') ? path : relative(dir, path)))
  const at = (name: string): string => join(dir, name)
  const inFolder = ['a/A.TIF', 'a/also.png', 'a/b.tif', 'a/placed.jpg', 'a/sub/N01E002.hgt', 'a/sub/c.tiff']
  t.same(await names([at('a')]), inFolder)
  t.same(await names([at('z.tif'), at('a')]), ['z.tif', ...inFolder])
  t.same(await names([at('a'), at('z.tif')]), [...inFolder, 'z.tif'])
  t.same(await names([at('a/*.tif')]), ['a/b.tif'])
  t.same(await names([at('a/**/*.{tif,tiff}')]), ['a/b.tif', 'a/sub/c.tiff'])
  t.same(
    await names([at('a/a.tif*'), at('a/b.tif')]).catch((e: Error) => e.message.includes('belong to others')),
    true,
  )
  t.same(await names([at('[x].tif')]), ['[x].tif'], 'a file that looks like a glob')
  t.same(await names([`@${at('list.txt')}`]), ['z.tif', 'a/sub/c.tiff', 'https://example.com/a.tif#frag'])
  t.same(await names([`@${at('globs.txt')}`]), ['a/b.tif', 'a/sub/N01E002.hgt', 'a/sub/c.tiff'])
  t.same(await names(['s3://bucket/x.tif', 'http://h/y.tif']), ['s3://bucket/x.tif', 'http://h/y.tif'])
  t.same(
    await names([at('a/b.tif'), at('z.tif'), at('a/b.tif')]),
    ['z.tif', 'a/b.tif'],
    'the last one counts',
  )
  t.same(await names([at('a/b.tif'), at('z.tif'), at('a/b.tif')], inputs('x', 'first')), ['a/b.tif', 'z.tif'])
  symlinkSync(at('z.tif'), at('y.tif'))
  t.same(await names([at('y.tif'), at('z.tif')]), ['z.tif'], 'the same file by another name')
  t.same(
    await names([at('a')], inputs(at('a/b.tif'))),
    inFolder.filter((name) => name !== 'a/b.tif'),
    'not the output',
  )
  t.same(await names([at('*.tif')], inputs(at('z.tif'))), ['[x].tif', 'y.tif'])
})

t.test('a folder of nothing but a VRT is that VRT', async (t) => {
  const dir = t.testdir({ 'all.vrt': '', 'x.msk': '' })
  t.same(await expandInputs([dir], inputs()), [join(dir, 'all.vrt')])
})

t.test('what names nothing says so', async (t) => {
  const dir = t.testdir({
    empty: { 'readme.txt': '' },
    loose: { 'a.jpg': '', 'b.png': '' },
    'empty.txt': '# nothing\n\n',
    'bad.txt': 'a.tif\nmissing.tif\n',
    'binary.txt': 'II*\0\0\0',
    'a.tif': '',
  })
  const cases: [string, string, RegExp][] = [
    ['missing.tif', 'NOT_FOUND', /missing\.tif does not exist/],
    ['*.jp2', 'NOT_FOUND', /Nothing matches .*\*\.jp2\.$/],
    ['empty', 'NOT_FOUND', /empty has no rasters\.$/],
    ['loose', 'NOT_FOUND', /has no rasters \(2 images have no world file/],
    ['@none.txt', 'NOT_FOUND', /The list .*none\.txt does not exist/],
    ['@empty.txt', 'NOT_FOUND', /is empty; it should have one path per line/],
    ['@bad.txt', 'NOT_FOUND', /missing\.tif does not exist/],
    ['@binary.txt', 'BAD_OPTION', /is not text/],
    ['@empty', 'BAD_OPTION', /is not a list/],
  ]
  for (const [name, code, message] of cases) {
    const given = name.startsWith('@') ? `@${join(dir, name.slice(1))}` : join(dir, name)
    await t.rejects(expandInputs([join(dir, 'a.tif'), given], inputs()), { code, message }, name)
  }
})

t.test('thousands of files in many folders', async (t) => {
  const dir = t.testdir()
  for (let i = 0; i < 30; i++) {
    mkdirSync(join(dir, `d${i}`))
    for (let k = 0; k < 100; k++) writeFileSync(join(dir, `d${i}`, `${k}.tif`), '')
  }
  const found = await expandInputs([dir, join(dir, '**/7.tif')], inputs('x', 'first'))
  t.equal(found.length, 3000)
  t.same(found, [...found].sort())
})
