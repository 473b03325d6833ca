// info, tile, sample and verify open what serve opens, and say what is there where it is something else.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/cli/run.js'
import { openTiles } from '../../src/store/read/open.js'
import { fixture } from '../helpers/paths.js'
import { mbtilesOf } from '../server/tile-files.js'

async function flagstone(
  ...argv: string[]
): Promise<{ code: number; bytes: Buffer; out: string; err: string }> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  const code = await run(argv, {
    stdout: { write: (chunk) => out.push(Buffer.from(chunk as string)) },
    stderr: { write: (chunk) => err.push(Buffer.from(chunk as string)) },
    isTerminal: false,
    signal: new AbortController().signal,
  })
  const bytes = Buffer.concat(out)
  return { code, bytes, out: bytes.toString(), err: Buffer.concat(err).toString() }
}

const dir = t.testdir()
const at = (name: string): string => join(dir, name)

/** The deepest zoom, and a tile there. */
const ZOOM = 15
let tiles: { z: number; x: number; y: number; bytes: Uint8Array }[] = []
let [x, y] = [0, 0]

function folder(path: string): void {
  for (const { z, x, y, bytes } of tiles) {
    mkdirSync(join(path, `${z}/${x}`), { recursive: true })
    writeFileSync(join(path, `${z}/${x}/${y}.png`), bytes)
  }
}

t.before(async () => {
  const argv = ['--zoom', `14-${ZOOM}`, '--format', 'png', '-q']
  const built = await flagstone('build', fixture('ortho.tif'), at('a.pmtiles'), ...argv)
  if (built.code !== 0) throw new Error(built.err)
  const reader = openTiles(at('a.pmtiles'))
  tiles = [...reader.tiles()].map(({ z, x, y }) => ({ z, x, y, bytes: reader.get(z, x, y)!.bytes }))
  reader.close()
  const last = tiles.at(-1)!
  x = last.x
  y = last.y
  for (const name of ['a.mbtiles', 'database.db']) mbtilesOf(at(name), tiles, { name, format: 'png' })
  folder(at('tiles'))
  copyFileSync(fixture('ortho.tif'), at('image.tif'))
  copyFileSync(fixture('ortho.tif'), at('unnamed'))
  writeFileSync(at('text.txt'), 'hello')
  mkdirSync(at('empty'))
})

const KINDS: readonly [name: string, kind: RegExp, finding: RegExp][] = [
  ['a.pmtiles', /^flat-1, sealed/, /ok +F1 /],
  ['a.mbtiles', /^MBTiles$/, /ok +MBTiles +\d+ tiles can be read, zooms 14 to 15/],
  ['database.db', /^MBTiles$/, /ok +MBTiles +\d+ tiles can be read/],
  ['tiles', /^z\/x\/y tiles in a folder$/, /ok +z\/x\/y +\d+ tiles can be read/],
]

for (const [name, kind, finding] of KINDS) {
  t.test(name, async (t) => {
    const info = await flagstone('info', at(name), '--json')
    t.equal(info.code, 0, info.err)
    t.match(JSON.parse(info.out), {
      kind,
      tiles: tiles.length,
      minZoom: 14,
      maxZoom: ZOOM,
      types: [{ name: 'png', count: tiles.length }],
    })
    const tilejson = await flagstone('info', at(name), '--tilejson')
    const stem = name === 'a.pmtiles' ? 'a' : name
    t.match(JSON.parse(tilejson.out), { name: stem, tiles: [`pmtiles://${name}/{z}/{x}/{y}`] })
    const tile = await flagstone('tile', at(name), ...[ZOOM, x, y].map(String))
    t.equal(Buffer.compare(tile.bytes, tiles.at(-1)!.bytes), 0)
    const json = await flagstone('tile', at(name), ...[ZOOM, x, y].map(String), '--json')
    t.match(JSON.parse(json.out), { type: 'image/png', length: tile.bytes.length })
    const missing = await flagstone('tile', at(name), '3', '0', '0')
    t.equal(missing.code, 1)
    t.match(missing.err, /has no tile 3\/0\/0 \(it has zoom levels 14 to 15\)/)
    const picture = await flagstone('sample', at(name), '--size', '32')
    t.equal(picture.code, 0, picture.err)
    t.equal(picture.bytes.readUInt32BE(16), 32, 'as wide as it should be')
    const verified = await flagstone('verify', at(name), '--decode')
    t.equal(verified.code, 0, verified.out)
    t.match(verified.out, finding)
    t.match(verified.out, new RegExp(`${tiles.length} tiles decode[^]*is sound\\.`))
  })
}

t.test('what is no tile file is called what it is, by every command', async (t) => {
  const cases: [string, RegExp][] = [
    [
      'image.tif',
      /image\.tif is an image, not a tile file; build it first: flagstone build .*\.tif .*image\.pmtiles$/m,
    ],
    ['unnamed', /unnamed is an image, not a tile file; build it first/],
    ['text.txt', /text\.txt: neither a Flagstone file nor a PMTiles archive/],
    ['gone', /gone: there is no such file/],
  ]
  for (const command of ['info', 'verify', 'sample', 'serve']) {
    for (const [name, message] of cases) {
      const { code, out, err } = await flagstone(
        command,
        at(name),
        ...(command === 'serve' ? ['-p', '0'] : []),
      )
      t.equal(code, 1, `${command} ${name}: ${err}`)
      t.match(err, message, command)
      t.equal(out, '')
    }
  }
  const workers = await flagstone('serve', at('image.tif'), '-p', '0', '--workers', '2')
  t.equal(workers.code, 1)
  t.match(workers.err, /build it first/, 'by workers too')
  for (const name of ['image.tif', 'empty']) {
    const lines = [
      ['convert', at(name), at('new.mbtiles')],
      ['extract', at(name), at('new.mbtiles'), '-z', '0'],
      ['extract', at(name), '--dry-run'],
      ['merge', at(name), at(name), at('new.mbtiles')],
      ['merge', at(name), at(name), at('new.mbtiles'), '--dry-run'],
      ['diff', at(name), at(name)],
      ['digest', at(name)],
    ]
    for (const line of lines) {
      const { code, out, err } = await flagstone(...line)
      t.not(code, 0, `${line}`)
      t.match(err, name === 'empty' ? /is a folder without z\/x\/y tiles/ : /build it first/, `${line}`)
      t.equal(out, '')
    }
  }
  const folder = await flagstone('info', at('empty'))
  t.match(folder.err, /is a folder without z\/x\/y tiles/)
  t.ok(folder.err.endsWith(`flagstone serve ${at('empty')}\n`), 'the command can be copied as it stands')
})

t.test('damage stays damage', async (t) => {
  writeFileSync(at('wiped.pmtiles'), Buffer.alloc(20_000))
  const wiped = await flagstone('verify', at('wiped.pmtiles'))
  t.equal(wiped.code, 3, 'a name of ours, and nothing of ours in it')
  t.match(wiped.out, /^DAMAGE/m)
  folder(at('holes'))
  const one = at(`holes/${ZOOM}/${x}/${y}.png`)
  writeFileSync(one, '')
  t.match(await flagstone('verify', at('holes')), {
    code: 3,
    out: /DAMAGE +z\/x\/y +tile 15\/\d+\/\d+ is empty/,
  })
  writeFileSync(one, tiles.at(-1)!.bytes.subarray(0, 40))
  t.match(await flagstone('verify', at('holes')), { code: 0 })
  t.match(await flagstone('verify', at('holes'), '--decode'), {
    code: 3,
    out: /DAMAGE +decode +tile 15\/\d+\/\d+/,
  })
  rmSync(at('holes'), { recursive: true })
})

t.test('a file of another version is no damage: verify says which, as the others do', async (t) => {
  for (const [name, message] of [
    ['VERSION_UNSUPPORTED.reader-2.flat', /needs a reader of format version 2.*use a newer Flagstone/],
    ['VERSION_UNSUPPORTED.pmtiles-2.pmtiles', /archive of version 2/],
    ['VERSION_UNSUPPORTED.pmtiles-4.pmtiles', /archive of version 4/],
  ] as const) {
    const verified = await flagstone('verify', fixture('invalid', name))
    t.match(verified, { code: 1, out: '', err: message }, name)
    t.equal(verified.err, (await flagstone('info', fixture('invalid', name))).err, 'the same sentence')
  }
})
