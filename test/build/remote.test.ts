// Builds from a URL: the same tiles as from the file, by worker threads too; a file that changes on its server is
// noticed in the middle of a build and when an interrupted one is to go on.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { open } from '../../src/index.js'
import { build } from '../../src/pyramid/build.js'
import { fixture } from '../helpers/paths.js'
import { RangeServer } from '../raster/http-server.js'

t.setTimeout(1_800_000)
const server = await RangeServer.start()
t.teardown(() => server.stop())
const local = fixture('ortho.tif')
const bytes = readFileSync(local)
t.beforeEach(() => {
  server.asked.length = 0
  server.trouble = undefined
  server.etag = '"one"'
  server.files.set('/ortho.tif', bytes)
})

function tilesOf(path: string): Map<string, string> {
  const file = open(path)
  const tiles = new Map<string, string>()
  for (const { z, x, y } of file.tiles()) {
    tiles.set(`${z}/${x}/${y}`, Buffer.from(file.get(z, x, y)!.bytes).toString('base64'))
  }
  file.close()
  return tiles
}

t.test('the same tiles as from the disk', async (t) => {
  const dir = t.testdir()
  const here = join(dir, 'here.pmtiles')
  const there = join(dir, 'there.pmtiles')
  await build({ sources: [local], out: here, threads: 2 })
  await build({ sources: [`${server.url('/ortho.tif')}?signature=secret`], out: there, threads: 2 })
  const tiles = tilesOf(here)
  t.ok(tiles.size > 20)
  t.same(tilesOf(there), tiles)
  const stored = readFileSync(there).toString('latin1')
  t.notMatch(stored, /secret/, 'signatures stay out of the tile file')
  const reader = open(there)
  t.teardown(() => reader.close())
  const told = JSON.stringify(reader.sources?.())
  t.match(told, /"name":"ortho\.tif"/)
  t.notMatch(told, /secret/, 'and out of what it remembers of its sources')
  const size = server.asked.reduce((sum, { start, end }) => sum + Math.min(end, bytes.length) - start, 0)
  t.ok(
    size < 6 * bytes.length,
    `${(size / bytes.length).toFixed(1)} times the file in ${server.asked.length} requests`,
  )
})

t.test('a file that changes while it is used', async (t) => {
  // The plan has been made when the first block is asked for.
  server.trouble = () => {
    if (server.asked.length > 3) server.etag = '"two"'
    return false
  }
  const out = join(t.testdir(), 'out.pmtiles')
  await t.rejects(build({ sources: [server.url('/ortho.tif')], out, threads: 0 }), {
    code: 'SOURCE_UNREADABLE',
    message: /changed on its server/,
  })
})

t.test('going on after an interruption', async (t) => {
  const dir = t.testdir()
  const whole = join(dir, 'whole.pmtiles')
  const out = join(dir, 'out.pmtiles')
  const options = { sources: [`${server.url('/ortho.tif')}?signature=1`], threads: 0 }
  await build({ ...options, out: whole })
  const stop = new AbortController()
  const interrupted = build({ ...options, out }, { signal: stop.signal, onProgress: () => stop.abort() })
  await t.rejects(interrupted, { code: 'INTERRUPTED' })
  server.etag = '"two"'
  await t.rejects(build({ ...options, out, resume: true }), {
    code: 'NOT_RESUMABLE',
    message: /ortho\.tif was .*"one" and is .*"two"/,
  })
  server.etag = '"one"'
  const again = { ...options, sources: [`${server.url('/ortho.tif')}?signature=2`] }
  const report = await build({ ...again, out, resume: true })
  t.ok(report.resumed, 'with another signature')
  t.same(tilesOf(out), tilesOf(whole))
})
