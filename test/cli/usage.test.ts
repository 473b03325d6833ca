// Words of other programs get what they are called here; every complaint names what to do, as JSON where that is asked for.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { COMMANDS, OPTIONS } from '../../src/cli/elsewhere.js'
import { run } from '../../src/cli/run.js'
import { root } from '../helpers/paths.js'

async function flagstone(argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await run(argv, {
    stdout: { write: (text) => out.push(String(text)) },
    stderr: { write: (text) => err.push(String(text)) },
    isTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out: out.join(''), err: err.join('') }
}

async function refuses(t: Test, line: string, message: RegExp): Promise<void> {
  const { code, out, err } = await flagstone(line.split(' '))
  t.equal(code, 2, `${line}: ${err}`)
  t.match(err, message, line)
  t.equal(err.trim().split('\n').length, 1, `one line: ${err}`)
  t.equal(out, '')
}

t.test('commands of other programs', async (t) => {
  const cases: [string, RegExp][] = [
    ['copy a.mbtiles b.pmtiles', /no command 'copy'\. Use flagstone convert/],
    ['cluster a.pmtiles', /flagstone convert OLD NEW\.pmtiles/],
    ['combine a.pmtiles b.pmtiles c.pmtiles', /flagstone merge A B OUT\.pmtiles/],
    ['crop a.pmtiles b.pmtiles', /flagstone extract IN OUT --bbox=W,S,E,N/],
    ['patch a.pmtiles b.patch', /flagstone apply FILE PATCH/],
    ['update a.pmtiles b.tif', /reopen\(\)/],
    ['edit a.pmtiles', /--metadata KEY=VALUE/],
    ['tile-join a b', /pass all of them to one build/],
    ['gdal2tiles a.tif', /flagstone build IN\.tif/],
    ['Inspect a', /flagstone info FILE/],
    ['help copy', /no command 'copy'\. Use flagstone convert/],
    ['help nosuch', /There is no command 'nosuch'; the commands are build, create, info/],
    ['nosuch', /There is no command 'nosuch'; the commands are build/],
    ['biuld a b', /There is no command 'biuld'; did you mean 'build'\?/],
    ['a.tif b.pmtiles', /did you mean 'flagstone build a\.tif b\.pmtiles'\?/],
    ['b.pmtiles', /did you mean 'flagstone info b\.pmtiles'\?/],
  ]
  for (const [line, message] of cases) await refuses(t, line, message)
})

t.test('options of other programs', async (t) => {
  const cases: [string, RegExp][] = [
    ['build a.tif b --t-srs EPSG:3857', /no option --t-srs\. The output is always web mercator/],
    ['build -t_srs EPSG:3857 a.tif b', /no option -t_srs\. The output is always web mercator/],
    ['build a.tif b --t_srs=EPSG:3857', /The output is always web mercator/],
    ['build -s_srs EPSG:3857 a.tif b', /no option -s_srs\. Use --s-srs\./],
    ['build a.tif -o b.pmtiles', /The output is the last argument/],
    ['build a.tif --output b.pmtiles', /The output is the last argument/],
    ['build -co QUALITY=80 a.tif b', /Use --quality 80\./],
    ['build --co TILE_FORMAT=WEBP a.tif b', /Use --format webp\./],
    ['build -co TILED=YES a.tif b', /not needed/],
    ['build -te 1 2 3 4 a.tif b', /--bbox=W,S,E,N/],
    ['build -of MBTILES a.tif b', /one tile file; --format/],
    ['build -tr 10 10 a.tif b', /--max-zoom/],
    ['build -srcnodata 0 a.tif b', /Use --nodata\./],
    ['build -a_nodata 0 a.tif b', /Use --nodata\./],
    ['build -scale 0 100 a.tif b', /--rescale MIN,MAX/],
    ['build --append a.tif b', /pass all sources to one build/],
    ['build -overwrite a.tif b', /Use --overwrite\./],
    ['build --processes=4 a.tif b', /Use --threads/],
    ['build --zoom-levels 1..7 a.tif b', /Use --zoom,/],
    ['build --drop-densest-as-needed a b', /tippecanoe/],
    ['serve --listen-addresses 0.0.0.0:3000 a', /Use --host and --port\./],
    ['serve -t_srs EPSG:3857 a', /unknown option '-t_srs'/],
    ['info a --header-json', /Use --json\./],
    ['sample a -outsize 10 10', /Use --size/],
    ['merge -o all.mbtiles a.mbtiles b.mbtiles', /merge has no option -o\. The output is the last argument/],
    ['join -f a.mbtiles b.mbtiles all.mbtiles', /Use --overwrite\./],
    ['merge a b c --format webp', /flagstone convert IN OUT --format webp/],
    ['convert a.mbtiles b --image_format=webp', /Use --format\./],
    ['convert --bbox 1,2,3,4 a.pmtiles b.versatiles', /flagstone extract IN OUT --bbox=W,S,E,N/],
    ['convert a.mbtiles b.pmtiles --no-deduplication', /not needed/],
    ['convert a.pmtiles b -of MBTILES', /Use --to/],
    ['convert a.versatiles b.tar --flip-y', /--scheme tms/],
    ['convert a.pmtiles b.tif -co COMPRESS=JPEG', /Use --format jpeg\./],
    ['extract a.pmtiles b.pmtiles --download-threads=4', /not needed/],
    ['extract a.pmtiles b.pmtiles --maximum-zoom=4', /Use --zoom, such as/],
    ['merge a b c -z 14', /flagstone extract IN OUT -z 0-14/],
    ['diff a.mbtiles b.mbtiles --patch-type whole', /flagstone diff BEFORE AFTER PATCH/],
    ['verify a --config x.yaml', /no configuration file/],
    [
      'build a.tif b --qualty 3',
      /unknown option '--qualty'\. Did you mean --quality\? See flagstone build --help\./,
    ],
  ]
  for (const [line, message] of cases) await refuses(t, line, message)
})

t.test('what follows an option is its value, not an option', async (t) => {
  for (const line of ['build --name -co nothing.tif b', 'build nothing.tif b --description -t_srs']) {
    const { code, err } = await flagstone(line.split(' '))
    t.equal(code, 1)
    t.match(err, /nothing\.tif does not exist/, line)
  }
  const { err } = await flagstone(['build', '--', '-co', 'b'])
  t.match(err, /-co does not exist/, 'behind -- there are no options')
})

t.test('wrong usage as JSON', async (t) => {
  const cases: [string, RegExp][] = [
    ['copy a --json', /no command 'copy'/],
    ['build a b --t-srs x --json', /always web mercator/],
    ['build a b --nosuch --json', /unknown option '--nosuch'/],
    ['build --json', /missing required argument/],
    ['tile a x 1 1 --json', /^z: 'x' is not valid; expected a whole number from 0 to 26\./],
    ['build a b --format tiff --json', /^--format: 'tiff' is not valid; expected one of auto, jpeg/],
    ['build a b --bbox 1,2,3 --json', /west,south,east,north in degrees/],
  ]
  for (const [line, message] of cases) {
    const { code, out, err } = await flagstone(line.split(' '))
    t.equal(code, 2)
    t.equal(out, '')
    const { error } = JSON.parse(err) as { error: { code: string; message: string } }
    t.equal(error.code, 'BAD_OPTION')
    t.match(error.message, message, line)
  }
})

t.test('arguments that are missing, too many or swapped: the message shows their order', async (t) => {
  const tile = /Usage: flagstone tile <file> <z> <x> <y>\. See flagstone tile --help/
  await refuses(t, 'tile a.pmtiles 8/73/110', tile)
  await refuses(t, 'tile a.pmtiles 8,73,110', tile)
  await refuses(t, 'tile 8 73 110 a.pmtiles', tile)
  await refuses(t, 'show', /Usage: flagstone info <file>\./)
  await refuses(t, 'sample a.pmtiles --size 900 600', /too many arguments.* Usage: flagstone sample <file>\./)
  await refuses(t, 'serve', /Usage: flagstone serve <sources\.\.\.>\./)
  await refuses(t, 'build a.tif b --zoom 18-10', /'18-10' is not valid; the lower zoom comes first: 10-18\./)
})

t.test('words with few values are taken in any case', async (t) => {
  for (const line of [
    'build nothing.tif b --format JPEG',
    'build nothing.tif b -f Png',
    'build nothing.tif b -r NEAR --overview-resampling Cubic_Spline',
    'build nothing.tif b --terrain Mapbox',
  ]) {
    const { code, err } = await flagstone(line.split(' '))
    t.equal(code, 1)
    t.match(err, /nothing\.tif does not exist/, line)
  }
})

t.test('metres given as degrees are named', async (t) => {
  await refuses(
    t,
    'build a.tif b --bbox=890555.93,5942074.07,1001875.42,6066042.57',
    /look like metres, and as web mercator \(EPSG:3857\) they are 8,47,9,47\.7\d* in degrees/,
  )
  await refuses(t, 'build a.tif b --bbox=2600000,120000000,2601000,120001000', /look like metres\./)
  await refuses(t, 'sample a --bbox 10,20,30,95', /latitudes from -90 to 90/)
})

t.test('the tables are whole sentences about options and commands that exist', async (t) => {
  const help = execFileSync(process.execPath, [join(root, 'dist/src/cli/bin.js'), '--help']).toString()
  const names = [...help.matchAll(/^ {2}([a-z]+(?:\|[a-z]+)*) /gm)].flatMap(([, names]) => names!.split('|'))
  t.ok(names.includes('build') && names.includes('probe'), names.join())
  const options = new Map<string, string>()
  for (const name of names) options.set(name, (await flagstone([name, '--help'])).out)
  const seen = new Map<string, string>()
  for (const { words, say } of COMMANDS) {
    t.match(say, /^[A-Z`f].*\.$/s, say)
    for (const word of words.split(' ')) {
      t.notOk(names.includes(word), `${word} is no command of ours`)
      t.notOk(seen.has(word), `${word} stands once`)
      seen.set(word, say)
    }
  }
  for (const { words, say, on = 'build' } of OPTIONS) {
    t.match(say, /^[A-Zf].*\.$/s, say)
    for (const command of on.split(' ')) {
      const known = options.get(command)!
      for (const word of words.split(' ')) {
        const flag = `${word.length === 1 ? '-' : '--'}${word}`
        t.notMatch(known, new RegExp(`(^|\\s)${flag}\\b(?![-\\w])`, 'm'), `${command} has no ${flag} itself`)
      }
    }
    const command = on.split(' ')[0]!
    for (const [option] of say.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)) {
      const where = /flagstone (\w+)/.exec(say)?.[1] ?? command
      t.ok((options.get(where) ?? help).includes(option) || help.includes(option), `${where} has ${option}`)
    }
  }
})
