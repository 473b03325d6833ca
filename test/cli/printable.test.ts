// What others wrote (names of files, metadata, damaged headers) never commands the terminal.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { oneLine, printable } from '../../src/cli/printable.js'
import { run } from '../../src/cli/run.js'
import { create, open } from '../../src/index.js'
import { fixture } from '../helpers/paths.js'

const HOSTILE = 'a\x1b[31mred\x1b]0;title\x07\r\x9b2J\x7f\u202eb\u2028c'
const COMMANDS = /[^\P{Cc}\n\t]|[\u2028-\u202e\u2066-\u2069]/u

async function flagstone(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await run(argv, {
    stdout: { write: (chunk) => (out += chunk) },
    stderr: { write: (chunk) => (err += chunk) },
    isTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

t.test('controls are shown, lines and other scripts stay', async (t) => {
  t.notMatch(printable(HOSTILE), COMMANDS)
  t.match(printable(HOSTILE), 'a\\u001b[31mred\\u001b]0;title\\u0007\\u000d\\u009b2J\\u007f\\u202eb\\u2028c')
  t.equal(printable('a\n\tZürich 東京 שלום 😀'), 'a\n\tZürich 東京 שלום 😀')
  t.equal(oneLine('a\nb'), 'a\\u000ab')
})

t.test('names and metadata of an archive', async (t) => {
  const path = join(t.testdir(), `x${HOSTILE.replaceAll('/', '')}.pmtiles`)
  const writer = create(path, { levels: [{ zoom: 0, expectedTiles: 1 }] })
  writer.append(0, 0, 0, Uint8Array.of(0xff, 0xd8, 0xff))
  const metadata = {
    name: `${HOSTILE}\nzooms 0 to 99`,
    [HOSTILE]: HOSTILE,
    description: { [HOSTILE]: [HOSTILE] },
  }
  writer.setMetadata(metadata)
  writer.seal()
  writer.close()
  for (const argv of [
    ['info'],
    ['info', '--levels'],
    ['info', '--json'],
    ['info', '--tilejson'],
    ['verify'],
  ]) {
    const { code, out, err } = await flagstone(...argv, path)
    t.equal(code, 0, err)
    t.notMatch(out + err, COMMANDS, argv.join(' '))
    t.notMatch(out, /^zooms 0 to 99$/m, 'a line of its own is not made up')
  }
  const { out } = await flagstone('info', '--json', path)
  const reader = open(path)
  t.same(JSON.parse(out).metadata, reader.metadata(), 'JSON is the same JSON')
  reader.close()
})

t.test('arguments, and files that are not what they are called', async (t) => {
  const dir = t.testdir()
  const [bad, good] = [join(dir, `bad${HOSTILE}\n.tif`), join(dir, `good${HOSTILE}.tif`)]
  writeFileSync(bad, 'II*\0nothing')
  copyFileSync(fixture('ortho.tif'), good)
  const out = join(dir, 'out.pmtiles')
  const cutline = join(dir, 'c.geojson')
  writeFileSync(
    cutline,
    JSON.stringify({
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ],
      ],
      crs: { type: 'name', properties: { name: HOSTILE } },
    }),
  )
  for (const argv of [
    ['build', bad, out],
    ['build', bad, out, '--json'],
    ['build', join(dir, HOSTILE), out],
    ['build', good, out, '--bbox', HOSTILE],
    ['build', good, out, '--s-srs', HOSTILE],
    ['build', good, out, '--cutline', cutline],
    ['build', good, out, '--cutline', bad],
    ['build', good, out, `--${HOSTILE}`],
    [HOSTILE],
    ['info', join(dir, HOSTILE)],
  ]) {
    const { code, out, err } = await flagstone(...argv)
    t.ok(code === 1 || code === 2, `exit code ${code}`)
    t.notMatch(out + err, COMMANDS)
    t.match(err, /^[^\n]*\n$/, 'one line')
  }
})
