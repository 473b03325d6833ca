// The command line in-process: results on stdout, messages on stderr, exit codes, errors that say what to do.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../src/cli/run.js'
import { mountFor } from '../helpers/mounts.js'
import { fixture } from '../helpers/paths.js'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly bytes: Buffer
  readonly stderr: string
}

async function flagstone(argv: readonly string[], signal = new AbortController().signal): Promise<Ran> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const collect = (list: Buffer[]) => ({
    write: (chunk: string | Uint8Array) => list.push(Buffer.from(chunk as string)),
  })
  const code = await run(argv, { stdout: collect(out), stderr: collect(err), isTerminal: false, signal })
  const bytes = Buffer.concat(out)
  return { code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() }
}

const dir = t.testdir()
const ortho = join(dir, 'ortho.pmtiles')

t.before(async () => {
  const { code, stderr } = await flagstone([
    'build',
    fixture('ortho.tif'),
    ortho,
    '--name',
    'A village',
    '--metadata',
    'season=spring',
  ])
  if (code !== 0) throw new Error(stderr)
})

/** A failure is one sentence on stderr, nothing on stdout, no stack. */
function refused(t: Test, ran: Ran, code: number, message: RegExp): void {
  t.equal(ran.code, code, ran.stderr)
  t.match(ran.stderr, message)
  t.equal(ran.stdout, '')
  t.notMatch(ran.stderr, /\n +at /, 'no stack')
}

t.test('help has examples for every command', async (t) => {
  const { code, stdout } = await flagstone(['--help'])
  t.equal(code, 0)
  t.match(stdout, /Examples:[\s\S]*Exit codes:/)
  for (const command of ['build', 'info', 'tile', 'verify', 'sample', 'serve', 'probe']) {
    const help = await flagstone([command, '--help'])
    t.equal(help.code, 0)
    t.match(help.stdout, /Examples:\n {2}flagstone/, command)
    t.match(help.stdout, /--json/)
  }
  const build = (await flagstone(['build', '--help'])).stdout
  for (const group of ['Input', 'Colours', 'Output', 'Run', 'Common']) {
    t.match(build, new RegExp(`\n${group}:\n {2}-`), `${group} has its own section`)
    if (group !== 'Common') t.match(build, new RegExp(`\n${group}:\n {2}flagstone build`), `and examples`)
  }
  for (const flag of ['--version', '-V']) t.match((await flagstone([flag])).stdout, /^\d+\.\d+\.\d+\n$/)
})

t.test('wrong usage is exit code 2 and a hint', async (t) => {
  t.equal((await flagstone([])).code, 2)
  const cases: [string[], RegExp][] = [
    [['biuld', 'a', 'b'], /did you mean 'build'/],
    [['build', 'a.tif', 'b', '--qualty', '3'], /Did you mean --quality/],
    [['build', 'a.tif', 'b', '--quality', '300'], /from 1 to 100/],
    [['build', 'a.tif', 'b', '--quality', '70,80'], /--quality.*two qualities for all zoom levels/],
    [['build', 'a.tif', 'b', '--bands', '1,2'], /--bands.*one band, or three/],
    [['build', 'a.tif', 'b', '--rescale', '5'], /--rescale.*expected auto, or min,max/],
    [['build', 'a.tif', 'b', '--background', 'white'], /--background.*red,green,blue/],
    [['build', 'a.tif', 'b', '--gamma', '0'], /--gamma.*above 0/],
    [['build', 'a.tif', 'b', '--format', 'jpeg', '--add-alpha'], /alpha: JPEG has no alpha/],
    [['build', 'a.tif', 'b', '--colormap', 'x', '--bands', '1,2,3'], /colormap is for one band/],
    [['build', 'a.tif', 'b', '-z', '9-3'], /the lower zoom comes first: 3-9/],
    [['build', 'a.tif', 'b', '--bbox', '1,2,3'], /west,south,east,north/],
    [['build', 'a.tif', 'b', '--resampling', 'magic'], /nearest, bilinear/],
    [['build', 'a.tif'], /needs a source and an output file/],
    [
      ['build', fixture('ortho.tif'), join(dir, 'x'), '--format', 'jpeg', '--lossless'],
      /JPEG cannot be lossless/,
    ],
    [['tile', ortho, '3', '9', '1'], /range from 0 to 7/],
    [['sample', ortho, '--size', '0x3'], /WIDTHxHEIGHT/],
    [['sample', ortho, '-o', 'a.gif'], /\.png, \.jpg or \.webp/],
    [['sample', ortho, '--elevation', 'shade', '-o', 'a.png'], /has no heights; leave out --elevation/],
  ]
  for (const [argv, message] of cases) refused(t, await flagstone(argv), 2, message)
})

t.test('failures are exit code 1 and say what to do', async (t) => {
  const cases: [string[], RegExp][] = [
    [['build', join(dir, 'no.tif'), join(dir, 'x')], /does not exist/],
    [['build', fixture('ortho.tif'), ortho], /exists already.*--overwrite/],
    [['build', fixture('ortho.tif'), join(dir, 'no', 'x')], /the directory .* does not exist/],
    [['build', fixture('ortho.tif'), ortho, '--resume'], /nothing to resume/],
    [['info', join(dir, 'nothing')], /there is no such file/],
    [['info', fixture('ortho.tif')], /is an image, not a tile file; build it first/],
    [['tile', ortho, '14', '1', '1'], /has no tile 14\/1\/1 \(it has zoom levels 12 to 18\)/],
    [['sample', ortho, '--size', '99999x99999', '-o', 'x.png'], /over the limit/],
    [['probe', join(dir, 'nowhere')], /no such file/],
  ]
  for (const [argv, message] of cases) refused(t, await flagstone(argv), 1, message)
  t.notOk(existsSync(join(dir, 'x')), 'nothing is left of a build that could not begin')
})

t.test('--json errors are objects, --verbose adds the stack', async (t) => {
  const { code, stderr } = await flagstone(['info', join(dir, 'nothing'), '--json'])
  t.equal(code, 1)
  t.match(JSON.parse(stderr), { error: { code: 'NOT_FOUND', errno: 'ENOENT', call: 'open' } })
  t.match((await flagstone(['info', join(dir, 'nothing'), '-v'])).stderr, /\n +at /)
})

t.test('a dry run says what would be made, and makes nothing', async (t) => {
  const out = join(dir, 'dry.pmtiles')
  const argv = ['build', fixture('ortho.tif'), out, '--dry-run', '--max-zoom', '16', '-j', '0']
  const { code, stdout, stderr } = await flagstone(argv)
  t.equal(code, 0, stderr)
  t.match(stdout, /dry\.pmtiles would be built from GeoTIFF 2400×2000/)
  t.match(stdout, /zoom +tiles +bytes +time\n[\s\S]* 16 +\d+ +[\d.]+ KB +[\d.]+ s\n {2}all/)
  t.match(stdout, /^Estimated: [\d.]+ .B, [\d.]+ s \(from a sample of \d+ tiles\)$/m)
  t.match(stdout, /^Free in .* the index grows/m)
  t.match(stdout, /Sources cover \d+ % of the bounds, without holes/)
  const json = await flagstone([...argv, '--json'])
  t.match(JSON.parse(json.stdout), { maxZoom: 16, threads: 0, disk: { fits: true }, coverage: { holes: [] } })
  t.notOk(existsSync(out))
  t.notOk(existsSync(`${out}.build`))
})

t.test('a dry run whose file would not fit fails', async (t) => {
  const mounted = mountFor(t, 'tmpfs', { mib: 1 })
  if (typeof mounted === 'string') {
    t.plan(0, mounted)
    return
  }
  const out = join(mounted.directory, 'out.pmtiles')
  const argv = ['build', fixture('ortho.tif'), out, '--dry-run', '--lossless', '-j', '0', '--max-zoom', '17']
  const { code, stdout, stderr } = await flagstone(argv)
  t.equal(code, 1, stdout)
  t.match(stdout, /^Free in .*: .* \(not enough\)\. On tmpfs the index grows by relocation\.$/m)
  t.match(stderr, /needs about .* MB, but .* has only .* free: free some space/)
  t.notOk(existsSync(out))
})

t.test('examples do not stretch pictures', async (t) => {
  for (const argv of [['--help'], ['sample', '--help']]) {
    const { stdout } = await flagstone(argv)
    t.match(stdout, /flagstone sample .*--size \d+/)
    t.notMatch(stdout, /flagstone sample .*--size \d+x\d/)
  }
})

t.test('build says what it chose, quality by zoom shows in the bytes', async (t) => {
  const report = async (...more: string[]) => {
    const argv = [
      'build',
      fixture('ortho.tif'),
      join(dir, 'q.pmtiles'),
      '--json',
      '-z',
      '15-16',
      '--overwrite',
    ]
    const { code, stdout, stderr } = await flagstone([...argv, ...more])
    t.equal(code, 0, stderr)
    const { levels, types, notes } = JSON.parse(stdout)
    return { bytes: levels.map((level: { bytes: number }) => level.bytes), types, notes, stderr }
  }
  const plain = await report('-f', 'jpeg', '--quality', '80')
  const mixed = await report('-f', 'jpeg', '--quality', '80,16:30')
  t.equal(mixed.bytes[0], plain.bytes[0], 'the other zoom stays')
  t.ok(mixed.bytes[1] < plain.bytes[1] / 1.5, `${mixed.bytes[1]} of ${plain.bytes[1]} bytes`)
  const avif = await report('-f', 'avif')
  t.same(avif.types, [{ name: 'avif', extension: 'avif', count: avif.types[0].count }])
  const auto = await report('--transparent-format', 'png')
  t.same(auto.types.map((type: { name: string }) => type.name).sort(), ['jpeg', 'png'])
  const bare = await report('--no-alpha', '--background', '#ff8000')
  t.same(
    bare.types.map((type: { name: string }) => type.name),
    ['jpeg'],
  )
  const toned = await report('--rescale', 'auto')
  t.match(toned.stderr, /^The uint8 values from band 1 \d+ to \d+, .*--rescale/)
  t.equal(toned.notes.length, 1)
})

t.test('build says what it made', async (t) => {
  const out = join(dir, 'again.pmtiles')
  const { code, stdout, stderr } = await flagstone([
    'build',
    fixture('ortho.tif'),
    out,
    '--json',
    '--max-zoom',
    '15',
    '-f',
    'png',
  ])
  t.equal(code, 0, stderr)
  t.match(JSON.parse(stdout), { out, maxZoom: 15, minZoom: 12, types: [{ name: 'png' }] })
  const quiet = await flagstone(['build', fixture('ortho.tif'), out, '--force', '-q', '--max-zoom', '14'])
  t.match(quiet, { code: 0, stdout: '', stderr: '' })
})

t.test('info: text, JSON, levels, TileJSON', async (t) => {
  const { stdout } = await flagstone(['info', ortho])
  t.match(stdout, /flat-1, sealed[\s\S]*A village[\s\S]*season +spring[\s\S]*zoom +tiles/)
  const info = JSON.parse((await flagstone(['info', ortho, '--json'])).stdout)
  t.match(info, { sealed: true, minZoom: 12, maxZoom: 18, metadata: { name: 'A village', season: 'spring' } })
  t.equal(
    info.levels.reduce((sum: number, level: { count: number }) => sum + level.count, 0),
    info.tiles,
  )
  t.match((await flagstone(['show', ortho, '--levels'])).stdout, /^ {2}zoom/)
  const tilejson = JSON.parse((await flagstone(['info', ortho, '--tilejson'])).stdout)
  t.match(tilejson, { tilejson: '3.0.0', name: 'A village', minzoom: 12, maxzoom: 18 })
  const [west, south, east, north] = tilejson.bounds
  t.ok(
    14.62 < west && west < east && east < 14.65 && 47.5 < south && south < north && north < 47.52,
    'bounds of the fixture',
  )
})

t.test('tile: bytes, JSON, a file', async (t) => {
  const where = ['18', '141731', '91661']
  const { code, bytes } = await flagstone(['tile', ortho, ...where])
  t.equal(code, 0)
  t.equal(bytes.readUInt16BE(0), 0xffd8)
  t.match(JSON.parse((await flagstone(['tile', ortho, ...where, '--json'])).stdout), {
    type: 'image/jpeg',
    length: bytes.length,
  })
  const file = join(dir, 'tile.jpg')
  await flagstone(['tile', ortho, ...where, '-o', file])
  t.same(readFileSync(file), bytes)
})

t.test('tile and sample never write over their input, nor over what is not theirs', async (t) => {
  const where = ['tile', ortho, '12', '2214', '1432']
  const before = readFileSync(ortho)
  for (const argv of [where, ['sample', ortho, '-f', 'png', '--size', '8x8']]) {
    refused(t, await flagstone([...argv, '-o', ortho, '--overwrite']), 2, /is also a source/)
    const notes = join(dir, `notes-${argv[0]}`)
    writeFileSync(notes, 'precious')
    refused(t, await flagstone([...argv, '-o', notes, '--overwrite']), 1, /replaces nothing but pictures/)
    t.equal(readFileSync(notes, 'utf8'), 'precious')
    const file = join(dir, `${argv[0]}-out.png`)
    t.equal((await flagstone([...argv, '-q', '-o', file])).code, 0)
    refused(t, await flagstone([...argv, '-o', file]), 1, /exists already: replace it with --overwrite/)
    t.equal((await flagstone([...argv, '-q', '-o', file, '--overwrite'])).code, 0)
    refused(t, await flagstone([...argv, '-o', join(dir, 'no', 'x.png')]), 1, /directory .* does not exist/)
  }
  t.ok(readFileSync(ortho).equals(before))
})

t.test('sample: stdout, file, window', async (t) => {
  const png = await flagstone(['sample', ortho, '--size', '64x32'])
  t.equal(png.bytes.readUInt32BE(0), 0x89504e47)
  t.same([png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)], [64, 32])
  const jpg = join(dir, 'a.jpg')
  const ran = await flagstone([
    'sample',
    ortho,
    '--bbox',
    '14.632,47.505,14.634,47.507',
    '--size',
    '100',
    '-o',
    jpg,
    '--json',
  ])
  t.match(JSON.parse(ran.stdout), { output: jpg, width: 68, height: 100, format: 'jpeg' })
  t.equal(readFileSync(jpg).readUInt16BE(0), 0xffd8)
})

t.test('sample: the shape of the window, unless both sides are given', async (t) => {
  const out = join(dir, 'shape.png')
  const wide = '14.63,47.505,14.64,47.506'
  const sizes: [string[], [number, number]][] = [
    [[], [1024, 152]],
    [
      ['--size', '900x'],
      [900, 133],
    ],
    [
      ['--size', 'x100'],
      [676, 100],
    ],
    [
      ['--size', '300'],
      [300, 44],
    ],
    [
      ['--size', '300x300'],
      [300, 300],
    ],
  ]
  for (const [argv, [width, height]] of sizes) {
    const ran = await flagstone([
      'sample',
      ortho,
      '--bbox',
      wide,
      ...argv,
      '-o',
      out,
      '--overwrite',
      '--json',
    ])
    t.match(JSON.parse(ran.stdout), { width, height }, argv.join(' '))
  }
  const all = await flagstone(['sample', ortho, '-o', out, '--overwrite', '--json'])
  const { width, height } = JSON.parse(all.stdout) as { width: number; height: number }
  t.equal(Math.max(width, height), 1024)
  t.not(width, height, 'the image is no square, and neither is its picture')
  const elsewhere = await flagstone(['sample', ortho, '--bbox', '1,1,2,2', '-o', out, '--overwrite'])
  t.equal(elsewhere.code, 0)
  t.match(elsewhere.stderr, /empty: .* has no tiles there; it covers 14\.6\d+,47\.5\d+,14\.6\d+,47\.5\d+ /)
  t.equal((await flagstone(['sample', ortho, '-f', 'JPG', '--size', '8'])).bytes.readUInt16BE(0), 0xffd8)
})

t.test('verify: sound is 0, damage is 3 and named', async (t) => {
  const good = await flagstone(['verify', ortho, '--decode'])
  t.equal(good.code, 0, good.stdout)
  t.match(good.stdout, /ok +F1 [\s\S]*122 tiles decode[\s\S]*is sound/)
  const bad = join(dir, 'bad.pmtiles')
  copyFileSync(ortho, bad)
  const bytes = readFileSync(bad)
  bytes[bytes.length - 5000]! ^= 1
  writeFileSync(bad, bytes)
  const found = await flagstone(['validate', bad])
  t.equal(found.code, 3)
  t.match(found.stdout, /DAMAGE +F13 /)
  const json = JSON.parse((await flagstone(['verify', bad, '--json'])).stdout)
  t.equal(json.ok, false)
})

t.test('probe says which growth will be used', async (t) => {
  t.match((await flagstone(['probe', dir])).stdout, /insert range +(yes|no)[\s\S]*Growth: (insert|relocate)/)
  t.match(JSON.parse((await flagstone(['probe', dir, '--json'])).stdout), {
    growth: /insert|relocate/,
    growthUnitBytes: Number,
  })
})

t.test('Ctrl-C: exit code 130, and --resume finishes', async (t) => {
  const out = join(dir, 'interrupted.pmtiles')
  const interrupt = new AbortController()
  const running = flagstone(['build', fixture('ortho.tif'), out, '--max-zoom', '19'], interrupt.signal)
  setTimeout(() => interrupt.abort(), 400)
  const ran = await running
  if (ran.code === 0) t.comment('the build was faster than the interrupt')
  else {
    // How far it got depends on the machine; with nothing built yet there is no file, and nothing to resume.
    refused(t, ran, 130, existsSync(out) ? /--resume/ : /before anything was built/)
    const again = [
      'build',
      fixture('ortho.tif'),
      out,
      '--max-zoom',
      '19',
      ...(existsSync(out) ? ['--resume'] : []),
    ]
    t.equal((await flagstone(again)).code, 0)
  }
  t.equal((await flagstone(['verify', out])).code, 0)
})
