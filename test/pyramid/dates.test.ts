// Dates of images: every way in which lists, STAC and TIFF tags write them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build } from '../../src/pyramid/build.js'
import { instantOf, isoDate } from '../../src/pyramid/dates.js'
import { openTiles } from '../../src/store/read/open.js'
import { plainTiff } from '../helpers/plain-tiff.js'
import { region } from './region.js'

t.test('as ISO 8601', (t) => {
  const cases: [string, string | undefined][] = [
    ['2024', '2024'],
    ['2024-06', '2024-06'],
    [' 2024-06-30 ', '2024-06-30'],
    ['2024/06/30', '2024-06-30'],
    ['20240630', '2024-06-30'],
    ['2024:06:30 10:20:30', '2024-06-30T10:20:30'],
    ['2024-06-30T10:20:30Z', '2024-06-30T10:20:30Z'],
    ['2024-06-30t10:20:30.5+02:00', '2024-06-30T10:20:30.5+02:00'],
    ['2024-06-30 10:20', '2024-06-30T10:20'],
    ['2024-06-30T10:20:30,25 Z', '2024-06-30T10:20:30.25Z'],
    ['2024-02-29', '2024-02-29'],
    ['2023-02-29', undefined],
    ['2024-13-01', undefined],
    ['2024-06-31', undefined],
    ['0000:00:00 00:00:00', undefined],
    ['2024-06-30T25:00', undefined],
    ['2024-06T10:00', undefined],
    ['30.6.2024', undefined],
    ['2024-06/30', undefined],
    ['June', undefined],
    ['', undefined],
  ]
  for (const [text, expected] of cases) t.equal(isoDate(text), expected, text)
  t.end()
})

t.test('as instants, in no zone of the machine', (t) => {
  const at = (text: string): number => Date.parse(text) / 1000
  t.equal(instantOf('2024'), at('2024-01-01T00:00:00Z'))
  t.equal(instantOf('2024-06'), at('2024-06-01T00:00:00Z'))
  t.equal(instantOf('2024-06-30T10:20'), at('2024-06-30T10:20:00Z'))
  t.equal(instantOf('2024-06-30T10:20:30.5-03:30'), at('2024-06-30T10:20:30.500-03:30'))
  t.equal(instantOf('2024-06-30T10:20:30+02'), at('2024-06-30T08:20:30Z'))
  t.end()
})

t.test('of TIFF tags: the newest is on top, and the file remembers when', async (t) => {
  const dir = t.testdir()
  const acquired =
    '<GDALMetadata>\n  <Item name="ACQUISITIONDATETIME" domain="IMAGERY">2021-03-04T05:06:07Z</Item>\n</GDALMetadata>'
  const tags: Record<string, Record<number, string>> = {
    acquired: { 42112: acquired, 306: '2031:01:01 00:00:00' },
    tagged: { 306: '2020:05:06 07:08:09' },
    nothing: { 306: '0000:00:00 00:00:00' },
    old: { 306: '1999:01:01 00:00:00' },
  }
  const sources = Object.entries(tags).map(([name, own], i) => {
    const path = join(dir, `${name}.tif`)
    writeFileSync(
      path,
      plainTiff({ width: 64, height: 64, data: new Uint8Array(64 * 64).fill(10 * (i + 1)), tags: own }),
    )
    return path
  })
  const out = join(dir, 'out.pmtiles')
  const options = {
    out,
    zoom: 13,
    format: 'png',
    resampling: 'nearest',
    threads: 0,
    overwrite: true,
  } as const
  /** The colour in the middle of the only tiles there are. */
  const shown = async (): Promise<number> => {
    const reader = openTiles(out)
    const { x, y } = [...reader.tiles()][0]!
    reader.close()
    const { rgba } = await region(out, 13, x * 256, y * 256, 256, 256)
    return rgba.find((_, p) => p % 4 === 0 && rgba[p + 3] === 255)!
  }
  await build({ ...options, sources })
  t.equal(await shown(), 40)
  await build({ ...options, sources, order: 'newest' })
  t.equal(await shown(), 10)
  const reader = openTiles(out)
  const dates = (await reader.sources!()).map(({ name, date }) => [name, date])
  reader.close()
  t.same(dates, [
    ['nothing.tif', undefined],
    ['old.tif', '1999-01-01T00:00:00'],
    ['tagged.tif', '2020-05-06T07:08:09'],
    ['acquired.tif', '2021-03-04T05:06:07Z'],
  ])
  await build({
    ...options,
    order: 'newest',
    sources: [{ location: sources[3]!, date: '2040' }, ...sources.slice(0, 3)],
  })
  t.equal(await shown(), 40, 'what is given counts more than the file')
})
