// Wrong arguments: a TypeError or RangeError that names what is wrong, at once, whatever is passed to whatever is public.
import { spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  build,
  create,
  decodeHeights,
  describe,
  estimate,
  flagstoneHandler,
  listen,
  open,
  openTileServer,
  openTileSet,
  probe,
  sample,
  type TileReader,
  verify,
} from '../../src/index.js'
import { root } from '../helpers/paths.js'

function folderOf(directory: string): string {
  const writer = create(join(directory, 'flat.pmtiles'))
  for (let i = 0; i < 20; i++) writer.append(9, i, 3, new Uint8Array([i, 2, 3]))
  writer.append(0, 0, 0, new Uint8Array([1, 2, 3]))
  writer.seal()
  writer.close()
  copyFileSync(join(root, 'fixtures', 'valid', 'foreign.pmtiles'), join(directory, 'foreign.pmtiles'))
  writeFileSync(join(directory, 'text.txt'), 'no tiles in here\n')
  mkdirSync(join(directory, 'folder'))
  return directory
}

type Wrong = [ask: () => unknown, error: ErrorConstructor, message: RegExp]

t.test('what is wrong is named', async (t) => {
  const folder = folderOf(t.testdir())
  const path = join(folder, 'flat.pmtiles')
  const any = (value: unknown): never => value as never
  const readers: TileReader[] = [open(path), open(join(folder, 'foreign.pmtiles'))]
  const writer = create(join(folder, 'new.pmtiles'))
  const cases: Wrong[] = readers.flatMap((reader): Wrong[] => [
    [() => reader.get(any('1'), 0, 0), TypeError, /^z of a tile must be a number, not "1"$/],
    [() => reader.get(1, any('0'), 0), TypeError, /^x of a tile must be a number, not "0"$/],
    [() => reader.get(1, 0, any(0n)), TypeError, /^y of a tile must be a number, not a bigint$/],
    [() => reader.get(1, 0, any(undefined)), TypeError, /^y of a tile must be a number, not undefined$/],
    [() => reader.get(1, 2, 0), RangeError, /tile 1\/2\/0 is outside the grid/],
    [() => reader.get(27, 0, 0), RangeError, /zoom 27 is outside/],
    [() => reader.has(any(null), 0, 0), TypeError, /^z of a tile/],
    [() => reader.stat(0.5, 0, 0), RangeError, /zoom 0.5/],
    [() => reader.getInto(0, 0, 0, any([])), TypeError, /^into must be a Uint8Array, not an array$/],
    [
      () => reader.getInto(0, 0, 0, any(new Float32Array(9))),
      TypeError,
      /^into must be a Uint8Array, not an object$/,
    ],
    [
      () => reader.getAsync(0, 0, 0, any({ signl: 1 })),
      TypeError,
      /no option 'signl'; did you mean 'signal'\?$/,
    ],
    [() => reader.getAsync(0, 0, 0, any({ signal: 1 })), TypeError, /^signal must be an AbortSignal, not 1$/],
    [
      () => reader.tiles({ bbox: any([180, -85, -180]) }),
      TypeError,
      /^bbox must be \[west, south, east, north\]/,
    ],
    [
      () => reader.tiles({ bbox: any([180, -85, -180, '85']) }),
      TypeError,
      /^bbox must be four numbers, not "85"$/,
    ],
    [
      () => reader.tiles({ bbox: any([undefined, {}, 0, Symbol('s')]) }),
      TypeError,
      /^bbox must be four numbers, not undefined$/,
    ],
    [() => reader.tiles({ bbox: [0, 1, 1, Number.NaN] }), RangeError, /^bbox 0,1,1,NaN is not/],
    [() => reader.tiles({ bbox: [0, 1, 1, 0] }), RangeError, /^bbox 0,1,1,0 is not west, south, east, north/],
    [() => reader.tiles({ zoom: any('9') }), TypeError, /^zoom must be a number, not "9"$/],
    [() => reader.tiles({ zoom: 27 }), RangeError, /^zoom must be a whole number from 0 to 26, not 27$/],
    [() => reader.tiles(any({ zooms: 9 })), TypeError, /no 'zooms'; did you mean 'zoom'\?$/],
    [() => reader.tiles(any(9)), TypeError, /must be an object, not 9$/],
    [
      () => reader.tiles({ zoom: 9, range: any({ minX: 1 }) }),
      TypeError,
      /^minY of the range must be a number/,
    ],
    [
      () => reader.tiles({ zoom: 9, range: { minX: 0, minY: Number.NaN, maxX: 1, maxY: 1 } }),
      RangeError,
      /^minY/,
    ],
  ])
  cases.push(
    [() => open(any(5)), TypeError, /^path must be a string, not 5$/],
    [() => open(''), RangeError, /^path must not be empty$/],
    [() => open('a\0b'), RangeError, /^path must not contain a NUL/],
    [() => openTileSet(any(5)), TypeError, /^path must be a string, not 5$/],
    [() => verify(any(undefined)), TypeError, /^path must be a string, not undefined$/],
    [() => verify(path, any({ decod: true })), TypeError, /verify option: .*did you mean 'decode'\?$/],
    [() => verify(path, { signal: any(1) }), TypeError, /^verify option: signal: expected an AbortSignal$/],
    [
      () => open(path, any({ mod: 'mmap' })),
      TypeError,
      /reader option: there is no 'mod'; did you mean 'mode'\?/,
    ],
    [() => open(path, any(null)), TypeError, /reader option/],
    [() => open(path, { mode: 'buffered', zeroCopy: true }), TypeError, /zeroCopy: views are of mappings/],
    [() => open(path, { waitMs: -1 }), RangeError, /waitMs/],
    [() => open(path, { zeroCopy: any('yes') }), TypeError, /zeroCopy/],
    [
      () => create(join(folder, 'x.pmtiles'), any({ overwrit: true })),
      TypeError,
      /did you mean 'overwrite'\?/,
    ],
    [
      () => create(join(folder, 'x.pmtiles'), { levels: [{ zoom: 1.5, expectedTiles: 1 }] }),
      RangeError,
      /levels\.0\.zoom/,
    ],
    [() => writer.append(0, 0, 0, any('tile')), TypeError, /^bytes must be a Uint8Array, not "tile"$/],
    [() => writer.append(0, 0, 0, new Uint8Array(0)), RangeError, /a tile must have 1 to/],
    [
      () => writer.append(0, 0, 0, new Uint8Array(1), any('png')),
      TypeError,
      /^type must be one of TileType, not "png"$/,
    ],
    [
      () => writer.append(0, 0, 0, new Uint8Array(1), any(99)),
      TypeError,
      /^type must be one of TileType, not 99$/,
    ],
    [() => writer.remove(0, any('0'), 0), TypeError, /^x of a tile/],
    [() => writer.setMetadata(any([])), TypeError, /^metadata must be an object, not an array$/],
    [() => writer.setMetadata({ big: 1n }), TypeError, /^metadata cannot be written as JSON: .*BigInt/],
    [
      () => writer.setMetadata({ toJSON: () => undefined }),
      TypeError,
      /^metadata must be an object, and its JSON/,
    ],
    [() => writer.setSources(any({})), TypeError, /^sources cannot be stored: the sources are not a list$/],
    [
      () => writer.setSources([any({ id: 'a' })]),
      TypeError,
      /^sources cannot be stored: source 1 of 1: its name/,
    ],
    [() => writer.seal({ placement: any('back') }), RangeError, /placement/],
    [() => listen(any({ node: () => {} })), TypeError, /^server must be what openTileServer returned/],
    [() => build(any(undefined)), TypeError, /^build/],
    [
      () => build(any({ sources: ['a.tif'], out: 'b.pmtiles', qualty: 1 })),
      TypeError,
      /did you mean 'quality'/,
    ],
    [
      () => build({ sources: ['a.tif'], out: 'b.pmtiles' }, any({ onProgres: 1 })),
      TypeError,
      /did you mean 'onProgress'\?/,
    ],
    [
      () => build({ sources: ['a.tif'], out: 'b.pmtiles' }, { onNote: any('x') }),
      RangeError,
      /onNote: expected a function/,
    ],
    [
      () => estimate({ sources: ['a.tif'], out: 'b.pmtiles' }, { sampleSeconds: -1 }),
      RangeError,
      /sampleSeconds/,
    ],
    [() => sample(any(path), any({})), TypeError, /^tiles must be an open reader/],
    [() => sample(readers[0]!, any(undefined)), TypeError, /^options must be \{ bbox, width, height/],
    [() => sample(readers[0]!, any({ bbox: [0, 0, 1, 1], width: 5, heigth: 5 })), TypeError, /height|heigth/],
    [() => sample(readers[0]!, { bbox: [0, 0, 1, 1], width: 5, height: 0 }), RangeError, /height/],
    [
      () => build({ sources: ['a\0b'], out: 'b.pmtiles' }),
      RangeError,
      /sources\.0: it must not contain a NUL character$/,
    ],
    [
      () => build({ sources: ['a.tif'], out: 'b\0.pmtiles' }),
      RangeError,
      /out: it must not contain a NUL character$/,
    ],
    [
      () => estimate({ sources: ['a\0b'], out: 'b.pmtiles' }),
      RangeError,
      /sources\.0: it must not contain a NUL character$/,
    ],
    [() => openTileServer({ path: 'a\0b' }), RangeError, /path: it must not contain a NUL character$/],
    [() => probe('a\0b'), RangeError, /^directory must not contain a NUL character$/],
    ...[new Map(), new Uint8Array(3), Promise.resolve({}), /x/, new ArrayBuffer(3)].map(
      (value): Wrong => [
        () => writer.setMetadata(any(value)),
        TypeError,
        /^metadata must be an object of names and values, not /,
      ],
    ),
    [() => decodeHeights(any('x')), TypeError, /^bytes must be the Uint8Array of a tile, not "x"$/],
    [
      () => decodeHeights(new Uint8Array(9), any('mapbx')),
      TypeError,
      /^encoding must be 'mapbox' or 'terrarium', not "mapbx"$/,
    ],
    [() => describe(any({})), TypeError, /^reader must be an open reader, not an object$/],
    [() => probe(any(undefined)), TypeError, /^directory must be a path, not undefined$/],
    [() => openTileServer(any(5)), TypeError, /^sources must be paths or .* not 5$/],
    [() => openTileServer(path, any({ cor: [] })), TypeError, /did you mean 'cors'\?$/],
    [() => openTileServer(path, { onError: any(5) }), RangeError, /onError: expected a function/],
    [() => openTileServer({ path, reader: readers[0]! }), TypeError, /either a path or a reader/],
    [() => listen(any({})), TypeError, /^server must be what openTileServer returned/],
    [() => flagstoneHandler(any(undefined)), TypeError, /^the handler options must be \{ sources/],
  )
  for (const [ask, kind, message] of cases) {
    let thrown: unknown
    try {
      await ask()
    } catch (error) {
      thrown = error
    }
    t.ok(thrown instanceof kind, `${ask}: ${thrown}`)
    t.match((thrown as Error | undefined)?.message, message, `${ask}`)
  }
  for (const reader of readers) reader.close()
  writer.abandon()
})

t.test('random wrong things: a complaint, promptly, and the process lives', (t) => {
  const seed = Number(process.env['FLAGSTONE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const child = fileURLToPath(new URL('./wrong-child.js', import.meta.url))
  const folder = folderOf(t.testdir())
  // to a file: a full pipe would fail the child's writes
  const log = join(folder, 'log')
  const fd = openSync(log, 'w')
  const ended = spawnSync(process.execPath, [child, folder, String(seed)], {
    encoding: 'utf8',
    timeout: 400_000,
    stdio: ['ignore', fd, 'pipe'],
  })
  closeSync(fd)
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  const wrong = lines.filter((line) => /^(wrong|unhandled): /.test(line))
  t.same(wrong, [], `seed ${seed}`)
  t.equal(lines.at(-1), 'done', `it ended (signal ${ended.signal}) while ${lines.at(-1)}; seed ${seed}`)
  t.equal(ended.status, 0, ended.stderr)
  t.end()
})
