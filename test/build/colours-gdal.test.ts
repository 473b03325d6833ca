// Bands, ranges, gamma and colormaps of whole builds against GDAL: gdal_translate and gdaldem make the 8-bit
// picture, gdalwarp warps it; ours is made from the 16-bit or float image at once.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { BuildOptions } from '../../src/pyramid/build.js'
import type { BuildReport } from '../../src/pyramid/report.js'
import { openTiles } from '../../src/store/read/open.js'
import { compareBuild } from '../helpers/compare-build.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture } from '../helpers/paths.js'

const dir = t.testdir()
const deep = join(dir, 'deep.tif')
const heights = join(dir, 'heights.tif')

const translate = (...args: string[]): void => void gdal('gdal_translate', '-q', ...args)

t.before(() => {
  if (withoutGdal) return
  const crop = ['-srcwin', '300', '300', '500', '400']
  const bands = ['-b', '1', '-b', '2', '-b', '3', '-b', '1', '-colorinterp_4', 'undefined']
  translate(
    ...crop,
    '-ot',
    'UInt16',
    '-scale',
    '0',
    '255',
    '100',
    '3000',
    ...bands,
    fixture('ortho.tif'),
    deep,
  )
  translate(
    ...crop,
    '-ot',
    'Float32',
    '-scale',
    '0',
    '255',
    '-50',
    '2900',
    '-b',
    '1',
    fixture('ortho.tif'),
    heights,
  )
})

interface Case {
  readonly source: string
  readonly options: Partial<BuildOptions>
  /** The 8-bit picture by GDAL. */
  readonly picture: (report: BuildReport, to: string) => void
}

async function check(t: Test, { source, options, picture }: Case): Promise<BuildReport> {
  const own = t.testdir()
  const found = await compareBuild({
    sources: [source],
    out: join(own, 'out.pmtiles'),
    options,
    gdalSources: (report) => {
      const made = join(own, 'gdal.tif')
      picture(report, made)
      return [made]
    },
  })
  t.same(found.missing, [], 'no tile is missing')
  t.ok(found.pixels > 10_000, `${found.pixels} pixels`)
  t.ok(found.psnr >= 50, `${found.psnr.toFixed(1)} dB`)
  t.ok(found.shift < 0.05, `shift ${found.shift.toFixed(3)} px`)
  return found.report
}

/** What the file says of its tone. */
function toneOf(path: string): { ranges: [number, number][] } {
  const reader = openTiles(path)
  try {
    return (reader.metadata().flagstone as { tone: { ranges: [number, number][] } }).tone
  } finally {
    reader.close()
  }
}

const skip = withoutGdal

t.test('a range for all bands, 4-band image: its first three', { skip }, async (t) => {
  const report = await check(t, {
    source: deep,
    options: { rescale: [100, 3000] },
    picture: (_, to) =>
      translate(
        '-ot',
        'Byte',
        '-scale',
        '100',
        '3000',
        '0',
        '255',
        '-b',
        '1',
        '-b',
        '2',
        '-b',
        '3',
        deep,
        to,
      ),
  })
  t.same(report.notes, [], 'nothing was chosen')
})

t.test('bands 4,3,2, a range for each, gamma', { skip }, async (t) => {
  await check(t, {
    source: deep,
    options: {
      bands: [4, 3, 2],
      rescale: [
        [200, 2500],
        [0, 3500],
        [500, 2000],
      ],
      gamma: 1.6,
      // a worker is told all this
      threads: 1,
    },
    picture: (_, to) => {
      const scales = [
        ...['-scale_1', '200', '2500', '0', '255', '-scale_2', '0', '3500', '0', '255'],
        ...['-scale_3', '500', '2000', '0', '255'],
      ]
      const exponents = [1, 2, 3].flatMap((band) => [`-exponent_${band}`, `${1 / 1.6}`])
      translate('-ot', 'Byte', ...scales, ...exponents, '-b', '4', '-b', '3', '-b', '2', deep, to)
    },
  })
})

t.test('nothing said: the 2nd to 98th percentile, and it says so', { skip }, async (t) => {
  const report = await check(t, {
    source: deep,
    options: {},
    picture: ({ out }, to) => {
      const scales = toneOf(out).ranges.flatMap(([low, high], i) => [
        `-scale_${i + 1}`,
        `${low}`,
        `${high}`,
        '0',
        '255',
      ])
      translate('-ot', 'Byte', ...scales, '-b', '1', '-b', '2', '-b', '3', deep, to)
    },
  })
  t.equal(report.notes.length, 1)
  t.match(report.notes[0], /uint16 values from band 1 \d+ to \d+, band 2 .*2nd to 98th percentile/)
  const stats = JSON.parse(gdal('gdalinfo', '-json', '-hist', deep)) as {
    bands: { histogram: { min: number; max: number; count: number; buckets: number[] } }[]
  }
  for (const [i, [low, high]] of toneOf(report.out).ranges.entries()) {
    const { min, max, count, buckets } = stats.bands[i]!.histogram
    const step = (max - min) / count
    for (const [value, share] of [
      [low, 0.02],
      [high, 0.98],
    ] as const) {
      let sum = 0
      const wanted = buckets.reduce((a, b) => a + b, 0) * share
      const bucket = buckets.findIndex((n) => {
        sum += n
        return sum >= wanted
      })
      t.ok(Math.abs(value - (min + (bucket + 0.5) * step)) <= 2 * step, `band ${i + 1}: ${value} at ${share}`)
    }
  }
})

t.test('one band of many is grey', { skip }, async (t) => {
  await check(t, {
    source: deep,
    options: { bands: [2], rescale: [0, 3200] },
    picture: (_, to) => translate('-ot', 'Byte', '-scale', '0', '3200', '0', '255', '-b', '2', deep, to),
  })
})

t.test('a colormap file: gdaldem color-relief', { skip }, async (t) => {
  const map = join(dir, 'map.txt')
  writeFileSync(map, '0% 20 40 160\n600 60 160 80\n1500 orange\n2200:220,210,200\n100% white\n')
  const report = await check(t, {
    source: heights,
    // a kernel that mixes would mix colours after the map here and before it there
    options: { colormap: map, resampling: 'nearest', threads: 1 },
    picture: (_, to) => void gdal('gdaldem', 'color-relief', heights, map, to, '-q'),
  })
  t.match(report.notes, [/float32 values from -50 to \d+ \(lowest and highest/])
})

t.test('a named colormap over a range', { skip }, async (t) => {
  const map = join(dir, 'magma.txt')
  // the published ends and quarters of magma; between them the map bends, so only a bound is asked for
  writeFileSync(map, '0 0 0 4\n750 81 18 124\n1500 183 55 121\n2250 252 137 97\n3000 252 253 191\n')
  const found = await compareBuild({
    sources: [heights],
    out: join(dir, 'magma.pmtiles'),
    options: { colormap: 'magma', rescale: [0, 3000], resampling: 'nearest' },
    gdalSources: () => {
      const made = join(dir, 'magma.tif')
      gdal('gdaldem', 'color-relief', heights, map, made, '-q')
      return [made]
    },
  })
  t.ok(found.psnr > 28, `${found.psnr.toFixed(1)} dB`)
})
