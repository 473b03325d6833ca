// Sources that were repaired or replaced while a build was interrupted: named, and continued with or begun anew, by
// exactly what the message says.

import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../src/cli/run.js'
import type { FlagstoneError } from '../../src/errors.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import type { BuildReport } from '../../src/pyramid/report.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { type SmallTiff, smallTiff } from '../helpers/small-tiff.js'

t.setTimeout(1_800_000)

/** 20 km wide: more than one unit of work at zoom 15. */
const WIDE: SmallTiff = { width: 1024, height: 512, block: 64, place: [1_000_000, 6_000_000, 20] }
const write = (path: string, value: number, tiff: SmallTiff = WIDE): void =>
  writeFileSync(path, smallTiff({ ...tiff, paint: (x) => (value + (x >> 6)) % 250 }).bytes)

const optionsFor = (out: string, sources: string[]): BuildOptions => ({
  sources,
  out,
  minZoom: 14,
  maxZoom: 15,
  threads: 0,
  resampling: 'nearest',
  format: 'png',
  commitEverySeconds: 0,
})

async function interrupt(t: Test, options: BuildOptions): Promise<void> {
  const stop = new AbortController()
  const onProgress = ({
    subtreesDone,
    subtreesTotal,
  }: {
    subtreesDone: number
    subtreesTotal: number
  }): void => {
    if (subtreesDone > 0 && subtreesDone < subtreesTotal) stop.abort()
  }
  await t.rejects(build(options, { signal: stop.signal, onProgress }), { code: 'INTERRUPTED' })
}

async function isSound(t: Test, out: string, report: BuildReport): Promise<void> {
  t.same(
    (await verifyTiles(out)).findings.filter((finding) => !finding.ok),
    [],
  )
  t.notOk(existsSync(`${out}.build`))
  t.ok(report.tiles > 0)
}

t.test('which one is said by name; both ways out work', async (t) => {
  for (const count of [1, 3, 12]) {
    const dir = t.testdir({})
    const sources = Array.from({ length: count }, (_, i) => join(dir, `s${i}.tif`))
    for (const [i, path] of sources.entries()) write(path, i * 10, i === 0 ? WIDE : { width: 64, height: 64 })
    const out = join(dir, 'out.pmtiles')
    const options = optionsFor(out, sources)
    await interrupt(t, options)
    const changed = sources.at(-1)!
    write(changed, 200, count === 1 ? WIDE : { width: 64, height: 64 })
    utimesSync(changed, 1e9, 1e9)
    const before = readFileSync(out)
    const { code, message } = (await build({ ...options, resume: true }).catch(
      (error) => error,
    )) as FlagstoneError
    t.equal(code, 'NOT_RESUMABLE', `${count} sources`)
    t.ok(message.includes(`${changed} was `), message)
    if (count > 1) t.notOk(message.includes(sources[0]!), 'only that one')
    t.match(message, /--resume --accept-changed \(acceptChanged\).*--overwrite instead of --resume/)
    t.ok(readFileSync(out).equals(before), 'nothing was touched')
    const report = await build({ ...options, resume: true, acceptChanged: true })
    t.equal(report.resumed, true)
    await isSound(t, out, report)

    rmSync(out)
    await interrupt(t, options)
    utimesSync(changed, 1.1e9, 1.1e9)
    await t.rejects(build({ ...options, resume: true }), { code: 'NOT_RESUMABLE' })
    const anew = await build({ ...options, overwrite: true })
    t.equal(anew.resumed, false)
    await isSound(t, out, anew)
  }
})

t.test(
  'accepted changes are kept through another interruption, and others are asked for again',
  async (t) => {
    const dir = t.testdir({})
    const source = join(dir, 'a.tif')
    write(source, 0, { ...WIDE, width: 2048, height: 1024 })
    const out = join(dir, 'out.pmtiles')
    const options = optionsFor(out, [source])
    await interrupt(t, options)
    utimesSync(source, 1e9, 1e9)
    await interrupt(t, { ...options, resume: true, acceptChanged: true })
    utimesSync(source, 1.1e9, 1.1e9)
    await t.rejects(build({ ...options, resume: true }), { message: /2001-09-09.*2004-11-09/ })
    await interrupt(t, { ...options, resume: true, acceptChanged: true }).catch(() => {})
    const report = await build({ ...options, resume: true, acceptChanged: true }).catch(
      (error: Error) => error,
    )
    if (report instanceof Error) t.match(report.message, /nothing to resume|exists/)
    t.same(
      (await verifyTiles(out)).findings.filter((finding) => !finding.ok),
      [],
    )
  },
)

t.test('what does not fit is not continued', async (t) => {
  const dir = t.testdir({})
  const source = join(dir, 'a.tif')
  write(source, 0)
  const out = join(dir, 'out.pmtiles')
  const options = optionsFor(out, [source])
  await interrupt(t, options)
  write(source, 0, { ...WIDE, height: 256 })
  await t.rejects(build({ ...options, resume: true, acceptChanged: true }), {
    code: 'NOT_RESUMABLE',
    message: /a\.tif was .*other tiles.*--overwrite/,
  })
  write(source, 0)
  await t.rejects(build({ ...options, resume: true, acceptChanged: true, resampling: 'bilinear' }), {
    message: /the resampling was nearest/,
  })
  await t.rejects(build({ ...options, acceptChanged: true }), { message: /use it with resume/ })
})

t.test('the range that was chosen from the values stays', async (t) => {
  const dir = t.testdir({})
  const source = join(dir, 'a.tif')
  const tiff = { ...WIDE, bands: 1, wide: true }
  const put = (gain: number): void =>
    writeFileSync(source, smallTiff({ ...tiff, paint: (x, y) => 100 + gain * (x + y) }).bytes)
  put(1)
  const out = join(dir, 'out.pmtiles')
  const options = optionsFor(out, [source])
  await interrupt(t, options)
  put(3)
  utimesSync(source, 1e9, 1e9)
  await t.rejects(build({ ...options, resume: true }), { code: 'NOT_RESUMABLE' })
  const report = await build({ ...options, resume: true, acceptChanged: true })
  t.match(report.notes.join('\n'), /chosen when the build began/)
  await isSound(t, out, report)
})

t.test('a repaired source, on the command line', async (t) => {
  const dir = t.testdir({})
  const source = join(dir, 'a.tif')
  const { bytes, blocks } = smallTiff(WIDE)
  const last = blocks.at(-1)!
  const spoilt = Buffer.from(bytes)
  spoilt[last.offset]! ^= 0xff
  writeFileSync(source, spoilt)
  const out = join(dir, 'out.pmtiles')
  const said: string[] = []
  const io = {
    stdout: { write: () => true },
    stderr: { write: (text: string | Uint8Array) => said.push(String(text)) },
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const line = ['build', source, out, '-j', '0', '-z', '14-15']
  t.equal(await run(line, io), 1)
  t.match(said.join(''), /strip|tile 15,7 of level 0 cannot be decoded.*--skip-unreadable/)
  t.ok(existsSync(out), 'some of it was done')
  writeFileSync(source, bytes)
  utimesSync(source, 1e9, 1e9)
  t.equal(await run([...line, '--resume'], io), 1)
  t.equal(await run([...line, '--resume', '--accept-changed'], io), 0)
  t.same(
    (await verifyTiles(out)).findings.filter((finding) => !finding.ok),
    [],
  )
})
