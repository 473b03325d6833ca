// Every code block of every README is run as it stands, or says above it why it is not. The image is a piece of the
// fixture. Lines of the README itself go through the shell to the command; in the others those that a shell would not
// change run in this process.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { build } from '../../src/pyramid/build.js'
import { openRaster } from '../../src/raster/open.js'
import { flagstone } from '../helpers/command.js'
import { type Block, blocksOf, documents } from '../helpers/documents.js'
import { whichTool } from '../helpers/mounts.js'
import { fixture, root } from '../helpers/paths.js'
import { plainTiff } from '../helpers/plain-tiff.js'
import { Child } from '../helpers/processes.js'
import { smallTiff } from '../helpers/small-tiff.js'
import { mbtilesFile } from '../server/tile-files.js'

const bin = join(root, 'dist', 'src', 'cli', 'bin.js')
const FLAGSTONE = `flagstone() { '${process.execPath}' '${bin}' "$@"; }`

/** Blocks that tests of their own run: they need a server around them, or this whole repository. */
const RUN_BY: Readonly<Record<string, string>> = {
  'npm ci && npm run demo': 'test/repository/examples.test.ts',
  'npm ci && npm test': '.ci/run',
  'location /maps/ {': 'test/cli/serve-nginx.test.ts',
  'location /tiles/ {': 'test/server/static-host.test.ts',
}

const runBy = ({ text }: Block): string | undefined => RUN_BY[text.split('\n')[0]!]

/** What must be printed by blocks of JavaScript, by a line that only one of them has. */
const PRINTED: readonly (readonly [line: string, RegExp])[] = [
  ["import { build, open, sample } from 'flagstone'", /^\d+ 12 16\n300 200 3 180000\n$/],
  ["import { create, open } from 'flagstone'", /^image\/jpeg 3 "[^"]+"\n1 0 0 3\n$/],
  ["import { openTileSet, verify } from 'flagstone'", /^1 1\ntrue \[\]\n$/],
  ["import { open, reopen } from 'flagstone'", /^spring\.tif 78271\.5\n1\n$/],
  ["import { apply, convert, diff, digest } from 'flagstone'", /^false true again\.patch\napplied true\n$/],
  ["import fastify from 'fastify'", /^200 "[\w-]+"\n$/],
  ["import Koa from 'koa'", /^200 true 404\n200 true 404\n$/],
]

/** A piece of the fixture with tile 18/141731/91661, on both sides of a tile border of zoom 13. */
async function ortho(): Promise<Uint8Array> {
  const source = await openRaster(fixture('ortho.tif'))
  const [x, y, width, height] = [1000, 1560, 1120, 300]
  const { data } = await source.read(0, { x, y, width, height })
  await source.close()
  const [west, metres, , north] = source.info.geotransform
  return plainTiff({
    width,
    height,
    samples: 3,
    data,
    place: [metres, west + x * metres, north - y * metres],
  })
}

/** What the examples name: images, and for pages of the server also tiles. */
async function workspace(t: Test, document: string): Promise<string> {
  const dir = t.testdir({ out: {} })
  writeFileSync(join(dir, 'ortho.tif'), await ortho())
  const height = (x: number, y: number): number => 300 + Math.round(200 * Math.sin(x / 20) + y)
  const place = [2_042_000, -4_010_000, 100] as const
  const dem = smallTiff({ width: 200, height: 200, bands: 1, wide: true, place, paint: height })
  writeFileSync(join(dir, 'dem.tif'), dem.bytes)
  const around = { width: 256, height: 256, place: [1_600_000, 6_050_000, 300] } as const
  writeFileSync(
    join(dir, 'country.tif'),
    smallTiff({ ...around, bands: 3, paint: (x, y) => (x + y) & 255 }).bytes,
  )
  if (dirname(document) === 'src/server') {
    const at = (name: string): string => join(dir, name)
    await build({ sources: [at('ortho.tif')], out: at('ortho.pmtiles'), maxZoom: 18 })
    await build({ sources: [at('dem.tif')], out: at('dem.pmtiles'), terrain: 'mapbox' })
    for (const folder of ['tiles', 'more/north']) {
      mkdirSync(join(dir, folder), { recursive: true })
      copyFileSync(
        join(dir, 'ortho.pmtiles'),
        join(dir, folder, folder === 'tiles' ? 'ortho.pmtiles' : 'n.pmtiles'),
      )
    }
    mbtilesFile(join(dir, '2024.mbtiles'), 1)
  }
  return dir
}

/** Runs a line of the shell that starts a server; Ctrl-C ends it. */
async function serves(t: Test, dir: string, line: string): Promise<void> {
  const started = line.replace('flagstone serve', `exec '${process.execPath}' '${bin}' serve --port 0`)
  const child = new Child(spawn('bash', ['-c', started], { cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] }))
  t.teardown(() => child.kill())
  t.match(await child.line('http'), /^http:\/\/127\.0\.0\.1:\d+\/$/, `${line} says where it is`)
  child.kill('SIGINT')
  t.same(await child.end(), { code: 0, signal: null }, `${line} ends well`)
}

/** The words of a line in which a shell finds nothing to do but to take away quotes and a comment. */
function plainWords(line: string): string[] | undefined {
  const words = line.replace(/ +# .*$/, '').split(/ +/)
  const isPlain = words.every((word) => /^([\w./:=,@-]+|'[^']*')$/.test(word))
  return isPlain ? words.map((word) => word.replaceAll("'", '')) : undefined
}

/** Runs a block of the shell; with `here`, the command in this process. */
async function runShell(t: Test, dir: string, text: string, base: string | undefined, here: boolean) {
  for (const line of text.split('\n').filter((it) => it !== '' && !it.startsWith('#'))) {
    const [program = ''] = line.split(' ')
    const words = here && program === 'flagstone' && !line.includes('--resume') ? plainWords(line) : undefined
    if (line.startsWith('flagstone serve')) await serves(t, dir, line)
    else if (words !== undefined) {
      process.chdir(dir)
      const { code, stderr } = await flagstone(...words.slice(1))
      process.chdir(root)
      t.equal(code, 0, `${line}\n${stderr}`)
    } else if (program !== 'flagstone' && !whichTool(program)) t.comment(`needs ${program}: ${line}`)
    else {
      const command = line.replace('localhost:8080', base ?? 'localhost:8080')
      const options = program === 'curl' ? `curl() { command curl -sS --fail "$@"; }; ` : ''
      const ran = spawnSync('bash', ['-c', `${FLAGSTONE}; ${options}${command}`], { cwd: dir })
      // The build above it was not interrupted, and it says so.
      if (line.includes('--resume')) t.match(ran.stderr.toString(), /nothing to resume/, line)
      else t.equal(ran.status, 0, `${line}\n${ran.stderr}`)
    }
  }
}

/** Asks the servers of the example for Hono and Koa, which themselves print nothing. */
const ASK_BOTH = `
for (const server of [honoServer, koaServer]) {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  const base = 'http://127.0.0.1:' + server.address().port
  const tile = await fetch(base + '/maps/ortho/18/141731/91661.jpg')
  const { tiles } = await (await fetch(base + '/maps/ortho.json')).json()
  const other = await fetch(base + '/other')
  console.log(tile.status, tiles[0].startsWith(base + '/maps/ortho/'), other.status)
}`

function runScript(t: Test, dir: string, text: string): void {
  const [, printed] = PRINTED.find(([line]) => text.includes(line)) ?? []
  if (printed === undefined) return void t.fail(`nobody says what this prints:\n${text}`)
  // Inside the package, so that 'flagstone' resolves to the package itself; on ports that nobody has.
  const asked = text.includes('koaServer') ? ASK_BOTH : ''
  const script = text.replaceAll(/\b808\d\b/g, '0')
  const end = text.includes('808') ? '\nprocess.exit(0)\n' : '\n'
  writeFileSync(join(dir, 'example.mjs'), script + asked + end)
  const twice = text.includes('overwrite: true') ? ['again, over what the first left'] : []
  for (const times of ['once', ...twice]) {
    const said = execFileSync(process.execPath, ['example.mjs'], { cwd: dir, encoding: 'utf8' })
    t.match(said, printed, times)
  }
}

for (const document of documents) {
  const blocks = blocksOf(document).filter(
    (block) => block.notRun === undefined && runBy(block) === undefined,
  )
  if (blocks.length === 0) continue
  t.test(document, async (t) => {
    const dir = await workspace(t, document)
    let base: string | undefined
    if (blocks.some(({ text }) => text.includes('localhost:8080'))) {
      const args = [bin, 'serve', 'ortho.pmtiles', 'dem.pmtiles', '--port', '0', '--json']
      const child = new Child(spawn(process.execPath, args, { cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] }))
      t.teardown(() => child.kill())
      base = new URL((JSON.parse(await child.line('{')) as { url: string }).url).host
    }
    for (const { heading, language, text } of blocks) {
      await t.test(heading, async (t) => {
        if (language === 'sh') await runShell(t, dir, text, base, document !== 'README.md')
        else if (language === 'js') runScript(t, dir, text)
        else t.fail(`a block of '${language}' is neither run nor says why not`)
      })
    }
    if (document === 'README.md') {
      t.equal(readFileSync(join(dir, 'tile.jpg')).readUInt16BE(0), 0xffd8, 'tile.jpg is a JPEG')
      const png = readFileSync(join(dir, 'a.png'))
      t.equal(png.readUInt32BE(16), 1200, 'a.png is as wide as asked')
      t.equal(png.readUInt32BE(20), 328, 'and as high as the area is on the map')
    }
  })
}

t.test('what runs the others, runs them', (t) => {
  const others = documents.flatMap(blocksOf).flatMap((block) => runBy(block) ?? [])
  t.same(others.sort(), Object.values(RUN_BY).sort())
  for (const file of others) t.ok(existsSync(join(root, file)), file)
  t.end()
})

t.test('the first command shows its result', (t) => {
  const ran = spawnSync(process.execPath, [join(root, 'dist', 'scripts', 'demo.js')], {
    cwd: root,
    encoding: 'utf8',
  })
  t.equal(ran.status, 0, ran.stderr)
  t.ok(existsSync(join(root, 'out', 'preview.png')), 'a preview was written')
  t.match(ran.stdout, /zoom +tiles +bytes/, 'info was printed')
  t.end()
})
