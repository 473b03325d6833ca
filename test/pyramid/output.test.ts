// What a build replaces, and what it leaves alone, whatever happens meanwhile.
import {
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { estimate } from '../../src/pyramid/estimate/estimate.js'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { fixture } from '../helpers/paths.js'
import { type ImageOptions, ImageSource, openerOf, speckled, tilesOf } from './images.js'

/** Of many subtrees, each of a few reads. */
const strip: ImageOptions = {
  zoom: 12,
  x: 100,
  y: 5000,
  width: 12000,
  height: 160,
  paint: speckled([[3000, 0, 8000, 160]]),
}
const options = (out: string, more: Partial<BuildOptions> = {}): BuildOptions => ({
  sources: ['image.tif'],
  out,
  format: 'png',
  resampling: 'nearest',
  minZoom: 2,
  commitEverySeconds: 0,
  ...more,
})

function archive(path: string): string {
  const writer = createTiles(path)
  writer.append(0, 0, 0, Buffer.from('a tile'))
  writer.seal()
  writer.close()
  return path
}

/** Builds; calls `then` at the n-th read. */
const buildWith = (
  more: BuildOptions,
  n: number,
  then: () => void,
  signal?: AbortSignal,
): Promise<unknown> => {
  let left = n
  const onRead = (): void => {
    if (--left === 0) then()
  }
  return build(more, {
    openSource: openerOf({ ...strip, onRead }),
    ...(signal === undefined ? {} : { signal }),
  })
}

t.test('swapped or forgotten: the image stays', async (t) => {
  const dir = t.testdir({ 'notes.pmtiles': 'precious' })
  const image = join(dir, 'b.tif')
  copyFileSync(fixture('ortho.tif'), image)
  const before = readFileSync(image)
  for (const sources of [[join(dir, 'new.pmtiles')], [fixture('ortho.tif')], [join(dir, '*.tif')]]) {
    for (const more of [{}, { overwrite: true }, { resume: true }]) {
      await t.rejects(build({ sources, out: image, ...more }), {
        code: 'BAD_OPTION',
        message: /build writes PMTiles.*comes last, after the sources/,
      })
    }
    await t.rejects(estimate({ sources, out: image }), { code: 'BAD_OPTION' })
  }
  const out = join(dir, 'notes.pmtiles')
  await t.rejects(build({ sources: [image], out, overwrite: true }), { code: 'EXISTS' })
  t.ok(readFileSync(image).equals(before))
  t.same(readdirSync(dir).sort(), ['b.tif', 'notes.pmtiles'])
})

t.test('an archive that is its own source, by a glob and a link too', async (t) => {
  const dir = t.testdir({ folder: {} })
  const out = join(dir, 'folder', 'a.pmtiles')
  await build({ sources: [fixture('ortho.tif')], out, maxZoom: 13, threads: 0 })
  const other = join(dir, 'other.pmtiles')
  symlinkSync(out, other)
  const before = readFileSync(out)
  for (const [source, to] of [
    [out, out],
    [other, out],
    [out, other],
    [join(dir, '*.pmtiles'), out],
  ]) {
    await t.rejects(build({ sources: [source!], out: to!, overwrite: true }), { message: /is also a source/ })
  }
  t.ok(readFileSync(out).equals(before))
  t.same(readdirSync(dir).sort(), ['folder', 'other.pmtiles'])
})

t.test('a link is followed: its target is replaced, the link stays', async (t) => {
  const dir = t.testdir({ folder: {} })
  const target = archive(join(dir, 'folder', 'target.pmtiles'))
  const out = join(dir, 'link.pmtiles')
  symlinkSync(target, out)
  await build(options(out, { overwrite: true }), { openSource: openerOf(strip) })
  t.ok(lstatSync(out).isSymbolicLink())
  t.ok(Object.keys(tilesOf(target)).length > 50)
  t.same(readdirSync(dir).sort(), ['folder', 'link.pmtiles'])
  t.same(readdirSync(join(dir, 'folder')), ['target.pmtiles'])
})

t.test('--overwrite waits for no running build, and takes nothing from it', async (t) => {
  const dir = t.testdir()
  const whole = join(dir, 'whole.pmtiles')
  await build(options(whole), { openSource: openerOf(strip) })
  for (const exists of [false, true]) {
    const out = join(dir, `out-${exists}.pmtiles`)
    if (exists) archive(out)
    let second: Promise<unknown> | undefined
    const more = { overwrite: true }
    await buildWith(options(out, more), 20, () => {
      const again = (how: object) => build(options(out, how), { openSource: openerOf(strip) })
      second = Promise.all([
        t.rejects(again(more), { code: 'LOCKED' }),
        // one that only may not replace an archive is told that first
        ...(exists ? [] : [t.rejects(again({}), { code: 'LOCKED', message: /this process is building/ })]),
      ])
    })
    t.ok(second, 'a second build was tried meanwhile')
    await second
    t.same(tilesOf(out), tilesOf(whole))
  }
  t.same(readdirSync(dir).sort(), ['out-false.pmtiles', 'out-true.pmtiles', 'whole.pmtiles'])
})

t.test('two builds that begin at once: one is built, the other is told', async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  const results = await Promise.allSettled(
    [1, 2].map(() => build(options(out, { overwrite: true }), { openSource: openerOf(strip) })),
  )
  const failed = results.filter((result) => result.status === 'rejected')
  t.equal(failed.length, 1)
  t.match(failed[0]!.reason, { code: /LOCKED|EXISTS/ })
  t.ok(Object.keys(tilesOf(out)).length > 50)
  t.same(readdirSync(dir), ['out.pmtiles'])
})

t.test('a file that appears or changes during the build stays', async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'appears.pmtiles')
  // in the moment between looking and beginning
  const openSource = async (): Promise<ImageSource> => {
    writeFileSync(out, 'precious')
    return new ImageSource(strip)
  }
  await t.rejects(build(options(out), { openSource }), { code: 'EXISTS' })
  t.equal(readFileSync(out, 'utf8'), 'precious')
  t.same(readdirSync(dir), ['appears.pmtiles'])
  const changes = join(dir, 'changes.pmtiles')
  archive(changes)
  await t.rejects(
    buildWith(options(changes, { overwrite: true }), 20, () => writeFileSync(changes, 'precious')),
    { code: 'EXISTS', message: /changed while the build was running.*complete: .*changes\.pmtiles\.new/ },
  )
  t.equal(readFileSync(changes, 'utf8'), 'precious')
  t.ok(Object.keys(tilesOf(`${changes}.new`)).length > 50, 'nothing of the work is lost')
  t.notOk(existsSync(`${changes}.build`))

  const written = archive(join(dir, 'written.pmtiles'))
  let writer: ReturnType<typeof reopenTiles> | undefined
  await t.rejects(
    buildWith(options(written, { overwrite: true }), 20, () => {
      writer = reopenTiles(written)
    }),
    { code: 'EXISTS', message: /changed while the build was running/ },
  )
  writer!.append(1, 0, 0, Buffer.from('kept'))
  writer!.close()
  t.equal(Object.keys(tilesOf(written)).length, 2)
})

t.test("files that lie where a build's own would are not touched", async (t) => {
  for (const name of ['a.pmtiles.build', 'a.pmtiles.build.tmp', 'a.pmtiles.new']) {
    const dir = t.testdir({ [name]: 'precious' })
    const out = archive(join(dir, 'a.pmtiles'))
    for (const more of [{ overwrite: true }, { overwrite: true, resume: true }]) {
      await t.rejects(
        build(options(out, more), { openSource: openerOf(strip) }),
        { code: 'EXISTS', message: new RegExp(`${name} is in the way`) },
        name,
      )
    }
    t.equal(readFileSync(join(dir, name), 'utf8'), 'precious')
    t.equal(Object.keys(tilesOf(out)).length, 1)
  }
})

t.test('interrupted while overwriting: the same command with --resume goes on', async (t) => {
  const dir = t.testdir()
  const whole = join(dir, 'whole.pmtiles')
  await build(options(whole), { openSource: openerOf(strip) })
  for (const more of [{ overwrite: true }, {}]) {
    const out = archive(join(dir, `out${Object.keys(more).length}.pmtiles`))
    const stop = new AbortController()
    await t.rejects(
      buildWith(options(out, { overwrite: true }), 20, () => stop.abort(), stop.signal),
      { code: 'INTERRUPTED', message: /Run the same command with --resume to continue/ },
    )
    t.equal(Object.keys(tilesOf(out)).length, 1, 'the old one is there until the end')
    const report = await build(options(out, { ...more, resume: true }), { openSource: openerOf(strip) })
    t.ok(report.resumed)
    t.same(tilesOf(out), tilesOf(whole))
  }
  const out = archive(join(dir, 'fresh.pmtiles'))
  const report = await build(options(out, { overwrite: true, resume: true }), { openSource: openerOf(strip) })
  t.notOk(report.resumed, 'with nothing to resume it begins')
  t.same(tilesOf(out), tilesOf(whole))
})

t.test('an onProgress that is async fails the build as another does, not the process', async (t) => {
  const out = join(t.testdir(), 'a.pmtiles')
  const failing = async (): Promise<void> => {
    throw new Error('theirs')
  }
  const onProgress = failing as () => void
  await t.rejects(build(options(out), { openSource: openerOf(strip), onProgress }), { message: 'theirs' })
  const atSeal = join(t.testdir(), 'b.pmtiles')
  const late = ({ phase }: { phase: string }): void => {
    if (phase === 'seal') throw new Error('late')
  }
  await t.rejects(build(options(atSeal), { openSource: openerOf(strip), onProgress: late }), {
    message: 'late',
  })
  const { resumed } = await build(options(atSeal, { resume: true }), { openSource: openerOf(strip) })
  t.ok(resumed, 'its writer had let go of the file')
})

t.test('an output that goes while it is built ends the build in a sentence', async (t) => {
  const ways: [name: string, act: (out: string) => void, message: RegExp, left: string[]][] = [
    ['removed', (out) => rmSync(out), /was removed or renamed while it was being built/, []],
    ['renamed', (out) => renameSync(out, `${out}.mine`), /was removed or renamed/, ['a.pmtiles.mine']],
    ['replaced', (out) => archive(rmAnd(out)), /was replaced while it was being built/, ['a.pmtiles']],
  ]
  for (const [name, act, message, left] of ways) {
    const dir = t.testdir()
    const out = join(dir, 'a.pmtiles')
    await t.rejects(
      buildWith(options(out), 15, () => act(out)),
      { code: 'NOT_FOUND', message },
      name,
    )
    t.same(readdirSync(dir), left)
    if (name === 'replaced') t.equal(Object.keys(tilesOf(out)).length, 1, 'what lies there now stays')
  }
})

function rmAnd(path: string): string {
  rmSync(path)
  return path
}
