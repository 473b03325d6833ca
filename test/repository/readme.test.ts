// The README's code blocks are run as they stand.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import t from 'tap'
import { defineBuild } from '../../src/cli/commands/build-options.js'
import { defineServe } from '../../src/cli/commands/serve-options.js'
import { TileType } from '../../src/format/tile-type.js'
import { buildOptions } from '../../src/pyramid/options.js'
import { serverLimits, serverOptions } from '../../src/server/options.js'
import { listenOptions } from '../../src/server/run/listen-options.js'
import { createTiles } from '../../src/store/paths.js'
import { fixture, root } from '../helpers/paths.js'

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const bin = join(root, 'dist', 'src', 'cli', 'bin.js')

function sectionOf(heading: string): string {
  return readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
}

/** A code block of a language under a heading; default: the first. */
function block(heading: string, language: string, nth = 1): string {
  const code = sectionOf(heading).split(`\`\`\`${language}\n`)[nth]?.split('\n```')[0]
  if (code === undefined) throw new Error(`README has no ${language} block under '${heading}'`)
  return code
}

t.test('the life of a file: every command does what it says', (t) => {
  const dir = t.testdir()
  copyFileSync(fixture('ortho.tif'), join(dir, 'ortho.tif'))
  const commands = block('The life of a file', 'sh')
    .split('\n')
    .filter((line) => line.startsWith('flagstone '))
  t.ok(commands.length >= 6)
  for (const command of commands) {
    // The second build continues an interrupted one; here nothing was, and it says so.
    const finished = command.includes('--resume')
    // A server is stopped as by Ctrl-C, on any port.
    const isServer = command.startsWith('flagstone serve ')
    const prefix = isServer
      ? `timeout --preserve-status -s INT 4 '${process.execPath}' '${bin}' serve --port 0`
      : ''
    const ran = spawnSync(
      'bash',
      [
        '-c',
        isServer
          ? command.replace('flagstone serve', prefix)
          : `flagstone() { '${process.execPath}' '${bin}' "$@"; }; ${command}`,
      ],
      {
        cwd: dir,
        encoding: 'buffer',
      },
    )
    if (finished) t.match(ran.stderr.toString(), /nothing to resume/, command)
    else t.equal(ran.status, 0, `${command}\n${ran.stderr}`)
    if (isServer) t.match(ran.stdout.toString(), /^http:\/\/127\.0\.0\.1:\d+\/$/m, 'and says where it is')
  }
  const jpeg = readFileSync(join(dir, 'tile.jpg'))
  t.equal(jpeg.readUInt16BE(0), 0xffd8, 'tile.jpg is a JPEG')
  const png = readFileSync(join(dir, 'a.png'))
  t.equal(png.readUInt32BE(16), 1200, 'a.png is as wide as asked')
  t.equal(png.readUInt32BE(20), 1005, 'and as high as the area is on the map')
  t.end()
})

t.test('the library examples run', (t) => {
  const dir = t.testdir({ out: {} })
  copyFileSync(fixture('ortho.tif'), join(dir, 'ortho.tif'))
  const run = (nth: number): string => {
    // Inside the package, so that 'flagstone' resolves to the package itself.
    writeFileSync(join(dir, 'example.mjs'), block('The library', 'js', nth))
    return execFileSync(process.execPath, ['example.mjs'], { cwd: dir, encoding: 'utf8' })
  }
  t.match(run(1), /^\d+ 12 16\n300 200 3 180000\n$/, 'build and sample')
  for (const times of ['once', 'again, over the first']) {
    const printed = run(2)
    t.match(printed, /^image\/jpeg 3 "/, `type, length and ETag of the tile, ${times}`)
    t.match(printed, /\n1 0 0 3\n$/, 'and the listing')
  }
  t.end()
})

t.test('the handlers of the map server example answer', (t) => {
  const dir = t.testdir({ tiles: {} })
  const writer = createTiles(join(dir, 'tiles', 'ortho.pmtiles'))
  writer.append(18, 141731, 91661, new Uint8Array([0xff, 0xd8, 0xff]), TileType.jpeg)
  writer.seal()
  writer.close()
  // as it stands, but for ports that may be taken, and its end
  const example = block('As a library in a map server', 'js').replaceAll(/\b808\d\b/g, '0')
  writeFileSync(join(dir, 'example.mjs'), `${example}\nprocess.exit(0)\n`)
  const printed = execFileSync(process.execPath, ['example.mjs'], { cwd: dir, encoding: 'utf8' })
  t.match(printed, /^200 "[\w-]+"\n$/)
  t.end()
})

t.test('Hono and Koa answer tiles', (t) => {
  const dir = t.testdir({ tiles: {} })
  const writer = createTiles(join(dir, 'tiles', 'ortho.pmtiles'))
  writer.append(18, 141731, 91661, new Uint8Array([0xff, 0xd8, 0xff]), TileType.jpeg)
  writer.seal()
  writer.close()
  const example = block('As a library in a map server', 'js', 2).replaceAll(/\b808\d\b/g, '0')
  const asks = `
for (const server of [honoServer, koaServer]) {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  const base = 'http://127.0.0.1:' + server.address().port
  const tile = await fetch(base + '/maps/ortho/18/141731/91661.jpg')
  const { tiles } = await (await fetch(base + '/maps/ortho.json')).json()
  const other = await fetch(base + '/other')
  console.log(tile.status, (await tile.arrayBuffer()).byteLength, tiles[0].startsWith(base + '/maps/ortho/'), other.status)
}
process.exit(0)
`
  writeFileSync(join(dir, 'example.mjs'), example + asks)
  const printed = execFileSync(process.execPath, ['example.mjs'], { cwd: dir, encoding: 'utf8' })
  t.equal(printed, '200 3 true 404\n200 3 true 404\n')
  t.end()
})

t.test('the options: every one of the command and of the library is there, under its true name', (t) => {
  const camel = (flag: string): string => flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const table = sectionOf('The library').split('### Options')[1]!
  const rows = [...table.matchAll(/^\| (`.*|–) \| (.*) \|$/gm)].map(([, command, library]) => ({
    command: [...command!.matchAll(/--([a-z-]+)/g)].map(([, name]) => name!),
    library: [...library!.matchAll(/\b[a-z][A-Za-z]*\b/g)].map(([name]) => name),
  }))
  t.ok(rows.length > 7, 'the table was read')
  const inTable = new Set(rows.flatMap(({ command }) => command))
  const named = new Set(rows.flatMap(({ library }) => library))
  const flagsOf = (command: Command): string[] =>
    command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : long.slice(2)))
  const of = (schema: { readonly shape: object }): string[] => Object.keys(schema.shape)

  const build = { flags: flagsOf(defineBuild()), keys: of(buildOptions) }
  const serve = { flags: flagsOf(defineServe()), keys: [...of(serverOptions), 'log', 'workers'] }
  for (const { flags, keys } of [build, serve]) {
    for (const flag of flags)
      t.ok(inTable.has(flag) || keys.includes(camel(flag)), `--${flag} is ${camel(flag)} in the library`)
  }
  // the other way round
  const theirs = new Set([...build.flags, ...serve.flags].map(camel))
  const arguments_ = ['sources', 'out', 'limits']
  for (const key of [...of(buildOptions), ...of(serverOptions), ...of(serverLimits), ...of(listenOptions)])
    t.ok(
      named.has(key) || theirs.has(key) || arguments_.includes(key),
      `${key} is an option of the command, or named`,
    )
  // and nothing is named that is not there
  const all = new Set([...of(buildOptions), ...of(serverOptions), ...of(serverLimits), ...of(listenOptions)])
  for (const { library } of rows.slice(0, 1)) for (const name of library) t.ok(all.has(name), name)
  for (const [, object] of table.matchAll(/`limits: \{ ([^}]*) \}`/g))
    t.same(object!.split(', ').sort(), of(serverLimits).sort(), 'the limits')
  t.end()
})

t.test('the first command shows its result', (t) => {
  mkdirSync(join(root, 'out'), { recursive: true })
  const ran = spawnSync(process.execPath, [join(root, 'dist', 'scripts', 'demo.js')], {
    cwd: root,
    encoding: 'utf8',
  })
  t.equal(ran.status, 0, ran.stderr)
  t.ok(existsSync(join(root, 'out', 'preview.png')), 'a preview was written')
  t.match(ran.stdout, /zoom +tiles +bytes/, 'info was printed')
  t.end()
})

t.test('what the README names exists', (t) => {
  for (const [, path] of readme.matchAll(/\]\(([^)#:]+)\)/g)) t.ok(existsSync(join(root, path!)), path!)
  const scripts = (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  ).scripts
  for (const [, name] of readme.matchAll(/npm run ([a-z]+)/g)) t.ok(scripts[name!], `npm run ${name}`)
  const dependencies = (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  ).dependencies
  for (const name of Object.keys(dependencies))
    t.match(sectionOf('Why these packages'), name, `the README says why ${name} is there`)
  t.notMatch(readme, /@@/, 'no placeholder is left')
  t.end()
})
