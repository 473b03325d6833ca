// What may be written and replaced: one decision for everything that writes, by the kind and content of what is there.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { identityAt } from '../../src/platform/place.js'
import { renameOver } from '../../src/platform/rename.js'
import { outputPlace } from '../../src/store/output-path.js'
import { createTiles, whileLocked } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { fixture } from '../helpers/paths.js'

const build = { kind: 'archive', who: 'build', overwrite: true } as const
const sample = { kind: 'picture', who: 'sample', overwrite: true } as const

function archive(path: string): string {
  const writer = createTiles(path)
  writer.append(0, 0, 0, Buffer.from('a tile'))
  writer.seal()
  writer.close()
  return path
}

t.test('by name: other formats, streams, URLs, lists, folders', (t) => {
  const dir = t.testdir()
  t.throws(() => createTiles(join(dir, 'a.tif')), {
    code: 'BAD_OPTION',
    message: /: create writes PMTiles; name the file .*\/a\.pmtiles\.$/,
  })
  const names = 'a.mbtiles a.zip a.tar a.tif a.TIFF a.png a.jpg a.vrt a.hgt a.asc a.img a.jp2 a.csv a.json'
  for (const name of names.split(' ')) {
    t.throws(
      () => outputPlace(join(dir, name), build),
      { code: 'BAD_OPTION', message: /build writes PMTiles; name the file .*\/a\.pmtiles\./ },
      name,
    )
  }
  for (const [name, message] of [
    ['-', /cannot write to standard output; name a file, such as out\.pmtiles/],
    ['https://example.com/a.pmtiles', /is a URL/],
    ['s3://bucket/a.pmtiles', /is a URL/],
    ['@list', /names a list of sources/],
    [`${dir}/new/`, /names a directory/],
    [join(dir, 'no', 'a.pmtiles'), /the directory .* does not exist/],
  ] as const) {
    t.throws(() => outputPlace(name, build), { message }, name)
  }
  for (const name of ['a.pmtiles', 'a', 'a.v2', 'A.PMTILES'])
    t.same(outputPlace(join(dir, name), build), { path: join(dir, name), replaces: undefined })
  t.equal(outputPlace(join(dir, 'a.png'), sample).replaces, undefined)
  t.same(readdirSync(dir), [], 'nothing is made by asking')
  t.end()
})

t.test('by content: what the command makes is replaced, and nothing else', (t) => {
  const dir = t.testdir({ text: 'precious', empty: '' })
  const at = (name: string): string => join(dir, name)
  copyFileSync(fixture('ortho.tif'), at('image'))
  const ours = archive(at('a.pmtiles'))
  const foreign = at('foreign.pmtiles')
  writeFileSync(foreign, Buffer.concat([Buffer.from('PMTiles\x03'), Buffer.alloc(200)]))
  writeFileSync(at('sqlite'), 'SQLite format 3\0 and more')
  writeFileSync(at('picture'), '\x89PNG\r\n\x1a\n...', 'latin1')
  for (const path of [ours, foreign]) {
    t.ok(outputPlace(path, build).replaces, path)
    t.throws(() => outputPlace(path, { ...build, overwrite: false }), {
      code: 'EXISTS',
      message: /exists already: replace it with --overwrite/,
    })
    t.throws(() => outputPlace(path, sample), {
      code: 'EXISTS',
      message: /is a tile archive; sample replaces/,
    })
  }
  for (const [name, what] of [
    ['text', 'another kind of file'],
    ['empty', 'an empty file'],
    ['image', 'a TIFF image'],
    ['sqlite', 'an SQLite database'],
    ['picture', 'a PNG image'],
  ] as const) {
    for (const overwrite of [true, false]) {
      t.throws(
        () => outputPlace(at(name), { ...build, overwrite }),
        { code: 'EXISTS', message: new RegExp(`is ${what}.*build replaces nothing but tile archives`) },
        name,
      )
    }
    if (name !== 'picture') t.throws(() => outputPlace(at(name), sample), { code: 'EXISTS' }, name)
  }
  t.ok(outputPlace(at('picture'), sample).replaces)
  t.throws(() => outputPlace(at('picture'), { ...sample, overwrite: false }), { code: 'EXISTS' })
  t.end()
})

t.test('by kind: directories, pipes, sockets and devices are not written', async (t) => {
  const dir = t.testdir({ folder: {} })
  const pipe = join(dir, 'pipe')
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)
  // its path is short by nature
  const short = mkdtempSync(join(tmpdir(), 'flagstone-socket-'))
  t.teardown(() => rmSync(short, { recursive: true, force: true }))
  const socket = join(short, 's')
  const server = createServer().listen(socket)
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  symlinkSync('/dev/null', join(dir, 'link'))
  for (const [path, message] of [
    [join(dir, 'folder'), /is a directory/],
    [pipe, /is a named pipe/],
    [socket, /is a socket/],
    ['/dev/null', /is a device/],
    [join(dir, 'link'), /is a device/],
  ] as const) {
    for (const request of [build, sample])
      t.throws(() => outputPlace(path, request), { code: 'BAD_OPTION', message }, path)
  }
})

t.test('links: a live one is followed, a broken one and a loop are refused', (t) => {
  const dir = t.testdir({ folder: {} })
  const target = archive(join(dir, 'folder', 'target.pmtiles'))
  const live = join(dir, 'live.pmtiles')
  symlinkSync('folder/target.pmtiles', live)
  t.equal(outputPlace(live, build).path, target)
  t.throws(() => outputPlace(live, { ...build, overwrite: false }), { code: 'EXISTS' })
  symlinkSync('nowhere', join(dir, 'broken'))
  t.throws(() => outputPlace(join(dir, 'broken'), build), {
    code: 'BAD_OPTION',
    message: /is a symbolic link to nowhere, which does not exist/,
  })
  symlinkSync('loop', join(dir, 'loop'))
  t.throws(() => outputPlace(join(dir, 'loop'), build), { message: /ELOOP/ })

  const writer = createTiles(live, { overwrite: true })
  writer.append(1, 0, 0, Buffer.from('another'))
  writer.close()
  t.ok(lstatSync(live).isSymbolicLink(), 'the link stays')
  const reader = openTiles(target)
  t.equal(Buffer.from(reader.get(1, 0, 0)!.bytes).toString(), 'another')
  reader.close()
  t.end()
})

t.test('a source is never the output, whatever leads to it', (t) => {
  const dir = t.testdir({ folder: {} })
  const source = archive(join(dir, 'source.pmtiles'))
  const hard = join(dir, 'hard.pmtiles')
  linkSync(source, hard)
  const soft = join(dir, 'soft.pmtiles')
  symlinkSync(source, soft)
  for (const path of [source, hard, soft]) {
    t.throws(() => outputPlace(path, { ...build, inputs: ['x', source] }), {
      code: 'BAD_OPTION',
      message: /is also a source/,
    })
  }
  const picture = join(dir, 'folder', '0.png')
  writeFileSync(picture, '\x89PNG\r\n\x1a\n...', 'latin1')
  t.throws(() => outputPlace(picture, { ...sample, inputs: [join(dir, 'folder')] }), {
    code: 'BAD_OPTION',
    message: /is part of the source/,
  })
  t.end()
})

t.test('create replaces an archive that is asked for, not one that is being written', (t) => {
  const dir = t.testdir({ 'text.pmtiles': 'precious' })
  const path = archive(join(dir, 'a.pmtiles'))
  t.throws(() => createTiles(path), { code: 'EXISTS', message: /overwrite: true/ })
  t.throws(() => createTiles(join(dir, 'a.mbtiles')), { code: 'BAD_OPTION' })
  t.throws(() => createTiles(join(dir, 'no', 'a.pmtiles')), { code: 'NOT_FOUND', message: /does not exist/ })
  t.throws(() => createTiles(join(dir, 'text.pmtiles'), { overwrite: true }), { code: 'EXISTS' })
  const old = openTiles(path)
  const writer = createTiles(path, { overwrite: true })
  writer.append(2, 1, 1, Buffer.from('new'))
  writer.commit()
  t.equal(old.has(0, 0, 0), true, 'who has it open reads on')
  t.throws(() => createTiles(path, { overwrite: true }), { code: 'LOCKED' })
  t.equal(writer.has(2, 1, 1), true)
  writer.close()
  old.close()
  t.same(readdirSync(dir).sort(), ['a.pmtiles', 'text.pmtiles'], 'nothing else is left')
  t.end()
})

t.test('a lock of a writer is respected', (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  const writer = createTiles(path)
  t.throws(() => whileLocked(path, () => t.fail('not reached')), { code: 'LOCKED' })
  writer.close()
  t.equal(
    whileLocked(path, () => 5),
    5,
  )
  t.end()
})

t.test('what appears or changes between looking and replacing is not destroyed', (t) => {
  const dir = t.testdir({ from: 'new', to: 'old' })
  const from = join(dir, 'from')
  const to = join(dir, 'to')
  t.equal(renameOver(from, to, undefined), false, 'it appeared')
  const seen = identityAt(to)!
  writeFileSync(join(dir, 'other'), 'other')
  renameSync(join(dir, 'other'), to)
  t.equal(renameOver(from, to, seen), false, 'another file')
  const now = identityAt(to)!
  writeFileSync(to, 'changed')
  utimesSync(to, 1, 1)
  t.equal(renameOver(from, to, now), false, 'written to')
  t.equal(readFileSync(to, 'utf8'), 'changed')
  t.equal(readFileSync(from, 'utf8'), 'new')
  t.equal(renameOver(from, to, identityAt(to)), true)
  t.equal(readFileSync(to, 'utf8'), 'new')
  mkdirSync(join(dir, 'x'))
  writeFileSync(from, 'again')
  t.equal(renameOver(from, join(dir, 'x', 'gone'), seen), true, 'what went is no obstacle')
  t.same(readdirSync(dir).sort(), ['to', 'x'])
  t.end()
})
