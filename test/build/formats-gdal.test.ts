// The formats beside GeoTIFF from one end to the other: built and held against gdalwarp of the same files.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compareBuild } from '../helpers/compare-build.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture } from '../helpers/paths.js'

interface Case {
  readonly file: (dir: string) => string
  readonly stretch?: readonly [number, number]
}

function translated(
  dir: string,
  name: string,
  window: readonly number[],
  ...args: readonly string[]
): string {
  const out = join(dir, name)
  const place = ['-srcwin', ...window.map(String)]
  gdal('gdal_translate', '-q', ...place, '-mask', 'none', ...args, fixture('ortho.tif'), out)
  return out
}

const PIECE = [900, 800, 420, 330] as const
const HEIGHTS = ['-b', '1', '-scale', '0', '255', '-200', '3000'] as const

/** Waves of 3 arc-seconds. */
function hgt(dir: string): string {
  const file = join(dir, 'N47E014.hgt')
  const bytes = Buffer.alloc(1201 * 1201 * 2)
  for (let i = 0; i < 1201 * 1201; i++) {
    const [x, y] = [i % 1201, Math.floor(i / 1201)]
    bytes.writeInt16BE(
      Math.round(1400 + 900 * Math.sin(x / 19) * Math.cos(y / 23) + 400 * Math.sin(y / 7)),
      2 * i,
    )
  }
  writeFileSync(file, bytes)
  return file
}

const CASES: Record<string, Case> = {
  PNG: { file: (dir) => translated(dir, 'a.png', PIECE, '-of', 'PNG') },
  'PNG of 16 bits': {
    file: (dir) =>
      translated(dir, 'a.png', PIECE, '-of', 'PNG', '-ot', 'UInt16', '-scale', '0', '255', '0', '65535'),
    stretch: [0, 65535],
  },
  JPEG: { file: (dir) => translated(dir, 'a.jpg', PIECE, '-of', 'JPEG') },
  WebP: { file: (dir) => translated(dir, 'a.webp', PIECE, '-of', 'WEBP') },
  SRTM: { file: hgt, stretch: [-200, 3000] },
  'ASCII grid': {
    file: (dir) => translated(dir, 'a.asc', PIECE, '-of', 'AAIGrid', '-ot', 'Float32', ...HEIGHTS),
    stretch: [-200, 3000],
  },
  VRT: {
    file: (dir) => {
      const pieces = [
        translated(dir, 'a.tif', [900, 800, 220, 180]),
        translated(dir, 'b.tif', [1110, 800, 210, 190], '-a_nodata', '90'),
        translated(dir, 'c.tif', [900, 970, 300, 160]),
        translated(dir, 'd.png', [1200, 980, 120, 150], '-of', 'PNG'),
      ]
      gdal('gdalbuildvrt', '-q', join(dir, 'a.vrt'), ...pieces)
      return join(dir, 'a.vrt')
    },
  },
  'VRT of heights': {
    file: (dir) => {
      const form = ['-ot', 'Int16', ...HEIGHTS, '-a_nodata', '-32768']
      const pieces = [
        translated(dir, 'a.tif', [900, 800, 220, 330], ...form),
        translated(dir, 'b.tif', [1110, 850, 210, 190], ...form),
      ]
      gdal('gdalbuildvrt', '-q', join(dir, 'a.vrt'), ...pieces)
      return join(dir, 'a.vrt')
    },
    stretch: [-200, 3000],
  },
}

for (const [name, { file, stretch }] of Object.entries(CASES)) {
  t.test(name, { skip: withoutGdal }, async (t) => {
    const dir = t.testdir()
    const found = await compareBuild({
      sources: [file(dir)],
      out: join(dir, 'out.pmtiles'),
      options: { threads: 0, ...(stretch === undefined ? {} : { rescale: [[stretch[0], stretch[1]]] }) },
      ...(stretch === undefined ? {} : { gdalStretch: stretch }),
    })
    t.same(found.missing, [], 'no tile is missing')
    t.ok(found.pixels > 500, `${found.pixels} interior pixels were compared`)
    t.ok(found.psnr >= 45, `${found.psnr.toFixed(1)} dB at zoom ${found.zoom}`)
    t.ok(found.shift < 0.1, `shift ${found.shift.toFixed(3)} px`)
    t.ok(
      found.coverage < 0.01,
      `${(found.coverage * 100).toFixed(2)} % of pixels painted by one of both only`,
    )
  })
}
